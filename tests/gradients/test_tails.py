"""Tail indices of laws that are known, kurtosis beside closed forms, and slow twins of both."""

import math

import numpy as np
import pytest

from landscape_cli.arrays import Array
from landscape_cli.gradients.tails import coordinate_kurtosis, coordinate_tail_index, kurtosis, tail_index


def index_by_hand(values: list[float], length: int) -> float:
    """1 / alpha = (mean ln|Y| - mean ln|X|) / ln K1, number by number."""
    sums = [math.fsum(values[start : start + length]) for start in range(0, len(values), length)]
    above = math.fsum(math.log(abs(each)) for each in sums) / len(sums)
    below = math.fsum(math.log(abs(each)) for each in values) / len(values)
    return math.log(length) / (above - below)


@pytest.mark.parametrize(("alpha", "law"), [(2.0, "standard_normal"), (1.0, "standard_cauchy")])
def test_it_is_calibrated_on_a_million_numbers(alpha: float, law: str) -> None:
    found = tail_index(getattr(np.random.default_rng(0), law)(1_000_000))
    assert abs(found.value - alpha) < 3 * found.error
    assert found.error < 0.03 * alpha


def test_it_is_what_its_formula_says() -> None:
    values = np.random.default_rng(1).standard_normal((6, 6))
    assert tail_index(values).value == pytest.approx(index_by_hand(list(values.ravel()), 6), rel=1e-12)
    longer = np.append(values, [3.0, 4.0])  # beyond 6 x 6
    assert tail_index(longer).value == tail_index(values).value


def test_errors_cover_the_truth_as_often_as_they_should() -> None:
    random = np.random.default_rng(2)
    for alpha, law in ((2.0, random.standard_normal), (1.0, random.standard_cauchy)):
        found = [tail_index(law(10_000)) for _ in range(200)]
        off = np.array([(each.value - alpha) / each.error for each in found])
        assert abs(np.mean([each.value for each in found]) / alpha - 1) < 0.03
        assert 0.88 <= (np.abs(off) <= 2).mean() <= 0.985


def test_zeros_are_left_out() -> None:
    values = np.random.default_rng(3).standard_normal(10_000)
    with_zeros = np.zeros(20_000)
    with_zeros[::2] = values
    assert tail_index(with_zeros) == tail_index(values)
    assert math.isnan(tail_index(np.zeros(100)).value)
    assert math.isnan(tail_index(np.array([1.0, 0.0, 2.0, 3.0])).value)


def test_mixed_scales_fake_heavy_tails_but_not_in_order_nor_by_coordinate() -> None:
    """Layers of different scales are Gaussian in their order, and look heavy-tailed once shuffled."""
    random = np.random.default_rng(4)
    noise = random.standard_normal((400, 400)) * np.repeat(np.geomspace(1e-3, 1e3, 4), 100)
    assert tail_index(noise[:, :100]).value == pytest.approx(2, abs=0.15)
    assert tail_index(random.permutation(noise.ravel())).value < 1.3
    assert coordinate_tail_index(noise).value == pytest.approx(2, abs=0.15)


def test_by_coordinate_it_is_the_mean_of_exponents() -> None:
    noise = np.random.default_rng(5).standard_normal((9, 3)) * [1.0, 10.0, 100.0]
    exponents = [1 / index_by_hand(list(column), 3) for column in noise.T]
    assert coordinate_tail_index(noise).value == pytest.approx(1 / np.mean(exponents), rel=1e-12)
    dead = np.insert(noise, 1, 0.0, axis=1)
    assert coordinate_tail_index(dead) == pytest.approx(coordinate_tail_index(noise), rel=1e-12)
    assert math.isnan(coordinate_tail_index(noise[:3]).value)


def test_by_coordinate_errors_cover_the_truth_though_coordinates_go_together() -> None:
    random = np.random.default_rng(6)
    mixing = random.standard_normal((3, 30))
    found = [coordinate_tail_index(random.standard_normal((400, 3)) @ mixing) for _ in range(200)]
    off = np.array([(each.value - 2) / each.error for each in found])
    assert abs(np.mean([each.value for each in found]) / 2 - 1) < 0.03
    assert 0.88 <= (np.abs(off) <= 2).mean() <= 0.985


def test_kurtosis_is_what_its_formula_says() -> None:
    noise = np.random.default_rng(7).laplace(size=(12, 5))
    noise[:, 2] = 0
    kept = [float(each) for each in noise.ravel() if each]
    fourth, second = (math.fsum(each**power for each in kept) / len(kept) for power in (4, 2))
    assert kurtosis(noise).value == pytest.approx(fourth / second**2, rel=1e-12)
    columns = [noise[:, j] for j in range(5) if j != 2]
    each = [14 / 12 * np.mean(column**4) / np.mean(column**2) ** 2 for column in columns]
    assert coordinate_kurtosis(noise).value == pytest.approx(np.mean(each), rel=1e-12)
    without = [coordinate_kurtosis(np.delete(noise, n, axis=0)).value for n in range(12)]
    assert coordinate_kurtosis(noise).error == pytest.approx(np.sqrt(11) * np.std(without), rel=1e-12)
    assert math.isnan(kurtosis(np.zeros((3, 2))).value)
    assert math.isnan(coordinate_kurtosis(np.zeros((3, 2))).value)


@pytest.mark.parametrize(("law", "expected"), [("standard_normal", 3.0), ("laplace", 6.0), ("uniform", 1.8)])
def test_kurtosis_of_known_laws(law: str, expected: float) -> None:
    def drawn(*shape: int) -> Array:
        values: Array = getattr(np.random.default_rng(8), law)(size=shape)
        return values - (0.5 if law == "uniform" else 0.0)

    pooled = kurtosis(drawn(400, 500))
    assert abs(pooled.value - expected) < 4 * pooled.error < 0.4
    assert coordinate_kurtosis(drawn(2000, 60)).value == pytest.approx(expected, rel=0.05)


def test_kurtosis_of_batches_falls_to_that_of_a_gaussian() -> None:
    samples = np.random.default_rng(9).laplace(size=(4000, 16, 20))
    for size in (1, 4, 16):
        found = coordinate_kurtosis(samples[:, :size].mean(axis=1))
        assert found.value == pytest.approx(3 + 3 / size, abs=0.2)


def test_sums_that_cancel_are_left_out() -> None:
    noise = np.array([[1.0, 2.0], [-1.0, 5.0], [3.0, 4.0], [2.0, -1.0]])
    exponents = [math.log(7) - math.log(10) / 2, math.log(5) - math.log(6) / 2, math.log(3) - math.log(4) / 2]
    mean = (exponents[0] + (exponents[1] + exponents[2]) / 2) / 2 / math.log(2)
    assert coordinate_tail_index(noise).value == pytest.approx(1 / mean, rel=1e-12)
    assert tail_index(np.array([1.0, -1.0, 3.0, 2.0])).value == pytest.approx(
        math.log(2) / exponents[1], rel=1e-12
    )
