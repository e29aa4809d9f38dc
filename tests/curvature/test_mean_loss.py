"""The mean loss as a function of the weights, its gradient and Hessian, against slow twins in float64."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cases
import reference
from landscape_cli.curvature.mean_loss import MeanLoss
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, rebatched
from landscape_cli.evaluation.losses import Objective, Scores, objective
from landscape_cli.evaluation.user_loss import objective_of

torchs_own = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")


def parts(size: int = 16) -> list[Batch]:
    split = cases.images()
    return rebatched([(split.inputs.double(), split.targets)], size)


def mean_loss(name: str, loss: str | Objective = "cross_entropy", params: str = "all") -> MeanLoss:
    model = cases.NETWORKS[name]().double()
    return MeanLoss(model, parts(), objective(loss) if isinstance(loss, str) else loss, params)


@torchs_own
@pytest.mark.parametrize("loss", cases.LOSSES)
@pytest.mark.parametrize("name", cases.NETWORKS)
def test_loss_and_gradient_are_those_sample_by_sample(name: str, loss: str) -> None:
    model, split = cases.NETWORKS[name](), cases.images()
    before = copy.deepcopy(model.state_dict())
    found = MeanLoss(model.double().train(), parts(), objective(loss), "all")
    value, gradient = found.with_gradient(found.point)
    expected = reference.gradient(model, split, loss)
    np.testing.assert_allclose(value, reference.evaluation(model, split, loss)[0], rtol=1e-12)
    np.testing.assert_allclose(gradient, torch.cat([part.flatten() for part in expected.values()]), atol=1e-9)
    assert found.value(found.point) == pytest.approx(value, rel=1e-12)
    found.value(found.point + 1)
    assert all(torch.equal(tensor, before[key].to(tensor)) for key, tensor in model.state_dict().items())
    assert model.training


@pytest.mark.parametrize("params", ["all", "weights", "*bias"])
def test_elsewhere_only_the_chosen_weights_move(params: str) -> None:
    found, model = mean_loss("cnn", params=params), cases.NETWORKS["cnn"]()
    moved = {name: torch.full_like(weight, 0.1) for name, weight in found.origin.items()}
    assert len(moved) == sum(
        params == "all" or (weight.ndim > 1) is (params == "weights") for weight in model.parameters()
    )
    twin = reference.moved(model, [(1.0, moved)])
    expected, _ = reference.evaluation(twin, cases.images(), "cross_entropy")
    assert found.value(found.point + 0.1) == pytest.approx(expected, rel=1e-6)


def test_the_hessian_is_the_change_of_the_gradient() -> None:
    found, random = mean_loss("mlp"), np.random.RandomState(0)
    vector, step = random.standard_normal(len(found.point)), 1e-6
    there, here = (found.with_gradient(found.point + sign * step * vector)[1] for sign in (1, -1))
    product = found.hessian().product(vector)
    np.testing.assert_allclose(product, (there - here) / (2 * step), rtol=1e-4, atol=1e-6)


def test_filters_have_their_root_mean_square_for_scale() -> None:
    found = mean_loss("cnn")
    expected = []
    for weight in cases.NETWORKS["cnn"]().double().parameters():
        for piece in weight:
            numbers = piece.flatten().tolist()
            rms = math.sqrt(sum(number**2 for number in numbers) / len(numbers))
            expected += [rms] * len(numbers)
    found.value(found.point + 1)  # wherever the loss was evaluated last
    np.testing.assert_allclose(found.filter_scales(), expected)


def test_losses_with_weights_are_averaged_over_all_batches() -> None:
    """As torch's own: sum w l / sum w over all samples at once."""
    criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 0.25], dtype=torch.float64))
    found = mean_loss("mlp", objective_of(criterion))
    model, split = cases.NETWORKS["mlp"]().double(), cases.images()
    expected = criterion(model(split.inputs.double()), split.targets)
    expected.backward()
    gradient = torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])
    value, slope = found.with_gradient(found.point)
    assert value == pytest.approx(float(expected.detach()), rel=1e-12)
    np.testing.assert_allclose(slope, gradient, atol=1e-12)


def test_one_loss_for_a_batch_counts_by_its_samples() -> None:
    def mean(outputs: Tensor, targets: Tensor) -> Scores:
        return Scores(nn.functional.cross_entropy(outputs, targets), None)

    each, one = mean_loss("mlp"), mean_loss("mlp", mean)
    for function in (each, one):
        value, gradient = function.with_gradient(function.point)
        assert function.value(function.point) == pytest.approx(value, rel=1e-12)
    assert value == pytest.approx(each.value(each.point), rel=1e-12)
    np.testing.assert_allclose(gradient, each.with_gradient(each.point)[1], atol=1e-12)


def test_what_is_not_finite_is_told() -> None:
    found = mean_loss("mlp")
    assert found.value(found.point + np.inf) == np.inf
    with pytest.raises(FloatingPointError):
        found.with_gradient(found.point + np.inf)


def test_a_loss_that_does_not_depend_on_the_weights_has_no_gradient() -> None:
    found = mean_loss("mlp", lambda outputs, targets: Scores((outputs.detach() * 0).sum(dim=1) + 2, None))
    value, gradient = found.with_gradient(found.point)
    assert (value, np.abs(gradient).max()) == (2, 0)


def test_no_such_parameters_is_told() -> None:
    with pytest.raises(LandscapeError, match="no parameter has such a name"):
        mean_loss("mlp", params="layer9.*")
