"""The known solutions of a surface, and whether the loss there is the one that their training recorded."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from landscape_cli.data.load import Dataset
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.evaluator import Evaluation
from landscape_cli.evaluation.options import Options
from landscape_cli.solutions import Solution, check_unchanged, labels

# relative; the same weights and samples in another batch size or on another device agree to 1e-6
TOLERANCE = 1e-4


@dataclass(frozen=True)
class KnownSolution:
    """A solution at (x, y); y is 0 on a line.

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


def known_solutions(
    solutions: Sequence[Solution],
    places: Sequence[tuple[float, float]],
    dataset: Dataset,
    splits: Sequence[str],
    options: Options,
) -> list[KnownSolution]:
    """Return what is known of solutions, of the one at (0, 0) first.

    A loss is not compared where the two are not of the same samples, or where the running statistics, or
    parameters that stay, are others.

    Args:
        solutions: whose runs recorded losses.
        places: their coordinates.
        dataset: on which the surface is evaluated.
        splits: of these.
        options: of the evaluation.

    Raises:
        LandscapeError: the data are no longer those on which the first solution was trained.
    """
    check_unchanged(solutions[0].run, dataset)
    trained_on = [solution.run.provenance()["dataset_fingerprint"] for solution in solutions]
    known = []
    for number, (label, solution, (x, y)) in enumerate(
        zip(labels(list(solutions)), solutions, places, strict=True)
    ):
        reason = None
        if options.samples is not None:
            reason = f"samples={options.samples}"
        elif trained_on[number] != dataset.fingerprint:
            reason = "trained on other data"
        elif options.batchnorm == "recompute" or (options.batchnorm == "keep" and number > 0):
            reason = f"batchnorm={options.batchnorm}"
        elif options.params != "all" and number > 0:
            reason = f"params={options.params}: it is a point beside this solution"
        recorded = {split: solution.recorded_loss(split) for split in splits}
        known.append(KnownSolution(label, x, y, solution.identity, recorded, reason))
    return known


def compare_with_training(
    solutions: Sequence[KnownSolution], evaluate: Callable[[float, float], dict[str, Evaluation]]
) -> list[dict[str, object]]:
    """Compare the loss at each known solution with the one its training recorded; return all numbers.

    Args:
        solutions: in the plane.
        evaluate: x, y -> the evaluation on each split, in single precision.

    Raises:
        LandscapeError: two losses that should be equal differ, with both numbers.
    """
    checks: list[dict[str, object]] = []
    for solution in solutions:
        if solution.not_compared is not None:
            checks.append({"mark": solution.label, "not compared": solution.not_compared})
            continue
        measured_on = evaluate(solution.x, solution.y)
        for split, recorded in solution.recorded.items():
            measured = measured_on[split].loss
            losses = {"recorded": recorded, "measured": measured}
            checks.append({"mark": solution.label, "split": split, **losses})
            equal = math.isclose(recorded, measured, rel_tol=TOLERANCE, abs_tol=1e-7)
            if math.isfinite(recorded) and not equal:
                raise LandscapeError(
                    f"{solution.identity['path']}: the {split} loss is {measured:.9g},"
                    f" but its training recorded {recorded:.9g};"
                    " the data, the network's code or the checkpoint has changed: train the run again"
                )
    return checks
