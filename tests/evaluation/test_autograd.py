"""Networks and losses that differentiate, weights and data that are broken, batches too large."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cases
from landscape_cli import interpolate, line, read, surface
from landscape_cli.curvature.products import Hessian
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.autograd import Autograd
from landscape_cli.evaluation.evaluator import evaluate_samples
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.network import Network
from landscape_cli.evaluation.user_loss import objective_of

POINTS = torch.linspace(0, 1, 30)[:, None].repeat(1, 2)
ZEROS = torch.zeros(30, 3)


class Physics(nn.Module):
    """u(x, y) and its gradient: a physics-informed network (Raissi et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.u = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = x.requires_grad_(True)
        u = self.u(x)
        (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        return torch.cat([u, slope], dim=1)


def physics_twin(model: nn.Module) -> Tensor:
    """The slope in closed form: tanh' times the weights."""
    first, _, last = model.double().u
    hidden = torch.tanh(first(POINTS.double()))
    slope = ((1 - hidden**2) * last.weight) @ first.weight
    return torch.cat([last(hidden), slope], dim=1)


def test_a_forward_pass_may_differentiate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        found = surface(
            Physics(),
            nn.MSELoss(reduction="none"),
            (POINTS, ZEROS),
            out=tmp_path / f"{number}.h5",
            x=(-1, 1, 3),
            y=(-1, 1, 3),
            batch_size=7,
        )
        expected = physics_twin(Physics()).square().mean().item()
        assert found.values["train/loss"][1, 1] == pytest.approx(expected, rel=1e-6)
    assert capsys.readouterr().err.count("runs with autograd") == 1  # said once in a process


def test_the_hessian_of_what_differentiates() -> None:
    model = Physics().double().eval()
    hessian = Hessian(model, [(POINTS.double(), ZEROS.double())], objective_of(nn.MSELoss()), "all")
    params = dict(model.named_parameters())

    def mean(*values: Tensor) -> Tensor:
        named = dict(zip(params, values, strict=True))
        outputs = torch.func.functional_call(model, named, (POINTS.double(),))
        return outputs.square().mean()

    blocks = torch.autograd.functional.hessian(mean, tuple(one.detach() for one in params.values()))
    expected = torch.cat(
        [
            torch.cat([block.reshape(one.numel(), -1) for block in row], dim=1)
            for one, row in zip(params.values(), blocks, strict=True)
        ]
    )
    vector = np.random.default_rng(0).standard_normal(hessian.size)
    np.testing.assert_allclose(hessian.product(vector), expected.numpy() @ vector, rtol=1e-8, atol=1e-12)


def test_a_loss_may_differentiate_what_a_fused_network_gives(tmp_path: Path) -> None:
    """A penalty on the slope of the outputs with respect to images, of a network that would be fused."""
    model = cases.NETWORKS["resnet-batch"]().eval()
    data = cases.images()

    class Sloped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
            images = images.detach().requires_grad_(True)
            return self.net(images), images

    def loss(outputs: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
        logits, images = outputs
        (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        return slope.flatten(1).square().sum(1)

    found = line(Sloped(), loss, (data.inputs, data.targets), out=tmp_path / "line.h5", x=(-1, 1, 3))
    images = data.inputs.double().requires_grad_(True)
    (slope,) = torch.autograd.grad(model.double()(images).sum(), images)
    assert found.values["train/loss"][1] == pytest.approx(
        slope.flatten(1).square().sum(1).mean().item(), 1e-5
    )


class Jacobian(nn.Module):
    """The slope of u in four ways; the first two are no error in inference mode."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.u, self.way = Physics().u, way

    def forward(self, x: Tensor) -> Tensor:
        def total(points: Tensor) -> Tensor:
            return self.u(points).sum()

        if self.way == "functional":
            return torch.autograd.functional.jacobian(total, x)
        if self.way == "func":
            return torch.func.grad(total)(x)
        if self.way == "enabled":
            with torch.enable_grad():
                points = x.detach().clone().requires_grad_(True)
                return torch.autograd.grad(total(points), points)[0]
        points = x.detach().clone().requires_grad_(True)
        total(points).backward()
        assert points.grad is not None
        return points.grad


@pytest.mark.parametrize("way", ["functional", "func", "enabled", "backward"])
def test_inference_mode_is_no_silent_zero(tmp_path: Path, way: str) -> None:
    """`torch.autograd.functional.jacobian` gives zeros there, without a word."""
    data = (POINTS, ZEROS[:, :2])
    found = line(Jacobian(way), nn.MSELoss(), data, out=tmp_path / "line.h5", x=(-1, 1, 3))
    expected = physics_twin(Physics())[:, 1:].square().mean().item()
    assert found.values["train/loss"][1] == pytest.approx(expected, rel=1e-6)
    autograd = evaluate_samples(Jacobian(way), [data], objective_of(nn.MSELoss()))  # as training measures
    assert autograd.mean().loss == pytest.approx(expected, rel=1e-6)


def test_other_networks_run_in_inference_mode() -> None:
    data = cases.images()
    network = Network(cases.NETWORKS["cnn"](), (data.inputs, data.targets), objective("mse"))
    with network.autograd.context():
        assert torch.is_inference_mode_enabled()


def test_what_fails_with_autograd_too_is_told_as_it_failed_without() -> None:
    autograd = Autograd()

    def fails() -> None:
        raise RuntimeError(f"gradients {torch.is_grad_enabled()}")

    with pytest.raises(RuntimeError, match="gradients False"):
        autograd(fails)
    assert not autograd.needed
    assert not autograd(torch.is_grad_enabled)


def broken(name: str) -> nn.Module:
    model = cases.NETWORKS["cnn"]()
    with torch.no_grad():
        tensor = dict(model.named_parameters())[name]
        tensor[1] = torch.nan
    return model


def test_nan_in_weights_or_data_is_named_before_the_work(tmp_path: Path) -> None:
    data = cases.images()
    name, tensor = next((n, p) for n, p in cases.NETWORKS["cnn"]().named_parameters() if p.ndim == 4)
    each, whole = tensor[1].numel(), tensor.numel()
    out, loss = tmp_path / "line.h5", nn.CrossEntropyLoss()
    told = rf"{name} has {each} NaN among {whole} numbers, the first at \[1, 0, 0, 0\]"
    with pytest.raises(LandscapeError, match=told):
        line(broken(name), loss, (data.inputs, data.targets), out=out)
    with pytest.raises(LandscapeError, match=told):
        interpolate(cases.NETWORKS["cnn"](), broken(name), loss, (data.inputs, data.targets), out=out)
    inputs = data.inputs.clone()
    inputs[3, 1, 2, 5] = torch.nan
    good = cases.NETWORKS["cnn"]()
    with pytest.raises(LandscapeError, match=r"train inputs has 1 NaN among .*, the first at \[3, 1, 2, 5\]"):
        line(good, loss, (inputs, data.targets), out=out)
    ones, numbers = torch.ones(len(inputs), 3), torch.zeros(len(inputs), 3)
    numbers[7, 2] = torch.nan
    with pytest.raises(LandscapeError, match=r"test targets has 1 NaN among 120 numbers, .* \[7, 2\]"):
        line(good, nn.MSELoss(), (inputs.nan_to_num(), ones), (data.inputs, numbers), out=out)
    assert not out.exists()


def test_out_of_memory_names_a_smaller_batch_and_keeps_what_is_finished(tmp_path: Path) -> None:
    """A network that takes more than all memory from its third point on, where batches are of 16."""
    seen = 0

    def hungry(outputs: Tensor, targets: Tensor) -> Tensor:
        nonlocal seen
        seen += 1
        if len(targets) == 16 and seen > 12:
            torch.empty(1 << 60)  # an exbibyte: the allocator's own error
        return outputs.square().sum(1)

    data, out, model = (POINTS, ZEROS), tmp_path / "line.h5", nn.Linear(2, 3)
    with pytest.raises(LandscapeError, match="of 16 samples; say batch_size=8: what is finished is kept"):
        line(model, hungry, data, out=out, x=(-1, 1, 9), batch_size=16)
    before = read(out)
    assert 0 < before.evaluated.sum() < 9
    after = line(model, hungry, data, out=out, x=(-1, 1, 9), batch_size=8)
    assert after.evaluated.all()
    kept = before.values["train/loss"][before.evaluated]
    np.testing.assert_array_equal(after.values["train/loss"][before.evaluated], kept)
