"""Features of different sizes: steps counted by taking them, and normalization by the training data alone."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from landscape_cli.data.load import Split
from landscape_cli.phenomena import feature_scaling
from landscape_cli.phenomena.feature_scaling import (
    curvatures_and_excess,
    excess_after,
    standardized,
    steps_to,
)
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, labs, measure, verdicts


@pytest.mark.parametrize("part", [0.3, 1e-3, 1e-6])
def test_closed_form_is_gradient_descent(part: float) -> None:
    """Taken step by step, on the loss itself."""
    random = np.random.RandomState(3)
    features, targets = random.standard_normal((30, 3)) * [1, 4, 2], random.standard_normal(30)
    curvature, excess = curvatures_and_excess(features, targets)
    hessian = 2 * features.T @ features / 30
    assert np.sort(curvature) == pytest.approx(np.linalg.eigvalsh(hessian))

    def loss(w: np.ndarray) -> float:
        return float(np.square(features @ w - targets).mean())

    best = loss(np.linalg.lstsq(features, targets, rcond=None)[0])
    w, path = np.zeros(3), []
    for _ in range(400):
        w = w - 2 * features.T @ (features @ w - targets) / 30 / curvature.max()
        path.append((loss(w) - best) / (loss(np.zeros(3)) - best))
    few = np.array([1, 2, 5, 20])
    assert excess_after(curvature, excess, few) == pytest.approx(np.array(path)[few - 1], rel=1e-6)
    assert steps_to(curvature, excess, part) == 1 + np.flatnonzero(np.array(path) <= part)[0]


def test_standardized_features_have_mean_0_and_variance_1() -> None:
    found = standardized(np.random.RandomState(0).standard_normal((50, 2)) * [1e5, 1] + [3e5, 7])
    assert found.mean(0) == pytest.approx([0, 0], abs=1e-12)
    assert np.square(found).mean(0) == pytest.approx([1, 1])


def test_sizes_that_differ_by_ten_thousands_hold_and_equal_ones_do_not() -> None:
    found = measure("unnormalized-features", labs())
    assert verdicts("unnormalized-features", found) == ["holds"] * 3
    (picture,) = drawn("unnormalized-features", found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [3]  # two curves and the level
    equal = measure("unnormalized-features", labs(), scales=[1.0, 1.0], spread=10.0)
    assert verdicts("unnormalized-features", equal) == ["fails"] * 3


def lab_of(train: np.ndarray, test: np.ndarray, seed: int = 0) -> MadeLab:
    made = MadeLab({"data": {}}, seed=seed)
    splits = [Split(torch.from_numpy(each).float(), torch.zeros(len(each))) for each in (train, test)]
    made._data["data"] = SimpleNamespace(train=splits[0], test=splits[1])  # type: ignore[assignment]
    return made


def normalized(size: float, far: float = 1.0, samples: int = 200) -> list[Measured]:
    """Return what is measured of four features, one of them constant, one `size` times as large."""
    random, found = np.random.RandomState(1), []
    for seed in range(3):
        train, test = random.standard_normal((2, 200, 4)) * [size, 1, 0, 1] + [0, 0, 5, 0]
        found += measure("input-normalization", [lab_of(train, test + far, seed)], samples=samples)
    return found


def test_normalization_holds_where_sizes_differ_and_changes_little_where_not() -> None:
    found = normalized(100.0)
    assert verdicts("input-normalization", found) == ["holds"] * 5
    assert [seed["constant_features"] for seed in found] == [1] * 3
    assert all(seed["condition"]["normalized"] < 3 for seed in found)
    assert list(drawn("input-normalization", found)) == ["spectrum"]
    assert verdicts("input-normalization", normalized(1.0)) == ["holds"] * 3 + ["fails", "holds"]


def test_the_test_data_play_no_part() -> None:
    near, far = normalized(100.0, samples=50), normalized(100.0, far=1e3, samples=50)
    assert near[0]["condition"] == far[0]["condition"]
    assert far[0]["test_mean"] > 500 * near[0]["test_mean"] > 0


@pytest.mark.parametrize(("mean", "deviation", "failing"), [(0.5, 1.0, 0), (0.0, 1.1, 1), (1.0, 1.0, 2)])
def test_wrong_moments_refute(
    monkeypatch: pytest.MonkeyPatch, mean: float, deviation: float, failing: int
) -> None:
    right = feature_scaling.moments

    def wrong(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        centre, width = right(inputs)
        return centre + mean, width * deviation

    monkeypatch.setattr(feature_scaling, "moments", wrong)
    assert verdicts("input-normalization", normalized(100.0))[failing] == "fails"
