"""Shares and overlaps beside projectors that are written out."""

import numpy as np
import pytest

from landscape_cli.arrays import Array
from landscape_cli.curvature.subspace import overlap, share


def basis(seed: int, p: int = 12, k: int = 3) -> Array:
    return np.asarray(np.linalg.qr(np.random.default_rng(seed).standard_normal((p, k)))[0])


def test_they_are_what_projectors_say() -> None:
    one, other, vector = basis(0), basis(1), np.random.default_rng(2).standard_normal(12)
    first, second = one @ one.T, other @ other.T
    assert share(vector, one) == pytest.approx(np.sum((first @ vector) ** 2) / np.sum(vector**2), rel=1e-12)
    assert overlap(one, other) == pytest.approx(np.trace(first @ second) / 3, rel=1e-12)


def test_of_the_same_space_they_are_one_whatever_its_basis() -> None:
    one, turn = basis(3), basis(4, p=3)
    assert overlap(one, one @ turn) == pytest.approx(1, rel=1e-12)
    assert share(one @ np.array([1.0, -2.0, 3.0]), one) == pytest.approx(1, rel=1e-12)
    rest = np.eye(12)[:, 3:6]
    assert overlap(np.eye(12)[:, :3], rest) == 0
    assert np.isnan(share(np.zeros(12), one))


def test_of_random_spaces_they_are_k_over_p() -> None:
    shares = [share(np.random.default_rng(n).standard_normal(12), basis(5)) for n in range(300)]
    overlaps = [overlap(basis(n), basis(1000 + n)) for n in range(300)]
    assert np.mean(shares) == pytest.approx(3 / 12, abs=0.03)
    assert np.mean(overlaps) == pytest.approx(3 / 12, abs=0.03)


def test_what_is_no_basis_is_refused() -> None:
    with pytest.raises(ValueError, match="must be orthonormal; products of them are 3 off"):
        share(np.ones(4), 2 * np.eye(4)[:, :2])
    with pytest.raises(ValueError, match="of one shape"):
        overlap(basis(0), basis(0, k=2))
