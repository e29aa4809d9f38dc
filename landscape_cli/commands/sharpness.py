"""`landscape sharpness`: a table of how sharp the minima of runs are, and what goes with the test error."""

import dataclasses
from pathlib import Path

from landscape_cli import device as devices
from landscape_cli.curvature.sharpness import check, sharpness
from landscape_cli.curvature.sharpness_options import SharpnessOptions
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.evaluation.problem import Problem, classifier
from landscape_cli.files import resolved
from landscape_cli.progress import note
from landscape_cli.schemas.sharpness import SharpnessConfig
from landscape_cli.solutions import Datasets, Solution, locate
from landscape_cli.store.sharpness import TEST_ERROR, TEST_LOSS, columns
from landscape_cli.store.table import Row, fill

CIRCUMSTANCES = ("measures", "batch_size")  # the columns tell of the first, and values do not depend on both


def run(config: SharpnessConfig) -> Path:
    """Put a row a run into the table `config.out`, draw it, print the rank correlations; return the table."""
    out, options = Path(config.out or ""), config.part(SharpnessOptions)
    solutions = _distinct([locate(path, config.epoch, key="run") for path in config.run])
    device = devices.resolve(config.device)
    datasets = Datasets(device, trust=config.trust, location=config.dataset)

    def problem_of(solution: Solution) -> Problem:
        dataset = datasets.of(solution.run)
        model = solution.network(dataset, trust=config.trust).to(device)
        return classifier(model, dataset, solution.run.config["loss"], [config.split])

    for solution in solutions.values():
        check(problem_of(solution), options)
    if len({datasets.of(solution.run).fingerprint for solution in solutions.values()}) > 1:
        note("these runs are of several data sets: what is ranked are losses and errors of different samples")

    def measure(row: Row) -> dict[str, float]:
        solution = solutions[row["run"]]
        problem, dataset = problem_of(solution), datasets.of(solution.run)
        place = list(solutions).index(row["run"]) + 1
        found = sharpness(problem, options, f"{solution.run.path.name} ({place} of {len(solutions)})")
        test = evaluate(problem.model, dataset.test, solution.run.config["loss"])
        return {**found, TEST_LOSS: test.loss, TEST_ERROR: 100 * (1 - test.accuracy)}

    rows = [
        {"run": path, "epoch": solution.epoch, "checkpoint": solution.identity["sha256"]}
        for path, solution in solutions.items()
    ]
    asked = {name: value for name, value in dataclasses.asdict(options).items() if name not in CIRCUMSTANCES}
    settings = {"split": config.split, **asked}
    table = fill(out, rows, settings, columns(options.measures), measure, progress=False)
    from landscape_cli.plots.sharpness import told, write_pictures  # for which the work need not wait

    for picture in write_pictures(table, out):
        note(f"a picture: {picture}")
    for line in told(table):
        print(line)
    return out


def _distinct(solutions: list[Solution]) -> dict[str, Solution]:
    """Return the solutions by the paths of their runs.

    Raises:
        LandscapeError: two are of one run.
    """
    places: dict[Path, str] = {}
    for solution in solutions:
        path = solution.run.path
        before = places.setdefault(resolved(path), str(path))
        if before != str(path) or sum(other.run.path == path for other in solutions) > 1:
            raise LandscapeError(f"run={before},{path} is one run; name each once")
    return {str(solution.run.path): solution for solution in solutions}
