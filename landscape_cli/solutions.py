"""Networks and data as a configuration names them, and the weights that a run found."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli import checkpoint
from landscape_cli.architectures.build import build
from landscape_cli.architectures.init import initialize, last_layer
from landscape_cli.architectures.options import Options
from landscape_cli.config import first_difference, to_yaml
from landscape_cli.data.load import COMMON, Dataset, load
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError
from landscape_cli.files import sha256
from landscape_cli.runs import Run, open_run
from landscape_cli.weights.arithmetic import first_nan, point_of

LATER: dict[str, Any] = {  # keys that older runs lack
    "evaluate_every": 1,
    "sync_batchnorm": False,
    "gradient_noise": None,
    "steps": None,
    "stop_at_test_accuracy": None,
    "checkpointing": False,
    "track": [],
    "params": "all",
    "grow_batch_at": [],
    "grow_batch_by": 5.0,
}
LATER_OF_OPTIMIZER = {"sam": None, "asam": None}
NORMALIZED = ("scaling", "mean", "std", "pool")  # what the inputs of a network are made by


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's configuration with the options that came after it was begun, to be compared."""
    complete = _with(config, LATER)
    complete["dataset"] = _with(config.get("dataset") or {}, COMMON)
    if config.get("optimizer"):  # imported weights may have none
        complete["optimizer"] = _with(config["optimizer"], LATER_OF_OPTIMIZER)
    return complete


def _with(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {**options, **{key: value for key, value in defaults.items() if key not in options}}


def load_dataset(
    config: dict[str, Any],
    device: torch.device,
    *,
    trust: bool,
    location: Mapping[str, Any] = MappingProxyType({}),
) -> Dataset:
    """Return the data of a run's configuration; entries of `location` that are not None replace its own."""
    moved = {key: value for key, value in location.items() if value is not None}
    return load({**config["dataset"], **moved}, device, trust=trust)


class Datasets:
    """The data of runs, read once for all runs that were trained on the same.

    Args:
        device: where they are to be.
        trust: run code that a configuration names.
        location: as for `load_dataset`.
    """

    def __init__(self, device: torch.device, *, trust: bool, location: Mapping[str, Any]) -> None:
        self._device, self._trust, self._location = device, trust, location
        self._loaded: dict[str, Dataset] = {}

    def of(self, run: Run) -> Dataset:
        """Return the data of a run.

        Raises:
            LandscapeError: they are not to be had, or no longer those on which it was trained.
        """
        name = to_yaml(run.config["dataset"])
        if name not in self._loaded:
            self._loaded[name] = load_dataset(
                run.config, self._device, trust=self._trust, location=self._location
            )
        check_unchanged(run, self._loaded[name])
        return self._loaded[name]


def check_unchanged(run: Run, dataset: Dataset) -> None:
    """Refuse data that are no longer those on which a run was trained.

    Raises:
        LandscapeError: their fingerprints differ.
    """
    trained_on = run.provenance()["dataset_fingerprint"]
    if trained_on != dataset.fingerprint:
        raise LandscapeError(
            f"the data have changed since {run.path} was trained on them"
            f" (SHA-256 {trained_on[:12]}…, now {dataset.fingerprint[:12]}…);"
            " say dataset.source= or dataset.root= where those data lie"
        )


def build_network(config: dict[str, Any], dataset: Dataset, *, trust: bool) -> nn.Module:
    """Return the network of a run's configuration for that data, its weights not yet those of ``init``."""
    return build(
        config["architecture"],
        config["normalization"],
        dataset.input_shape,
        dataset.classes,
        dataset.vocabulary,
        trust=trust,
    )


def initial_network(config: dict[str, Any], dataset: Dataset, *, trust: bool) -> nn.Module:
    """Return the network with its initial weights, on the CPU, determined by ``seed``.

    ``init=pretrained`` takes the weights of a run of the same architecture; the last layer is drawn anew.

    Raises:
        LandscapeError: the pretrained weights do not fit.
    """
    torch.manual_seed(config["seed"])
    model = build_network(config, dataset, trust=trust)
    init = config["init"]
    if init["name"] != "pretrained":
        initialize(model, init, batch_of(init, dataset, config["seed"]))
        return model
    run = open_run(init["run"], key="init.run")
    saved = checkpoint.load(run.checkpoint_path(run.epoch(init["epoch"])))["model"]
    own = model.state_dict()
    last = last_layer(model)
    drawn_anew = {name for name, module in model.named_modules() if module is last}
    for name, tensor in own.items():
        if any(name.startswith(f"{prefix}.") for prefix in drawn_anew):
            continue
        if name not in saved or saved[name].shape != tensor.shape:
            got = tuple(saved[name].shape) if name in saved else "absent"
            raise LandscapeError(
                f"init.run={run.path} does not fit: {name} must be {tuple(tensor.shape)}, got {got}"
            )
        own[name] = saved[name]
    model.load_state_dict(own)
    return model


def batch_of(init: Mapping[str, Any], dataset: Dataset, seed: int) -> Tensor | None:
    """Return the training inputs, on the CPU, to which initial weights are fitted; None: they are not.

    They are as many as ``init.samples`` says, or all there are, drawn without replacement.

    Raises:
        LandscapeError: that is no number of samples.
    """
    if "samples" not in init:
        return None
    count = Options("init", init).count("samples")
    rows = stream(seed, "init").permutation(len(dataset.train))[:count]
    return dataset.train.inputs[torch.from_numpy(rows).to(dataset.train.inputs.device)].cpu()


@dataclass(frozen=True)
class Solution:
    """The weights that a run found by the end of an epoch."""

    run: Run
    epoch: int

    @property
    def path(self) -> Path:
        """The checkpoint."""
        return self.run.checkpoint_path(self.epoch)

    @property
    def identity(self) -> dict[str, str]:
        """Path and SHA-256 of the checkpoint."""
        return {"path": str(self.path), "sha256": sha256(self.path)}

    def network(self, dataset: Dataset, *, trust: bool) -> nn.Module:
        """Return the network with these weights, on the CPU.

        Raises:
            LandscapeError: the checkpoint is not of this network: the source of a custom one has changed; or
                it holds NaN; or the configuration does not describe a network.
        """
        try:
            model = build_network(self.run.config, dataset, trust=trust)
        except LandscapeError as error:
            raise LandscapeError(f"{self.run.path / 'config.yaml'}: {error}") from error
        saved = checkpoint.load(self.path)["model"]
        try:
            model.load_state_dict(saved)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise LandscapeError(
                f"{self.path} does not fit the network of {self.run.path}/config.yaml: {reason}"
            ) from error
        broken = first_nan(point_of(model))
        if broken is not None:
            raise LandscapeError(
                f"{self.path}: {broken}: its training has diverged; choose another epoch of"
                f" {', '.join(map(str, self.run.epochs()))}, or another run"
            )
        return model

    def recorded_loss(self, split: str) -> float:
        """Return the loss on a split that training recorded for these weights."""
        return self.run.row(self.epoch)[f"{split}_loss"]


def locate(path: str, epoch: object, *, key: str) -> Solution:
    """Return the solution of the run in a folder at ``last``, ``init`` or a numbered epoch.

    Raises:
        LandscapeError: no run is there, or no such checkpoint.
    """
    run = open_run(path, key=key)
    return Solution(run, run.epoch(epoch))


def labels(solutions: list[Solution]) -> list[str]:
    """Return a short name for each solution: what tells its run or epoch apart from the others'."""
    configs = [completed(solution.run.config) for solution in solutions]
    epochs = [f"epoch {solution.epoch}" for solution in solutions]
    if len(solutions) == 1 or all(config == configs[0] for config in configs):
        return epochs
    difference = next(
        (first_difference(configs[0], config) for config in configs[1:] if config != configs[0]), None
    )
    if difference is None:  # they differ in circumstances alone
        return [solution.run.path.name for solution in solutions]
    key = difference.partition(":")[0]
    values = [_entry(config, key) for config in configs]
    names = [f"{key.replace('_', ' ').replace('.', ' ')} {value}" for value in values]
    if len(set(names)) == len(names):
        return names
    return [f"{solution.run.path.name} epoch {solution.epoch}" for solution in solutions]


def _entry(config: Mapping[str, Any], key: str) -> Any:
    """Return what a configuration has under a key such as ``optimizer.lr``; None where it has nothing."""
    found: Any = config
    for name in key.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def check_comparable(solutions: list[Solution]) -> None:
    """Refuse solutions whose losses are not of one function of the weights.

    Raises:
        LandscapeError: naming the first setting in which they differ.
    """
    shared = [
        {key: solution.run.config[key] for key in ("architecture", "normalization", "loss")}
        | {"dataset": {key: data.get(key, COMMON[key]) for key in NORMALIZED}}
        for solution in solutions
        for data in [solution.run.config["dataset"]]
    ]
    for solution, settings in zip(solutions[1:], shared[1:], strict=True):
        difference = first_difference(shared[0], settings)
        if difference:
            key, _, values = difference.partition(": ")
            values = values.replace("saved ", "").replace("asked for ", "")
            raise LandscapeError(
                f"{solutions[0].run.path} and {solution.run.path} are of different networks or losses:"
                f" {key} is {values}; choose runs that share it"
            )
