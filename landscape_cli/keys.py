"""A key of a command, or an option of a function: default, help and range, said once for shell and Python."""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from landscape_cli.errors import LandscapeError, unknown


@dataclass(frozen=True)
class Range:
    """The values that a key may have."""

    text: str  # completes "must be …"
    holds: Callable[[Any], bool]


COUNT = Range("a positive whole number", lambda value: value >= 1)
POSITIVE = Range("a positive number", lambda value: value > 0)
NOT_NEGATIVE = Range("zero or more", lambda value: value >= 0)


def key(
    default: Any,
    help: str,
    range: Range | None = None,
    *,
    choices: Iterable[str] = (),
    null: bool = False,
) -> Any:
    """Return the field of a dataclass that is a key.

    Args:
        default: a list or a dictionary is copied for every instance.
        help: what the key is for, for `--help` and the docstrings of functions; `null` becomes `None` there.
        range: what `check` asks of the value.
        choices: the words that it may be, in place of a range.
        null: whether it may be None besides; always, where that is the default.
    """
    metadata = {"help": help, "range": range, "choices": tuple(choices), "null": null or default is None}
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=default.copy, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def require(holds: bool, key: str, got: object, expected: str) -> None:
    """Refuse a value.

    Raises:
        LandscapeError: it is not what was expected.
    """
    if not holds:
        raise LandscapeError(f"{key} must be {expected}, got {got!r}")


def check(values: Any) -> None:
    """Refuse a dataclass with a value outside of its key's range.

    Raises:
        LandscapeError: naming the key, what was got and what was expected.
    """
    for field in dataclasses.fields(values):
        value, allowed = getattr(values, field.name), field.metadata
        if not allowed or (value is None and allowed["null"]):
            continue
        if allowed["choices"] and value not in allowed["choices"]:
            raise unknown(field.name, value, allowed["choices"])
        if allowed["range"] is not None:
            expected = f"{allowed['range'].text}{' or null' if allowed['null'] else ''}"
            require(allowed["range"].holds(value), field.name, value, expected)
