"""A run folder of `landscape train`, `landscape import` or a `Recorder`, opened in a notebook."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli import device as devices
from landscape_cli import runs
from landscape_cli.errors import LandscapeError
from landscape_cli.solutions import load_dataset, locate


@dataclass(frozen=True)
class OpenedRun:
    """What a run is of, as `surface` and the like take it.

    Attributes:
        path: the folder.
        model: the network with the weights of `epoch`, in evaluation mode.
        loss: its name.
        train: inputs and targets of the training split, normalized.
        test: those of the test split.
        epoch: of the weights.
        epochs: of all kept checkpoints.
        checkpoints: their files, in order: what `trajectory` takes.
        metrics: the rows of metrics.csv.
        config: of the training.
    """

    path: Path
    model: nn.Module
    loss: str
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    epoch: int
    epochs: list[int]
    checkpoints: list[Path]
    metrics: list[dict[str, float]]
    config: dict[str, Any]

    def layers(self) -> list[dict[str, Any]]:
        """Return the rows of layers.csv: epoch, step, layer, quantity, value; a DataFrame's rows.

        Raises:
            LandscapeError: the training did not track its layers.
        """
        return runs.Run(self.path, self.config).layers()

    def __repr__(self) -> str:
        kept = f"{len(self.epochs)} checkpoints"
        return f"<run {self.path}: {type(self.model).__name__}, epoch {self.epoch}, {kept}>"


def open_run(
    path: str | Path,
    epoch: int | str = "last",
    *,
    trust: bool = False,
    root: str | Path | None = None,
    source: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> OpenedRun:
    """Return the network, the data and the loss of a run folder.

    Args:
        path: the folder.
        epoch: ``last``, ``init``, or the number of a kept checkpoint.
        trust: whether code that the run names (a network or data of your own) may run.
        root: where the data sets are now, if elsewhere than at training: ``dataset.root=``.
        source: where the data are now, likewise: ``dataset.source=``.
        device: of the model and the data: ``auto``, ``cpu``, ``cuda``, ….

    Raises:
        LandscapeError: it is no run folder, has no such checkpoint, its data or network cannot be had, or
            the data have changed since.
    """
    solution = locate(str(path), epoch, key="path")
    run: runs.Run = solution.run
    place = devices.resolve(str(device))
    location = {
        key: None if given is None else str(given) for key, given in (("root", root), ("source", source))
    }
    data = load_dataset(run.config, place, trust=trust, location=location)
    if run.provenance()["dataset_fingerprint"] != data.fingerprint:
        raise LandscapeError(
            f"the data have changed since {run.path} was trained on them;"
            " say source= or root= where those data lie"
        )
    return OpenedRun(
        path=run.path,
        model=solution.network(data, trust=trust).to(place).eval(),
        loss=run.config["loss"],
        train=(data.train.inputs, data.train.targets),
        test=(data.test.inputs, data.test.targets),
        epoch=solution.epoch,
        epochs=run.epochs(),
        checkpoints=[run.checkpoint_path(one) for one in run.epochs()],
        metrics=run.metrics(),
        config=run.config,
    )
