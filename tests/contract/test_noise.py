"""`landscape noise`: tables that are resumed, refused early, and drawn."""

import sys
from pathlib import Path

import numpy as np
import pytest
from contract.made import network, succeed

from conftest import Landscape
from landscape_cli import cli
from landscape_cli.commands import noise as command
from landscape_cli.curvature.noise import GradientNoise
from landscape_cli.gradients.minibatch import sample_gradients
from landscape_cli.gradients.noise_scale import noise_scale_of_samples
from landscape_cli.store import table

SMALL = ["draws=8", "k=2", "samples=40"]
TRAIN = [
    "train",
    "dataset.train_size=100",
    "dataset.test_size=50",
    "architecture.widths=[5]",
    "checkpoint_every=1",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs that keep three checkpoints, and one without batches."""
    folder = tmp_path_factory.mktemp("noise")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (["batch_size=20", "epochs=2", "out=run"], ["batch_size=50", "epochs=2", "out=other"]):
            patch.setattr(sys, "argv", ["landscape", *TRAIN, *words])
            assert cli.main() == 0
        patch.setattr(sys, "argv", ["landscape", *TRAIN, "batch_size=full", "epochs=1", "out=full"])
        assert cli.main() == 0
    return folder


@pytest.fixture
def here(landscape: Landscape, made: Path, monkeypatch: pytest.MonkeyPatch) -> Landscape:
    monkeypatch.chdir(made)
    return landscape


def test_a_row_a_run_and_epoch_with_a_picture_beside(here: Landscape, made: Path) -> None:
    assert (
        succeed(here, "noise", "run=run,other", "epochs=init,2", *SMALL, "out=t/noise.csv") == "t/noise.csv"
    )
    found = table.read(made / "t" / "noise.csv")
    assert found.texts("run") == ["run", "run", "other", "other"]
    assert found.numbers("epoch").tolist() == [0, 2, 0, 2]
    assert found.numbers("batch_size").tolist() == [20, 20, 50, 50]
    assert np.isnan(found.numbers("top_overlap")[[0, 2]]).all()
    assert (found.numbers("top_overlap")[[1, 3]] <= 1).all()
    assert (found.numbers("noise_scale_error") > 0).all()
    assert (made / "t" / "noise.png").stat().st_size > 10_000


def test_its_noise_scale_is_that_of_the_samples(here: Landscape, made: Path) -> None:
    succeed(here, "noise", "run=run", "epochs=1", "measures=noise_scale", "draws=400", "out=scale.csv")
    model, data = network(made / "run", 1)
    exact = noise_scale_of_samples(sample_gradients(model, data.train, "cross_entropy"))
    found = table.read(made / "scale.csv")
    assert (
        abs(found.numbers("noise_scale")[0] - exact) < 3 * found.numbers("noise_scale_error")[0] < 0.5 * exact
    )


def test_the_default_name_is_of_the_run_and_what_was_asked(here: Landscape) -> None:
    words = ["run=run", "epochs=init", "measures=tails", "draws=4"]
    assert succeed(here, "noise", *words) == "outputs/noise/run_draws-4_epochs-init_measures-tails.csv"


def test_what_a_kill_left_is_gone_on_with(
    here: Landscape, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["noise", "run=run", *SMALL]
    succeed(here, *words, "out=whole.csv")
    measure, done = GradientNoise.measure, []

    def killed(self: GradientNoise, *given: object) -> dict[str, float]:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(given)
        return measure(self, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as context:
        context.setattr(GradientNoise, "measure", killed)
        assert here(*words, "out=cut.csv").status == 130
    assert len(table.read(made / "cut.csv")) == 2
    succeed(here, *words, "out=cut.csv")
    assert (made / "cut.csv").read_text() == (
        made / "whole.csv"
    ).read_text()  # the overlap across the cut too
    before = (made / "cut.csv").stat().st_mtime_ns
    with monkeypatch.context() as context:
        context.setattr(GradientNoise, "measure", None)
        succeed(here, *words, "out=cut.csv")
    assert (made / "cut.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run=run", "epochs=7"], "run run has no checkpoint of epoch 7; choose last, init, or one of"),
        (["run=nothing"], "run=nothing is no run folder"),
        (["run=full"], "the training of full had batch_size=full, without noise; say batch_size="),
        (["run=run", "samples=101"], "samples=101 is more than the 100 of the train split"),
        (["run=run", "params=conv*"], "params=conv*: no parameter has such a name"),
        (["run=run", "k=500"], "k=500: the eigenspace is of a few of the largest eigenvalues; say k=400 or"),
        (["run=run", "measures=noise"], "no measures 'noise'; choose from"),
        (["run=run", "out=noise.h5"], "out must be a .csv file, got 'noise.h5'"),
        (["run=run,run", "draws=4"], "run must be without repetition, got ['run', 'run']"),
    ],
)
def test_mistakes_are_told_before_any_work(
    here: Landscape, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.setattr(GradientNoise, "measure", None)
    outcome = here("noise", *words)
    assert outcome.status == 1
    assert outcome.err.startswith(message)


def test_other_settings_are_another_table(here: Landscape) -> None:
    words = ["noise", "run=run", "epochs=init", "measures=tails", "out=tails.csv"]
    succeed(here, *words, "draws=4")
    outcome = here(*words, "draws=5")
    assert outcome.status == 1
    assert "draws: saved 4, asked for 5" in outcome.err


def test_epochs_between_are_compared_with_from_then_on(here: Landscape, made: Path) -> None:
    """With other epochs the epoch before is another one; rows are in order."""
    words = ["noise", "run=run", "measures=eigenspace", "k=2", "samples=60"]
    succeed(here, *words, "epochs=init,last", "out=grown.csv")
    first = table.read(made / "grown.csv").numbers("top_overlap")
    succeed(here, *words, "epochs=init,1,last", "out=grown.csv")
    succeed(here, *words, "epochs=init,1,last", "out=fresh.csv")
    grown, fresh = (table.read(made / f"{name}.csv") for name in ("grown", "fresh"))
    assert grown.rows == fresh.rows
    assert grown.texts("overlap_with") == ["", "0", "1"]
    assert grown.numbers("top_overlap")[2] != first[1]


def test_batches_that_grow_are_those_of_the_pass_that_ended(here: Landscape, made: Path) -> None:
    growing = ["epochs=4", "batch_size=10", "grow_batch_at=1,3", "grow_batch_by=4", "out=growing"]
    succeed(here, *TRAIN, *growing)
    succeed(here, "noise", "run=growing", "measures=tails", "draws=4", "out=sizes.csv")
    assert table.read(made / "sizes.csv").texts("batch_size") == ["10", "10", "40", "40", "100"]


def test_a_table_is_not_taken_for_a_damaged_surface(here: Landscape, made: Path) -> None:
    succeed(here, "noise", "run=run", "measures=tails", "draws=4", "epochs=last", "out=plain.csv")
    for words in (["plot", "out=x.png"], ["export", "format=npz"], ["report", "out=x.html"]):
        outcome = here(*words, "file=plain.csv")
        assert outcome.status == 1
        assert "plain.csv is a table; the command that made it has put its pictures beside it" in outcome.err
        assert "delete" not in outcome.err


def test_a_training_without_batches_has_noise_of_the_batches_that_are_said(
    here: Landscape, made: Path
) -> None:
    words = ["run=full", "epochs=last", "batch_size=10", "split=test", "measures=tails", "draws=16"]
    succeed(here, "noise", *words, "params=1.*,*.bias", "out=test.csv")
    found = table.read(made / "test.csv")
    assert found.texts("params") == ["1.*,*.bias"]
    assert found.texts("split") == ["test"]
    assert 0 < found.numbers("coordinate_tail_index")[0] < 3


def test_params_are_a_cell() -> None:
    assert command.to_text("all") == "all"
    assert command.to_text(["a.*", "b.*"]) == "a.*,b.*"
