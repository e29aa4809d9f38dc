"""Sharpness over batch sizes and by all measures: claims on made tables, twins of a tiny network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from landscape_cli.curvature.sharpness import sharpness
from landscape_cli.curvature.sharpness_options import SharpnessOptions
from landscape_cli.evaluation.problem import classifier
from landscape_cli.evaluation.rescaling import rescaled
from landscape_cli.phenomena.sharpness import ratio_apart
from landscape_cli.reproduction.catalogue import phenomenon
from landscape_cli.reproduction.lab import Lab
from made_lab import Columns, MadeLab, drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

SWEEP, ALL = "batch-sweep-width", "sharpness-measures"
RUNS = phenomenon(SWEEP).scale("small").runs
SHARPER = {
    "largest_eigenvalue": [1.0, 2.0, 3.0, 4.0],
    "keskar": [5.0, 6.0, 7.0, 9.0],
    "radius": [4.0, 3.0, 2.0, 1.0],
    "normalized_radius": [0.4, 0.3, 0.2, 0.1],
    "loss": [0.1, 0.2, 0.3, 0.4],
    "test_error": [9.0, 10.0, 11.0, 12.0],
}


def sweep(columns: Columns) -> list[MadeLab]:
    def table(names: Sequence[str], words: Sequence[str]) -> Columns:
        assert len(names) == 4
        assert "measures=eigenvalue,keskar,radius" in words
        return columns

    return [MadeLab({run: {} for run in RUNS}, seed=seed, tables=table) for seed in range(3)]


def test_a_sweep_that_is_as_claimed() -> None:
    seeds = measure(SWEEP, sweep(SHARPER))
    assert verdicts(SWEEP, seeds) == ["holds"] * 12
    assert seeds[0]["error_rank"] == pytest.approx({"epochs": 1, "steps": 1})
    (figure,) = drawn(SWEEP, seeds).values()
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), SHARPER["largest_eigenvalue"])
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xdata(), [16, 64, 256, 1024])


def test_a_sweep_the_other_way_round() -> None:
    seeds = measure(SWEEP, sweep({name: of[::-1] for name, of in SHARPER.items()}))
    assert verdicts(SWEEP, seeds) == ["fails"] * 12


def test_the_smallest_batches_test_error_does_not_count() -> None:
    (seed, *_) = measure(SWEEP, sweep({**SHARPER, "test_error": [20.0, 10.0, 11.0, 12.0]}))
    assert seed["error_rank"]["epochs"] == pytest.approx(1)
    assert seed["loss_rank"]["epochs"] == pytest.approx(1)


OPTIONS = {"samples": 20, "draws": 2, "directions": 2, "probes": 2}
TINY = ["dataset=digits", "dataset.train_size=40", "dataset.test_size=40", "architecture=mlp", "epochs=4"]


@pytest.fixture(scope="module")
def trained(lab: MakeLab) -> Lab:
    return lab({f"b{size}": [*TINY, "architecture.widths=[2]", f"batch_size={size}"] for size in (5, 20, 40)})


def test_twins_and_ranks_are_those_of_the_table(trained: Lab) -> None:
    seeds = measure(ALL, [trained], options=OPTIONS, twins=["b20"], factor=3.0)
    (seed,) = seeds
    table = trained.sharpness(list(trained.runs), *(f"{name}={value}" for name, value in OPTIONS.items()))
    options: dict[str, Any] = {**OPTIONS, "measures": ["sam"]}
    twin = rescaled(trained.network("b20"), 3.0)
    found = sharpness(
        classifier(twin, trained.data("b20"), "cross_entropy", ["train"]), SharpnessOptions(**options)
    )
    ratio = found["sam"] / table.numbers("sam")[1]
    assert seed["raw_apart"]["sam"] == pytest.approx(max(ratio, 1 / ratio), rel=1e-6)
    assert set(seed["normalized_apart"]) == {
        *(name for name in table.columns if name.startswith("normalized_") and not name.endswith("_error")),
        *("asam", "asam_first_order"),
    } - {"normalized_rho", "normalized_sigma"}
    exact = [name for name in seed["normalized_apart"] if not name.startswith("asam")]
    assert max(float(seed["normalized_apart"][name]) for name in exact) < 1e-2
    assert seed["normalized_apart_by_unit"].keys() == seed["normalized_apart"].keys()
    assert seed["normalized_apart_by_unit"]["normalized_trace"] > 0.05
    assert seed["raw_apart"]["largest_eigenvalue"] > 1.05
    order = np.argsort(np.argsort(table.numbers("trace"))), np.argsort(np.argsort(-table.numbers("radius")))
    errors = table.numbers("test_error")
    if len(set(errors)) == 3:
        by_hand = np.corrcoef(order[0], np.argsort(np.argsort(errors)))[0, 1]
        assert seed["error_rank"]["trace"] == pytest.approx(by_hand)
    assert list(drawn(ALL, seeds)) == ["measures", "ranks"]


def made(**changed: float) -> list[dict[str, Any]]:
    values = {"normalized": 0.001, "raw": 3.0, "agreement": 0.8, "rank": 0.7} | changed
    return [
        {
            "seed": seed,
            "normalized_apart": {"normalized_trace": values["normalized"]},
            "normalized_apart_by_unit": {"normalized_trace": values["normalized"]},
            "raw_apart": {"trace": values["raw"]},
            "agreement": values["agreement"],
            "error_rank": {"trace": values["rank"]},
        }
        for seed in range(3)
    ]


def test_each_claim_of_the_measures_can_hold_and_can_fail() -> None:
    assert verdicts(ALL, made()) == ["holds"] * 5
    assert verdicts(ALL, made(normalized=0.2, raw=1.0, agreement=-0.1, rank=-0.5)) == ["fails"] * 5


def test_ratios_that_are_not_known_are_not_taken_for_one() -> None:
    assert ratio_apart(2.0, 8.0) == ratio_apart(-8.0, -2.0) == 4
    assert ratio_apart(1.0, -1.0) == np.inf
    assert np.isnan(ratio_apart(np.inf, np.inf))
    assert np.isnan(np.maximum(1.0, ratio_apart(np.nan, 1.0)))
