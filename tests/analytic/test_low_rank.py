"""Losses of low-rank factors and tensor components, entry by entry, and their gradients by torch."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from landscape_cli.analytic.function import Function, differentiated
from landscape_cli.analytic.low_rank import (
    asymmetric_factorization,
    matrix_completion,
    matrix_sensing,
    recovery_error,
)
from landscape_cli.analytic.tensors import on_spheres, tensor_components, worst_component
from landscape_cli.errors import LandscapeError

RANDOM = torch.Generator().manual_seed(0)


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=RANDOM, dtype=torch.float64)


def test_the_asymmetric_factorization() -> None:
    target, points = normal(4, 3), normal(2, 14)
    function = asymmetric_factorization(target, rank=2)
    for point, value in zip(points, function.value(points), strict=True):
        left, right = point[:8].reshape(4, 2), point[8:].reshape(3, 2)
        rest = sum(float(left[i] @ right[j] - target[i, j]) ** 2 for i, j in product(range(4), range(3)))
        balance = sum(
            float(left[:, a] @ left[:, b] - right[:, a] @ right[:, b]) ** 2
            for a, b in product(range(2), repeat=2)
        )
        assert float(value) == pytest.approx(rest / 2 + balance / 8)
    assert_gradient(function, points)
    # the balanced factors of the best approximation of rank 2 have the least value, and no gradient
    u, s, v = torch.linalg.svd(target)
    best = torch.cat([(u[:, :2] * s[:2].sqrt()).flatten(), (v[:2].T * s[:2].sqrt()).flatten()])
    assert function.lowest == pytest.approx(float(function.value(best)))
    torch.testing.assert_close(function.gradient(best), torch.zeros(14, dtype=torch.float64))


@pytest.mark.parametrize("rank", [0, 4])
def test_a_rank_that_there_is_not(rank: int) -> None:
    with pytest.raises(LandscapeError, match="from 1 to 3"):
        asymmetric_factorization(normal(4, 3), rank)


def test_sensing() -> None:
    truth, sensors, points = normal(5, 2), normal(7, 5, 5), normal(3, 10)
    function = matrix_sensing(truth, sensors)
    for point, value in zip(points, function.value(points), strict=True):
        off = point.reshape(5, 2) @ point.reshape(5, 2).T - truth @ truth.T
        seen = [sum(float(a[i, j] * off[i, j]) for i, j in product(range(5), repeat=2)) for a in sensors]
        assert float(value) == pytest.approx(sum(number**2 for number in seen) / (4 * 7))
    assert_gradient(function, points)
    assert float(function.value(truth.flatten())) == pytest.approx(0, abs=1e-20)


def test_completion() -> None:
    truth, points = normal(5, 2), normal(3, 10)
    points[0] /= 100  # all rows within the bound
    observed = torch.rand(5, 5, generator=RANDOM) < 0.3
    observed |= observed.T.clone()
    function = matrix_completion(truth, observed, bound=0.7, weight=0.3)
    share = float(observed.double().mean())
    for point, value in zip(points, function.value(points), strict=True):
        rows = point.reshape(5, 2)
        expected = sum(
            float(rows[i] @ rows[j] - truth[i] @ truth[j]) ** 2 / (4 * share)
            for i, j in product(range(5), repeat=2)
            if observed[i, j]
        )
        expected += sum(0.3 * max(float(row.norm()) - 0.7, 0.0) ** 4 for row in rows)
        assert float(value) == pytest.approx(expected)
    assert_gradient(function, points)
    assert function.gradient(torch.zeros(1, 10, dtype=torch.float64)).isfinite().all()


def test_the_recovery_error_leaves_the_rotation_open() -> None:
    truth, turn = normal(5, 2), torch.tensor([[0.6, 0.8], [-0.8, 0.6]], dtype=torch.float64)
    points = torch.stack([(truth @ turn).flatten(), (truth * 2**0.5).flatten()])
    np.testing.assert_allclose(recovery_error(points, truth), [0, 1], atol=1e-14)


def test_the_components_of_a_tensor() -> None:
    components = torch.linalg.qr(normal(3, 3))[0]
    points = normal(2, 9)
    function = tensor_components(components)
    tensor = torch.einsum("ka,kb,kc,kd->abcd", *[components] * 4)
    for point, value in zip(points, function.value(points), strict=True):
        u = point.reshape(3, 3)
        expected = sum(
            float(torch.einsum("abcd,a,b,c,d", tensor, u[i], u[i], u[j], u[j]))
            for i, j in product(range(3), repeat=2)
            if i != j
        )
        assert float(value) == pytest.approx(expected)
    assert_gradient(function, points)
    found = torch.stack([components[[2, 0, 1]] * torch.tensor([[1.0], [-1.0], [1.0]]), components[[0, 1, 1]]])
    assert float(function.value(found[0].flatten())) == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(worst_component(found.flatten(1), components), [0, 1], atol=1e-14)
    lengths = on_spheres(points, 3).reshape(2, 3, 3).norm(dim=-1)
    np.testing.assert_allclose(lengths, np.ones((2, 3)))


def assert_gradient(function: Function, points: Tensor) -> None:
    twin = differentiated(function.value, function.box, function.start, function.lr)
    torch.testing.assert_close(function.gradient(points), twin.gradient(points), rtol=1e-12, atol=1e-12)
