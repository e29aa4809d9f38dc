"""The loss along its gradient: on quadratics in closed form, on networks moved in place, and the claims."""

import copy
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape_cli.phenomena.batchnorm_smoothing import along_gradient, shift_cosines, weights_of_layers
from landscape_cli.reproduction.lab import Lab
from made_lab import drawn, measure, verdicts

MakeLab = Callable[..., Lab]
SHARED = ["dataset=digits", "dataset.train_size=200", "dataset.test_size=100", "architecture=mlp"]
SHARED += ["architecture.widths=[16]", "batch_size=50", "epochs=2", "checkpoint_every=1"]
RATIOS = [f"{name}_batch_over_plain" for name in ("loss_range", "gradient_change", "beta")]
SIZES = [4, 1, 3, 2]  # two tensors of the first layer, one of each other

MATRIX = np.random.RandomState(0).standard_normal((10, 10))
HESSIAN = MATRIX @ MATRIX.T / 10
START = np.random.RandomState(1).standard_normal(10)


def quadratic(point: Sequence[Tensor]) -> Tensor:
    joined = torch.cat(list(point))
    return 0.5 * joined @ torch.from_numpy(HESSIAN) @ joined


def start() -> list[Tensor]:
    return list(torch.from_numpy(START).split(SIZES))


def test_along_the_gradient_of_a_quadratic() -> None:
    gradient = HESSIAN @ START
    steps = [0.1, 0.5, 3 / np.linalg.eigvalsh(HESSIAN)[-1]]
    places = [START - step * gradient for step in (0, *steps)]
    losses = [0.5 * place @ HESSIAN @ place for place in places]
    curved = np.linalg.norm(HESSIAN @ gradient)
    assert min(losses) not in (losses[0], losses[-1])  # the loss falls, then rises
    found = along_gradient(quadratic, start(), steps)
    assert found.loss_range == pytest.approx(max(losses) - min(losses), rel=1e-12)
    assert found.gradient_change == pytest.approx(max(steps) * curved, rel=1e-12)
    assert found.beta == pytest.approx(curved / np.linalg.norm(gradient), rel=1e-12)


def test_beta_is_the_largest_over_the_steps() -> None:
    """For x^4 / 4 at 1 a step of s changes the gradient by 1 - (1 - s)^3."""
    found = along_gradient(lambda point: point[0].pow(4).sum() / 4, [torch.ones(1).double()], [0.5, 1.0, 3.0])
    assert found == pytest.approx((4.0, 9.0, 3.0))
    near = along_gradient(lambda point: point[0].pow(4).sum() / 4, [torch.ones(1).double()], [0.5, 1.0])
    assert near == pytest.approx((0.25, 1.0, 1.75))


def test_a_loss_that_overflows_counts_as_infinite() -> None:
    found = along_gradient(lambda point: (-point[0]).exp().sum(), [torch.full((1,), -80.0)], [-1.0])
    assert found == (np.inf,) * 3


def test_cosines_of_a_quadratic_where_earlier_layers_have_moved() -> None:
    gradient, expected = HESSIAN @ START, []
    for begin, end in ((5, 8), (8, 10)):
        moved = START.copy()
        moved[:begin] -= 0.7 * gradient[:begin]
        before, after = gradient[begin:end], (HESSIAN @ moved)[begin:end]
        expected.append(before @ after / np.linalg.norm(before) / np.linalg.norm(after))
    assert min(expected) < 0.99
    assert shift_cosines(quadratic, start(), [0, 2, 3], 0.7) == pytest.approx(expected, rel=1e-12)


def test_layers_do_not_turn_each_other_where_the_loss_is_a_sum_of_theirs() -> None:
    found = shift_cosines(lambda point: sum(one.pow(2).sum() for one in point), start(), [0, 2, 3], 0.3)  # type: ignore[arg-type,return-value]
    assert found == pytest.approx([1, 1])


def test_weights_of_layers_are_those_of_convolutions_and_linear_layers() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    assert weights_of_layers(model) == [0, 4]


def gradient_in_place(model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, list[Tensor]]:
    model.zero_grad()
    loss = nn.functional.cross_entropy(model(inputs), targets)
    loss.backward()
    return loss.item(), [one.grad.clone() for one in model.parameters() if one.grad is not None]


def norm(tensors: Sequence[Tensor]) -> float:
    return float(sum(one.double().pow(2).sum() for one in tensors)) ** 0.5


def test_networks_are_measured_in_training_mode_as_if_moved_in_place(lab: MakeLab) -> None:
    made = lab({"none": [*SHARED, "normalization=none"], "batch": [*SHARED, "normalization=batch"]})
    (seed,) = measure("bn-smoothing", [made], multiples=[2.0], batches=1)
    random, split = made.random("batches"), made.data("batch").train
    for epoch in range(3):
        rows = random.choice(200, 50, replace=False)
        inputs, targets = split.inputs[rows], split.targets[rows]
        model = made.network("batch", epoch).train()
        loss, gradient = gradient_in_place(model, inputs, targets)
        moved = copy.deepcopy(model)
        with torch.no_grad():
            for one, slope in zip(moved.parameters(), gradient, strict=True):
                one -= 0.2 * slope
        there, after = gradient_in_place(moved, inputs, targets)
        change = norm([one - other for one, other in zip(after, gradient, strict=True)])
        assert seed["loss_range"]["batch"][epoch] == pytest.approx(abs(loss - there), rel=1e-3)
        assert seed["gradient_change"]["batch"][epoch] == pytest.approx(change, rel=1e-3)
        assert seed["beta"]["batch"][epoch] == pytest.approx(change / 0.2 / norm(gradient), rel=1e-3)
        partly, (last,) = copy.deepcopy(model), weights_of_layers(model)[1:]
        with torch.no_grad():
            for one, slope in list(zip(partly.parameters(), gradient, strict=True))[:last]:
                one -= 0.1 * slope
        _, turned = gradient_in_place(partly, inputs, targets)
        cosine = nn.functional.cosine_similarity(gradient[last].flatten(), turned[last].flatten(), dim=0)
        assert seed["cosine"]["batch"][epoch] == pytest.approx(float(cosine), abs=1e-5)


def test_networks_exchanged_give_the_inverse_ratios(lab: MakeLab) -> None:
    runs = {"none": [*SHARED, "normalization=none"], "batch": [*SHARED, "normalization=batch"]}
    (one,) = measure("bn-smoothing", [lab(runs)], batches=2)
    (other,) = measure("bn-smoothing", [lab(runs)], batches=2, plain="batch", batch="none")
    assert [one[name] * other[name] for name in RATIOS] == pytest.approx([1, 1, 1])
    assert one["cosine_batch_minus_plain"] == pytest.approx(-other["cosine_batch_minus_plain"])
    assert list(drawn("bn-smoothing", [one, one])) == ["smoothness", "covariate_shift"]


def test_a_training_that_diverges_is_measured_as_far_as_it_came(lab: MakeLab) -> None:
    runs = {"none": ["normalization=none", "optimizer.lr=1e30"], "batch": ["normalization=batch"]}
    made = lab({name: [*SHARED, *own] for name, own in runs.items()})
    (seed,) = measure("bn-smoothing", [made], batches=2)
    assert [seed[name] for name in RATIOS] == [0, 0, 0]  # a step of 1e30 meets no finite loss
    assert np.isnan(seed["beta"]["none"][1:]).all()
    assert np.isfinite(seed["beta"]["batch"]).all()


@pytest.mark.parametrize(
    ("ratio", "difference", "verdict"), [(0.9, -0.1, "holds"), (0.9, 0, "holds"), (1.1, 0.1, "fails")]
)
def test_claims_hold_and_fail(ratio: float, difference: float, verdict: str) -> None:
    made: Mapping[str, float] = {**dict.fromkeys(RATIOS, ratio), "cosine_batch_minus_plain": difference}
    assert verdicts("bn-smoothing", [made] * 3) == [verdict] * 4
