"""A run folder of checkpoints that another program wrote."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from landscape_cli import provenance
from landscape_cli.data.load import Dataset
from landscape_cli.errors import LandscapeError
from landscape_cli.files import sha256
from landscape_cli.progress import bar, note, note_once
from landscape_cli.recording.sources import Source
from landscape_cli.runs import LARGEST_EPOCH, Run
from landscape_cli.training.metrics import measured
from landscape_cli.training.record import claim, existing
from landscape_cli.weights.arithmetic import first_nan
from landscape_cli.weights.converted import converted
from landscape_cli.weights.files import parts, read
from landscape_cli.weights.matching import matched


@dataclass(frozen=True)
class Import:
    """Where weights come from, and how they become a network's.

    Attributes:
        sources: the files, in training order.
        match: ``names`` or ``order``.
        entry: of the files that holds the weights; None: found.
        epochs: the epochs of the checkpoints; None: those that their names tell, or else the files, where
            they increase; or else 1, 2, …. A number: the length of the training, as presets tell it; it is
            the epoch of a single checkpoint that tells none.
    """

    sources: Sequence[Source]
    match: str
    entry: str | None
    epochs: Sequence[int] | int | None

    def weights(self, number: int, model: nn.Module) -> tuple[dict[str, Tensor], int | None, int | None]:
        """Return the weights of a file as the network's, and the epoch and step that it tells.

        Raises:
            LandscapeError: it cannot be read, does not fit, or holds NaN; naming the file.
        """
        path = self.sources[number].path
        stored = read(path, self.entry)
        if stored.others and self.entry is None:
            note_once(f"takes entry={stored.entry} of the weights; there is also {', '.join(stored.others)}")
        try:
            weights = matched(model.state_dict(), stored.tensors, self.match)
        except LandscapeError as error:
            renamed = converted(model, stored.tensors)
            if renamed is None:
                raise LandscapeError(f"{path}: {error}") from error
            weights = matched(model.state_dict(), renamed, "names")
        broken = first_nan(weights)
        if broken is not None:
            raise LandscapeError(f"{path}: {broken}; leave this file out")
        return weights, stored.epoch, stored.step


def write(out: Path, config: dict[str, Any], wanted: Import, model: nn.Module, dataset: Dataset) -> None:
    """Check all weights, then put them into a run folder, each with its losses; go on with one that is begun.

    Args:
        out: the folder.
        config: resolved, with the names of the data, the network and the loss.
        wanted: the weights.
        model: the network, on the device on which to work.
        dataset: the data, likewise.

    Raises:
        LandscapeError: weights cannot be read or do not fit: nothing is written; or the folder is of another
            configuration or of other weights.
    """
    before = existing(out, config)
    count = len(wanted.sources)
    told = []
    with bar(count, "reading", "checkpoints") as progress:
        for number in range(count):
            told.append(wanted.weights(number, model)[1:])
            progress.update()
    epochs = _epochs(wanted, [epoch for epoch, _ in told])
    origins = [_origin(source.path, epoch) for source, epoch in zip(wanted.sources, epochs, strict=True)]
    if before is not None:
        _check_same(before, origins)
        if before.finished:
            print(f"{out} is finished (epoch {epochs[-1]}); nothing to do")
            return
    device = dataset.train.inputs.device
    made_by = {**provenance.record(device, dataset.fingerprint), "weights": origins}
    with claim(out, config, made_by, None) as record, bar(count, "evaluating", "checkpoints") as progress:
        kept = Run(out, config).epochs()
        done = list(itertools.takewhile(lambda epoch: epoch in kept, epochs))
        record.forget(done[-1] + 1 if done else 0)
        for number, epoch in enumerate(epochs):
            if epoch not in done:
                weights, _, step = wanted.weights(number, model)
                model.load_state_dict(weights)
                values = measured(model, dataset.train, dataset.test, config["loss"])
                unknown = {"lr": math.nan, "seconds": 0.0}
                on_cpu = {name: tensor.cpu() for name, tensor in weights.items()}
                record.keep(epoch, epoch if step is None else step, on_cpu, {**values, **unknown})
            progress.update()
        record.finish(epochs[-1])


def _epochs(wanted: Import, told: Sequence[int | None]) -> list[int]:
    """Return the epochs of the checkpoints.

    Raises:
        LandscapeError: those that were asked for are not as many as files, or do not increase.
    """
    found, asked = _found_epochs(wanted, told), wanted.epochs
    if isinstance(asked, int) and found[-1] != asked:
        note(f"epochs={asked} is taken for the length of the training; say epochs=[…] for those of the files")
    return found


def _found_epochs(wanted: Import, told: Sequence[int | None]) -> list[int]:
    count, asked = len(wanted.sources), wanted.epochs
    if isinstance(asked, Sequence):
        if len(asked) != count or not _increase(asked):
            raise LandscapeError(
                f"epochs must be {count} increasing numbers, one a file of weights, got {list(asked)}"
            )
        return list(asked)
    for numbers in ([source.number for source in wanted.sources], told):
        known = [number for number in numbers if number is not None]
        if len(known) == count and _increase(known) and known[-1] <= LARGEST_EPOCH:
            return known
    return [asked] if count == 1 and asked is not None else list(range(1, count + 1))


def _origin(path: Path, epoch: int) -> dict[str, Any]:
    """Return what provenance.json tells of a checkpoint: where it was, and its SHA-256, part by part."""
    told: dict[str, Any] = {"path": str(path), "sha256": sha256(path), "epoch": epoch}
    shards = {part.name: sha256(part) for part in parts(path) if part != path}
    return {**told, "parts": shards} if shards else told


def _increase(numbers: Sequence[int]) -> bool:
    return all(one < other for one, other in itertools.pairwise(numbers))


def _check_same(before: Run, origins: Sequence[dict[str, Any]]) -> None:
    """Refuse to go on with a folder of other weights.

    Raises:
        LandscapeError: naming the first file that differs.
    """
    kept = before.provenance().get("weights") or []
    known = {one["epoch"]: (one["sha256"], one.get("parts")) for one in kept}
    for one in origins:
        if known.get(one["epoch"]) != (one["sha256"], one.get("parts")):
            raise LandscapeError(
                f"{before.path} was made of other weights than {one['path']} (epoch {one['epoch']});"
                " choose another out= or delete it"
            )
    if len(known) != len(origins):
        raise LandscapeError(
            f"{before.path} was made of {len(known)} files of weights, not of these {len(origins)};"
            " choose another out= or delete it"
        )
