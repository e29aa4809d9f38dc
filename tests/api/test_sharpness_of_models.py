"""`landscape_cli.sharpness` of one's own model, loss and batches; tests/contract compare the shell's."""

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from landscape_cli import LandscapeError, sharpness

QUICK: dict[str, Any] = {
    "measures": ["eigenvalue", "noise"],
    "draws": 200,
    "precision": "fp64",
    "device": "cpu",
}
INPUTS = torch.randn(32, 3, generator=torch.Generator().manual_seed(0))
TARGETS = INPUTS @ torch.tensor([[1.0], [-2.0], [0.5]]) + 1


def linear() -> nn.Module:
    model = nn.Linear(3, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -1.0, 2.0]]))
        model.bias.fill_(0.25)
    return model


def squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().sum(dim=1)


@pytest.mark.parametrize("loss", ["mse", squared], ids=["named", "own"])
def test_of_least_squares_it_is_known(loss: Any) -> None:
    """The Hessian is 2 X^T X / n, X with a column of ones for the bias."""
    data = DataLoader(TensorDataset(INPUTS, TARGETS), batch_size=10)
    found = sharpness(linear(), loss, data, **QUICK)
    ones = torch.cat([INPUTS, torch.ones(32, 1)], dim=1).double()
    hessian = 2 * ones.T @ ones / 32
    assert found["largest_eigenvalue"] == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]), rel=1e-6)
    expected = 0.01**2 / 2 * float(hessian.trace())
    assert found["expected_rise"] == pytest.approx(expected, abs=4 * found["expected_rise_error"])
    scales = torch.tensor([2**0.5, 2**0.5, 2**0.5, 0.25], dtype=torch.float64)  # of (1, -1, 2) and of 0.25
    scaled = scales[:, None] * hessian * scales
    top = float(torch.linalg.eigvalsh(scaled)[-1])
    assert found["normalized_largest_eigenvalue"] == pytest.approx(top, rel=1e-6)


def test_the_options_are_those_of_the_shell() -> None:
    parameters = inspect.signature(sharpness).parameters
    assert parameters["epsilon"].default == 1e-3
    assert parameters["measures"].default is None
    assert "epsilon: of Keskar's box" in (sharpness.__doc__ or "")


def test_mistakes_are_told() -> None:
    with pytest.raises(LandscapeError, match="no measure 'flatness'"):
        sharpness(linear(), "mse", (INPUTS, TARGETS), measures=["flatness"])
    with pytest.raises(LandscapeError, match=r"the model must be a torch.nn.Module"):
        sharpness(None, "mse", (INPUTS, TARGETS))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="unexpected keyword argument 'radius'"):
        sharpness(linear(), "mse", (INPUTS, TARGETS), radius=1)
