"""Values written in place: nothing is ever lost, and there is one writer."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from store.made import NAMES, X, Y, at, create, fill

from landscape_cli import store
from landscape_cli.arrays import Index
from landscape_cli.files import only_writer


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_stored_as_infinite(tmp_path: Path, value: float) -> None:
    path = create(tmp_path / "s.h5")
    with store.writing(path) as writer:
        writer.write_point((1, 2), {"train/loss": value})
    assert store.read(path).values["train/loss"][1, 2] == np.inf
    assert np.isnan(store.read(path).values["train/loss"]).sum() == 19


def test_only_what_is_missing_is_evaluated(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    with store.writing(path) as writer:
        writer.write_point((0, 0), dict.fromkeys(NAMES, -7.0))
        writer.write_point((2, 3), dict.fromkeys(NAMES, 0.0))  # a true zero is a value
    visited: list[Index] = []
    with store.writing(path) as writer:
        fill(writer, lambda index: (visited.append(index), at(index))[1])
    assert len(visited) == 18
    assert not {(0, 0), (2, 3)} & set(visited)
    assert store.read(path).values["train/loss"][0, 0] == -7.0


def test_values_between_marks_can_be_replaced_as_a_whole(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    with store.writing(path) as writer:
        writer.write_point((1, 2), dict.fromkeys(NAMES, 5.0))
        values = writer.values["train/loss"].copy()
        values[0, 0] = 0.125
        writer.write_array("train/loss", values)
        writer.write_row("interpolation_error", 3, np.arange(5.0))
    surface = store.read(path)
    assert (surface.values["train/loss"][0, 0], surface.values["train/loss"][1, 2]) == (0.125, 5.0)
    assert np.argwhere(surface.evaluated).tolist() == [[1, 2]]
    assert surface.interpolation_error[3].tolist() == [0, 1, 2, 3, 4]


def test_a_reader_sees_values_while_they_are_written(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    with store.writing(path) as writer:
        writer.write_point((1, 2), {"train/loss": 0.5})
        assert store.read(path).values["train/loss"][1, 2] == 0.5


WRITER = """
import sys, time
from pathlib import Path
import numpy as np
sys.path.insert(0, {tests!r})
from store.made import at, create, fill
from landscape_cli import store
from landscape_cli.files import only_writer
path = Path(sys.argv[1])
def slow(index):
    time.sleep(0.002)
    return at(index)
with only_writer(path):
    if not path.exists():
        create(path)
    print("begun", flush=True)
    with store.writing(path) as writer:
        fill(writer, slow)
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_opens_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "s.h5"
    script = WRITER.format(tests=str(Path(__file__).parents[1]))
    random.seed(0)
    kills = 0
    for attempt in range(12):
        process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE)
        if attempt < 11:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.uniform(0, 0.012))
            process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        values = store.read(path).values["train/loss"]  # it opens, and what is there is right
        expected = 100 * X[None, :] + Y[:, None]
        np.testing.assert_allclose(values[~np.isnan(values)], expected[~np.isnan(values)])
    assert kills >= 2
    assert not np.isnan(store.read(path).values["test/loss"]).any()


def test_there_is_one_writer(tmp_path: Path) -> None:
    path = tmp_path / "new" / "s.h5"
    with only_writer(path):
        code = (
            "import sys; from pathlib import Path; from landscape_cli.files import only_writer\n"
            "with only_writer(Path(sys.argv[1])): pass"
        )
        other = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
        assert "being written by another process" in other.stderr
        create(path)
    assert os.listdir(path.parent) == ["s.h5"]
