"""What several tests share: the command line called in this process, in an empty folder."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from landscape_cli import cli, progress

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
