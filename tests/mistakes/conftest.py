"""Each mistake is told in a line or two, before the work starts, and leaves nothing behind."""

import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mistakes.workshop import MADE, Told, break_some, state

from conftest import Landscape
from landscape_cli import cli


@pytest.fixture(scope="package")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of runs and files, whole ones and broken ones."""
    folder = tmp_path_factory.mktemp("workshop")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in MADE:
            patch.setattr(sys, "argv", ["landscape", *line.split()])
            assert cli.main() == 0
        break_some(folder)
        patch.syspath_prepend(folder)
        yield folder
    for name in ("users_own", "users_broken"):
        sys.modules.pop(name, None)


@pytest.fixture
def untouched(workshop: Path) -> Iterator[Path]:
    """The workshop; fails the test that changes it, and takes away what it left for the next one's sake."""
    before = state(workshop)
    yield workshop
    after = state(workshop)
    for path in sorted(set(after) - set(before), reverse=True):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    assert after == before


@pytest.fixture
def told(landscape: Landscape, untouched: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """`told("train epochs=-1", "epochs got -1")` makes the mistake in the workshop."""

    def check(line: str, words: str) -> None:
        monkeypatch.chdir(untouched)
        outcome = landscape(*shlex.split(line))
        assert outcome.status == 1
        assert outcome.out == ""
        lines = outcome.err.splitlines()
        assert 1 <= len(lines) <= 2, outcome.err
        assert "Traceback" not in outcome.err
        assert " %" not in outcome.err  # no progress bar: it is told before the work starts
        missing = [word for word in words.split(" ") if word not in outcome.err]
        assert not missing, outcome.err

    return check
