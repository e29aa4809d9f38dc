"""Spearman's rank correlation, beside its definition."""

import math

import numpy as np
import pytest
from measures.planes import SEEDS
from scipy.stats import spearmanr

from landscape_cli.measures import rank_correlations, spearman


def spearman_twin(a: list[float], b: list[float]) -> float:
    def ranks(values: list[float]) -> list[float]:
        return [sum(w < v for w in values) + (values.count(v) + 1) / 2 for v in values]

    first, second = ranks(a), ranks(b)
    middle = (len(a) + 1) / 2
    products = sum((p - middle) * (q - middle) for p, q in zip(first, second, strict=True))
    squares = [sum((p - middle) ** 2 for p in values) for values in (first, second)]
    return products / math.sqrt(squares[0] * squares[1])


class TestSpearman:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_is_pearson_of_average_ranks(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        a, b = rng.integers(0, 5, (2, 9)) / 4 + np.arange(9) / 10
        a[rng.integers(0, 9, 2)] = np.inf
        b = np.round(b, 0 if seed % 2 else 6)
        assert spearman(a, b) == pytest.approx(spearman_twin(a.tolist(), b.tolist()), abs=1e-12)
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)

    def test_of_orders(self) -> None:
        sizes = np.array([4, 8, 16])
        assert spearman(sizes, np.exp(sizes)) == pytest.approx(1)
        assert spearman(sizes, -sizes) == pytest.approx(-1)
        assert type(spearman(sizes, sizes)) is float

    def test_of_a_constant_is_nan(self) -> None:
        assert math.isnan(spearman(np.ones(4), np.arange(4)))
        assert math.isnan(spearman(np.arange(4), np.full(4, np.inf)))

    @pytest.mark.parametrize(("a", "b"), [([1, 2], [1, 2, 3]), ([1], [1]), ([1, math.nan], [1, 2])])
    def test_refuses(self, a: list[float], b: list[float]) -> None:
        with pytest.raises(ValueError, match=r"two pairs|NaN"):
            spearman(np.array(a), np.array(b))


def test_a_matrix_has_the_correlation_of_each_two_over_the_rows_that_both_have() -> None:
    a, b = np.array([1.0, 2.0, 3.0, 4.0, np.nan]), np.array([2.0, np.inf, 1.0, np.nan, 5.0])
    found = rank_correlations([a, b, -a])
    np.testing.assert_allclose(found, found.T)
    np.testing.assert_allclose(np.diag(found), 1)
    assert found[0, 2] == pytest.approx(-1)
    assert found[0, 1] == pytest.approx(spearman(a[:3], b[:3]))


def test_of_two_pairs_or_a_constant_nothing_is_told() -> None:
    a, b, same = np.array([1.0, 2.0, 3.0]), np.array([1.0, np.nan, 2.0]), np.ones(3)
    found = rank_correlations([a, b, same])
    assert np.isnan(found[[0, 0, 1, 2], [1, 2, 2, 2]]).all()
    assert found[0, 0] == pytest.approx(1)


def test_a_ratio_is_not_below_itself() -> None:
    assert spearman(np.arange(4.0), np.array([0.0, 2.0, 1.0, 3.0])) == 0.8
