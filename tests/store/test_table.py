"""Tables: filled row by row, resumed by what a row is of, refused where they are of something else."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape_cli.errors import BusyError, LandscapeError
from landscape_cli.files import only_writer
from landscape_cli.store.table import LONGEST, Table, fill, read

ROWS = [{"run": f"runs/{name}", "epoch": 3, "checkpoint": name * 4} for name in "abc"]
SETTINGS = {"samples": None, "rho": 0.1}
VALUES = ["sharpness", "sharpness_error"]


def measured(row: Any) -> dict[str, float]:
    return {"sharpness": 1 / 3 + ord(row["checkpoint"][0]), "sharpness_error": 1e-300}


def filled(path: Path, rows: Any = ROWS, settings: Any = SETTINGS, values: Any = VALUES) -> Table:
    return fill(path, rows, settings, values, measured)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "t.csv"
    assert not list(tmp_path.glob(".*"))  # neither a lock nor a part is left


def test_numbers_and_texts_come_back_as_they_were(path: Path) -> None:
    filled(path)
    table = read(path)
    assert table.columns == ["run", "epoch", "checkpoint", "samples", "rho", *VALUES]
    assert table.texts("run") == ["runs/a", "runs/b", "runs/c"]
    np.testing.assert_array_equal(table.numbers("sharpness"), [1 / 3 + ord(name) for name in "abc"])
    np.testing.assert_array_equal(table.numbers("sharpness_error"), 1e-300)
    assert np.isnan(table.numbers("samples")).all()  # null


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, np.float32(0.1), 5e-324, True])
def test_every_number_is_kept(path: Path, value: float) -> None:
    fill(path, ROWS[:1], {"seed": 1}, ["v"], lambda row: {"v": float(value)})
    np.testing.assert_array_equal(read(path).numbers("v"), [float(value)])


def test_rows_that_are_there_are_not_measured_again(path: Path) -> None:
    filled(path, ROWS[:2])
    before = path.read_text()
    asked: list[str] = []

    def measure(row: Any) -> dict[str, float]:
        asked.append(row["run"])
        return measured(row)

    table = fill(path, ROWS[1:], SETTINGS, VALUES, measure)
    assert asked == ["runs/c"]
    assert path.read_text().startswith(before)
    assert table.texts("run") == read(path).texts("run") == ["runs/a", "runs/b", "runs/c"]


def test_what_was_measured_before_a_failure_is_kept(path: Path) -> None:
    def measure(row: Any) -> dict[str, float]:
        if row["run"] == "runs/b":
            raise LandscapeError("no second derivative")
        return measured(row)

    with pytest.raises(LandscapeError, match="no second derivative"):
        fill(path, ROWS, SETTINGS, VALUES, measure)
    assert read(path).texts("run") == ["runs/a"]
    filled(path)
    assert len(read(path)) == 3


def test_a_measurement_that_forgets_a_value_leaves_no_row(path: Path) -> None:
    with pytest.raises(KeyError):
        fill(path, ROWS, SETTINGS, VALUES, lambda row: {"sharpness": 1.0})
    assert not path.exists()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"settings": {**SETTINGS, "rho": 0.2}}, "run=runs/a epoch=3: rho: saved 0.1, asked for 0.2"),
        ({"settings": {**SETTINGS, "samples": 5}}, "samples: saved null, asked for 5"),
        ({"settings": {**SETTINGS, "seed": 5}}, "column seed is not in it"),
        ({"values": VALUES[:1]}, "it has a column sharpness_error"),
        ({"values": VALUES[::-1]}, "its columns are in another order"),
        ({"rows": [{**ROWS[1], "checkpoint": "new"}]}, "epoch=3: checkpoint: saved bbbb, asked for new"),
    ],
)
def test_a_file_of_something_else_is_refused(path: Path, changed: Any, told: str) -> None:
    filled(path)
    before = path.read_text()
    with pytest.raises(LandscapeError, match=f"begun with another configuration.*{told}.*another out="):
        filled(path, **changed)
    assert path.read_text() == before


def test_a_thing_has_one_row(path: Path) -> None:
    with pytest.raises(LandscapeError, match=r"run=runs/a epoch=3 is named twice"):
        filled(path, [*ROWS, ROWS[0]])


def test_there_is_one_writer(path: Path) -> None:
    with only_writer(path), pytest.raises(BusyError, match="written by another process"):
        filled(path)


def test_commas_quotes_and_new_lines_are_part_of_a_name(path: Path) -> None:
    name = 'a, "b"\nc'
    filled(path, [{**ROWS[0], "run": name}])
    assert read(path).rows[0]["run"] == name
    assert read(path).texts("run") == [r'a, "b"\nc']  # as it is shown
    filled(path, [{**ROWS[0], "run": name}])
    assert len(read(path)) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must name its columns"),
        ("a,a\n1,2\n", "each once"),
        ("a,\n1,2\n", "must name its columns"),
        ("a\x1b,b\n1,2\n", "must name its columns"),
        (",".join(map(str, range(201))) + "\n", "at most 200"),
        ("a,b\n1\n", "row 1 has 1 cells, expected 2"),
        ('a,b\n1,"2', "unexpected end of data"),
        (f"a,b\n1,{'2' * (LONGEST + 1)}\n", "row 1 has a cell of more than 4,000 characters"),
        (f"a,b\n1,{'2' * 200_000}\n", "field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused(path: Path, text: str, reason: str) -> None:
    path.write_text(text)
    with pytest.raises(LandscapeError, match=rf"t.csv is no table of landscape \(.*{reason}"):
        read(path)


def test_files_that_cannot_be_read_are_told(path: Path) -> None:
    with pytest.raises(LandscapeError, match="no file"):
        read(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LandscapeError, match=r"is no table of landscape \(.*codec"):
        read(path)
    with pytest.raises(LandscapeError, match="cannot be read"):
        read(path.parent)


def test_a_large_file_is_not_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(LandscapeError, match="it has more than 8,388,608 bytes"):
        read(path)


def test_a_column_that_is_missing_or_no_number_is_told(path: Path) -> None:
    filled(path)
    with pytest.raises(LandscapeError, match="it has no column trace"):
        read(path).numbers("trace")
    with pytest.raises(LandscapeError, match="column run: could not convert"):
        read(path).numbers("run")


def test_files_changed_at_random_are_read_or_refused(path: Path) -> None:
    filled(path)
    text, draw, refused = path.read_text(), random.Random(0), 0
    for _ in range(300):
        at = draw.randrange(len(text))
        path.write_text(text[:at] + draw.choice(['"', ",", "\n", "\0", "x", ""]) + text[at + 1 :])
        try:
            table = read(path)
            assert len(table)
            assert all(len(row) == len(table.columns) for row in table.rows)
        except LandscapeError:
            refused += 1
    assert 30 < refused < 270
