"""Options of one configuration group, each checked as it is read."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from landscape_cli.errors import LandscapeError, unknown


@dataclass(frozen=True)
class Options:
    """The values of one configuration group; every method raises a LandscapeError that names its key."""

    group: str
    values: Mapping[str, Any]

    def number(self, key: str) -> float:
        """Return a finite number."""
        return self._finite(key, "a number")

    def positive(self, key: str) -> float:
        """Return a finite number above 0."""
        expected = "a positive number"
        value = self._finite(key, expected)
        if value <= 0:
            raise self._refusal(key, expected)
        return value

    def fraction(self, key: str) -> float:
        """Return a number in [0, 1)."""
        expected = "a number from 0 to below 1"
        value = self._finite(key, expected)
        if not 0 <= value < 1:
            raise self._refusal(key, expected)
        return value

    def count(self, key: str) -> int:
        """Return a whole number of at least 1."""
        value = self.values.get(key)
        if not _is_count(value):
            raise self._refusal(key, "a whole number of at least 1")
        return value

    def counts(self, key: str) -> list[int]:
        """Return a list, perhaps empty, of whole numbers of at least 1; a number alone is a list of one."""
        value = self.values.get(key)
        if _is_count(value):
            return [value]
        if not isinstance(value, list | tuple) or not all(map(_is_count, value)):
            raise self._refusal(key, "a list of whole numbers of at least 1")
        return list(value)

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self.values.get(key)
        if not isinstance(value, bool):
            raise self._refusal(key, "true or false")
        return value

    def text(self, key: str) -> str:
        """Return a string that is not empty."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value:
            raise self._refusal(key, "a text")
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        """Return a mapping with text keys."""
        value = self.values.get(key)
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise self._refusal(key, "a mapping of names to values")
        return dict(value)

    def choice(self, key: str, choices: Collection[str]) -> str:
        """Return one of `choices`."""
        value = self.values.get(key)
        if not isinstance(value, str) or value not in choices:
            raise unknown(f"{self.group}.{key}", value, choices)
        return value

    def _finite(self, key: str, expected: str) -> float:
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._refusal(key, expected)
        return float(value)

    def _refusal(self, key: str, expected: str) -> LandscapeError:
        return LandscapeError(f"{self.group}.{key} must be {expected}, got {self.values.get(key)!r}")


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
