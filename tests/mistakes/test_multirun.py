"""Mistakes in one of several jobs: the others go on, and the failed ones are named."""

from pathlib import Path

import pytest
from mistakes.workshop import TINY

from conftest import Landscape


def test_in_a_multirun_the_others_finish_and_the_failed_are_named_at_the_end(
    landscape: Landscape, tmp_path: Path
) -> None:
    words = ["train", *TINY.split(), "optimizer.lr=-1,0.1", "architecture.widths=[4],0", "--multirun"]
    outcome = landscape(*words)
    assert outcome.status == 1
    (finished,) = outcome.out.splitlines()
    assert [path for path in (tmp_path / "outputs" / "runs").iterdir() if path.is_dir()] == [
        tmp_path / finished
    ]
    assert (tmp_path / finished / "checkpoints" / "epoch_0001.pt").is_file()
    count, *failed = outcome.err.splitlines()[-4:]
    assert "3" in count
    assert "failed" in count
    assert [line for line in failed if "optimizer.lr=-1" in line] == failed[:2]
    assert "architecture.widths must be a list" in failed[2]
    assert "Traceback" not in outcome.err
    assert {path.name for path in tmp_path.iterdir()} == {"outputs"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [("architecture=mlp,resnet21", "no architecture 'resnet21'"), ("epochs=1,many", "epochs: value 'many'")],
)
def test_in_a_multirun_what_cannot_be_composed_is_named(
    landscape: Landscape, word: str, expected: str
) -> None:
    outcome = landscape("train", *TINY.split(), word, "--multirun")
    assert outcome.status == 1
    assert expected in outcome.err
    assert "Traceback" not in outcome.err


def test_two_jobs_of_a_multirun_do_not_share_a_file(landscape: Landscape) -> None:
    assert landscape("train", *TINY.split(), "out=run").status == 0
    outcome = landscape("surface", "run=run", "x=[-1,1,2],[-2,2,2]", "y=null", "out=s.h5", "--multirun")
    assert outcome.status == 1
    assert outcome.out == "s.h5\n"
    assert "x: saved [-1, 1, 2], asked for [-2, 2, 2]" in outcome.err.splitlines()[-1]
