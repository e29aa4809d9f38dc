"""`landscape noise`: the noise of the gradients of batches, at the kept checkpoints of runs, as a table."""

from collections.abc import Mapping
from pathlib import Path

from landscape_cli import device as devices
from landscape_cli.arrays import Array
from landscape_cli.curvature.noise import GradientNoise
from landscape_cli.curvature.noise_options import Options
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.problem import classifier
from landscape_cli.runs import Run, open_run
from landscape_cli.schemas.noise import NoiseConfig
from landscape_cli.solutions import Datasets, Solution, completed
from landscape_cli.store import table
from landscape_cli.training.batch_sizes import BatchSizes

AGAIN = ("overlap_with",)  # another epoch before, and the overlap is another


def run(config: NoiseConfig) -> Path:
    """Fill the table `config.out`, or go on with it, and draw it; return the file."""
    out = Path(config.out or "")
    measured = _Measured(config)
    options = measured.options
    numbers = {name: getattr(options, name) for name in ("samples", "draws", "k", "seed")}
    settings = {**numbers, "params": to_text(options.params), "split": config.split}
    filled = table.fill(out, measured.rows(), settings, options.columns, measured.row, again=AGAIN)
    from landscape_cli.plots.draw import save  # Matplotlib takes long to import
    from landscape_cli.plots.noise import draw

    save(draw(filled), out.with_suffix(".png"))
    return out


def to_text(params: str | list[str]) -> str:
    """Return what names parameters as one cell."""
    return params if isinstance(params, str) else ",".join(params)


class _Measured:
    """The solutions that a table is of, and what is measured at each.

    Raises:
        LandscapeError: a run, an epoch or a parameter is not there, or a run has no batch size of its own.
    """

    def __init__(self, config: NoiseConfig) -> None:
        self.options = config.part(Options)
        self._config = config
        self._datasets = Datasets(devices.resolve(config.device), trust=config.trust, location=config.dataset)
        self._solutions: dict[tuple[str, int], Solution] = {}
        self._before: dict[tuple[str, int], tuple[str, int]] = {}
        self._sizes: dict[tuple[str, int], int] = {}
        self._space: tuple[tuple[str, int], Array | None] | None = None
        for path in config.run:
            opened = open_run(path, key="run")
            keys = [(path, epoch) for epoch in _epochs(config, opened)]
            samples = len(self._datasets.of(opened).train)
            self._sizes |= {key: _batch_size(config, opened, key[1], samples) for key in keys}
            self._solutions |= {key: Solution(opened, key[1]) for key in keys}
            self._before |= dict(zip(keys[1:], keys[:-1], strict=True))
            self._at(keys[0])  # refuses samples and parameters that are not there

    def rows(self) -> list[table.Row]:
        """Return what each row is of; with the eigenspace the epoch too with whose one it is compared."""
        spaces = "eigenspace" in self.options.measures
        return [
            {
                "run": path,
                "epoch": epoch,
                "sha256": solution.identity["sha256"],
                "data": self._datasets.of(solution.run).fingerprint,
                "batch_size": self._sizes[path, epoch],
                **({"overlap_with": self._before.get((path, epoch), ("", None))[1]} if spaces else {}),
            }
            for (path, epoch), solution in self._solutions.items()
        ]

    def row(self, row: table.Row) -> Mapping[str, float]:
        """Return the values of a row."""
        key = (row["run"], row["epoch"])
        noise, before = self._at(key), None
        if "eigenspace" in self.options.measures:
            if key in self._before:
                before = self._space_of(self._before[key])
            self._space = key, noise.eigenspace
        return noise.measure(before)

    def _space_of(self, key: tuple[str, int]) -> Array | None:
        """Return the eigenspace at a solution; computed anew unless it was the last one found."""
        if self._space is None or self._space[0] != key:
            self._space = key, self._at(key).eigenspace
        return self._space[1]

    def _at(self, key: tuple[str, int]) -> GradientNoise:
        solution = self._solutions[key]
        dataset = self._datasets.of(solution.run)
        model = solution.network(dataset, trust=self._config.trust)
        problem = classifier(model, dataset, solution.run.config["loss"], [self._config.split])
        return GradientNoise(problem, self.options, self._sizes[key])


def _epochs(config: NoiseConfig, opened: Run) -> list[int]:
    """Return the epochs of a run's rows, increasing.

    Raises:
        LandscapeError: a checkpoint was not kept.
    """
    if config.epochs is None:
        opened.epoch("last")  # refuses a training that has not come to its end
        return opened.epochs()
    return sorted({opened.epoch(which) for which in config.epochs})


def _batch_size(config: NoiseConfig, opened: Run, epoch: int, samples: int) -> int:
    """Return the samples of a batch: those of the training in the pass that ended with an epoch.

    Raises:
        LandscapeError: it is to be that of a training that had no batches.
    """
    size = config.batch_size or opened.config.get("batch_size")
    if not isinstance(size, int) or size < 1:
        had = "is not known to have had batches" if size is None else f"had batch_size={size}, without noise"
        raise LandscapeError(f"the training of {opened.path} {had}; say batch_size=")
    trained = completed(opened.config)
    if config.batch_size or not trained["grow_batch_at"]:
        return size
    grown = BatchSizes(samples, size, trained["grow_batch_at"], trained["grow_batch_by"])
    return grown.size(max(epoch - 1, 0))
