"""Few parameters trained: which weights move, by the updates spelled out, and claims that hold and fail."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

import cases
from landscape_cli.data.batches import epoch_batches
from landscape_cli.phenomena import few_parameters
from landscape_cli.phenomena.few_parameters import disabled_share, random_masks, train_some
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts

MakeLab = Callable[..., Lab]


def network() -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(nn.Flatten(), nn.Linear(128, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3))


def test_masks_have_as_many_ones_and_none_of_normalization() -> None:
    masks = random_masks(network(), 17, torch.Generator().manual_seed(0))
    assert list(masks) == ["1.weight", "1.bias", "4.weight", "4.bias"]
    assert sum(float(mask.sum()) for mask in masks.values()) == 17
    assert {float(one) for mask in masks.values() for one in mask.unique()} == {0.0, 1.0}
    other = random_masks(network(), 17, torch.Generator().manual_seed(1))
    assert any(not torch.equal(masks[name], other[name]) for name in masks)


def test_training_some_is_sgd_with_the_other_gradients_zero() -> None:
    data, model = cases.dataset(), network().double()
    split = type(data.train)(data.train.inputs.double(), data.train.targets)
    twin, masks = copy.deepcopy(model).train(), random_masks(model, 40, torch.Generator().manual_seed(0))
    train_some(model, masks, split, "cross_entropy", 16, [0.1, 0.05], 0.9, torch.Generator().manual_seed(5))
    velocity = {name: torch.zeros_like(twin.get_parameter(name)) for name in masks}
    order = torch.Generator().manual_seed(5)
    for rate in (0.1, 0.05):
        for rows in epoch_batches(len(split), 16, order):
            named = [twin.get_parameter(name) for name in masks]
            loss = nn.functional.cross_entropy(twin(split.inputs[rows]), split.targets[rows])
            for (name, mask), one in zip(masks.items(), torch.autograd.grad(loss, named), strict=True):
                velocity[name] = 0.9 * velocity[name] + one * mask
                with torch.no_grad():
                    twin.get_parameter(name).sub_(rate * velocity[name])
    for name, expected in twin.named_parameters():
        torch.testing.assert_close(model.get_parameter(name), expected)
    assert torch.equal(model[2].weight, torch.ones(5).double())


def test_a_gain_is_disabled_below_the_bound() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([0.005, -0.02]))
        model[2].weight.copy_(torch.tensor([-0.001, 1.0]))
    assert disabled_share(model, 0.01) == 0.5


def found(
    lab: MakeLab, first: list[str], second: list[str], full: list[str], disabled: float
) -> list[Measured]:
    shared = ["dataset=digits", "dataset.train_size=400", "dataset.test_size=200", "architecture=mlp"]
    shared += ["normalization=batch", "batch_size=50", "init=kaiming"]
    runs = {
        name: [*shared, *words] for name, words in (("only 8", first), ("only 20", second), ("full 20", full))
    }
    return measure("bn-only-training", [lab(runs, seed) for seed in range(3)], disabled=disabled)


def test_gains_alone_learn_more_than_few_weights(lab: MakeLab) -> None:
    few = ["architecture.widths=[16]", "params=2.*", "epochs=6"]
    many = ["architecture.widths=[256]", "params=2.*", "epochs=6"]
    seeds = found(lab, few, many, ["architecture.widths=[256]", "epochs=0"], 0.6)
    told = verdicts("bn-only-training", seeds)
    assert [told[place] for place in (1, 4, 5)] == ["holds"] * 3
    assert seeds[0]["parameters"] == {"ResNet-8": 32, "ResNet-20": 512}
    assert list(drawn("bn-only-training", seeds)) == ["accuracy"]


def test_untrained_networks_refute_it(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few_parameters, "train_some", lambda *given: None)
    none = ["architecture.widths=[16]", "epochs=0"]
    seeds = found(lab, none, none, ["architecture.widths=[16]", "epochs=1"], 0.01)
    assert verdicts("bn-only-training", seeds) == ["fails"] * 6
