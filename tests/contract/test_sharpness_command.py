"""`landscape sharpness`: its table beside the function for models, resuming, refusing."""

from pathlib import Path

import numpy as np
import pytest
from contract.made import LAST, metrics, network, succeed

from conftest import Landscape
from landscape_cli import sharpness
from landscape_cli.files import sha256
from landscape_cli.store.table import read

QUICK = ["measures=sam,noise", "draws=3", "samples=40"]
RUNS = "run=seed0,seed1,seed2"
COLUMNS = ["run", "epoch", "checkpoint", "split", "samples", "params"]


def test_the_table_has_the_measures_of_each_run(here: Landscape, runs: Path) -> None:
    outcome = here("sharpness", RUNS, "measures=sam,radius", "directions=2", "precision=fp64", "out=t.csv")
    assert outcome.status == 0, outcome.err
    table = read(runs / "t.csv")
    assert table.columns[:6] == COLUMNS
    for row, name in enumerate(("seed0", "seed1", "seed2")):
        model, data = network(runs / name)
        split = (data.train.inputs, data.train.targets)
        options = {"measures": ["sam", "radius"], "directions": 2, "precision": "fp64"}
        expected = sharpness(model, "cross_entropy", split, device="cpu", **options)
        assert {column: table.numbers(column)[row] for column in expected} == pytest.approx(
            expected, rel=1e-9
        )
        last = metrics(runs / name)[-1]
        assert table.numbers("loss")[row] == pytest.approx(last["train_loss"], rel=1e-5)
        assert table.numbers("test_loss")[row] == pytest.approx(last["test_loss"], rel=1e-5)
        assert table.numbers("test_error")[row] == pytest.approx(100 * (1 - last["test_accuracy"]))
        assert table.texts("checkpoint")[row] == sha256(runs / name / LAST)
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["over", "3", "rows", "rank", "correlation", "with", "the", "test", "error"]
    columns = ["sam", "normalized_sam", "sam_first_order", "radius", "normalized_radius"]
    assert [line.split()[0] for line in lines[1:-1]] == columns
    assert lines[-1] == "t.csv"
    assert (runs / "t.png").is_file()
    assert (runs / "t_ranks.png").is_file()


def test_rows_that_are_there_stay_and_new_runs_are_added(here: Landscape, runs: Path) -> None:
    path = runs / succeed(here, "sharpness", "run=seed0", *QUICK, "out=t.csv")
    assert not (runs / "t.png").exists()  # one row is no relation
    begun = path.read_text()
    succeed(here, "sharpness", "run=seed0,seed1", *QUICK, "out=t.csv", "batch_size=7")
    assert path.read_text().startswith(begun)
    assert read(path).texts("run") == ["seed0", "seed1"]
    assert (runs / "t.png").is_file()
    assert not (runs / "t_ranks.png").exists()
    before = path.stat().st_mtime_ns
    outcome = here("sharpness", "run=./seed1,seed0", *QUICK, "out=t.csv")
    assert outcome.status == 0, outcome.err
    assert (path.stat().st_mtime_ns, outcome.out) == (before, "t.csv\n")


def test_runs_of_several_data_sets_are_told_to_be(here: Landscape) -> None:
    words = ["dataset=digits", "dataset.train_size=60", "dataset.test_size=40", "batch_size=20", "epochs=1"]
    succeed(here, "train", *words, "out=fewer")
    told = "these runs are of several data sets"
    assert told in here("sharpness", "run=seed0,fewer", *QUICK, "out=t.csv").err
    assert told not in here("sharpness", "run=seed0,seed1", *QUICK, "out=t2.csv").err


def test_a_default_name_tells_the_runs_and_the_settings(here: Landscape) -> None:
    written = succeed(here, "sharpness", "run=seed0,seed1", *QUICK, "epoch=init")
    assert written == "outputs/sharpness/seed0_seed1_init_draws-3_measures-sam+noise_samples-40.csv"


def test_another_setting_another_checkpoint_or_other_measures_are_refused(
    here: Landscape, runs: Path
) -> None:
    path = runs / succeed(here, "sharpness", "run=seed0", *QUICK, "out=t.csv")
    begun = path.read_text()
    for words, told in (
        (["run=seed0", *QUICK, "rho=0.1"], "run=seed0 epoch=2: rho: saved 0.05, asked for 0.1"),
        (["run=seed1", *QUICK, "split=test"], "run=seed0 epoch=2: split: saved train, asked for test"),
        (["run=seed0", "measures=sam"], "it has a column expected_rise"),
    ):
        outcome = here("sharpness", *words, "out=t.csv")
        assert outcome.status == 1
        assert told in outcome.err
    assert path.read_text() == begun
    path.write_text(begun.replace(sha256(runs / "seed0" / LAST), "0" * 64))
    outcome = here("sharpness", "run=seed0", *QUICK, "out=t.csv")
    assert f"run=seed0 epoch=2: checkpoint: saved {'0' * 64}, asked for" in outcome.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run=seed0,seed1,./seed0"], "run=seed0,seed0 is one run; name each once"),
        (["run=nowhere"], "run=nowhere is no run folder"),
        (["run=seed0", "epoch=7"], "has no checkpoint of epoch 7"),
        (["run=seed0", "measures=flat"], "no measure 'flat'"),
        (["run=seed0", "samples=1000"], "samples=1000 is more than the 100 of the train split"),
        (["run=seed0", "params=layer9.*"], "no parameter has such a name"),
        (["run=seed0", "params=biases"], "leave radius out of measures="),
        (["run=seed0", "out=t.h5"], "out must be a .csv file, got 't.h5'"),
        (["run=seed0", "rho=-1"], "rho must be a positive number, got -1"),
        ([], "run"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_work(
    here: Landscape, runs: Path, words: list[str], told: str
) -> None:
    outcome = here("sharpness", *words)
    assert outcome.status == 1
    assert told in outcome.err
    assert len(outcome.err.splitlines()) <= 2
    assert not (runs / "outputs").exists()


def test_networks_with_batchnorm_are_measured(here: Landscape, runs: Path) -> None:
    """Their numbers are compared in tests/curvature."""
    words = [
        "run=batch10",
        "measures=eigenvalue,noise",
        "samples=10",
        "draws=2",
        "tolerance=0.5",
        "out=t.csv",
    ]
    table = read(runs / succeed(here, "sharpness", *words))
    numbers = np.array([table.numbers(name) for name in table.columns if name.endswith("_error")])
    assert numbers.shape == (5, 1)  # the test error is one, too
    assert np.isfinite(numbers).all()
