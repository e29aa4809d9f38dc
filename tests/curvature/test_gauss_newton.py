"""Products with the Gauss-Newton and the Fisher matrix against the matrices themselves, in float64."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, hessian, jacrev

import cases
from landscape_cli.curvature.gauss_newton import Fisher, GaussNewton
from landscape_cli.curvature.products import Hessian
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import rebatched
from landscape_cli.evaluation.losses import Scores, objective, per_sample_loss

torchs_own = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")


def network(activation: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(8, 4), activation(), nn.Linear(4, 3)).double().eval()


def data(samples: int = 13) -> tuple[Tensor, Tensor]:
    split = cases.images(n=samples, shape=(2, 2, 2))
    return split.inputs.double(), split.targets


def jacobians(model: nn.Module, of: Any) -> Tensor:
    """The derivative of what `of` makes of the network, by its weights in a row: (..., p)."""
    weights = {name: one.detach() for name, one in model.named_parameters()}
    found = jacrev(lambda point: of(lambda inputs: functional_call(model, point, (inputs,))))(weights)
    return torch.cat([found[name].flatten(-one.ndim) for name, one in weights.items()], dim=-1)


@torchs_own
@pytest.mark.parametrize("loss", cases.LOSSES)
@pytest.mark.parametrize("size", [13, 5])
def test_the_gauss_newton_matrix(loss: str, size: int) -> None:
    model, (inputs, targets) = network(), data()
    slope = jacobians(model, lambda run: run(inputs))  # (n, outputs, p)
    bends = torch.stack(
        [
            hessian(lambda outputs, target=target: per_sample_loss(loss, outputs[None], target[None])[0])(one)
            for one, target in zip(model(inputs).detach(), targets, strict=True)
        ]
    )
    expected = torch.einsum("nip,nij,njq->pq", slope, bends, slope) / len(inputs)
    operator = GaussNewton(model, rebatched([(inputs, targets)], size), objective(loss), "all")
    found = operator.products(np.eye(operator.size))
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-9, atol=1e-13)
    assert np.linalg.eigvalsh(found).min() > -1e-12
    whole = Hessian(model, [(inputs, targets)], objective(loss), "all").products(np.eye(operator.size))
    assert not np.allclose(found, whole, atol=1e-3)


@torchs_own
@pytest.mark.parametrize("size", [13, 5])
def test_the_empirical_fisher_matrix(size: int) -> None:
    model, (inputs, targets) = network(), data()
    slopes = jacobians(model, lambda run: per_sample_loss("cross_entropy", run(inputs), targets))  # (n, p)
    operator = Fisher(model, rebatched([(inputs, targets)], size), objective("cross_entropy"), "all")
    found = operator.products(np.eye(operator.size))
    np.testing.assert_allclose(found, (slopes.T @ slopes / len(inputs)).numpy(), rtol=1e-9, atol=1e-13)


@torchs_own
def test_a_network_linear_in_its_weights_has_one_matrix() -> None:
    """Without a hidden layer the Gauss-Newton matrix is the Hessian."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, 3)).double().eval()
    parts = [data()]
    ours = GaussNewton(model, parts, objective("cross_entropy"), "all")
    whole = Hessian(model, parts, objective("cross_entropy"), "all")
    eye = np.eye(ours.size)
    np.testing.assert_allclose(ours.products(eye), whole.products(eye), atol=1e-14)


@torchs_own
def test_fishers_information_is_the_gauss_newton_matrix_of_cross_entropy() -> None:
    """The mean of g g^T over labels drawn from the outputs' own probabilities."""
    model, (inputs, targets) = network(), data()
    probabilities = model(inputs).detach().softmax(1)
    expected = torch.zeros(51, 51, dtype=torch.float64)
    for label in range(3):
        own = torch.full_like(targets, label)
        slopes = jacobians(model, lambda run, own=own: per_sample_loss("cross_entropy", run(inputs), own))
        expected += slopes.T @ (slopes * probabilities[:, label, None]) / len(inputs)
    operator = GaussNewton(model, [(inputs, targets)], objective("cross_entropy"), "all")
    np.testing.assert_allclose(operator.products(np.eye(51)), expected.numpy(), atol=1e-13)


@torchs_own
def test_weighted_losses_count_as_they_weigh() -> None:
    model, (inputs, targets) = network(), data()
    weights = torch.arange(13.0).double()  # the first has none

    def weighted(outputs: Tensor, targets: Tensor) -> Scores:
        w = weights[: len(targets)]
        return Scores(w * F.cross_entropy(outputs, targets, reduction="none"), None, w)

    slopes = jacobians(model, lambda run: per_sample_loss("cross_entropy", run(inputs), targets))
    expected = slopes.T @ (slopes * weights[:, None]) / weights.sum()
    operator = Fisher(model, [(inputs, targets)], weighted, "all")
    np.testing.assert_allclose(operator.products(np.eye(51)), expected.numpy(), atol=1e-13)


@torchs_own
@pytest.mark.parametrize("name", cases.NETWORKS)
def test_batches_together_and_networks_of_all_kinds(name: str) -> None:
    """One batch or three, one vector or several, float32: the same as the float64 product."""
    split = cases.images()
    vectors = np.random.default_rng(0).standard_normal((3, 0))
    model = cases.NETWORKS[name]().eval()
    for kind in (GaussNewton, Fisher):
        exact = kind(
            cases.NETWORKS[name]().double().eval(),
            [(split.inputs.double(), split.targets)],
            objective("cross_entropy"),
            "weights",
        )
        vectors = np.random.default_rng(0).standard_normal((3, exact.size))
        expected = np.stack([exact.product(vector) for vector in vectors])
        parts = rebatched([(split.inputs, split.targets)], 16)
        found = kind(model, parts, objective("cross_entropy"), "weights").products(vectors)
        assert np.linalg.norm(found - expected) < 1e-4 * np.linalg.norm(expected)


class Named(nn.Linear):
    def forward(self, inputs: Tensor) -> Any:
        return {"logits": super().forward(inputs)}


def test_what_a_loss_or_a_network_does_not_give_is_refused_in_words() -> None:
    parts = [(torch.ones(4, 3), torch.zeros(4, dtype=torch.int64))]

    def of_named(outputs: Any, targets: Tensor) -> Scores:
        return Scores(F.cross_entropy(outputs["logits"], targets, reduction="none"), None)

    with pytest.raises(LandscapeError, match=r"one tensor of outputs, got \{logits: float32 \(4, 2\)\}"):
        GaussNewton(Named(3, 2), parts, of_named, "all")

    def of_batches(outputs: Tensor, targets: Tensor) -> Scores:
        return Scores(F.cross_entropy(outputs, targets), None)

    with pytest.raises(LandscapeError, match="needs the loss of each sample"):
        Fisher(nn.Linear(3, 2), parts, of_batches, "all")
    assert GaussNewton(nn.Linear(3, 2), parts, of_batches, "all").size == 8


def test_what_does_not_depend_on_the_weights_is_zero() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2)).double()
    inputs = torch.ones(4, 3).double()

    def of_nothing(outputs: Tensor, targets: Tensor) -> Scores:
        return Scores((0 * outputs.detach()).sum(dim=1) + targets[:, 0], None)

    for kind in (GaussNewton, Fisher):
        operator = kind(model, [(inputs, inputs)], of_nothing, "all")
        np.testing.assert_array_equal(operator.product(np.ones(operator.size)), 0)
