"""`landscape train`: one run, from its configuration to its folder."""

import dataclasses
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from landscape_cli import device as devices
from landscape_cli import provenance
from landscape_cli.schemas.training import TrainConfig
from landscape_cli.solutions import initial_network, load_dataset
from landscape_cli.training.loop import train
from landscape_cli.training.options import Recipe
from landscape_cli.training.record import Record, claim, existing
from landscape_cli.training.state import prepare
from landscape_cli.workers.data_parallel import Processes, processes_of


def run(config: TrainConfig) -> Path:
    """Train, or go on with, the run in the folder `config.out`; return the folder."""
    assert config.out is not None
    with processes_of(str(Path(config.out).absolute())) as processes:
        device = devices.resolve(config.device)
        with processes.connected(device):
            return _run(config, device, processes)


def _run(config: TrainConfig, device: torch.device, processes: Processes) -> Path:
    out = Path(config.out or "")
    resolved = dataclasses.asdict(config)
    if processes.first(lambda: _is_finished(out, resolved)):
        return out
    dataset = load_dataset(resolved, device, trust=config.trust)
    model = initial_network(resolved, dataset, trust=config.trust).to(device)
    recipe = config.part(Recipe)
    state = prepare(recipe, config.optimizer, config.schedule, model, dataset, processes.size)
    made_by = {**provenance.record(device, dataset.fingerprint), "processes": processes.size}
    every = config.checkpoint_every, recipe.evaluate_every
    leads = processes.rank == 0
    writer = claim(out, resolved, made_by, *every) if leads else nullcontext(Record(out, *every))
    with writer as record, devices.repeatable(device):
        train(recipe, state, dataset, record, processes)
    return out


def _is_finished(out: Path, resolved: dict[str, Any]) -> bool:
    before = existing(out, resolved)
    if before is None or not before.finished:
        return False
    print(f"{out} is finished (epoch {before.epochs()[-1]}); nothing to do")
    return True
