"""What a seed gave comes back from its file as it was, with the surfaces beside it."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from store.made import create, fill

from landscape_cli import store
from landscape_cli.errors import LandscapeError
from landscape_cli.reproduction import measured

ASKED = {"runs": {"mlp": ["epochs=3"]}, "settings": {"points": 3}}
MADE = {"seconds": 1.5, "provenance": {"device": "cpu"}}


@pytest.fixture
def surface(tmp_path: Path) -> store.Surface:
    path = create(tmp_path / "elsewhere" / "plane.h5")
    with store.writing(path) as writer:
        fill(writer)
    return store.read(path)


def test_a_round_trip(tmp_path: Path, surface: store.Surface) -> None:
    found = {
        "number": 0.1,
        "whole": 7,
        "yes": True,
        "none": float("nan"),
        "curve": np.linspace(0, 1, 5),
        "single": np.float32([0.1, 0.2]),
        "listed": [1, 2, 3],
        "by run": {"no dropout": 1 / 3, "b": {"deep": np.inf}},
        "plane": {"a run, 1": surface},
    }
    path = tmp_path / "data" / "seed_3.h5"
    measured.save(path, found, ASKED, MADE)
    assert sorted(each.name for each in path.parent.iterdir()) == ["seed_3.h5", "seed_3_plane-a-run-1.h5"]
    back = measured.load(path)
    assert list(back) == list(found)
    assert (back["number"], back["whole"], bool(back["yes"])) == (0.1, 7, True)
    assert np.isnan(back["none"])
    assert back["curve"].tobytes() == found["curve"].tobytes()
    assert back["single"].dtype == np.float32
    assert back["listed"].tolist() == [1, 2, 3]
    assert back["by run"] == {"no dropout": 1 / 3, "b": {"deep": np.inf}}
    plane = back["plane"]["a run, 1"]
    assert plane.path == path.with_name("seed_3_plane-a-run-1.h5")
    for field in dataclasses.fields(store.Surface):
        if field.name in ("x", "y", "evaluated"):
            assert getattr(plane, field.name).tobytes() == getattr(surface, field.name).tobytes()
    assert {key: value.tobytes() for key, value in plane.values.items()} == {
        key: value.tobytes() for key, value in surface.values.items()
    }


def test_it_answers_the_question_that_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "seed_0.h5"
    assert measured.answers(path, ASKED) is None
    measured.save(path, {"a": 1}, ASKED, MADE)
    assert measured.answers(path, ASKED) == MADE
    assert measured.answers(path, dict(reversed(ASKED.items()))) == MADE
    assert measured.answers(path, {**ASKED, "settings": {"points": 4}}) is None


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "seed_0.h5"
    measured.save(path, {"a": np.zeros(1000)}, ASKED, MADE)
    os.truncate(path, 900)
    for read in (lambda: measured.load(path), lambda: measured.answers(path, ASKED)):
        with pytest.raises(LandscapeError, match=r"seed_0.h5 cannot be read .* measure that seed again"):
            read()


def test_an_error_while_writing_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "seed_0.h5"
    measured.save(path, {"a": 1}, ASKED, MADE)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        measured.save(path, {"a": 2}, ASKED, MADE)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["seed_0.h5"]


def test_paths_and_seeds() -> None:
    seeds = [{"loss": {"a": [1.0 * k, 2.0], "b": [3.0, 4.0]}, "gain": k} for k in range(3)]
    assert measured.lookup(seeds[1], "loss/a") == [1.0, 2.0]
    for wrong in ("loss/c", "gain/a", "nothing"):
        with pytest.raises(KeyError):
            measured.lookup(seeds[0], wrong)
    assert measured.across(seeds, "gain").tolist() == [0, 1, 2]
    stacked = measured.across(seeds, "loss")
    assert list(stacked) == ["a", "b"]
    assert stacked["a"].tolist() == [[0, 2], [1, 2], [2, 2]]
    assert [name for name, _ in measured.leaves(seeds[0])] == ["loss/a", "loss/b", "gain"]


def test_rows_become_quantities() -> None:
    rows = {"mlp": {"loss": 1, "only": 2}, "cnn": {"loss": 3}}
    assert measured.by_quantity(rows) == {"loss": {"mlp": 1, "cnn": 3}, "only": {"mlp": 2}}
