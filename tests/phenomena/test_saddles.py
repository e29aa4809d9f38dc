"""Kinds of stationary points, and descents off a quadratic's saddle beside powers of their iteration."""

from typing import Any

import numpy as np
import pytest

from landscape_cli.analytic.surfaces2d import himmelblau
from made_lab import MadeLab, drawn, measure, verdicts

CLASSIFIER, ESCAPE = "stationary-point-classifier", "strict-saddle-escape-quadratic"
LABS = [MadeLab({}, seed=seed) for seed in range(3)]


def test_the_kinds_of_all_forms_and_of_himmelblaus_function_are_found() -> None:
    found = measure(CLASSIFIER, LABS)
    assert verdicts(CLASSIFIER, found) == ["holds"] * 8
    for seed in found:
        count = {kind: int(number) for kind, number in seed["count"].items()}
        assert count == {"minimum": 4, "maximum": 1, "strict saddle": 4, "degenerate": 0}
        kinds, places = seed["himmelblau"]["kinds"], seed["himmelblau"]["places"]
        known = np.sort(np.array(himmelblau().minima), axis=0)
        assert np.sort(places[kinds == 1], axis=0) == pytest.approx(known, abs=1e-5)
        # on the circle of radius r: y^4 - x^2 alone is least at (0, r), where r^4 < r^2; y^3 at (0, -r)
        assert seed["lowest_around"]["x^2 + y^4"] == pytest.approx(0.1**4, rel=1e-2)
        assert seed["lowest_around"]["x^2 + y^3"] == pytest.approx(-(0.1**3), rel=1e-2)
    (picture,) = drawn(CLASSIFIER, found).values()
    titles = [axes.get_title() for axes in picture.axes]
    assert titles == ["x² + y²", "-x² - y²", "x² - y²", "x² + y³", "x² + y⁴", "Himmelblau's function"]


def test_where_too_much_counts_as_zero_or_too_little_is_found_the_labels_are_wrong() -> None:
    found = measure(CLASSIFIER, LABS, starts=3, curvature=3.0)  # the forms' eigenvalues are +-2
    assert verdicts(CLASSIFIER, found)[:5] == ["fails"] * 3 + ["holds"] * 2
    early = measure(CLASSIFIER, LABS, starts=20, steps=5)  # y^4 is still curved there, or steep
    assert verdicts(CLASSIFIER, early)[4] == "fails"
    assert verdicts(CLASSIFIER, measure(CLASSIFIER, LABS, starts=1))[7] == "fails"


def test_the_way_off_the_saddle_is_that_of_powers_of_the_iteration() -> None:
    found = measure(ESCAPE, LABS)
    assert verdicts(ESCAPE, found) == ["holds"] * 5
    for seed in found:
        assert seed["over_the_lectures_bound"] == pytest.approx(1.4)
        for start, exits in zip(seed["component"], seed["exits"], strict=True):
            alone = next(t for t in range(100) if start * 1.4**t > 1)
            assert alone - 1 <= exits <= alone  # the other coordinates can only take it out earlier
    assert list(drawn(ESCAPE, found)) == ["escape"]


@pytest.mark.parametrize(
    ("number", "settings"),
    [
        (0, {"smallest": 1e-14}),  # rounding is no longer small beside it
        (2, {"eigenvalues": [0.0, 0.0, -0.8], "others": 0.99}),  # the others take it out long before
        (3, {"eigenvalues": [0.5, -0.4, -0.8]}),  # where v^T x = 0 there is another way down
    ],
)
def test_each_claim_can_fail(number: int, settings: dict[str, Any]) -> None:
    found = measure(ESCAPE, LABS, starts=4, steps=100, **settings)
    assert verdicts(ESCAPE, found)[number] == "fails"
    slower = [{**seed, "over_the_lectures_bound": 1.0} for seed in found]
    assert verdicts(ESCAPE, slower)[1] == "fails"
