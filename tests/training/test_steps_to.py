"""Fewest steps beside trainings of one network after the other, on the same batches, in float64."""

import copy
import math

import pytest
import torch
from torch import Generator, nn

import cases
from landscape_cli.data.load import Split
from landscape_cli.training.steps_to import fewest_steps_to

MOST = 18  # the loss is looked at after each step


def problem() -> tuple[nn.Module, Split]:
    images = cases.images(30)
    return cases.NETWORKS["mlp"]().double(), Split(images.inputs.double(), images.targets)


def one_after_the_other(
    model: nn.Module, split: Split, target: float, batch_size: int, rates: list[float], repeats: int
) -> tuple[float, float]:
    """Interpolated steps and step size of the best, each network trained alone by torch's SGD."""
    order = Generator().manual_seed(7)
    batches = [
        torch.randint(len(split), (len(rates) * repeats, batch_size), generator=order) for _ in range(MOST)
    ]
    found = []
    for number, rate in enumerate(rates):
        losses = []
        for repeat in range(repeats):
            twin = copy.deepcopy(model)
            steps = torch.optim.SGD(twin.parameters(), lr=rate)
            path = []
            for step in range(MOST + 1):
                with torch.no_grad():
                    path.append(float(nn.functional.cross_entropy(twin(split.inputs), split.targets)))
                if step < MOST:
                    rows = batches[step][number * repeats + repeat]
                    steps.zero_grad()
                    nn.functional.cross_entropy(twin(split.inputs[rows]), split.targets[rows]).backward()
                    steps.step()
            losses.append(path)
        mean = [sum(each) / repeats for each in zip(*losses, strict=True)]
        after = next((step for step, loss in enumerate(mean) if loss <= target), None)
        if after is not None:
            part = math.log(mean[after - 1] / target) / math.log(mean[after - 1] / mean[after])
            found.append((after - 1 + part, rate))
    return min(found)


@pytest.mark.parametrize("batch_size", [1, 8, 50])
def test_it_is_the_best_of_trainings_by_themselves(batch_size: int) -> None:
    model, split = problem()
    rates, target = [0.05, 0.1, 0.4], 1.0
    state = copy.deepcopy(model.state_dict())
    expected = one_after_the_other(model, split, target, batch_size, rates, 3)
    found = fewest_steps_to(
        model,
        split,
        "cross_entropy",
        target,
        batch_size=batch_size,
        rates=rates,
        repeats=3,
        order=Generator().manual_seed(7),
        most=MOST,
    )
    assert found == pytest.approx(expected, rel=1e-8)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def fewest(target: float, rates: list[float], most: int) -> tuple[float, float]:
    model, split = problem()
    order = Generator().manual_seed(0)
    options = {"batch_size": 30, "repeats": 2, "order": order, "most": most}
    return fewest_steps_to(model, split, "cross_entropy", target, rates=rates, **options)  # type: ignore[arg-type]


def test_where_none_reaches_the_target_there_are_no_steps() -> None:
    steps, rate = fewest(0.5, [1e-3, 2e-3], 5)
    assert math.isinf(steps)
    assert math.isnan(rate)


def test_step_sizes_that_diverge_are_left_out() -> None:
    steps, rate = fewest(0.95, [0.2, math.inf], 200)
    assert 1 < steps < 200
    assert rate == 0.2
    assert math.isinf(fewest(0.95, [math.inf], 200)[0])


def test_what_is_there_at_once_takes_no_steps() -> None:
    assert fewest(10.0, [0.1, 0.2], 5)[0] == 0
