"""Small and large batches: measured on made-up valleys whose widths are known."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.reproduction.catalogue import phenomenon
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.store import Surface
from made_lab import MadeLab, drawn, made_surface, measure, verdicts

X = np.linspace(-1, 1, 81)
GRID, LINE = "batch-wd-optimizer-grid", "vgg9-sb-lb-interpolation"
WEIGHTS, ALL = "weight-norm-and-histograms", "landscape-vs-error-correlation"
PAIRS = ("wd0_small", "wd0_large", "wd_small", "wd_large")


def accuracies(errors: Mapping[str, float], seed: int = 0) -> dict[str, dict[str, list[float]]]:
    return {run: {"test_accuracy": [0.1, 1 - error + 0.001 * seed]} for run, error in errors.items()}


def bowls(radii: Callable[[str], float]) -> Callable[[Sequence[str], Sequence[str]], Surface]:
    """Return what computes lines and planes of L = 0.1 + (x / w)^2, whose radius is w sqrt(rise)."""

    def computed(names: Sequence[str], words: Sequence[str]) -> Surface:
        width, y = radii(names[0]), None if "y=null" in words else X
        return made_surface({"train/loss": lambda x, y=0.0: 0.1 + (x**2 + y**2) / width**2}, X, y)

    return computed


def grid(small: float, large: float, width: float = 0.6) -> tuple[list[Measured], list[MadeLab]]:
    """Return what is measured where batches have these errors, and small ones valleys of this width."""
    errors = {run: small if run.endswith("small") else large for run in phenomenon(GRID).scale("small").runs}
    computed = bowls(lambda run: width if run.endswith("small") else 0.3)
    made = [MadeLab(accuracies(errors, seed), computed, seed=seed) for seed in range(3)]
    return measure(GRID, made, rise=0.25, directions=3), made


def test_the_radius_of_a_valley_is_that_of_the_bowl() -> None:
    (found, *_), (lab, *_) = grid(0.1, 0.2)
    for run, radius in found["radius"].items():
        assert radius == pytest.approx(0.3 if run.endswith("small") else 0.15, rel=5e-3)
    settings = phenomenon(GRID).scale("small").settings
    for run in lab.runs:
        asked = [words for words in lab.asked if words[1] == run]
        assert asked[:3] == [
            ("surface", run, "y=null", *settings["line"], f"direction.seed={seed}") for seed in range(3)
        ]
        assert asked[3:] == [("surface", run, *settings["plane"])]


def test_the_lines_of_a_run_are_averaged_over_directions() -> None:
    runs = phenomenon(GRID).scale("small").runs

    def line(names: Sequence[str], words: Sequence[str]) -> Surface:
        if "y=null" not in words:
            return made_surface({"train/loss": lambda x, y: np.abs(x) + 0 * y}, X, X)
        slope = {"0": 1.0, "1": 2.0}[words[-1].removeprefix("direction.seed=")]
        return made_surface({"train/loss": lambda x: slope * np.abs(x)}, X)

    (found,) = measure(GRID, [MadeLab(accuracies(dict.fromkeys(runs, 0.1)), line)], rise=0.5, directions=2)
    for mean in found["loss"]["adam_wd"]:
        np.testing.assert_allclose(mean, 1.5 * np.abs(X))
    assert found["radius"]["sgd_wd_small"] == pytest.approx((0.5 + 0.25) / 2)


@pytest.mark.parametrize(
    ("small", "large", "width", "expected"),
    [
        (0.1, 0.2, 0.6, ["holds"] * 9),
        (0.2, 0.1, 0.6, ["holds"] * 4 + ["fails"] * 5),
        (0.1, 0.2, 0.2, ["fails"] * 4 + ["holds"] * 4 + ["fails"]),
    ],
)
def test_the_grid_compares_each_cell_and_ranks_all(
    small: float, large: float, width: float, expected: list[str]
) -> None:
    found, _ = grid(small, large, width)
    assert verdicts(GRID, found) == expected
    for cell, ratio in across(found, "radius_ratio").items():
        np.testing.assert_allclose(ratio, width / 0.3, rtol=5e-3)
        np.testing.assert_allclose(found[1]["test_error_gap"][cell], 100 * (large - small))


def test_the_pictures_of_the_grid() -> None:
    pictures = drawn(GRID, grid(0.1, 0.2)[0])
    assert list(pictures) == ["lines", "planes"]
    titles = [axes.get_title() for axes in pictures["planes"].axes]
    errors = [title.split()[-2] for title in titles if title]
    assert errors == ["9.90"] * 4 + ["19.90"] * 4  # the means over seeds; small batches above, large below
    lines = pictures["lines"].axes[0].get_lines()
    np.testing.assert_allclose(lines[0].get_ydata(), 0.1 + X**2 / 0.6**2)
    np.testing.assert_allclose(lines[1].get_ydata(), 0.1 + X**2 / 0.3**2)


def interpolated(widths: Mapping[str, tuple[float, float]], errors: Sequence[float]) -> list[Measured]:
    """Return what is measured between valleys x^2 / w^2 around 0 and 1, whose widths w are these."""

    def between(names: Sequence[str], words: Sequence[str]) -> Surface:
        small, large = widths[names[0].removesuffix("_small")]

        def loss(x: Any) -> Any:
            return np.minimum((x / small) ** 2, ((x - 1) / large) ** 2)

        values = {"train/loss": loss, "test/loss": lambda x: 1 + loss(x)}
        return made_surface(values, np.linspace(-1, 2, 121))

    runs = dict(zip(PAIRS, errors, strict=True))
    made = [MadeLab(accuracies(runs, seed), between, seed=seed) for seed in range(3)]
    found = measure(LINE, made, rise=0.25)
    assert made[0].asked == [("interpolate", *PAIRS[:2]), ("interpolate", *PAIRS[2:])]
    return found


@pytest.mark.parametrize(
    ("wd0", "wd", "errors", "expected"),
    [
        ((0.4, 0.2), (0.2, 0.4), (0.1, 0.2, 0.1, 0.2), ["holds"] * 4),
        ((0.2, 0.4), (0.4, 0.2), (0.2, 0.1, 0.2, 0.1), ["fails"] * 4),
        ((0.4, 0.2), (0.4, 0.2), (0.1, 0.2, 0.2, 0.1), ["holds", "fails", "holds", "fails"]),
    ],
)
def test_the_width_of_a_valley_on_the_line_between_two_solutions(
    wd0: tuple[float, float], wd: tuple[float, float], errors: Sequence[float], expected: list[str]
) -> None:
    found = interpolated({"wd0": wd0, "wd": wd}, errors)
    assert verdicts(LINE, found) == expected
    for name, (small, large) in (("wd0", wd0), ("wd", wd)):
        # twice the half-width w sqrt(rise)
        np.testing.assert_allclose(found[0]["width"][name], [small, large], rtol=1e-2)
        assert found[0]["width_ratio"][name] == pytest.approx(small / large, rel=2e-2)
    gaps = [errors[1] - errors[0], errors[3] - errors[2]]
    assert [*found[2]["test_error_gap"].values()] == pytest.approx([100 * gap for gap in gaps])


def test_the_picture_of_the_lines_has_the_test_errors_above_their_ends() -> None:
    found = interpolated({"wd0": (0.4, 0.2), "wd": (0.2, 0.4)}, (0.1, 0.2, 0.3, 0.4))
    pictures = drawn(LINE, found)
    assert list(pictures) == ["interpolation"]
    marks = [[text.get_text() for text in axes.texts] for axes in pictures["interpolation"].axes]
    assert marks[:2] == [["9.90 %", "19.90 %"], ["29.90 %", "39.90 %"]]


class Weights(nn.Module):
    """A matrix of Gaussian numbers, and a vector that is left out."""

    def __init__(self, spread: float, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.w = nn.Parameter(spread * torch.randn(40, 50, generator=generator))
        self.b = nn.Parameter(torch.full((9,), 1e6))


def weighed(spread: Mapping[str, float], before: Mapping[str, float] | None = None) -> list[Measured]:
    """Return what is measured on weights of these spreads, whose norms go from three to four times them.

    Runs of `before` come from so many times their spreads.
    """
    start = {**dict.fromkeys(spread, 3.0), **(before or {})}
    runs = {
        run: {"weight_norm": [0.0, 1e-9, start[run] * factor, 4 * factor]} for run, factor in spread.items()
    }
    made = [
        MadeLab(runs, networks={run: Weights(factor, seed) for run, factor in spread.items()}, seed=seed)
        for seed in range(3)
    ]
    return measure(WEIGHTS, made)


def test_norms_and_spreads_of_weights() -> None:
    found = weighed(dict(zip(PAIRS, (2.0, 1.0, 0.01, 1.0), strict=True)))
    assert verdicts(WEIGHTS, found) == ["holds"] * 5
    for seed, each in enumerate(found):
        assert each["growing_epochs"] == {"wd0": 1.0, "wd": 1.0}
        assert each["norm_ratio"] == {"wd0": pytest.approx(2.0), "wd": pytest.approx(0.01)}
        # the same draws; vectors are left out
        assert each["sd_ratio"] == {"wd0": pytest.approx(2.0), "wd": pytest.approx(0.01)}
        draws = Weights(1.0, seed).w.detach().double().numpy().ravel()
        small = (np.abs(draws) < 1).mean(), (np.abs(draws) < 0.01).mean()
        assert each["small_weights_ratio"]["wd"] == pytest.approx(small[0] / small[1], rel=0.02)
        np.testing.assert_allclose(each["weights"]["wd0"], [2 * draws, draws], rtol=1e-6)
        assert each["norm"]["wd"][0].tolist() == [0.0, 1e-9, 0.03, 0.04]


def test_norms_that_shrink_and_spreads_that_are_the_other_way_round_fail() -> None:
    found = weighed(dict(zip(PAIRS, (1.0, 2.0, 1.0, 0.01), strict=True)), before=dict.fromkeys(PAIRS, 5.0))
    assert verdicts(WEIGHTS, found) == ["fails"] * 5
    assert found[0]["growing_epochs"]["wd0"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("run", ["wd0_small", "wd0_large"])
def test_of_two_runs_the_one_that_grows_less_counts(run: str) -> None:
    found = weighed(dict(zip(PAIRS, (2.0, 1.0, 0.01, 1.0), strict=True)), before={run: 5.0})
    assert found[0]["growing_epochs"] == {"wd0": pytest.approx(2 / 3), "wd": 1.0}
    assert verdicts(WEIGHTS, found) == ["fails", *["holds"] * 4]


def test_densities_of_weights_are_drawn() -> None:
    pictures = drawn(WEIGHTS, weighed(dict(zip(PAIRS, (2.0, 1.0, 0.01, 1.0), strict=True))))
    assert list(pictures) == ["weights"]
    assert len(pictures["weights"].axes) == 4


RADII = {"a": 0.6, "b": 0.5, "c": 0.4, "d": 0.3}


def ranked(errors: Mapping[str, float], batches: Mapping[str, int]) -> list[Measured]:
    made = [MadeLab(accuracies(errors), bowls(RADII.__getitem__), seed=seed) for seed in range(3)]
    return measure(ALL, made, batches=batches, rise=1.0, directions=2, line=[])


@pytest.mark.parametrize(
    ("errors", "rho", "excess", "expected"),
    [
        ((0.1, 0.2, 0.3, 0.4), 1.0, 0.0, ["holds", "holds", "holds"]),
        ((0.4, 0.3, 0.2, 0.1), -1.0, 30.0, ["fails", "fails", "holds"]),
    ],
)
def test_ranks(errors: Sequence[float], rho: float, excess: float, expected: list[str]) -> None:
    found = ranked(dict(zip(RADII, errors, strict=True)), {"a": 32, "b": 64, "d": 128})
    np.testing.assert_allclose(across(found, "correlation"), rho)
    np.testing.assert_allclose(across(found, "flattest_off_the_best"), excess)
    np.testing.assert_allclose(across(found, "largest_step"), -0.1, atol=0.01)
    assert verdicts(ALL, found) == expected
    assert list(drawn(ALL, found)) == ["correlation"]


def test_a_valley_that_widens_with_the_batch_fails() -> None:
    found = ranked(dict.fromkeys(RADII, 0.1), {"d": 32, "a": 64})
    # equal errors have no order
    assert verdicts(ALL, found) == ["undecided", "holds", "fails"]
