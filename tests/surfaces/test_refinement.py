"""Which points are evaluated, and how far the interpolated ones are from the truth, on known surfaces."""

import numpy as np
import pytest

from landscape_cli.arrays import Array, Mask
from landscape_cli.surfaces.refinement import estimated_errors, interpolated, wanted

AXIS = np.linspace(-1, 1, 33)
X, Y = np.meshgrid(AXIS, AXIS)
BOWL = np.exp(-2 + 3 * X**2 + 2 * Y**2 + X * Y)


def waves(seed: int, amplitude: float, frequencies: tuple[float, float]) -> Array:
    """A random sum of cosines: its rms is the amplitude, its frequencies are in half periods a unit."""
    random = np.random.default_rng(seed)
    total = np.zeros_like(X)
    for _ in range(40):
        frequency, angle = random.uniform(*frequencies) * np.pi, random.uniform(0, 2 * np.pi)
        phase = random.uniform(0, 2 * np.pi)
        total += np.cos(frequency * (np.cos(angle) * X + np.sin(angle) * Y) + phase)
    return np.asarray(amplitude * total / np.sqrt(20))


SURFACES = {
    "bowl": BOWL,
    "valley": 0.02 + 0.25 * (X + Y) ** 2 + 5 * (X - Y) ** 2,
    "banana": 0.1 + (1 - 1.5 * X) ** 2 + 20 * (1.5 * Y - (1.5 * X) ** 2) ** 2,
    "cliff": np.exp(np.tanh((np.hypot(X - 0.1, Y + 0.2) - 0.6) / 0.1)),
    "hills": np.exp(X**2 + waves(0, 0.2, (1, 4))),
    "chaotic on one side": np.exp(waves(1, 0.3, (3, 8)) / (1 + np.exp(-(X - 0.2) / 0.08))),
}


def refine(
    x: Array,
    y: Array | None,
    losses: list[Array],
    tolerance: float | None,
    evaluated: Mask | None = None,
    unknown: float = np.nan,
) -> tuple[Mask, list[int]]:
    """Evaluate what is wanted until nothing is; return where, and how many points each round had."""
    evaluated = np.zeros(losses[0].shape, dtype=bool) if evaluated is None else evaluated.copy()
    rounds = []
    while indices := wanted(
        x, y, [np.where(evaluated, loss, unknown) for loss in losses], evaluated, tolerance
    ):
        assert len(set(indices)) == len(indices)
        for index in indices:
            assert not evaluated[index], "wanted twice"
            evaluated[index] = True
        rounds.append(len(indices))
    return evaluated, rounds


def largest_error(x: Array, y: Array | None, loss: Array, evaluated: Mask) -> float:
    filled = interpolated(x, y, np.where(evaluated, loss, np.nan), evaluated, positive=True)
    np.testing.assert_array_equal(filled[evaluated], loss[evaluated])
    return float(np.abs(np.log(filled[~evaluated] / loss[~evaluated])).max(initial=0))


@pytest.mark.parametrize("tolerance", [0.1, 0.02])
@pytest.mark.parametrize("name", SURFACES)
def test_errors_are_below_the_tolerance(name: str, tolerance: float) -> None:
    loss = SURFACES[name]
    evaluated, rounds = refine(AXIS, AXIS, [loss], tolerance)
    assert largest_error(AXIS, AXIS, loss, evaluated) < 1.2 * tolerance
    estimate = estimated_errors(AXIS, AXIS, [loss], evaluated)
    assert (estimate[evaluated] == 0).all()
    assert 0 < estimate[~evaluated].max() <= tolerance
    assert len(rounds) <= 6


def test_smooth_surfaces_are_cheap_and_rough_parts_are_where_the_points_go() -> None:
    assert refine(AXIS, AXIS, [BOWL], 0.02)[0].mean() < 0.17
    evaluated, _ = refine(AXIS, AXIS, [SURFACES["chaotic on one side"]], 0.05)
    assert evaluated[:, AXIS > 0.3].mean() > 2.5 * evaluated[:, AXIS < 0].mean()


def test_noise_is_evaluated_completely() -> None:
    loss = np.exp(np.random.default_rng(0).normal(size=X.shape))
    assert refine(AXIS, AXIS, [loss], 0.02)[0].mean() > 0.99


def test_noise_below_the_tolerance_costs_nothing() -> None:
    noisy = BOWL * np.exp(np.random.default_rng(0).normal(scale=0.002, size=X.shape))
    evaluated, _ = refine(AXIS, AXIS, [noisy], 0.02)
    assert evaluated.mean() < 0.17
    assert largest_error(AXIS, AXIS, noisy, evaluated) < 0.015


def test_the_worst_split_decides() -> None:
    both, _ = refine(AXIS, AXIS, [BOWL, SURFACES["hills"]], 0.05)
    for loss in (BOWL, SURFACES["hills"]):
        assert largest_error(AXIS, AXIS, loss, both) < 0.05
    np.testing.assert_array_equal(both, refine(AXIS, AXIS, [SURFACES["hills"]], 0.05)[0])


def test_without_a_tolerance_all_that_are_missing_are_wanted_row_by_row() -> None:
    evaluated = np.zeros((3, 4), dtype=bool)
    evaluated[1, 2] = True
    indices = wanted(np.arange(4.0), np.arange(3.0), [np.full((3, 4), np.nan)], evaluated, None)
    assert indices == [(row, column) for row in range(3) for column in range(4) if (row, column) != (1, 2)]


def test_an_interrupted_surface_ends_with_the_same_points() -> None:
    loss, random = SURFACES["hills"], np.random.default_rng(0)
    whole, _ = refine(AXIS, AXIS, [loss], 0.05)
    evaluated = np.zeros(loss.shape, dtype=bool)
    while indices := wanted(AXIS, AXIS, [np.where(evaluated, loss, np.nan)], evaluated, 0.05):
        for index in random.permutation(indices)[: len(indices) // 2 + 1]:
            evaluated[tuple(index)] = True
    np.testing.assert_array_equal(evaluated, whole)


def test_values_that_are_not_evaluated_are_not_read() -> None:
    loss = SURFACES["hills"]
    blank, _ = refine(AXIS, AXIS, [loss], 0.05)
    for stale in (np.inf, 0.0, 1e9):
        np.testing.assert_array_equal(refine(AXIS, AXIS, [loss], 0.05, unknown=stale)[0], blank)
        filled = interpolated(AXIS, AXIS, np.where(blank, loss, stale), blank, positive=True)
        expected = interpolated(AXIS, AXIS, np.where(blank, loss, np.nan), blank, positive=True)
        np.testing.assert_array_equal(filled, expected)


def test_a_finished_surface_is_refined_further_from_what_it_has() -> None:
    loss = SURFACES["hills"]
    coarse, _ = refine(AXIS, AXIS, [loss], 0.2)
    fine, rounds = refine(AXIS, AXIS, [loss], 0.02, coarse)
    assert fine[coarse].all()
    assert sum(rounds) == fine.sum() - coarse.sum() > 0
    assert largest_error(AXIS, AXIS, loss, fine) < 0.02
    assert refine(AXIS, AXIS, [loss], 0.2, fine)[1] == []
    assert refine(AXIS, AXIS, [loss], None, fine)[0].all()


@pytest.mark.parametrize("layout", ["at random", "two rows", "a corner"])
def test_points_known_for_other_reasons_are_used(layout: str) -> None:
    known = np.zeros(X.shape, dtype=bool)
    if layout == "at random":
        known = np.random.default_rng(0).random(X.shape) < 0.3
    elif layout == "two rows":
        known[:2] = True
    else:
        known[:12, :12] = True
    loss = SURFACES["hills"]
    evaluated, rounds = refine(AXIS, AXIS, [loss], 0.05, known)
    assert sum(rounds) < refine(AXIS, AXIS, [loss], 0.05)[0].sum()
    assert largest_error(AXIS, AXIS, loss, evaluated) < 0.05


@pytest.mark.parametrize("bad", [np.inf, 0.0, -1.0])
def test_nothing_is_invented_next_to_a_loss_without_a_logarithm(bad: float) -> None:
    loss = np.where(X + Y > 1.1, bad, BOWL)
    loss[5, 7] = loss[0, 0] = bad  # (5, 7) is found only where points around it are evaluated
    evaluated, _ = refine(AXIS, AXIS, [BOWL, loss], 0.02)
    assert evaluated[X + Y > 1.1].all()
    assert evaluated.mean() < 0.5
    for row, column in np.argwhere(evaluated & (loss == bad)):
        around = slice(max(row - 1, 0), row + 2), slice(max(column - 1, 0), column + 2)
        assert evaluated[around].all()
    filled = interpolated(AXIS, AXIS, np.where(evaluated, loss, np.nan), evaluated, positive=True)
    np.testing.assert_array_equal(filled[evaluated], loss[evaluated])
    good = ~evaluated & (loss != bad)
    np.testing.assert_allclose(filled[good], BOWL[good], rtol=0.02)


@pytest.mark.parametrize("value", [np.inf, -1.0])
def test_a_surface_without_logarithms_is_evaluated_completely(value: float) -> None:
    loss = np.full(X.shape, value)
    evaluated, _ = refine(AXIS, AXIS, [loss], 0.1)
    assert evaluated.all()
    np.testing.assert_array_equal(interpolated(AXIS, AXIS, loss, evaluated, positive=True), loss)


@pytest.mark.parametrize("shape", [(2,), (5,), (9,), (2, 2), (2, 40), (3, 7), (9, 9)])
def test_tiny_grids_are_evaluated_completely(shape: tuple[int, ...]) -> None:
    loss = np.exp(np.indices(shape).sum(axis=0) / 10)
    axes = [np.arange(size, dtype=np.float64) for size in shape]
    evaluated, _ = refine(axes[-1], axes[0] if len(axes) == 2 else None, [loss], 0.1)
    assert evaluated.all()


@pytest.mark.parametrize(("size", "share"), [(51, 0.95), (200, 0.5)])
def test_lines(size: int, share: float) -> None:
    x = np.linspace(-0.5, 1.5, size)
    loss = np.exp(np.tanh(20 * (x - 0.3)) + x**2)
    evaluated, _ = refine(x, None, [loss], 0.02)
    assert evaluated.mean() < share
    assert largest_error(x, None, loss, evaluated) < 0.02
    close = np.abs(x - 0.3) < 0.15
    assert evaluated[close].mean() > evaluated[~close].mean()


@pytest.mark.parametrize("shape", [(12, 51), (40, 17), (51, 4)])
def test_planes_of_other_shapes_and_spacings(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    y, x = (np.sort(np.r_[-1, 1, random.uniform(-1, 1, size - 2)]) for size in shape)
    loss = np.exp(-1 + 2 * x**2 + y[:, np.newaxis] ** 2 + 0.2 * np.sin(3 * x * y[:, np.newaxis] + 2 * x))
    evaluated, _ = refine(x, y, [loss], 0.05)
    assert evaluated.mean() < 0.75
    assert largest_error(x, y, loss, evaluated) < 0.05


@pytest.mark.parametrize("axes", [1, 2])
def test_interpolation_equals_its_twin(axes: int) -> None:
    random = np.random.default_rng(axes)
    x, y = np.sort(random.uniform(-3, 5, 24)), np.sort(random.uniform(0, 2, 9)) if axes == 2 else None
    values = random.normal(size=24 if y is None else (9, 24))
    evaluated = np.zeros(values.shape, dtype=bool)
    evaluated.flat[random.choice(values.size, 20, replace=False)] = True
    filled = interpolated(x, y, np.exp(values), evaluated, positive=True)

    # all 20 are neighbours: one dense system of |r|^5 and the monomials to the second degree
    scaled = [(axis - axis[0]) / (axis[-1] - axis[0]) for axis in ([x] if y is None else [y, x])]
    points = np.stack(np.meshgrid(*scaled, indexing="ij"), axis=-1)

    def rows(at: Array) -> tuple[Array, Array]:
        kernel = np.linalg.norm(at[:, np.newaxis] - points[evaluated], axis=-1) ** 5
        monomials = [at[:, 0] ** a * at[:, -1] ** b for a in range(3) for b in range(3 - a)]
        return kernel, np.stack(monomials if axes == 2 else [at[:, 0] ** a for a in range(3)], axis=-1)

    kernel, polynomial = rows(points[evaluated])
    zeros = np.zeros((polynomial.shape[1],) * 2)
    system = np.block([[kernel, polynomial], [polynomial.T, zeros]])
    weights = np.linalg.solve(system, np.r_[values[evaluated], zeros[0]])
    expected = np.hstack(rows(points[~evaluated])) @ weights
    np.testing.assert_allclose(np.log(filled[~evaluated]), expected, rtol=1e-6, atol=1e-6)


def test_accuracies_stay_in_their_range() -> None:
    accuracy = np.clip(1.3 - 2 * np.hypot(X, Y), 0.1, 1)
    evaluated, _ = refine(AXIS, AXIS, [BOWL], 0.02)
    filled = interpolated(AXIS, AXIS, np.where(evaluated, accuracy, np.nan), evaluated, positive=False)
    np.testing.assert_array_equal(filled[evaluated], accuracy[evaluated])
    assert filled.min() >= 0.1
    assert filled.max() <= 1
    assert np.abs(filled - accuracy).mean() < 0.01


def test_what_a_few_points_do_not_determine_stays_unknown() -> None:
    x = np.arange(5.0)
    for points in (
        [],
        [(0, 0)],
        [(0, 1), (0, 3), (1, 0), (1, 4), (3, 0), (3, 4), (4, 1), (4, 3)],
    ):  # a circle
        evaluated = np.zeros((5, 5), dtype=bool)
        for point in points:
            evaluated[point] = True
        filled = interpolated(x, x, np.full((5, 5), 2.0), evaluated, positive=True)
        np.testing.assert_array_equal(np.isnan(filled), ~evaluated)
        assert np.isinf(estimated_errors(x, x, [np.full((5, 5), 2.0)], evaluated)[~evaluated]).all()
