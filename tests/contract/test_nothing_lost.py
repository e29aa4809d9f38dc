"""Nothing that was evaluated is lost: kills at any moment, several processes on a file, damaged files."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from children import Children
from contract.made import DATA

from landscape_cli import cli, store

TRAIN = ["train", *DATA, "architecture.widths=[12]", "batch_size=20", "epochs=1", "device=cpu", "out=run"]
GRID = ["surface", "run=run", "x=[-1,1,15]", "y=[-1,1,15]", "device=cpu"]
SURFACE, SLOW = [*GRID, "batch_size=5"], [*GRID, "batch_size=1"]  # some tenths of a second, and seconds
POINTS = 225

Contents = dict[str, np.ndarray]


def contents(path: Path) -> Contents:
    """The coordinates, values, marks and directions; nothing where there is no file."""
    found: Contents = {}

    def add(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and name.startswith(("x", "y", "t", "evaluated", "directions/")):
            found[name] = item[...]

    if path.exists():
        with h5py.File(path) as file:
            file.visititems(add)
    return found


def known(array: np.ndarray) -> np.ndarray:
    """Where there is a value (not NaN), or a mark (not 0)."""
    return array != 0 if array.dtype == np.uint8 else ~np.isnan(array)


def count(path: Path) -> int:
    """The points that are evaluated, as readers see them."""
    return int(store.read(path).evaluated.sum()) if path.exists() else 0


def assert_part_of(whole: Contents, path: Path) -> Contents:
    """What is in the file is, bit for bit, what `whole` has at the same place; return it."""
    part = contents(path)
    for name, array in part.items():
        there = known(array)
        assert array.shape == whole[name].shape
        assert array[there].tobytes() == whole[name][there].tobytes(), name
        if name.startswith(("train/", "test/")):
            assert there[part["evaluated"] == 1].all(), name  # the mark comes last
        else:
            assert there.all() or name == "evaluated", name
    if part:
        assert set(part) == set(whole)
        for name, array in store.read(path).values.items():
            np.testing.assert_array_equal(array, part[name], err_msg=name)
    return part


def assert_equal(found: Contents, whole: Contents) -> None:
    assert set(found) == set(whole)
    for name, array in found.items():
        assert array.tobytes() == whole[name].tobytes(), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run."""
    folder = tmp_path_factory.mktemp("lost")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["landscape", *TRAIN])
        assert cli.main() == 0
    return folder


@pytest.fixture(scope="module")
def children(folder: Path) -> Iterator[Children]:
    """A warm process in that folder, whose first command made whole.h5."""
    with Children(folder, [*SURFACE, "out=whole.h5"]) as children:
        yield children


@pytest.fixture(scope="module")
def whole(children: Children, folder: Path) -> Contents:
    """The content of the surface that no one interrupted."""
    found = contents(folder / "whole.h5")
    assert {"x", "y", "evaluated", "train/loss", "test/accuracy", "directions/y/1.weight"} <= set(found)
    assert all(known(array).all() for array in found.values())
    return found


@pytest.mark.slow
def test_killed_at_fifty_random_moments_it_loses_nothing(
    children: Children, folder: Path, whole: Contents
) -> None:
    """The moments are spread over a command from start to end; a finished file is followed by a new one."""
    seconds = []
    for number in range(3):
        started = time.monotonic()
        assert children(*SURFACE, f"out=timed{number}.h5").status == 0
        seconds.append(time.monotonic() - started)
    moments = random.Random(0)
    points_at_kills: list[int] = []
    number, before = 0, {}
    while len(points_at_kills) < 50:
        path = folder / f"killed{number}.h5"
        moment = moments.uniform(0, min(seconds)) if points_at_kills else 0.0  # the first comes at once
        outcome = children(*SURFACE, f"out={path.name}", kill_after=moment)
        part = assert_part_of(whole, path)
        for name, array in before.items():
            assert (known(array) <= known(part[name])).all(), name
        if outcome.status == -signal.SIGKILL:
            points_at_kills.append(count(path))
            before = part
        else:
            assert outcome.status == 0, outcome.err
            number, before = number + 1, {}
    assert children(*SURFACE, f"out=killed{number}.h5").status == 0
    for path in folder.glob("killed*.h5"):
        assert_equal(contents(path), whole)
    assert not list(folder.glob(".killed*.lock"))
    # before the first point, and at several places between the first and the last
    assert 0 in points_at_kills
    assert len(set(points_at_kills) - {0, POINTS}) >= 5


@pytest.fixture(scope="module")
def slow_whole(children: Children, folder: Path) -> Contents:
    """The same as `whole`, of the slow surface."""
    assert children(*SLOW, "out=slow.h5").status == 0
    return contents(folder / "slow.h5")


def begin(path: Path, points: int) -> "subprocess.Popen[str]":
    """Start the slow surface in an interpreter of its own; return when it has so many points more."""
    line = [sys.executable, "-m", "landscape_cli", *SLOW, f"out={path.name}"]
    before = count(path)
    process = subprocess.Popen(
        line, cwd=path.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and count(path) < before + points:  # values are seen as they come
        time.sleep(0.01)
    return process


@pytest.mark.slow
def test_killed_interpreters_lose_nothing(children: Children, folder: Path, slow_whole: Contents) -> None:
    path = folder / "interpreter.h5"
    for points in (1, 40):
        before = count(path)
        process = begin(path, points)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert_part_of(slow_whole, path)
        assert before + points <= count(path) < POINTS
    assert children(*SLOW, f"out={path.name}").status == 0
    assert_equal(contents(path), slow_whole)


@pytest.mark.slow
def test_a_second_process_is_refused_and_the_first_not_disturbed(
    children: Children, folder: Path, slow_whole: Contents
) -> None:
    path = folder / "begun.h5"
    process = begin(path, 5)
    process.send_signal(signal.SIGSTOP)
    try:
        before = path.read_bytes()
        for out in (path.name, f"./{path.name}", str(path)):
            outcome = children(*SLOW, f"out={out}")
            assert (outcome.status, outcome.out) == (1, "")
            assert "being written by another process; wait for it, or choose another out=" in outcome.err
            assert len(outcome.err.splitlines()) == 1
        assert children("plot", f"file={path.name}", "out=begun.png").status == 0  # readers need not wait
        assert path.read_bytes() == before
        assert count(path) < POINTS
    finally:
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate()
    assert (process.returncode, out) == (0, f"{path.name}\n"), err
    assert_equal(contents(path), slow_whole)


def zeroed(path: Path) -> None:
    """Overwrite where all groups but the first keep their names, as lost blocks of a disk would."""
    first, heap, others = path.read_bytes().partition(b"HEAP")
    path.write_bytes(first + heap + others.replace(heap, bytes(4)))


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["train/loss"] = np.zeros((15, 15))


def newer(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 99


UNREADABLE = ["cannot be read as HDF5", "delete it"]
DAMAGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    **{
        f"cut at {n}": (lambda path, n=n: path.write_bytes(path.read_bytes()[:n]), UNREADABLE)
        for n in (0, 1, 8, 512, 15_000, -8, -1)
    },
    "zeros inside": (zeroed, UNREADABLE),
    "text": (lambda path: path.write_text("x,y,loss\n0,0,2.3\n"), UNREADABLE),
    "foreign": (foreign, ["is not a surface of landscape", "another"]),
    "newer": (newer, ["is of version 99", "another"]),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("command", ["surface", "plot"])
def test_a_file_that_cannot_be_gone_on_with_is_left_as_it_is(
    children: Children, folder: Path, whole: Contents, command: str, damage: str
) -> None:
    make, words = DAMAGES[damage]
    path = folder / "damaged.h5"
    shutil.copy(folder / "whole.h5", path)
    make(path)
    before = path.read_bytes()
    names = {entry.name for entry in folder.iterdir()}
    line = [*SURFACE, "out=damaged.h5"] if command == "surface" else ["plot", "file=damaged.h5", "out=p.png"]
    outcome = children(*line)
    assert (outcome.status, outcome.out) == (1, "")
    assert len(outcome.err.splitlines()) == 1, outcome.err
    for word in ("damaged.h5", *words):
        assert word in outcome.err
    assert path.read_bytes() == before
    assert {entry.name for entry in folder.iterdir()} == names
