import math
from collections.abc import Callable
from typing import Any

import pytest

from landscape_cli.architectures.options import Options
from landscape_cli.errors import LandscapeError

# (method, values it takes, what it says it expects, values it refuses)
CASES: list[tuple[Callable[[Options, str], Any], list[Any], str, list[Any]]] = [
    (Options.number, [0, -1, 2.5], "a number", [None, "1", True, math.nan, math.inf]),
    (Options.positive, [1, 0.5], "a positive number", [0, -1, None, "1", True, math.nan, math.inf]),
    (Options.fraction, [0, 0.0, 0.999], "a number from 0 to below 1", [1, -0.1, None, "0", False]),
    (Options.count, [1, 12], "a whole number of at least 1", [0, -1, 1.0, None, "1", True]),
    (
        Options.counts,
        [[], [1, 2]],
        "a list of whole numbers of at least 1",
        [None, "3", 0, [0], [1.5], "12", [True], True],
    ),
    (Options.flag, [True, False], "true or false", [None, 0, 1, "true"]),
    (Options.text, ["a:b"], "a text", [None, "", 3, ["a"]]),
    (Options.mapping, [{}, {"a": 1}], "a mapping of names to values", [None, 3, [1], {1: 2}]),
]


@pytest.mark.parametrize(("read", "taken", "expected", "refused"), CASES)
def test_values(
    read: Callable[[Options, str], Any], taken: list[Any], expected: str, refused: list[Any]
) -> None:
    for value in taken:
        assert read(Options("group", {"key": value}), "key") == value
    for value in refused:
        with pytest.raises(LandscapeError) as caught:
            read(Options("group", {"key": value}), "key")
        assert str(caught.value) == f"group.key must be {expected}, got {value!r}"


def test_choices() -> None:
    options = Options("group", {"key": "left", "wrong": "rigth"})
    assert options.choice("key", ["left", "right"]) == "left"
    with pytest.raises(LandscapeError) as caught:
        options.choice("wrong", ["left", "right"])
    assert str(caught.value) == "no group.wrong 'rigth'; choose from left, right (nearest: right)"
    with pytest.raises(LandscapeError, match=r"no group\.missing 'None'; choose from left, right"):
        options.choice("missing", ["left", "right"])
