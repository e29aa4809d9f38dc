"""Surfaces that cost less: on subsets, calibrated, at fewer points, in bfloat16; each states its error."""

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from contract.made import attributes, direction, network, succeed, values

import reference
from conftest import Landscape
from landscape_cli import store

PLANE = ["run=seed0", "x=[-1,1,17]", "y=[-1,1,13]"]


@pytest.fixture(scope="module")
def exact(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import sys

    from landscape_cli import cli

    path = tmp_path_factory.mktemp("exact") / "exact.h5"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(runs)
        patch.setattr(sys, "argv", ["landscape", "surface", *PLANE, f"out={path}"])
        assert cli.main() == 0
    return path


def test_anchors_are_exact_and_the_rest_within_its_standard_errors(
    here: Landscape, runs: Path, exact: Path
) -> None:
    succeed(here, "surface", *PLANE, "samples=50", "out=plain.h5")
    succeed(here, "surface", *PLANE, "samples=50", "anchors=2", "out=s.h5")
    plain, estimate, truth = (store.read(path) for path in (runs / "plain.h5", runs / "s.h5", exact))
    with h5py.File(runs / "s.h5") as file:
        assert file["anchors/train"].shape == (4, 50)
    anchors = np.ix_([3, 9], [4, 12])
    error = estimate.values["train/loss"] - truth.values["train/loss"]
    np.testing.assert_array_equal(error[anchors], 0)
    stderr = estimate.values["train/loss_stderr"].copy()
    np.testing.assert_array_equal(stderr[anchors], 0)
    stderr[anchors] = 1.0
    scores = error / stderr
    assert 0.1 < np.sqrt(np.mean(scores**2)) < 3  # one draw: all points share its samples
    plain_error = plain.values["train/loss"] - truth.values["train/loss"]
    assert np.abs(error).mean() < 0.75 * np.abs(plain_error).mean()
    np.testing.assert_array_equal(estimate.values["test/loss_stderr"], 0)  # all 50 of them
    np.testing.assert_allclose(estimate.values["test/loss"], truth.values["test/loss"], rtol=1e-9)


def test_an_interrupted_calibrated_surface_goes_on_to_the_same_values(here: Landscape, runs: Path) -> None:
    words = ["surface", *PLANE, "samples=50", "anchors=2", "out=s.h5"]
    succeed(here, *words)
    whole = values(runs / "s.h5")
    with h5py.File(runs / "s.h5", "r+") as file:  # as if killed: two points and an anchor are missing
        for index in ((0, 0), (12, 16), (3, 4)):
            file["train/loss"][index] = np.nan
            file["evaluated"][index] = 0
        file["anchors/train"][0] = np.nan
    outcome = here(*words)
    assert "3 points evaluated" in outcome.err
    for name, array in values(runs / "s.h5").items():
        np.testing.assert_array_equal(array, whole[name], err_msg=name)


def test_fewer_points_are_exact_the_rest_interpolated_and_refined_at_will(
    here: Landscape, runs: Path, exact: Path
) -> None:
    truth = store.read(exact)
    path, before = runs / "s.h5", np.zeros((13, 17), dtype=bool)
    for tolerance in (0.1, 0.0003):
        outcome = here("surface", *PLANE, f"tolerance={tolerance}", "out=s.h5")
        assert outcome.status == 0
        assert outcome.err.startswith(f"at most {(~before).sum()} points x 100 train + 50 test samples\n")
        surface = store.read(path)
        done = surface.evaluated
        assert (done >= before).all()  # nothing that was known is unknown now
        assert done.sum() > before.sum()
        assert not done.all()
        before = done
        for name, array in surface.values.items():
            np.testing.assert_array_equal(array[done], truth.values[name][done], err_msg=name)
            assert not np.isnan(array).any()
        error = np.abs(np.log(surface.values["train/loss"] / truth.values["train/loss"]))[~done]
        assert 0 < error.max() < 1.5 * tolerance
        assert surface.interpolation_error[~done].max() <= tolerance
        assert np.isnan(surface.interpolation_error[done]).all()
        told = f"{(~done).sum()} of {done.size} points interpolated; estimated error of log-loss"
        assert told in outcome.err
    succeed(here, "surface", *PLANE, "out=s.h5")  # all of them
    for name, array in values(path).items():
        np.testing.assert_array_equal(array, values(exact)[name], err_msg=name)
    assert store.read(path).evaluated.all()
    assert np.isnan(store.read(path).interpolation_error).all()


def test_bfloat16_tells_how_far_it_is_off(here: Landscape, runs: Path, exact: Path) -> None:
    outcome = here("surface", *PLANE, "precision=bf16", "out=s.h5")
    assert outcome.status == 0
    checks = json.loads(attributes(runs / "s.h5")["precision_check"])
    assert [(check["x"], check["y"]) for check in checks] == [(0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    model, data = network(runs / "seed0")
    steps = [direction(runs / "s.h5", axis) for axis in "xy"]
    for check in checks:
        twin = reference.moved(model, [(check["x"], steps[0]), (check["y"], steps[1])])
        expected, _ = reference.evaluation(twin, data.train, "cross_entropy")
        assert check["samples"] == len(data.train) == 100
        assert check["float64_loss"] == pytest.approx(expected, rel=1e-9)
        assert check["relative_error"] == pytest.approx(abs(check["loss"] / expected - 1), abs=1e-9)
    worst = max(check["relative_error"] for check in checks)
    assert 0 < worst < 0.02
    assert f"bf16 is at most {worst:.2%} off float64 (5 points, 100 train samples)" in outcome.err
    measured, truth = values(runs / "s.h5"), values(exact)
    np.testing.assert_allclose(measured["train/loss"], truth["train/loss"], rtol=0.02)
    assert (measured["train/loss"] != truth["train/loss"]).any()
    origin = json.loads(attributes(runs / "s.h5")["origin_check"])  # in single precision all the same
    assert origin[0]["measured"] == pytest.approx(origin[0]["recorded"], rel=1e-6)


def test_a_line_has_all_of_it_too(here: Landscape, runs: Path) -> None:
    words = ["from_run=seed0", "to_run=seed1", "alpha=[-0.5,1.5,33]"]
    succeed(here, "interpolate", *words, "out=exact.h5")
    cheap = ["samples=50", "anchors=3", "tolerance=0.05", "precision=bf16"]
    succeed(here, "interpolate", *words, *cheap, "out=s.h5")
    surface, truth = store.read(runs / "s.h5"), store.read(runs / "exact.h5")
    assert 9 < surface.evaluated.sum() < 33
    error = np.abs(np.log(surface.values["train/loss"] / truth.values["train/loss"]))
    assert error.max() < 0.3
    assert "precision_check" in surface.attributes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["anchors=3"], "anchors=3 is for a subset of the samples; say samples= too"),
        (["tolerance=0"], "tolerance must be a positive number or null, got 0.0"),
        (["precision=fp16"], "no precision 'fp16'; choose from bf16, fp32 (nearest: bf16)"),
        (["samples=50", "anchors=0"], "anchors must be a positive whole number or null, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(here: Landscape, words: list[str], message: str) -> None:
    outcome = here("surface", *PLANE, *words, "out=s.h5")
    assert (outcome.status, outcome.err.strip()) == (1, message)


def test_a_surface_in_bfloat16_does_not_go_on_in_single_precision(here: Landscape) -> None:
    succeed(here, "surface", "run=seed0", "y=null", "x=[-1,1,3]", "precision=bf16", "out=s.h5")
    outcome = here("surface", "run=seed0", "y=null", "x=[-1,1,3]", "out=s.h5")
    assert outcome.status == 1
    assert re.search("precision: saved bf16, asked for fp32", outcome.err)


def test_the_number_of_threads_is_put_back(here: Landscape) -> None:
    threads = torch.get_num_threads()
    succeed(here, "surface", "run=seed0", "y=null", "x=[-1,1,3]", "out=s.h5")
    assert torch.get_num_threads() == threads
