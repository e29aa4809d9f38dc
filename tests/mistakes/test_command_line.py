"""Mistakes on the command line itself, and with `list`."""

from pathlib import Path

import pytest
from mistakes.workshop import Told, named

from conftest import Landscape

MISTAKES = {
    "trian": "no command 'trian'; choose from (nearest: train)",
    "-m train": "no command '-m'; choose from train",
    "train epochs": "cannot read 'epochs' key=value",
    "train --epochs=3": "--epochs=3 key=value",
    "train --epochs 3": "--epochs key=value",
    "train epochs=[1": "cannot read 'epochs=[1' lists as key=[1,2]",
    "train epochs=1,2": "epochs=1,2 --multirun",
    "train =3": "=3 key=value",
    "list phenomenons": "no kind 'phenomenons'; choose from architectures datasets",
    "list runs": "no run under outputs/ landscape train",
}


def test_the_table_is_long() -> None:
    assert len(MISTAKES) >= 10


@pytest.mark.parametrize("line", MISTAKES, ids=named)
def test_a_mistake_is_told_in_words(told: Told, line: str) -> None:
    told(line, MISTAKES[line])


def test_one_broken_run_does_not_hide_the_others(
    landscape: Landscape, untouched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(untouched)
    outcome = landscape("list", "runs", "outputs_dir=.")
    assert outcome.status == 0
    for run in ("a", "narrow", "unfinished", "unbegun", "bad_config"):
        assert any(line.split()[0] == run for line in outcome.out.splitlines()), run
