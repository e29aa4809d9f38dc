"""The loss at every point of a grid, into a file that is never lost."""

from collections.abc import Callable

import numpy as np

from landscape_cli.evaluation.evaluator import Evaluation
from landscape_cli.evaluation.store import Array, Writer
from landscape_cli.progress import bar


def grid(first: float, last: float, count: float) -> Array:
    """Return `count` coordinates from first to last, float64; zero up to rounding is zero."""
    values = np.linspace(first, last, int(count))
    values[np.abs(values) < 1e-12 * (last - first)] = 0.0
    return values


def sweep(
    evaluate: Callable[..., dict[str, Evaluation]],
    x: Array,
    y: Array | None,
    writer: Writer,
    description: str,
) -> None:
    """Evaluate every point that the file lacks, row by row; each is in the file before the next one starts.

    Args:
        evaluate: (x,) or (x, y) -> the evaluation on each split.
        x: coordinates, of shape (nx,).
        y: coordinates, of shape (ny,); None for a line.
        writer: of the file.
        description: what the progress bar says.
    """
    missing = writer.missing()
    total = len(x) * (1 if y is None else len(y))
    with bar(total, description, "points", initial=total - len(missing)) as progress:
        for index in missing:
            point = (x[index[-1]],) if y is None else (x[index[1]], y[index[0]])
            for split, evaluation in evaluate(*(float(value) for value in point)).items():
                for name in ("loss", "accuracy", "loss_stderr"):
                    if f"{split}/{name}" in writer.values:
                        writer.write(f"{split}/{name}", index, getattr(evaluation, name))
            progress.update()
