"""Eigenpairs at the ends against NumPy's of the whole matrix."""

import numpy as np
import pytest
from curvature_cases import matrix_with

from landscape_cli.curvature.lanczos import eigenpairs

BULK = np.linspace(-0.2, 0.2, 280)
OUTER = np.array([-1.0, -0.8, -0.6, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0])
EIGENVALUES = np.concatenate([BULK, OUTER])


def stream(seed: int = 0) -> np.random.RandomState:
    return np.random.RandomState(seed)


@pytest.mark.parametrize(("largest", "smallest"), [(5, 3), (5, 0), (0, 2), (1, 1)])
@pytest.mark.parametrize("most", [None, 20])
def test_ends_are_those_of_the_matrix(largest: int, smallest: int, most: int | None) -> None:
    dense = matrix_with(EIGENVALUES)
    found = eigenpairs(
        lambda v: dense @ v, len(dense), largest, smallest, stream(), tolerance=1e-6, most=most
    )
    exact = np.sort(EIGENVALUES)
    wanted = np.concatenate([exact[:smallest], exact[len(exact) - largest :]])
    np.testing.assert_allclose(found.values, wanted, rtol=1e-9)
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(len(wanted)), atol=1e-10)
    scale = np.abs(wanted) + np.abs(exact).max() / 10
    off = np.linalg.norm(found.vectors @ dense - wanted[:, None] * found.vectors, axis=1) / scale
    np.testing.assert_allclose(found.residuals, off, atol=1e-9)  # what the space says is what is
    assert (off <= 1e-6).all()
    assert found.products < len(dense)


def test_a_full_space_is_restarted() -> None:
    exact = np.geomspace(1e-3, 1, 300)
    dense = matrix_with(exact)
    roomy = eigenpairs(lambda v: dense @ v, 300, 5, 0, stream(), tolerance=1e-8)
    found = eigenpairs(lambda v: dense @ v, 300, 5, 0, stream(), tolerance=1e-8, most=25)
    assert found.products > 2 * 25
    assert found.products >= roomy.products
    np.testing.assert_allclose(found.values, exact[-5:], rtol=1e-12)
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(5), atol=1e-10)


def test_a_coarser_tolerance_costs_less() -> None:
    dense = matrix_with(np.concatenate([np.geomspace(1e-6, 1, 300), [2.0, 3.0]]))
    costs = [
        eigenpairs(lambda v: dense @ v, len(dense), 10, 10, stream(), tolerance=tolerance).products
        for tolerance in (1e-1, 1e-3, 1e-6)
    ]
    assert costs == sorted(set(costs))


def test_small_matrices_give_all_they_have() -> None:
    dense = matrix_with(np.array([-2.0, 1.0, 4.0]))
    found = eigenpairs(lambda v: dense @ v, 3, 10, 10, stream())
    np.testing.assert_allclose(found.values, [-2, 1, 4], atol=1e-12)
    both = eigenpairs(lambda v: dense @ v, 3, 2, 10, stream())
    np.testing.assert_allclose(both.values, [-2, 1, 4], atol=1e-12)
    one = eigenpairs(lambda v: 5 * v, 1, 1, 1, stream())
    np.testing.assert_allclose(one.values, [5])


def test_low_rank_and_nothing_at_all() -> None:
    vectors = np.linalg.qr(stream(1).standard_normal((60, 3)))[0]
    dense = vectors @ np.diag([1.0, 2.0, 7.0]) @ vectors.T
    found = eigenpairs(lambda v: dense @ v, 60, 5, 0, stream())
    np.testing.assert_allclose(found.values, [0, 0, 1, 2, 7], atol=1e-12)
    np.testing.assert_allclose(found.residuals, 0, atol=1e-10)
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(5), atol=1e-10)
    zero = eigenpairs(np.zeros_like, 60, 2, 1, stream())
    np.testing.assert_array_equal(zero.values, 0)


def test_products_that_are_not_finite_are_refused() -> None:
    with pytest.raises(FloatingPointError, match="not finite"):
        eigenpairs(lambda v: v * np.nan, 60, 1, 1, stream())
