"""Products with the Hessian against other ways to the same numbers, in float64."""

import copy
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.func import functional_call, grad, jvp

import cases
from landscape_cli.curvature.products import Hessian
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, rebatched, to_dtype
from landscape_cli.evaluation.losses import Scores, objective, per_sample_loss

torchs_own = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
ROUNDING = {torch.float64: 1e-8, torch.float32: 1e-3}


def subject(name: str, dtype: torch.dtype = torch.float64) -> tuple[nn.Module, Tensor, Tensor]:
    split = cases.images()
    return cases.NETWORKS[name]().to(dtype).eval(), split.inputs.to(dtype), split.targets


def chosen(model: nn.Module, params: str) -> dict[str, Tensor]:
    return {
        name: parameter.detach()
        for name, parameter in model.named_parameters()
        if params == "all" or parameter.ndim > 1
    }


def forward_over_reverse(
    model: nn.Module, mean_loss: Callable[[Callable[..., Any]], Tensor], vector: np.ndarray, params: str
) -> np.ndarray:
    """The derivative of the gradient along `vector`, by forward differentiation, in float64."""
    model = copy.deepcopy(model).double()
    weights = chosen(model, params)
    pieces = torch.from_numpy(vector).split([weight.numel() for weight in weights.values()])
    tangents = {
        name: piece.view_as(weight) for (name, weight), piece in zip(weights.items(), pieces, strict=True)
    }
    gradient = grad(lambda point: mean_loss(lambda *inputs: functional_call(model, point, inputs)))
    _, product = jvp(gradient, (weights,), (tangents,))
    return torch.cat([part.flatten() for part in product.values()]).detach().numpy()


@torchs_own
@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
@pytest.mark.parametrize("params", ["weights", "all"])
@pytest.mark.parametrize("loss", cases.LOSSES)
@pytest.mark.parametrize("name", cases.NETWORKS)
def test_a_product_is_the_derivative_of_the_mean_gradient(
    name: str, loss: str, params: str, dtype: torch.dtype
) -> None:
    model, inputs, targets = subject(name, dtype)
    parts = rebatched([(inputs[:25], targets[:25]), (inputs[25:], targets[25:])], 16)  # 16 + 9 + 15
    hessian = Hessian(model, parts, objective(loss), params)
    vector = np.random.default_rng(0).standard_normal(hessian.size)

    def mean_loss(run: Callable[..., Any]) -> Tensor:
        return per_sample_loss(loss, run(inputs.double()), targets).mean()

    expected = forward_over_reverse(model, mean_loss, vector, params)
    for _ in range(2):
        difference = np.linalg.norm(hessian.product(vector) - expected)
        assert difference <= ROUNDING[dtype] * np.linalg.norm(expected)


@pytest.mark.parametrize("loss", cases.LOSSES)
def test_all_products_are_the_dense_matrix(loss: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    split = cases.images(n=13, shape=(2, 2, 2))
    inputs, targets = split.inputs.double(), split.targets
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    gradient = torch.autograd.grad(
        per_sample_loss(loss, model(inputs), targets).mean(), weights, create_graph=True
    )
    rows = [
        torch.cat([part.flatten() for part in torch.autograd.grad(entry, weights, retain_graph=True)])
        for entry in torch.cat([part.flatten() for part in gradient])
    ]
    for size in (13, 5):
        parts = rebatched([(inputs, targets)], size)
        hessian = Hessian(model, parts, objective(loss), "weights")
        matrix = hessian.products(np.eye(hessian.size))
        np.testing.assert_array_equal(hessian.product(np.eye(hessian.size)[1]), matrix[1])
        np.testing.assert_allclose(matrix, torch.stack(rows).numpy(), rtol=1e-8, atol=1e-12)


def test_moved_weights_have_another_hessian_and_the_model_stays_as_it_is() -> None:
    model, inputs, targets = subject("mlp")
    model.requires_grad_(False)
    hessian = Hessian(model, [(inputs, targets)], objective("mse"), "weights")
    vector = np.ones(hessian.size)
    before = hessian.product(vector)
    state = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    hessian.moved()
    fresh = Hessian(copy.deepcopy(model), [(inputs, targets)], objective("mse"), "weights")
    np.testing.assert_array_equal(hessian.product(vector), fresh.product(vector))
    assert not np.allclose(hessian.product(vector), before)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(tensor, 1.5 * state[name]) for name, tensor in model.named_parameters())


def test_one_graph_is_in_memory_at_a_time() -> None:
    made: list[weakref.ref[Tensor]] = []

    class Watched(Hessian):
        def _gradient(self, batch: Batch) -> tuple[Tensor, ...]:
            assert all(each() is None for each in made)
            gradient = super()._gradient(batch)
            made.extend(map(weakref.ref, gradient))
            return gradient

    model, inputs, targets = subject("mlp")
    watched = Watched(model, rebatched([(inputs, targets)], 16), objective("mse"), "all")
    for _ in range(2):
        watched.products(np.ones((2, watched.size)))
    assert len(made) == len(watched.weights) * (2 + 2 * len(watched.parts))


class Attention(nn.Module):
    """One tied matrix, attention whose fused kernel has no second derivative, and a matrix of no use."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(4, 4)
        self.out = nn.Linear(4, 4)
        self.out.weight = self.embed.weight
        self.unused = nn.Parameter(torch.ones(2, 2))

    def forward(self, tokens: Tensor, scale: Tensor) -> Tensor:
        hidden = self.embed(tokens)[:, None]
        mixed = F.scaled_dot_product_attention(hidden, hidden, hidden)[:, 0]
        return self.out(mixed * scale[:, None, None])


@torchs_own
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_networks_of_ones_own(named: bool, reduction: str) -> None:
    torch.manual_seed(0)
    model = Attention().double().eval()
    tokens, scale = torch.randn(7, 5, 4).double(), torch.rand(7).double()
    targets = torch.randint(0, 4, (7, 5))

    def own_loss(outputs: Tensor, targets: Tensor) -> Scores:  # one a token, or one a batch
        return Scores(F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction=reduction), None)

    inputs: Any = {"tokens": tokens, "scale": scale} if named else (tokens, scale)
    parts: list[Batch] = rebatched([(inputs, targets)], 3)  # 3 + 3 + 1
    hessian = Hessian(model, parts, own_loss, "weights")
    assert hessian.size == 16 + 4
    vector = np.random.default_rng(0).standard_normal(hessian.size)

    def mean_loss(run: Callable[..., Any]) -> Tensor:
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            outputs = run(tokens, scale)
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten())

    expected = forward_over_reverse(model, mean_loss, vector, "weights")
    np.testing.assert_allclose(hessian.product(vector), expected, rtol=1e-8, atol=1e-12)
    assert not expected[:4].any() or not expected[-4:].any()  # the matrix of no use


def test_a_loss_linear_in_the_weights_has_none() -> None:
    model, inputs = nn.Linear(3, 2), torch.ones(4, 3)

    def mean_output(outputs: Tensor, targets: Tensor) -> Scores:
        return Scores(outputs.sum(dim=1), None)

    hessian = Hessian(model, [(inputs, inputs)], mean_output, "all")
    np.testing.assert_array_equal(hessian.product(np.ones(8)), np.zeros(8))


class Once(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, inputs: Tensor) -> Tensor:
        return inputs * 2

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return gradient * 2


class Wrapped(nn.Linear):
    def forward(self, inputs: Tensor) -> Tensor:
        return Once.apply(super().forward(inputs))


def margins(outputs: Tensor, targets: Tensor) -> Scores:
    return Scores(F.multilabel_margin_loss(outputs, targets[:, None].expand(outputs.shape)), None)


def test_what_has_no_second_derivative_is_refused_in_words() -> None:
    parts = [(torch.ones(4, 3), torch.zeros(4, dtype=torch.int64))]
    with pytest.raises(LandscapeError, match=r"cannot be differentiated twice: .*marked as once"):
        Hessian(Wrapped(3, 2), parts, objective("mse"), "weights")
    with pytest.raises(LandscapeError, match=r"twice: derivative for aten::.* is not implemented"):
        Hessian(nn.Linear(3, 2), parts, margins, "weights")
    with pytest.raises(LandscapeError, match="say params=all"):
        Hessian(nn.BatchNorm1d(3).eval(), parts, objective("mse"), "weights")


def test_running_statistics_are_constants() -> None:
    """In training mode the Hessian would be another one; and the caller's statistics do not change."""
    model, inputs, targets = subject("resnet-batch")
    state = copy.deepcopy(model.state_dict())
    hessian = Hessian(model, [(to_dtype(inputs, torch.float64), targets)], objective("mse"), "weights")
    vector = np.ones(hessian.size)
    whole = hessian.product(vector)
    split = Hessian(model, rebatched([(inputs, targets)], 7), objective("mse"), "weights").product(vector)
    np.testing.assert_allclose(split, whole, rtol=1e-8, atol=1e-10 * np.abs(whole).max())
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
