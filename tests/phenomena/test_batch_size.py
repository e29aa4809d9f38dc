"""Small and large batches: measured on made-up valleys whose widths are known."""

from typing import Any, cast

import numpy as np
import pytest

from landscape_cli.phenomena import batch_size
from landscape_cli.phenomena.valleys import centre, lines, radius, ratios
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface
from made_lab import MadeLab, MadeRun, made_surface

X = np.linspace(-1, 1, 81)
RUNS = ["wd0_small", "wd0_large", "wd_small", "wd_large"]
CELLS = [
    f"{optimizer}_{decay}_{size}"
    for optimizer in ("sgd", "adam")
    for decay in ("wd0", "wd")
    for size in ("small", "large")
]


def bowl(run: MadeRun, words: Any = ()) -> Surface:
    """L = 0.1 + (x / w)^2 with w = 0.6 for small batches and 0.3 for large ones: radius w sqrt(rise)."""
    width = 0.6 if run.name.endswith("small") else 0.3
    y = X if not any(word.startswith("y=null") for word in words) else None
    return made_surface({"train/loss": lambda x, y=0.0: 0.1 + (x**2 + y**2) / width**2}, X, y)


def as_lab(made: MadeLab) -> Lab:
    return cast("Lab", made)


def test_the_radius_of_a_valley_is_that_of_the_bowl() -> None:
    lab = as_lab(MadeLab(MadeRun, RUNS, bowl))  # type: ignore[arg-type]
    drawn = lines(lab, lab.run("wd_small", 0), 5, ["samples=10"])
    assert len(drawn) == 5
    assert centre(drawn[0]) == pytest.approx(0.1)
    assert radius(drawn, 0.25) == pytest.approx(0.3, rel=2e-3)
    asked = cast("MadeLab", lab).asked
    assert [words[-1] for words in asked] == [f"direction.seed={seed}" for seed in range(5)]
    assert {words[:-1] for words in asked} == {("y=null", "splits=[train]", "samples=10")}


def test_ratios_of_what_lies_beyond_the_grid_have_no_value() -> None:
    one, other = np.array([1.0, np.inf, np.inf, 0.0]), np.array([2.0, 2.0, np.inf, 0.0])
    np.testing.assert_array_equal(ratios(one, other), [0.5, np.inf, np.nan, np.nan])


def test_the_grid_compares_each_cell_and_ranks_all() -> None:
    def run(name: str, seed: int) -> MadeRun:
        return MadeRun(name, seed, test_accuracy=(0.9 if name.endswith("small") else 0.8) + 0.001 * seed)

    lab = as_lab(MadeLab(run, CELLS, bowl))
    found = batch_size.grid(lab, rise=0.25, directions=2, line=[], surface=[], notes={})
    assert [claim.verdict for claim in found.claims] == ["holds"] * 9
    np.testing.assert_allclose(found.claims[0].values, 2.0, rtol=5e-3)
    np.testing.assert_allclose(found.claims[1].values, 10.0)
    assert len(found.tables["cells"]) == 24

    def worse(name: str, seed: int) -> MadeRun:
        return MadeRun(name, seed, test_accuracy=0.8 if name.endswith("small") else 0.9)

    found = batch_size.grid(
        as_lab(MadeLab(worse, CELLS, bowl)), rise=0.25, directions=2, line=[], surface=[], notes={}
    )
    assert [claim.verdict for claim in found.claims] == ["holds", "fails"] * 4 + ["fails"]


def test_the_width_of_a_valley_on_the_line_between_two_solutions() -> None:
    def between(start: MadeRun, end: MadeRun) -> Surface:
        widths = (0.4, 0.2) if start.name.startswith("wd0") else (0.2, 0.4)

        def loss(x: Any) -> Any:
            one, other = (x / widths[0]) ** 2, ((x - 1) / widths[1]) ** 2
            return np.minimum(one, other)

        return made_surface({"train/loss": loss, "test/loss": loss}, np.linspace(-1, 2, 121))

    def run(name: str, seed: int) -> MadeRun:
        return MadeRun(name, seed, 0.9 if name.endswith("small") else 0.8)

    lab = as_lab(MadeLab(run, RUNS, line_between=between))
    found = batch_size.interpolation(lab, decay="2e-3", rise=0.25, line=["alpha=[-1,2,121]"], note="")
    np.testing.assert_allclose(found.claims[0].values, 2.0, rtol=2e-2)
    np.testing.assert_allclose(found.claims[1].values, 0.5, rtol=2e-2)
    assert [claim.verdict for claim in found.claims] == ["holds"] * 4
    rows = found.tables["widths"]
    assert rows[0]["small_batch_width"] == pytest.approx(0.4, rel=1e-2)
