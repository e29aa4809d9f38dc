"""`landscape train`: one run, from its configuration to its folder."""

import dataclasses
from pathlib import Path

from landscape_cli import device as devices
from landscape_cli import provenance
from landscape_cli.schemas.training import TrainConfig
from landscape_cli.solutions import initial_network, load_dataset
from landscape_cli.training.loop import train
from landscape_cli.training.options import Recipe
from landscape_cli.training.record import claim, existing
from landscape_cli.training.state import prepare


def run(config: TrainConfig) -> Path:
    """Train, or go on with, the run in the folder `config.out`; return the folder."""
    assert config.out is not None
    out = Path(config.out)
    resolved = dataclasses.asdict(config)
    before = existing(out, resolved)
    if before is not None and before.finished:
        print(f"{out} is finished (epoch {before.epochs()[-1]}); nothing to do")
        return out
    device = devices.resolve(config.device)
    dataset = load_dataset(resolved, device, trust=config.trust)
    model = initial_network(resolved, dataset, trust=config.trust).to(device)
    recipe = config.part(Recipe)
    state = prepare(recipe, config.optimizer, config.schedule, model, dataset)
    made_by = provenance.record(device, dataset.fingerprint)
    with (
        claim(out, resolved, made_by, config.checkpoint_every, recipe.evaluate_every) as record,
        devices.repeatable(device),
    ):
        train(recipe, state, dataset, record)
    return out
