"""What several tests share: the command line called in this process, in an empty folder."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from landscape_cli import checkpoint, cli, progress
from landscape_cli.runs import Run
from landscape_cli.training.record import Record

# one thread a process, in this one and in those that tests start: the suite itself runs in parallel
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)


@dataclass
class Outcome:
    status: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.splitlines()[-1]


Landscape = Callable[..., Outcome]


@pytest.fixture
def landscape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Landscape:
    """`landscape("train", "epochs=1")` is the command line, in an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["landscape", *map(str, words)])
        capfd.readouterr()
        status = cli.main()
        captured = capfd.readouterr()
        return Outcome(status, captured.out, captured.err)

    return call


Trainings = Callable[[Sequence[str]], tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture
def whole_and_resumed(tmp_path: Path, landscape: Landscape, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    """Of a training that is interrupted after its first epoch, and resumed, the last checkpoint, `cut`.

    And that of one that is not, `whole`, which comes first.
    """

    def trained(words: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        assert landscape("train", *words, "out=whole").status == 0
        monkeypatch.setattr("landscape_cli.training.record.SECONDS_BETWEEN_SAVES", 0)
        add = Record.add

        def interrupted(self: Record, state: Any, metrics: Any, *, last: bool) -> None:
            add(self, state, metrics, last=last)
            if state.epoch == 1:
                raise KeyboardInterrupt

        with monkeypatch.context() as context:
            context.setattr(Record, "add", interrupted)
            assert landscape("train", *words, "out=cut").status == 130
        assert landscape("train", *words, "out=cut").status == 0
        runs = (Run(tmp_path / name, {}) for name in ("whole", "cut"))
        whole, cut = (checkpoint.load(run.checkpoint_path(run.epoch("last"))) for run in runs)
        return whole, cut

    return trained


def carry_out(folder: Path, commands: Iterable[Sequence[str]]) -> Path:
    """Let commands do their work in a folder, for fixtures that several tests share; return the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in commands:
            patch.setattr(sys, "argv", ["landscape", *words])
            assert cli.main() == 0
    return folder


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """As in a process of its own; what a command line makes Hydra log to is closed after its test."""
    torch.manual_seed(0)
    progress.note_once.cache_clear()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for handler in root.handlers[:]:
        if type(handler) is logging.StreamHandler and handler not in before:
            root.removeHandler(handler)
    root.setLevel(level)
