"""Training of some of the parameters: the others stay, bit for bit, whatever would act on them."""

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn

import cases
from conftest import Landscape, Trainings
from landscape_cli.errors import LandscapeError
from landscape_cli.gradients.full import gradient
from landscape_cli.runs import Run
from landscape_cli.schemas.training import TrainConfig
from landscape_cli.training.loop import train
from landscape_cli.training.options import Recipe
from landscape_cli.training.record import claim
from landscape_cli.training.state import prepare
from landscape_cli.weights.arithmetic import norm

CONSTANT = {"name": "constant", "warmup": 0}
OPTIMIZERS: list[dict[str, Any]] = [
    {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.1},
    {"name": "sgd", "lr": 0.05, "weight_decay": 0.1, "sam": 0.05},
    {"name": "adamw", "lr": 0.01, "weight_decay": 0.1},
]


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(128, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 4))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["sgd", "sam", "adamw"])
@pytest.mark.parametrize(
    ("params", "moved"),
    [
        ("normalization", {"2.weight", "2.bias"}),
        ("last", {"4.weight", "4.bias"}),
        ("biases", {"1.bias", "2.bias", "4.bias"}),
        (["1.*", "2.bias"], {"1.weight", "1.bias", "2.bias"}),
    ],
)
def test_only_what_is_named_moves(
    tmp_path: Path, optimizer: dict[str, Any], params: Any, moved: set[str]
) -> None:
    data, model = cases.dataset(), network()
    config = TrainConfig(
        optimizer=optimizer, schedule=CONSTANT, batch_size=16, epochs=2, params=params, l1=0.01, out="unused"
    )
    before = copy.deepcopy(model.state_dict())
    recipe = config.part(Recipe)
    state = prepare(recipe, config.optimizer, config.schedule, model, data)
    with claim(tmp_path, dataclasses.asdict(config), {"dataset_fingerprint": ""}, None) as record:
        train(recipe, state, data, record)
    changed = {name for name, one in model.named_parameters() if not torch.equal(one, before[name])}
    assert changed == moved
    assert not torch.equal(model.state_dict()["2.running_mean"], before["2.running_mean"])
    model.requires_grad_(True)
    parts = gradient(model, data.train, "cross_entropy")
    recorded = Run(tmp_path, {}).metrics()[-1]["gradient_norm"]
    assert recorded == pytest.approx(norm({name: parts[name] for name in moved}), rel=1e-5)


def test_a_step_is_that_of_all_parameters_where_the_others_are_put_back(tmp_path: Path) -> None:
    """One step of SGD: each parameter's update depends on its own gradient alone."""
    data, ends = cases.dataset(), []
    for params in ("all", "biases"):
        model = network()
        config = TrainConfig(
            optimizer=OPTIMIZERS[0],
            schedule=CONSTANT,
            batch_size="full",
            epochs=1,
            params=params,
            out="unused",
        )
        recipe = config.part(Recipe)
        state = prepare(recipe, config.optimizer, config.schedule, model, data)
        with claim(
            tmp_path / params, dataclasses.asdict(config), {"dataset_fingerprint": ""}, None
        ) as record:
            train(recipe, state, data, record)
        ends.append(dict(model.named_parameters()))
    for name in ("1.bias", "2.bias", "4.bias"):
        torch.testing.assert_close(ends[1][name], ends[0][name])


def test_what_names_nothing_is_refused() -> None:
    data = cases.dataset()
    for params, words in (
        ("normalisation", "choose all, weights, trainable, biases, normalization, last.*nearest"),
        ("2.*", "keeps all of these from being trained"),
    ):
        model = network()
        model[2].requires_grad_(False)
        recipe = Recipe(params=params, batch_size=16)
        with pytest.raises(LandscapeError, match=words):
            prepare(recipe, OPTIMIZERS[0], CONSTANT, model, data)
    with pytest.raises(LandscapeError, match="params must be a word such as all"):
        Recipe(params=3)


def test_an_interrupted_training_ends_with_the_same_bits_and_older_runs_trained_all(
    tmp_path: Path, landscape: Landscape, whole_and_resumed: Trainings
) -> None:
    words = ["normalization=batch", "params=2.*,7.*", "dataset.train_size=60", "batch_size=20", "epochs=3"]
    whole, cut = (saved["model"] for saved in whole_and_resumed(words))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    path = tmp_path / "cut" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    del config["params"]
    path.write_text(yaml.safe_dump(config))
    assert "params: saved all, asked for" in landscape("train", *words, "out=cut").err
    assert "nothing to do" in landscape("train", *words, "params=all", "out=cut").out
