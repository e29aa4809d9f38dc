"""`landscape_cli.hessian` against dense Hessians in float64, and against the shell's."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from api.models import EACH, FITTED, NUMBERS, Stopping, assert_same_state, directions_in, mlp, state_of
from torch import Tensor, nn

from landscape_cli import LandscapeError, hessian, open_run, plot, read

ENDS = ("largest_eigenvalue", "smallest_eigenvalue", "eigenvalue_ratio", "residual", "products", "loss")
TARGETS = NUMBERS[1]
IGNORED = torch.where(torch.arange(18) % 5 == 0, -100, TARGETS)
WEIGHTS = torch.tensor([1.0, 2.0, 0.5])
EXACT: dict[str, Any] = {"precision": "fp64", "tolerance": 1e-6, "device": "cpu"}


class Normalized(nn.Module):
    """With statistics of BatchNorm, and dropout that must not act."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)
        self.norm.running_mean.uniform_(-1, 1)
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(F.dropout(self.norm(self.first(x)).tanh(), 0.5, self.training))


def normalized() -> nn.Module:
    torch.manual_seed(0)
    return Normalized()


def spectrum(
    model: nn.Module,
    mean: Callable[[nn.Module], Tensor],
    names: Callable[[str, Tensor], bool] = lambda name, tensor: tensor.ndim > 1,
    place: dict[str, float] | None = None,
    out: Path | None = None,
) -> np.ndarray:
    """The eigenvalues of the dense Hessian of a mean loss, in float64; at a place in a file's plane."""
    twin = copy.deepcopy(model).double().eval()
    if place:
        assert out is not None
        with torch.no_grad():
            for axis, direction in directions_in(out).items():
                for name, entries in direction.items():
                    twin.get_parameter(name).add_(entries, alpha=place[axis])
    taken = [one for name, one in twin.named_parameters() if names(name, one)]
    slopes = torch.autograd.grad(mean(twin), taken, create_graph=True)
    flat = torch.cat([part.flatten() for part in slopes])
    rows = [
        torch.cat([part.flatten() for part in torch.autograd.grad(one, taken, retain_graph=True)])
        for one in flat
    ]
    return np.linalg.eigvalsh(torch.stack(rows).numpy())


def check(found: Any, eigenvalues: np.ndarray, index: int | tuple[int, ...] = 0, rtol: float = 1e-5) -> None:
    low, high = eigenvalues[[0, -1]]
    scale = rtol * np.abs(eigenvalues).max()
    assert found.values["train/largest_eigenvalue"][index] == pytest.approx(high, abs=scale)
    assert found.values["train/smallest_eigenvalue"][index] == pytest.approx(low, abs=scale)
    assert found.values["train/eigenvalue_ratio"][index] == pytest.approx(abs(low / high), rel=1e-3)
    assert 0 <= found.values["train/residual"][index] <= EXACT["tolerance"]


INPUTS = NUMBERS[0].double()
CASES: dict[str, tuple[Callable[[], nn.Module], Any, Any, Callable[[nn.Module], Tensor]]] = {
    "cross entropy": (mlp, "cross_entropy", NUMBERS, lambda m: F.cross_entropy(m(INPUTS), TARGETS)),
    "losses of samples": (mlp, EACH, NUMBERS, lambda m: F.cross_entropy(m(INPUTS), TARGETS)),
    "a batch's mean": (mlp, nn.CrossEntropyLoss(), NUMBERS, lambda m: F.cross_entropy(m(INPUTS), TARGETS)),
    "weights of classes": (
        mlp,
        nn.CrossEntropyLoss(WEIGHTS),
        NUMBERS,
        lambda m: F.cross_entropy(m(INPUTS), TARGETS, WEIGHTS.double()),
    ),
    "ignore_index": (
        mlp,
        nn.CrossEntropyLoss(),
        (NUMBERS[0], IGNORED),
        lambda m: F.cross_entropy(m(INPUTS), IGNORED),
    ),
    "losses with weights": (
        mlp,
        lambda outputs, targets: (EACH(outputs, targets), WEIGHTS.to(outputs)[targets]),
        NUMBERS,
        lambda m: F.cross_entropy(m(INPUTS), TARGETS, WEIGHTS.double()),
    ),
    "regression": (
        lambda: mlp(classes=2),
        nn.MSELoss(),
        (NUMBERS[0], FITTED),
        lambda m: F.mse_loss(m(INPUTS), FITTED.double()),
    ),
    "BatchNorm and dropout": (normalized, EACH, NUMBERS, lambda m: F.cross_entropy(m(INPUTS), TARGETS)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("batch_size", [None, 7])
def test_the_ends_are_those_of_the_dense_hessian_and_the_model_is_left(
    tmp_path: Path, case: str, batch_size: int | None
) -> None:
    make, loss, data, mean = CASES[case]
    model = make()
    next(model.parameters()).requires_grad_(True)
    before = state_of(model)
    random = torch.get_rng_state()
    if batch_size is not None and case in ("a batch's mean",):
        batch_size = 6  # equal parts
    found = hessian(model, loss, data, out=tmp_path / "h.h5", batch_size=batch_size, **EXACT)
    check(found, spectrum(model, mean))
    assert found.values["train/loss"] == pytest.approx(
        float(mean(copy.deepcopy(model).double().eval()).detach())
    )
    assert all(found.values[f"train/{name}"].shape == (1,) for name in ENDS)
    assert found.x.tolist() == [0.0]
    assert found.y is None
    assert ("train/accuracy" in found.values) == (case != "regression")
    assert_same_state(model, before)
    assert torch.equal(torch.get_rng_state(), random)


PARAMS: dict[str, tuple[Any, Callable[[str, Tensor], bool]]] = {
    "all": ("all", lambda name, tensor: True),
    "trainable": ("trainable", lambda name, tensor: name != "0.weight"),
    "a pattern": ("2.*", lambda name, tensor: name.startswith("2.")),
    "patterns": (("0.bias", "2.w*"), lambda name, tensor: name in ("0.bias", "2.weight")),
}


@pytest.mark.parametrize("case", PARAMS)
def test_params(tmp_path: Path, case: str) -> None:
    params, names = PARAMS[case]
    model = mlp()
    model[0].weight.requires_grad_(False)
    found = hessian(model, EACH, NUMBERS, out=tmp_path / "h.h5", params=params, **EXACT)
    twin = mlp()  # the same weights, all of them differentiable
    check(found, spectrum(twin, lambda m: F.cross_entropy(m(INPUTS), TARGETS), names))


def test_on_a_line_and_a_plane(tmp_path: Path) -> None:
    model = mlp()
    mean = CASES["cross entropy"][3]
    line = hessian(model, EACH, NUMBERS, out=tmp_path / "line.h5", x="-1:1:3", **EXACT)
    for index, x in enumerate((-1.0, 0.0, 1.0)):
        check(line, spectrum(model, mean, place={"x": x}, out=tmp_path / "line.h5"), index)
    plane = hessian(model, EACH, NUMBERS, out=tmp_path / "plane.h5", x=(-1, 1, 3), y=(0, 0.5, 2), **EXACT)
    assert plane.values["train/residual"].shape == (2, 3)
    place = {"x": 1.0, "y": 0.5}
    check(plane, spectrum(model, mean, place=place, out=tmp_path / "plane.h5"), (1, 2))
    plot(line, tmp_path / "line.png")
    plot(plane, tmp_path / "plane.png", value="eigenvalue_ratio")
    assert (tmp_path / "line.png").stat().st_size > 5_000
    assert (tmp_path / "plane.png").stat().st_size > 5_000


def test_it_is_the_shells_of_the_same_run(there: Path, tmp_path: Path) -> None:
    run = open_run("walk")
    found = hessian(run.model, run.loss, run.train, out=tmp_path / "h.h5", x=(-1, 1, 3), **EXACT)
    expected = read("walk_hessian.h5")
    assert found.values.keys() == expected.values.keys()
    for name in ("loss", "accuracy", "largest_eigenvalue", "smallest_eigenvalue"):
        np.testing.assert_allclose(found.values[f"train/{name}"], expected.values[f"train/{name}"], rtol=1e-5)
    assert found.kind == expected.kind


def test_the_same_call_goes_on_and_another_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "h.h5"
    loss = Stopping()

    whole = hessian(mlp(), loss, NUMBERS, out=tmp_path / "whole.h5", x=(-1, 1, 5), **EXACT)
    loss = Stopping(at=loss.calls - 3)
    with pytest.raises(KeyboardInterrupt):
        hessian(mlp(), loss, NUMBERS, out=out, x=(-1, 1, 5), **EXACT)
    assert 0 < read(out).evaluated.sum() < 5
    loss = Stopping()
    found = hessian(mlp(), loss, NUMBERS, out=out, x=(-1, 1, 5), **EXACT)
    for name in ("largest_eigenvalue", "smallest_eigenvalue"):
        np.testing.assert_allclose(found.values[f"train/{name}"], whole.values[f"train/{name}"], rtol=1e-5)
    before = out.read_bytes()
    with pytest.raises(LandscapeError, match="begun with another configuration"):
        hessian(mlp(1), loss, NUMBERS, out=out, x=(-1, 1, 5), **EXACT)
    with pytest.raises(LandscapeError, match="params: saved weights, asked for all"):
        hessian(mlp(), loss, NUMBERS, out=out, x=(-1, 1, 5), params="all", **EXACT)
    assert out.read_bytes() == before


def test_what_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "h.h5"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"y": (-1, 1, 3)}, "a line is along x"),
        ({"params": "3.*"}, "params=3.*: no parameter has such a name"),
        ({"tolerance": 2.0}, "tolerance must be a number between 0 and 1, got 2.0"),
        ({"precision": "bf16"}, "no precision 'bf16'"),
        ({"x": (1, -1, 3)}, "x must be first:last:count"),
    ]
    for given, message in cases:
        with pytest.raises(LandscapeError, match=message.replace("*", r"\*")):
            hessian(mlp(), EACH, NUMBERS, out=out, **given)
    with pytest.raises(TypeError, match="splits"):
        hessian(mlp(), EACH, NUMBERS, out=out, splits=["train"])  # type: ignore[call-arg]
    assert not out.exists()


def test_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    far: Any = {"x": (0, 1e38, 3), "norm": "none", "device": "cpu"}
    found = hessian(mlp(), EACH, NUMBERS, out=tmp_path / "h.h5", **far)
    for name in ("loss", "largest_eigenvalue", "smallest_eigenvalue", "residual"):
        assert np.isfinite(found.values[f"train/{name}"]).tolist() == [True, False, False]
        assert (found.values[f"train/{name}"][1:] == np.inf).all()
