"""The losses against their definitions, output by output, and against torch's own."""

import math

import pytest
import torch
from torch import Tensor, nn

from landscape_cli.evaluation.losses import objective, per_sample_loss

TORCHS = {"mse": nn.MSELoss(), "l1": nn.L1Loss(), "huber": nn.HuberLoss()}


HINGES = ("hinge", "squared_hinge")


def apart(error: float, loss: str) -> float:
    """The definition, of one output."""
    if loss == "mse":
        return error**2
    small = loss == "huber" and abs(error) <= 1
    return error**2 / 2 if small else abs(error) - (0.5 if loss == "huber" else 0)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    """Floats in float64; errors between them are smaller and larger than 1."""
    return 1.5 * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("loss", TORCHS)
@pytest.mark.parametrize("shape", [(9,), (9, 1), (9, 4)])
def test_a_regressions_losses_are_sums_over_the_outputs(loss: str, shape: tuple[int, ...]) -> None:
    targets = numbers(*shape, seed=1)
    outputs = numbers(9, math.prod(shape[1:]))
    losses, correct, _ = objective(loss)(outputs, targets)
    assert correct is None
    rows = zip(outputs.tolist(), targets.reshape(outputs.shape).tolist(), strict=True)
    expected = [sum(apart(a - b, loss) for a, b in zip(one, other, strict=True)) for one, other in rows]
    assert losses.tolist() == pytest.approx(expected, rel=1e-14)
    mean = TORCHS[loss](outputs, targets.reshape(outputs.shape))
    assert float(losses.mean()) == pytest.approx(float(mean) * outputs.shape[1], rel=1e-14)


@pytest.mark.parametrize("loss", TORCHS)
def test_class_numbers_are_one_hot(loss: str) -> None:
    outputs, classes = numbers(6, 3), torch.tensor([0, 2, 1, 1, 0, 2])
    losses, correct, _ = objective(loss)(outputs, classes)
    expected = [
        sum(apart(value - (place == target), loss) for place, value in enumerate(row))
        for row, target in zip(outputs.tolist(), classes.tolist(), strict=True)
    ]
    assert losses.tolist() == pytest.approx(expected, rel=1e-14)
    assert correct is not None
    assert correct.tolist() == (outputs.argmax(dim=1) == classes).tolist()


def short(output: float, sign: int, loss: str) -> float:
    """The definition of a hinge, of one output."""
    missing = max(0.0, 1 - sign * output)
    return missing if loss == "hinge" else missing**2 / 2


@pytest.mark.parametrize("loss", HINGES)
def test_hinges_are_of_the_signs(loss: str) -> None:
    outputs, classes = numbers(6, 3), torch.tensor([0, 2, 1, 1, 0, 2])
    losses, correct, _ = objective(loss)(outputs, classes)
    expected = [
        sum(short(value, 1 if place == target else -1, loss) for place, value in enumerate(row))
        for row, target in zip(outputs.tolist(), classes.tolist(), strict=True)
    ]
    assert losses.tolist() == pytest.approx(expected, rel=1e-14)
    assert correct is not None
    signs = torch.tensor([1.0, -1, 1, 1, -1, -1], dtype=torch.float64)
    losses, correct, _ = objective(loss)(outputs[:, :1], signs)
    assert losses.tolist() == pytest.approx(
        [short(value, int(sign), loss) for (value, *_), sign in zip(outputs.tolist(), signs, strict=True)]
    )
    assert correct is None
    assert per_sample_loss(loss, 1.5 * signs[:, None], signs).tolist() == [0.0] * 6


def test_the_hinge_is_that_of_torchs_embeddings() -> None:
    outputs, signs = numbers(8, 1), torch.tensor([1.0, -1] * 4, dtype=torch.float64)
    # torch's embedding loss is x for y = 1 and max(0, margin - x) for y = -1
    expected = nn.functional.hinge_embedding_loss(
        signs * outputs[:, 0], torch.full((8,), -1), reduction="none"
    )
    torch.testing.assert_close(per_sample_loss("hinge", outputs, signs), expected)


def test_targets_of_another_number_than_the_outputs_are_never_broadcast() -> None:
    for shape in ((9,), (9, 2), (1, 3)):
        with pytest.raises(RuntimeError, match="shape"):
            per_sample_loss("mse", numbers(9, 3), numbers(*shape))


@pytest.mark.parametrize("loss", TORCHS)
def test_single_precision_targets_are_exact_for_outputs_in_double(loss: str) -> None:
    outputs, targets = numbers(5, 2), numbers(5, 2, seed=1).float()
    expected = per_sample_loss(loss, outputs, targets.double())
    assert per_sample_loss(loss, outputs, targets).equal(expected)
    assert per_sample_loss(loss, outputs.float(), targets.double()).dtype == torch.float32
