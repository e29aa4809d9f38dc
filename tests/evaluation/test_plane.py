"""The loss at every grid point, against a float64 twin that is set, parameter by parameter, to each point."""

import pytest
import torch
from torch import nn

import cases
import reference
from landscape_cli.evaluation.batches import batches
from landscape_cli.evaluation.batchnorm import recompute
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.plane import Plane
from landscape_cli.weights import directions
from landscape_cli.weights.arithmetic import Vector, params_of, point_of


def plane_of(
    model: nn.Module,
    loss: str = "cross_entropy",
    inputs: list[torch.Tensor] | None = None,
    **directions_: Vector,
) -> Plane:
    data = cases.dataset()
    splits = {"train": batches(data.train, 16), "test": batches(data.test, 16)}
    return Plane(Evaluator(model, splits, objective(loss)), point_of(model), directions_, inputs)


@pytest.mark.parametrize("loss", cases.LOSSES)
@pytest.mark.parametrize("network", cases.NETWORKS)
def test_every_point_of_a_plane_equals_its_twin(network: str, loss: str) -> None:
    model, data = cases.NETWORKS[network](), cases.dataset()
    params = params_of(model)
    x, y = (directions.random(params, norm="filter", ignore="biasbn", seed=1, axis=axis) for axis in "xy")
    plane = plane_of(model, loss, x=x, y=y)
    points = [(a, b) for a in (-0.5, 0.0, 1.0) for b in (0.0, 0.7)]
    for a, b in points:
        twin = reference.moved(model, [(a, x), (b, y)])
        for split, evaluation in plane.evaluate(a, b).items():
            expected = reference.evaluation(twin, getattr(data, split), loss)
            assert evaluation.loss == pytest.approx(expected[0], rel=1e-5), (a, b, split)
            assert evaluation.accuracy == pytest.approx(expected[1], abs=1 / len(getattr(data, split)))
    assert len({plane.evaluate(a, b)["train"].loss for a, b in points}) == len(points)


def test_random_directions_leave_running_statistics_where_they_are() -> None:
    model = cases.NETWORKS["resnet-batch"]()
    x = directions.random(params_of(model), norm="filter", ignore="none", seed=1, axis="x")
    plane = plane_of(model, x=x)
    plane.evaluate(0.8)
    moved = plane.evaluator.network.model.state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(moved[name], tensor) == ("running" in name or "num_batches" in name), name


def two_solutions() -> tuple[nn.Module, nn.Module]:
    one, other = cases.NETWORKS["resnet-batch"](), cases.NETWORKS["resnet-batch"]()
    torch.manual_seed(11)
    with torch.no_grad():
        for tensor in point_of(other).values():
            tensor.mul_(1 + 0.3 * torch.rand_like(tensor))
    return one, other


def test_interpolation_moves_running_statistics_and_ends_at_the_other_solution() -> None:
    one, other = two_solutions()
    data = cases.dataset()
    direction = directions.toward(point_of(one), point_of(other))
    plane = plane_of(one, x=direction)
    for alpha, model in ((0.0, one), (1.0, other)):
        expected = reference.evaluation(model, data.test, "cross_entropy")
        assert plane.evaluate(alpha)["test"].loss == pytest.approx(expected[0], rel=1e-5)
    between = reference.moved(one, [(0.3, direction)])
    running = dict(between.named_buffers())
    for name, buffer in dict(other.named_buffers()).items():
        if buffer.is_floating_point():
            expected_buffer = 0.7 * dict(one.named_buffers())[name].double() + 0.3 * buffer.double()
            torch.testing.assert_close(running[name], expected_buffer, rtol=1e-6, atol=1e-7)
    expected = reference.evaluation(between, data.train, "cross_entropy")
    assert plane.evaluate(0.3)["train"].loss == pytest.approx(expected[0], rel=1e-5)


def test_keeping_running_statistics_is_another_line() -> None:
    one, other = two_solutions()
    direction = directions.toward(point_of(one), point_of(other))
    kept = {name: direction[name] for name in params_of(one)}
    plane = plane_of(one, x=kept)
    expected = reference.evaluation(
        reference.moved(one, [(0.5, kept)]), cases.dataset().train, "cross_entropy"
    )
    assert plane.evaluate(0.5)["train"].loss == pytest.approx(expected[0], rel=1e-5)
    assert plane.evaluate(0.5)["train"].loss != pytest.approx(
        plane_of(one, x=direction).evaluate(0.5)["train"].loss
    )


def test_a_recomputed_plane_uses_the_training_inputs_at_each_point() -> None:
    model = cases.NETWORKS["resnet-batch"]()
    data = cases.dataset()
    x = directions.random(params_of(model), norm="filter", ignore="biasbn", seed=1, axis="x")
    plane = plane_of(model, inputs=[data.train.inputs], x=x)
    twin = reference.moved(model, [(0.6, x)])
    recompute(twin, [data.train.inputs.double()])
    expected = reference.evaluation(twin, data.test, "cross_entropy")
    assert plane.evaluate(0.6)["test"].loss == pytest.approx(expected[0], rel=1e-5)
