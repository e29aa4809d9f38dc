"""Panels of curves and dots: what numbers stand at their axes."""

import numpy as np
import pytest

from landscape_cli.plots.series import Panel, Series, draw_panels


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.02, 0.3, ["0.02", "0.05", "0.1", "0.2"]),
        (0.02, 0.55, ["0.03", "0.1", "0.3"]),
    ],
)
def test_one_or_two_decades_have_a_few_plain_numbers(low: float, high: float, expected: list[str]) -> None:
    figure = draw_panels([Panel("", "loss", "y", points={"seeds": ([low, high], [1.0, 2.0])}, log="x")])
    (axes,) = figure.axes
    figure.canvas.draw()
    first, last = axes.get_xlim()
    shown = [
        label.get_text()
        for label, place in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)
        if first <= place <= last
    ]
    assert shown == expected
    assert not any(label.get_text() for label in axes.get_xticklabels(minor=True))


def test_whole_numbers_are_numbered_by_whole_numbers() -> None:
    figure = draw_panels([Panel("", "epoch", "y", [Series("", np.arange(4), np.arange(4.0))])])
    assert all(float(place).is_integer() for place in figure.axes[0].get_xticks())
