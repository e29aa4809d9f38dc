"""Checkpoints of one's own training loop, kept in a run folder that all commands take."""

import math
import operator
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli import provenance
from landscape_cli.data.load import Dataset
from landscape_cli.errors import LandscapeError
from landscape_cli.training.metrics import measured
from landscape_cli.training.record import Record, claim, existing
from landscape_cli.weights.matching import matched


class Recording:
    """The writer of a run folder of weights that a loop hands over, one epoch after the other.

    Nothing is written before the first weights that fit: of several processes that all have one, as those of
    Lightning, only the one that saves holds the folder.

    Args:
        out: the folder.
        config: resolved, with the names of the data, the network and the loss, and how to ``match`` weights.
        network: of that configuration, on the device on which to evaluate; its weights are overwritten.
        dataset: likewise.

    Raises:
        LandscapeError: the folder is of another configuration, or is finished.
    """

    def __init__(self, out: Path, config: dict[str, Any], network: nn.Module, dataset: Dataset) -> None:
        self.path, self._config, self._network, self._dataset = out, config, network, dataset
        before = existing(out, config)
        if before is not None and before.finished:
            raise LandscapeError(f"{out} is a finished run; choose another folder or delete it")
        self._open = ExitStack()
        self._record: Record | None = None
        self._closed = False
        self._epoch = max(before.epochs() if before is not None else [], default=-1)

    @property
    def train(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets of the training split, normalized, on which the losses are evaluated."""
        return self._dataset.train.inputs, self._dataset.train.targets

    @property
    def test(self) -> tuple[Tensor, Tensor]:
        """Those of the test split."""
        return self._dataset.test.inputs, self._dataset.test.targets

    def save(
        self,
        model: nn.Module | Mapping[str, Tensor],
        epoch: int | None = None,
        *,
        step: int | None = None,
        lr: float = math.nan,
    ) -> dict[str, float]:
        """Keep the weights of an epoch, and a row of metrics: the losses on the whole data, evaluated now.

        Saved again, an epoch is replaced, and what came after it is left out: a loop that starts again from a
        checkpoint of its own goes on here, too.

        Args:
            model: the network as it is trained, or its state dict; prefixes of names (``module.``, that of a
                module around it) are found. It is left as it is.
            epoch: 0 for the weights before training; None: the next one.
            step: of the optimizer; None: unknown.
            lr: the learning rate of the epoch's last step.

        Returns:
            The row: ``train_loss``, ``test_accuracy``, ….

        Raises:
            LandscapeError: the weights do not fit the network that the folder names, the epoch is no whole
                number of zero or more, the recorder is closed, or another process writes the folder.
        """
        if self._closed:
            raise LandscapeError(f"{self.path}: this recorder is closed; save before close()")
        number = self._epoch + 1 if epoch is None else _whole("epoch", epoch)
        taken = number if step is None else _whole("step", step)
        state = model.state_dict() if isinstance(model, nn.Module) else model
        try:
            weights = matched(self._network.state_dict(), state, self._config["match"])
        except LandscapeError as error:
            raise LandscapeError(f"{self.path}: {error}") from error
        if self._record is None:
            made_by = provenance.record(self._dataset.train.inputs.device, self._dataset.fingerprint)
            self._record = self._open.enter_context(claim(self.path, self._config, made_by, None))
        # whatever surrounds the call: the norm of the gradient needs one, and the losses full precision
        kind = self._dataset.train.inputs.device.type
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(kind, enabled=False):
            on_cpu = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
            self._network.load_state_dict(on_cpu)
            row = measured(self._network, self._dataset.train, self._dataset.test, self._config["loss"])
        self._record.keep(number, taken, on_cpu, {**row, "lr": float(lr), "seconds": 0.0})
        self._epoch = number
        return row

    def close(self) -> None:
        """Mark the run as finished: its last epoch is the one saved last. Once is enough, twice no harm."""
        if self._record is not None:
            self._record.finish(self._epoch)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the folder and leave the run unfinished, to be gone on with by a new recorder."""
        self._record, self._closed = None, True
        self._open.close()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; after an error the run stays unfinished, to be gone on with."""
        if error is None:
            self.close()
        else:
            self.abandon()

    def lightning(self) -> Any:
        """Return the callback for Lightning's `Trainer`: saves before training and after each epoch.

        Raises:
            LandscapeError: it is not installed.
        """
        with _extra("lightning"):
            from landscape_cli.recording.lightning import callback

            return callback(self)

    def transformers(self) -> Any:
        """Return the callback for Hugging Face's `Trainer`: saves before training and after each epoch.

        Raises:
            LandscapeError: it is not installed.
        """
        with _extra("transformers"):
            from landscape_cli.recording.transformers import callback

            return callback(self)


@contextmanager
def _extra(name: str) -> Iterator[None]:
    """Tell of a package that is not there with which extra it comes."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise LandscapeError(f'{error}; pip install "landscape-cli[{name}]"') from error


def _whole(what: str, got: Any) -> int:
    """Return a number of zero or more as Python's, as a file can keep it.

    Raises:
        LandscapeError: it is none.
    """
    try:
        number = operator.index(got)
    except TypeError:
        number = -1
    if number < 0 or isinstance(got, bool):
        raise LandscapeError(f"{what} must be a whole number of zero or more, got {got!r}")
    return number
