"""A table in a CSV file that a command fills row by row: what a row is of, its settings, its values.

The first columns tell what a row is of (a run, an epoch, the SHA-256 of the checkpoint), the next ones the
settings on which the values depend, the same in all rows; then come the values. An estimate's error stands in
the column ``<name>_error``. An empty cell is NaN, or null. Never imports torch.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.config import first_difference
from landscape_cli.errors import LandscapeError
from landscape_cli.files import only_writer, read_bytes, write_text
from landscape_cli.progress import bar
from landscape_cli.terminal import printable

ERROR = "_error"  # ends the name of the column that holds a value's error
# what is read of a file that may be a stranger's
LARGEST = 1 << 23  # bytes: ten thousand rows
WIDEST = 200  # columns
LONGEST = 4_000  # characters of a cell: a path has at most 4,096 bytes

Row = Mapping[str, Any]
"""Column -> what stands there."""


@dataclass(frozen=True)
class Table:
    """The rows of a file, as text; `numbers` and `texts` have a column with its type.

    Attributes:
        path: the file.
        columns: their names, in order.
        rows: column -> cell, for each row.
    """

    path: Path
    columns: list[str]
    rows: list[dict[str, str]]

    def __len__(self) -> int:
        return len(self.rows)

    def texts(self, column: str) -> list[str]:
        """Return a column of words, of which control characters are shown as such."""
        self._check(column)
        return [printable(row[column]) for row in self.rows]

    def numbers(self, column: str) -> Array:
        """Return a column of numbers, (rows,); NaN where a cell is empty.

        Raises:
            LandscapeError: there is no such column, or a cell is no number.
        """
        self._check(column)
        try:
            return np.array([float(row[column] or "nan") for row in self.rows])
        except ValueError as error:
            raise _damaged(self.path, f"column {column}: {error}") from error

    def _check(self, column: str) -> None:
        if column not in self.columns:
            raise _damaged(self.path, f"it has no column {column}")


def read(path: Path) -> Table:
    """Return the table in a file, finished or not.

    Raises:
        LandscapeError: there is no such file, it cannot be read, or it is no table.
    """
    try:
        return _parsed(path, read_bytes(path, LARGEST).decode())
    except FileNotFoundError as error:
        raise LandscapeError(f"no file {path}; the command that makes a table prints where it is") from error
    except OSError as error:
        raise LandscapeError(f"{path} cannot be read ({error.strerror}); choose another file") from error
    except (ValueError, csv.Error) as error:
        raise _damaged(path, str(error).partition("\n")[0]) from error


def fill(
    path: Path,
    rows: Sequence[Row],
    settings: Row,
    values: Sequence[str],
    measure: Callable[[Row], Mapping[str, float]],
    keys: Sequence[str] = ("run", "epoch"),
    progress: bool = True,
    again: Sequence[str] = (),
) -> Table:
    """Measure those of the rows that the file lacks, and put each into it when it is known.

    Rows are in the order of their runs, and of the epochs of each.

    The file is written whole or not at all, so that it holds all rows up to an interruption, and nothing of a
    row whose measurement failed. What other rows it has stays.

    Args:
        path: the CSV file; made where there is none.
        rows: what each row is of; all have the same columns.
        settings: on which the values depend; the same for all rows, those of the file too.
        values: the columns of the values, those of errors included.
        measure: what a row is of -> its values, one for each of `values`.
        keys: by which columns of `rows` a row is found again; the others must be what they were then.
        again: columns of `rows` of which another value is no mistake: the row is measured again.
        progress: whether to show a bar of the rows; not where `measure` shows one of its own.

    Returns:
        The whole table.

    Raises:
        LandscapeError: two rows are of one thing; the file is no table, or was begun with other columns,
            settings or checkpoints: naming the first difference.
        BusyError: another process fills it.
    """
    wanted = {_key(row, keys): _cells(row) for row in rows}
    if len(wanted) < len(rows):
        names = [_key(row, keys) for row in rows]
        twice = next(name for name in names if names.count(name) > 1)
        raise LandscapeError(f"{_told(twice, keys)} is named twice; name each once")
    common = _cells(settings)
    columns = [*next(iter(wanted.values()), {}), *common, *values]
    with only_writer(path):
        table = read(path) if path.exists() else Table(path, columns, [])
        kept = [
            row
            for row in table.rows
            if all(row.get(name) == wanted.get(_key(row, keys), row).get(name) for name in again)
        ]
        _check_same(Table(path, table.columns, kept), columns, common, wanted, keys)
        table = Table(path, table.columns, kept)
        known = {_key(row, keys) for row in table.rows}
        missing = [row for row in rows if _key(row, keys) not in known]
        shown = bar(len(rows), "table", "rows", len(rows) - len(missing)) if progress else nullcontext()
        with shown as rows_done:
            for row in missing:
                found = measure(row)
                table.rows.append(_cells(row) | common | _cells({name: found[name] for name in values}))
                _sort(table, keys)
                write_text(path, _text(table))
                if rows_done is not None:
                    rows_done.update()
    return table


def _sort(table: Table, keys: Sequence[str]) -> None:
    """Sort rows by the run, the first named first, and by the number of the epoch."""
    runs = [row[keys[0]] for row in table.rows]
    places = np.array([runs.index(run) for run in runs])
    order = np.lexsort([*(table.numbers(name) for name in keys[:0:-1]), places])
    table.rows[:] = [table.rows[place] for place in order]


def _key(row: Row, keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(_cell(row[name]) for name in keys)


def _told(key: tuple[str, ...], keys: Sequence[str]) -> str:
    return " ".join(f"{name}={cell}" for name, cell in zip(keys, key, strict=True))


def _cell(value: object) -> str:
    """Return a value as the text of its cell; numbers read back to the same float64."""
    if value is None or value != value:
        return ""
    return str(value.item() if isinstance(value, np.generic) else value)


def _cells(row: Row) -> dict[str, str]:
    return {name: _cell(value) for name, value in row.items()}


def _check_same(
    table: Table,
    columns: list[str],
    settings: Mapping[str, str],
    wanted: Mapping[tuple[str, ...], Mapping[str, str]],
    keys: Sequence[str],
) -> None:
    """Refuse to go on with a table of something else.

    Raises:
        LandscapeError: naming the first difference.
    """
    difference = None
    if table.columns != columns:
        one = next((name for name in columns if name not in table.columns), None)
        other = next((name for name in table.columns if name not in columns), None)
        difference = f"column {one} is not in it" if one else f"it has a column {other}"
        if one is None and other is None:
            difference = "its columns are in another order"
    for row in table.rows if difference is None else []:
        key = _key(row, keys)
        expected = {**settings, **wanted.get(key, {})}
        found = first_difference(_nulls({name: row[name] for name in expected}), _nulls(expected), ())
        difference = difference or (found and f"{_told(key, keys)}: {found}")
    if difference:
        raise LandscapeError(
            f"{table.path} was begun with another configuration ({printable(difference)});"
            " choose another out= or delete it"
        )


def _nulls(row: Mapping[str, str]) -> dict[str, str]:
    return {name: cell or "null" for name, cell in row.items()}


def _text(table: Table) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, table.columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.rows)
    return text.getvalue()


def _parsed(path: Path, text: str) -> Table:
    """Return the table that a text is.

    Raises:
        ValueError: it is none.
        csv.Error: likewise.
    """
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = next(lines, [])
    named = all(name and name.isprintable() for name in columns)
    if not columns or not named or len(set(columns)) < len(columns) or len(columns) > WIDEST:
        raise ValueError(f"its first line must name its columns, each once, at most {WIDEST}")
    rows = []
    for number, cells in enumerate(lines, start=1):
        if len(cells) != len(columns):
            raise ValueError(f"row {number} has {len(cells)} cells, expected {len(columns)}")
        if max(map(len, cells)) > LONGEST:
            raise ValueError(f"row {number} has a cell of more than {LONGEST:,} characters")
        rows.append(dict(zip(columns, cells, strict=True)))
    return Table(path, columns, rows)


def _damaged(path: Path, reason: str) -> LandscapeError:
    return LandscapeError(f"{path} is no table of landscape ({reason}); choose another file, or delete it")
