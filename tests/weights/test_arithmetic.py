import math

import torch

import cases
from landscape_cli.weights import arithmetic


def test_a_point_holds_parameters_and_running_statistics_but_no_counters() -> None:
    model = cases.NETWORKS["resnet-batch"]()
    point = arithmetic.point_of(model)
    assert set(arithmetic.params_of(model)) < set(point)
    assert any(name.endswith("running_var") for name in point)
    assert not any(name.endswith("num_batches_tracked") for name in point)
    name, tensor = next(iter(point.items()))
    tensor.fill_(7)  # the model's own memory
    assert float(model.state_dict()[name].flatten()[0]) == 7


def test_dot_and_norm_are_those_of_the_flat_vectors() -> None:
    one = {"a": torch.randn(3, 4), "b": torch.randn(5)}
    other = {"a": torch.randn(3, 4), "b": torch.randn(5)}
    flat = [[float(v) for name in "ab" for v in vector[name].flatten()] for vector in (one, other)]
    assert math.isclose(
        arithmetic.dot(one, other), math.fsum(a * b for a, b in zip(*flat, strict=True)), rel_tol=1e-12
    )
    assert math.isclose(arithmetic.norm(one), math.sqrt(math.fsum(a * a for a in flat[0])), rel_tol=1e-12)
