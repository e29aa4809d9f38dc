"""The known solutions of a surface, and whether the loss there is the one that their training recorded."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from landscape_cli.data.load import Dataset
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.evaluator import Evaluation
from landscape_cli.schemas import EvaluationConfig
from landscape_cli.solutions import Solution, labels

# relative; the same weights and samples in another batch size or on another device agree to 1e-6
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Mark:
    """A known solution, at (x, y); y is 0 on a line.

    Attributes:
        label: its name in pictures.
        x: its coordinate.
        y: its coordinate.
        identity: path and SHA-256 of its checkpoint.
        recorded: split -> the loss that its training recorded.
        not_compared: why that loss need not be the surface's at this point; None: it must be.
    """

    label: str
    x: float
    y: float
    identity: dict[str, str]
    recorded: Mapping[str, float] = field(default_factory=dict)
    not_compared: str | None = None


def marks_of(
    solutions: Sequence[Solution],
    places: Sequence[tuple[float, float]],
    config: EvaluationConfig,
    dataset: Dataset,
) -> list[Mark]:
    """Return the marks of solutions, the one at (0, 0) first.

    A loss is not compared where the two are not of the same samples, or where the running statistics are
    others.

    Raises:
        LandscapeError: the data are no longer those on which the first solution was trained.
    """
    trained_on = [solution.run.provenance()["dataset_fingerprint"] for solution in solutions]
    if trained_on[0] != dataset.fingerprint:
        raise LandscapeError(
            f"the data have changed since {solutions[0].run.path} was trained on them"
            f" (SHA-256 {trained_on[0][:12]}…, now {dataset.fingerprint[:12]}…);"
            " say dataset.source= or dataset.root= where those data lie"
        )
    marks = []
    for number, (label, solution, (x, y)) in enumerate(
        zip(labels(list(solutions)), solutions, places, strict=True)
    ):
        reason = None
        if config.samples is not None:
            reason = f"samples={config.samples}"
        elif trained_on[number] != dataset.fingerprint:
            reason = "trained on other data"
        elif config.batchnorm == "recompute" or (config.batchnorm == "keep" and number > 0):
            reason = f"batchnorm={config.batchnorm}"
        recorded = {split: solution.recorded_loss(split) for split in config.splits}
        marks.append(Mark(label, x, y, solution.identity, recorded, reason))
    return marks


def check_marks(
    marks: Sequence[Mark], evaluate: Callable[[float, float], dict[str, Evaluation]]
) -> list[dict[str, object]]:
    """Compare the loss at each known solution with the one its training recorded; return all numbers.

    Args:
        marks: the solutions.
        evaluate: x, y -> the evaluation on each split, in single precision.

    Raises:
        LandscapeError: two losses that should be equal differ, with both numbers.
    """
    checks: list[dict[str, object]] = []
    for mark in marks:
        if mark.not_compared is not None:
            checks.append({"mark": mark.label, "not compared": mark.not_compared})
            continue
        measured_on = evaluate(mark.x, mark.y)
        for split, recorded in mark.recorded.items():
            measured = measured_on[split].loss
            checks.append({"mark": mark.label, "split": split, "recorded": recorded, "measured": measured})
            equal = math.isclose(recorded, measured, rel_tol=TOLERANCE, abs_tol=1e-7)
            if math.isfinite(recorded) and not equal:
                raise LandscapeError(
                    f"{mark.identity['path']}: the {split} loss is {measured:.9g},"
                    f" but its training recorded {recorded:.9g};"
                    " the data, the network's code or the checkpoint has changed: train the run again"
                )
    return checks
