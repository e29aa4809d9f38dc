"""A full disk, really: a command says so in a line, leaves no half of a file, succeeds with more space."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
from children import Children
from contract.made import DATA, metrics

from conftest import Outcome
from landscape_cli import cli, store
from landscape_cli.files import sha256

TRAIN = ["train", *DATA, "architecture.widths=[12]", "batch_size=20", "epochs=1", "device=cpu"]
SURFACE = ["surface", "run=run", "x=[-1,1,15]", "y=[-1,1,15]", "device=cpu"]
INTERPOLATE = ["interpolate", "from_run=run", "from_epoch=0", "to_run=run", "device=cpu"]
PLOT = ["plot", "file=whole.h5"]
MOUNT = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=16m none disk && exec "$0" "$@"']
KIB = 1024


@dataclass
class Disk:
    """The folder ``disk`` of a warm process, in which there is room for as much as a test says.

    It is a file system of 16 MiB in a name space of its own, filled up with a file. Where the kernel gives
    users no name spaces, the size of each file is limited instead.
    """

    children: Children
    path: Path  # as this process sees it
    small: bool  # a file system of its own
    largest_file: int | None = None

    def __call__(self, *words: str) -> Outcome:
        return self.children(*words, largest_file=self.largest_file)

    def leave(self, room: int, largest_file: int | None = None) -> None:
        """Let there be room for that many bytes (or, without a file system of its own, in each file)."""
        if self.small:
            state = os.statvfs(self.path)
            (self.path / "ballast").write_bytes(bytes(state.f_bavail * state.f_frsize - room))
        else:
            self.largest_file = room if largest_file is None else largest_file

    def free(self) -> None:
        """Make space."""
        (self.path / "ballast").unlink(missing_ok=True)
        self.largest_file = None

    def files(self) -> dict[str, str]:
        """Every file and what it holds, but for the ballast."""
        paths = (path for path in self.path.rglob("*") if path.is_file() and path.name != "ballast")
        return {str(path.relative_to(self.path)): sha256(path) for path in paths}

    def assert_told(self, outcome: Outcome, out: str) -> None:
        """The command failed, and its last line says why, where, and what to do."""
        assert outcome.status == 1, outcome.err
        assert outcome.out == ""
        assert "Traceback" not in outcome.err
        reason = "No space left on device" if self.small else "File too large"
        line = outcome.err.splitlines()[-1]
        assert line.startswith("cannot use ")
        assert out in line
        assert line.endswith(f": {reason}; free space or choose another out=")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run."""
    folder = tmp_path_factory.mktemp("full")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["landscape", *TRAIN, "out=run"])
        assert cli.main() == 0
    (folder / "disk").mkdir()
    return folder


@pytest.fixture(scope="module")
def small_disk(folder: Path) -> Iterator[Disk]:
    """A disk with a finished file on it; the same file is whole.h5 in the folder that the disk is in."""
    small = shutil.which("unshare") is not None
    small = small and subprocess.run([*MOUNT, "true"], cwd=folder, stderr=subprocess.DEVNULL).returncode == 0
    with Children(folder, [*SURFACE, "out=whole.h5"], *(MOUNT if small else [])) as children:
        path = folder / "disk"
        if small:
            path = Path(f"/proc/{children.pid}/root{path}")
        shutil.copy(folder / "whole.h5", path / "finished.h5")
        yield Disk(children, path, small)


@pytest.fixture
def disk(small_disk: Disk) -> Iterator[Disk]:
    """That disk, with the finished file alone before each test, and after it too."""
    before = small_disk.files()
    yield small_disk
    small_disk.free()
    assert before.items() <= small_disk.files().items()
    for path in small_disk.path.iterdir():
        if path.name != "finished.h5":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


WRITTEN_WHOLE = [
    *([*SURFACE, "out=disk/new.h5", room * KIB] for room in (0, 4, 8, 16, 24)),
    [*SURFACE, "out=disk/new/folder/new.h5", 0],
    [*INTERPOLATE, "out=disk/new.h5", 4 * KIB],
    *([*PLOT, f"out=disk/new.{kind}", 4 * KIB] for kind in ("png", "pdf", "svg", "html")),
    ["report", "run=run", "file=whole.h5", "out=disk/new.html", 4 * KIB],
]


@pytest.mark.parametrize("case", WRITTEN_WHOLE, ids=lambda case: f"{case[0]} {case[-2][9:]} {case[-1]}")
def test_what_does_not_fit_leaves_nothing_behind(disk: Disk, folder: Path, case: list[str | int]) -> None:
    *line, room = case
    assert isinstance(room, int)
    out = str(line[-1]).removeprefix("out=")
    names, before = os.listdir(disk.path), disk.files()
    disk.leave(room)
    outcome = disk(*map(str, line))
    disk.assert_told(outcome, out)
    assert disk.files() == before
    assert set(os.listdir(disk.path)) - {"ballast"} == set(names)
    store.read(disk.path / "finished.h5")
    disk.free()
    outcome = disk(*map(str, line))
    assert (outcome.status, outcome.last_line) == (0, out), outcome.err
    path = disk.path / out.removeprefix("disk/")
    assert path.stat().st_size > 4 * KIB
    if line[0] == "surface":
        found, expected = store.read(path).values, store.read(folder / "whole.h5").values
        assert {name: array.tobytes() for name, array in found.items()} == {
            name: array.tobytes() for name, array in expected.items()
        }


@pytest.mark.parametrize(
    ("room", "largest_file"),
    [(0, 0), (4, 0), (8, 4), (20, 8), (36, 20)],
    ids=["provenance", "configuration", "metrics", "first checkpoint", "last checkpoint"],
)
def test_a_training_goes_on_when_there_is_space(
    disk: Disk, folder: Path, room: int, largest_file: int
) -> None:
    """Whatever of the run folder it was that did not fit."""
    disk.leave(room * KIB, largest_file * KIB)
    outcome = disk(*TRAIN, "out=disk/run")
    disk.assert_told(outcome, "disk/run")
    left = {name for name in disk.files() if name.endswith(".pt")}
    assert left == ({"run/checkpoints/epoch_0000.pt"} if room == 36 else set())
    assert not list(disk.path.rglob("*.part"))
    disk.free()
    outcome = disk(*TRAIN, "out=disk/run")
    assert (outcome.status, outcome.last_line) == (0, "disk/run"), outcome.err
    found, expected = metrics(disk.path / "run"), metrics(folder / "run")
    for row in (*found, *expected):
        del row["seconds"]
    assert found == expected
    name = "checkpoints/epoch_0001.pt"
    assert sha256(disk.path / "run" / name) == sha256(folder / "run" / name)


def test_a_write_that_fails_between_two_points_loses_none(small_disk: Disk, folder: Path) -> None:
    """As with a quota: the file is there, but it cannot be written to beyond some place."""
    path = folder / "half.h5"
    shutil.copy(folder / "whole.h5", path)
    whole = store.read(path).values
    with h5py.File(path, "r+") as file:
        file["evaluated"][7:] = 0
        for name in whole:
            file[name][7:] = np.nan
    middle = 4 * KIB
    assert middle < path.stat().st_size
    outcome = small_disk.children(*SURFACE, "out=half.h5", largest_file=middle)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.splitlines()[-1].startswith("cannot use half.h5: File too large; ")
    for name, array in store.read(path).values.items():
        assert np.array_equal(array[:7], whole[name][:7])
    outcome = small_disk.children(*SURFACE, "out=half.h5")
    assert (outcome.status, outcome.out) == (0, "half.h5\n"), outcome.err
    for name, array in store.read(path).values.items():
        assert array.tobytes() == whole[name].tobytes()
