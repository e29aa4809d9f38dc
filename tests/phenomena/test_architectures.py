"""Depth, shortcuts, width: measured on made-up planes whose radii and curvatures are known."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from landscape_cli.measures import minima, nonconvex_fraction
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.store import Surface
from made_lab import MadeLab, drawn, made_surface, measure, verdicts

AXIS = np.linspace(-1, 1, 41)


def labs(radii: Mapping[str, float], errors: Mapping[str, float], waves: Sequence[str]) -> list[MadeLab]:
    """Return labs with bowls of these radii at a rise of 1; those of `waves` ripple far from the centre."""

    def plane(names: Sequence[str], words: Sequence[str]) -> Surface:
        (run,) = names

        def loss(x: Any, y: Any) -> Any:
            square = x**2 + y**2
            ripple = 8 * np.cos(9 * x) * np.cos(9 * y) if run in waves else 0.0
            return 0.1 + square / radii[run] ** 2 + np.where(square > 0.55, ripple, 0.0)

        return made_surface({"train/loss": loss}, AXIS, AXIS)

    runs = {
        run: {"test_accuracy": [0.1, 1 - error], "train_accuracy": [0.1, 0.9]}
        for run, error in errors.items()
    }
    return [MadeLab(runs, plane, seed=seed) for seed in range(3)]


def twin_of(seed: Measured, run: str) -> tuple[float, int]:
    """Return the fraction of non-convex points and the number of minima of a run's plane."""
    plane = seed["plane"][run]
    return (
        nonconvex_fraction(plane.x, plane.y, plane.values["train/loss"]),
        minima(plane.x, plane.y, plane.values["train/loss"]),
    )


RUNS = ("20", "56", "20_noshort", "56_noshort")


def shortcuts(
    radii: Sequence[float], errors: Sequence[float], waves: Sequence[str], scale: str = "small"
) -> list[Measured]:
    made = labs(dict(zip(RUNS, radii, strict=True)), dict(zip(RUNS, errors, strict=True)), waves)
    return measure("skip-vs-noskip-depth", made, scale, rise=1.0)


def test_what_is_read_off_a_plane() -> None:
    found = shortcuts((0.5, 0.4, 0.3, 0.6), (0.3, 0.2, 0.3, 0.5), ["20_noshort"])[2]
    for run, radius, error in zip(RUNS, (0.5, 0.4, 0.3, 0.6), (30, 20, 30, 50), strict=True):
        assert found["loss"][run] == pytest.approx(0.1)
        assert found["radius"][run] == pytest.approx(radius, rel=0.05)
        assert found["test_error"][run] == pytest.approx(error)
        assert found["train_accuracy"][run] == 0.9
        assert (found["nonconvex_fraction"][run], found["minima"][run]) == twin_of(found, run)
        assert (found["minima"][run] > 0) == (run == "20_noshort")
    assert found["radius_ratio"] == found["radius"]["56"] / found["radius"]["56_noshort"]
    assert found["test_error_gap"] == pytest.approx(30.0)
    assert found["nonconvex_gap"] == 0.0
    assert found["change_with_depth"] == pytest.approx(0.25, rel=0.2)  # |0.5 / 0.4 - 1|
    assert found["change_when_shallow"] == pytest.approx(2 / 3, rel=0.2)  # |0.5 / 0.3 - 1|


NONCONVEX, ERROR, DEPTH, SHALLOW, RADIUS = range(5)


@pytest.mark.parametrize(
    ("radii", "errors", "waves", "failing"),
    [
        ((0.5, 0.5, 0.5, 0.3), (0.3, 0.2, 0.3, 0.5), "56_noshort", []),
        ((0.5, 0.2, 0.5, 0.3), (0.3, 0.6, 0.3, 0.5), "56", [NONCONVEX, ERROR, DEPTH, RADIUS]),
        ((0.5, 0.5, 0.3, 0.3), (0.3, 0.2, 0.3, 0.5), "56_noshort", [SHALLOW]),
    ],
)
@pytest.mark.parametrize("scale", ["small", "paper"])
def test_shortcuts(
    scale: str, radii: Sequence[float], errors: Sequence[float], waves: str, failing: list[int]
) -> None:
    found = shortcuts(radii, errors, [waves], scale)
    expected = ["fails" if number in failing else "holds" for number in range(5)]
    assert verdicts("skip-vs-noskip-depth", found, scale) == expected


def test_at_small_scale_shortcuts_are_to_widen_the_valley_by_three_tenths() -> None:
    found = shortcuts((0.4, 0.4, 0.4, 0.34), (0.3, 0.2, 0.3, 0.5), ["56_noshort"])
    assert 1.1 < found[0]["radius_ratio"] < 1.3
    assert verdicts("skip-vs-noskip-depth", found, "small")[RADIUS] == "fails"
    assert verdicts("skip-vs-noskip-depth", found, "paper")[RADIUS] == "holds"


def test_pictures_of_shortcuts() -> None:
    found = shortcuts((0.5, 0.5, 0.5, 0.3), (0.3, 0.2, 0.3, 0.5), ["56_noshort"])
    pictures = drawn("skip-vs-noskip-depth", found)
    assert list(pictures) == ["planes", "surfaces", "measures"]
    titles = [axes.get_title().replace("\n", " ") for axes in pictures["planes"].axes]
    assert [title for title in titles if title] == [
        "20 layers: 30.0 %",
        "56 layers: 20.0 %",
        "20 layers, no shortcuts: 30.0 %",
        "56 layers, no shortcuts: 50.0 %",
    ]


def by_width(
    radii: Sequence[float], errors: Sequence[float], waves: int, *rows: str, scale: str = "small"
) -> list[Measured]:
    """Return what is measured in networks that grow wider, in each row alike; number `waves` ripples."""
    factors = ("0.25", "0.5", "1") if scale == "small" else ("1", "2", "4", "8")
    names = [[f"{row}_{factor}" for factor in factors] for row in rows]
    made = labs(
        {run: radius for row in names for run, radius in zip(row, radii, strict=True)},
        {run: error for row in names for run, error in zip(row, errors, strict=True)},
        [row[waves] for row in names],
    )
    return measure("wide-resnet-56-k", made, scale, rise=1.0)


@pytest.mark.parametrize(
    ("radii", "errors", "waves", "expected"),
    [
        ((0.3, 0.4, 0.5), (0.5, 0.4, 0.3), 0, ["holds", "holds", "holds"]),
        ((0.3, 0.6, 0.5), (0.5, 0.4, 0.3), 0, ["holds", "fails", "holds"]),  # not monotone
        ((0.3, 0.4, 0.5), (0.3, 0.4, 0.5), 2, ["fails", "holds", "fails"]),
    ],
)
def test_width(radii: Sequence[float], errors: Sequence[float], waves: int, expected: Sequence[str]) -> None:
    found = by_width(radii, errors, waves, "noshort")
    assert verdicts("wide-resnet-56-k", found) == expected
    narrow, wide = (found[0]["nonconvex_fraction"][f"noshort_{factor}"] for factor in ("0.25", "1"))
    assert found[0]["convexity_gain"]["noshort"] == narrow - wide
    assert found[0]["error_order"]["noshort"] == pytest.approx(-1.0 if errors[0] > errors[2] else 1.0)


def test_width_with_shortcuts_and_without_at_paper_scale() -> None:
    errors, radii = (0.5, 0.4, 0.3, 0.2), (0.3, 0.4, 0.5, 0.6)
    found = by_width(radii, errors, 0, "short", "noshort", scale="paper")
    assert verdicts("wide-resnet-56-k", found, "paper") == ["holds"] * 4
    found = by_width(radii, errors[::-1], 0, "short", "noshort", scale="paper")
    assert verdicts("wide-resnet-56-k", found, "paper") == ["fails", "holds", "holds", "fails"]


def test_pictures_of_width() -> None:
    found = by_width((0.3, 0.4, 0.5), (0.5, 0.4, 0.3), 0, "noshort")
    pictures = drawn("wide-resnet-56-k", found)
    assert list(pictures) == ["planes", "measures"]
    ticks = [label.get_text() for label in pictures["measures"].axes[0].get_xticklabels()]
    assert ticks == ["k=0.25", "k=0.5", "k=1"]


@pytest.mark.parametrize(
    ("waves", "verdict"), [("noshort", "holds"), ("densenet", "fails"), ("neither", "holds")]
)
def test_densenet(waves: str, verdict: str) -> None:
    runs = ("densenet", "noshort")
    found = measure("densenet-121", labs(dict.fromkeys(runs, 0.4), dict.fromkeys(runs, 0.2), [waves]))
    assert verdicts("densenet-121", found) == [verdict]
    dense, other = (twin_of(found[0], run)[0] for run in runs)
    assert found[0]["nonconvex_gap"] == dense - other
    if waves == "noshort":
        assert list(drawn("densenet-121", found)) == ["planes", "measures"]


DEPTHS = ("8", "20", "38", "56")


@pytest.mark.parametrize(("waves", "verdict"), [(["38", "56"], "holds"), (["8"], "fails")])
def test_depth_transition(waves: list[str], verdict: str) -> None:
    made = labs(dict.fromkeys(DEPTHS, 0.4), dict.fromkeys(DEPTHS, 0.2), waves)
    found = measure("vgg-like-depth-transition", made)
    assert verdicts("vgg-like-depth-transition", found) == [verdict, verdict]
    counts = across(found, "minima")
    for depth in DEPTHS:
        assert (counts[depth] > 0).all() == (depth in waves)
    steps = [counts[b][0] - counts[a][0] for a, b in pairwise(DEPTHS)]
    assert found[0]["least_step"] == min(steps)
    if verdict == "holds":
        assert list(drawn("vgg-like-depth-transition", found)) == ["planes", "minima"]
