"""The HDF5 file: its layout, and that nothing is ever lost in it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest

from landscape_cli import store
from landscape_cli.arrays import Index
from landscape_cli.errors import LandscapeError
from landscape_cli.files import only_writer
from landscape_cli.surfaces.grid import sweep
from landscape_cli.workers.processes import Alone, Values

X, Y = np.linspace(-1, 1, 5), np.linspace(0, 3, 4)
HERE = [{"path": "run/epoch_0001.pt", "sha256": "c"}]
NAMES = ["train/loss", "train/accuracy", "test/loss", "test/accuracy"]


WEIGHTS = {"0.weight": np.ones((2, 3), np.float32)}
DIRECTIONS = {"x": WEIGHTS, "y": {name: 0 * array for name, array in WEIGHTS.items()}}


def create(
    path: Path,
    y: np.ndarray | None = Y,
    directions: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> Path:
    store.create(
        path,
        x=X,
        y=y,
        names=NAMES,
        arrays={"anchors/train": (2, 7)},
        directions=directions or (DIRECTIONS if y is not None else {"x": WEIGHTS}),
        config={"x": [-1, 1, 5], "samples": None},
        run_config={"loss": "mse"},
        marks=[("here", 0.0, 0.0)],
        attributes={
            "command": "landscape surface",
            "checkpoint": json.dumps(HERE),
            "provenance": "{}",
            "origin_check": "[]",
        },
    )
    return path


def at(index: Index) -> Values:
    loss = 100 * X[index[-1]] + (Y[index[0]] if len(index) == 2 else 0.0)
    return {
        f"{split}/{name}": float(value)
        for split, shift in (("train", 0.0), ("test", 0.25))
        for name, value in (("loss", loss + shift), ("accuracy", 0.5))
    }


def fill(writer: store.Writer, evaluate: Callable[[Index], Values] = at) -> None:
    missing = [tuple(int(i) for i in index) for index in np.argwhere(~writer.evaluated)]
    sweep(Alone(), evaluate, writer.write_point, [missing], writer.evaluated, "surface")


def test_the_layout_is_the_contracts(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    with h5py.File(path) as file:
        assert file["x"].shape == (5,)
        assert file["y"].dtype == np.float64
        for name in NAMES:
            assert file[name].shape == (4, 5)
            assert file[name].dtype == np.float64
            assert np.isnan(file[name]).all()
        assert file["directions/x/0.weight"].dtype == np.float32
        wanted = {"format", "version", "config", "command", "checkpoint", "provenance", "origin_check"}
        assert wanted <= set(file.attrs)
        assert file.attrs["format"] == "landscape-surface"


def test_arrays_are_y_x(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    with store.writing(path) as writer:
        fill(writer)
    surface = store.read(path)
    assert surface.evaluated.all()
    np.testing.assert_allclose(surface.values["train/loss"], 100 * X[None, :] + Y[:, None])
    np.testing.assert_allclose(surface.values["test/loss"], 100 * X[None, :] + Y[:, None] + 0.25)


def test_a_line_is_one_dimensional(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5", y=None)
    with store.writing(path) as writer:
        fill(writer)
    surface = store.read(path)
    assert surface.y is None
    np.testing.assert_allclose(surface.values["train/loss"], 100 * X)


def test_the_directions_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    found = store.directions(path)
    assert list(found) == ["x", "y"]
    assert list(found["x"]) == list(found["y"]) == ["0.weight"]
    assert found["x"]["0.weight"].dtype == np.float32
    np.testing.assert_array_equal(found["x"]["0.weight"], np.ones((2, 3)))
    np.testing.assert_array_equal(found["y"]["0.weight"], np.zeros((2, 3)))
    assert list(store.directions(create(tmp_path / "line.h5", y=None))) == ["x"]


def test_a_direction_keeps_every_name_and_shape(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = {"b": (), "a.weight": (2, 1, 3), "a.bias": (4,), "one/of/a/kind": (2, 2)}
    direction = {name: rng.random(shape).astype(np.float32) for name, shape in shapes.items()}
    found = store.directions(create(tmp_path / "s.h5", y=None, directions={"x": direction}))["x"]
    assert list(found) == sorted(shapes)
    for name, array in direction.items():
        np.testing.assert_array_equal(found[name], array)


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
from store.test_store import at, create, fill
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


def test_a_refused_writer_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), only_writer(tmp_path / "a" / "b" / "s.h5"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_an_interrupted_creation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["landscape_cli.store.create"]  # the package has a function of that name
    monkeypatch.setattr(module, "to_yaml", lambda config: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        create(tmp_path / "s.h5")
    assert not list(tmp_path.iterdir())


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["train_loss"] = np.zeros((3, 3))


def truncated(path: Path) -> None:
    content = create(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no file"),
        (foreign, "is not a surface of landscape"),
        (truncated, "cannot be read as HDF5"),
        (lambda path: path.write_text("x,y,loss"), "cannot be read as HDF5"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(tmp_path: Path, make: object, words: str) -> None:
    path = tmp_path / "s.h5"
    make(path)  # type: ignore[operator]
    with pytest.raises(LandscapeError, match=words):
        store.read(path)


def test_the_same_file_goes_on_whatever_its_paths_are_called(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    same = {"x": [-1, 1, 5], "samples": None, "run": "./elsewhere", "out": "elsewhere", "device": "cuda"}
    store.check_same(
        path, {**same, "tolerance": 0.02}, [{"path": "./elsewhere/epoch_0001.pt", "sha256": "c"}]
    )


@pytest.mark.parametrize(
    ("config", "checkpoints", "words"),
    [
        ({"x": [-1, 1, 7], "samples": None}, HERE, r"x: saved \[-1, 1, 5\], asked for \[-1, 1, 7\]"),
        (
            {"x": [-1, 1, 5], "samples": None},
            [{"path": "b", "sha256": "d"}],
            r"b is not, or no longer, the run/epoch_0001",
        ),
        (
            {"x": [-1, 1, 5], "samples": None},
            [*HERE, {"path": "b", "sha256": "d"}],
            r"the no checkpoint of then",
        ),
    ],
)
def test_a_file_of_another_configuration_is_refused(
    tmp_path: Path, config: dict[str, object], checkpoints: list[dict[str, str]], words: str
) -> None:
    path = create(tmp_path / "s.h5")
    with pytest.raises(LandscapeError, match=words):
        store.check_same(path, config, checkpoints)
