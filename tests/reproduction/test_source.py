"""The digest of a function changes with what it does, and with nothing else; a listing is the text itself."""

from pathlib import Path

import pytest

import landscape_cli.phenomena
from landscape_cli.reproduction.source import digest, listing

CODE = '''
"""A topic."""

from math import sqrt

SIZE = 3
LIMITS: tuple[int, int] = (1, 2)
UNUSED = 4


class Kept:
    """Kept."""

    size = SIZE


def helper(x):
    """Help."""
    return x + SIZE


def measure(lab):
    """Measure."""
    return {"a": helper(sqrt(lab.seed)), "b": LIMITS[0], "c": Kept.size}  # a comment


def draw(seeds):
    return seeds
'''


@pytest.fixture
def topic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "topic.py"
    path.write_text(CODE)
    monkeypatch.setattr(landscape_cli.phenomena, "__path__", [str(tmp_path)])
    return path


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ('{"a": helper(', '{"z": helper(', True),
        ("x + SIZE", "x - SIZE", True),  # of a helper
        ("SIZE = 3", "SIZE = 5", True),  # of a constant of a helper
        ("= (1, 2)", "= (2, 2)", True),
        ("size = SIZE", "size = 2 * SIZE", True),
        ('"""Measure."""', '"""Measure it all."""', False),
        ('"""Help."""', '"""Help!"""', False),
        ('"""Kept."""', '"""Not."""', False),
        ("# a comment", "# another", False),
        ("helper(sqrt(lab.seed))", "helper(\n        sqrt(lab.seed)\n    )", False),
        ("UNUSED = 4", "UNUSED = 5", False),
        ("return seeds", "return list(seeds)", False),
    ],
)
def test_what_changes_it(topic: Path, old: str, new: str, changes: bool) -> None:
    before = digest("topic", "measure")
    assert old in CODE
    topic.write_text(CODE.replace(old, new))
    assert (digest("topic", "measure") != before) == changes


def test_a_docstring_alone_is_a_body(topic: Path) -> None:
    topic.write_text('def measure(lab):\n    """Nothing."""\n')
    assert len(digest("topic", "measure")) == 16


def test_a_function_there_is_not(topic: Path) -> None:
    with pytest.raises(AttributeError, match="topic has no function measures"):
        digest("topic", "measures")


def test_a_listing_is_the_text_in_its_order(topic: Path) -> None:
    parts = listing("topic", ["measure"])
    assert [text.partition("\n")[0] for _, text in parts] == [
        "SIZE = 3",
        "LIMITS: tuple[int, int] = (1, 2)",
        "class Kept:",
        "def helper(x):",
        "def measure(lab):",
    ]
    for first, text in parts:
        assert CODE.splitlines()[first - 1 :][: len(text.splitlines())] == text.splitlines()
    assert [text for _, text in listing("topic", ["draw"])] == ["def draw(seeds):\n    return seeds"]


def test_a_listing_has_what_decorates(topic: Path) -> None:
    topic.write_text("import functools\n\n\n@functools.cache\ndef measure(lab):\n    return {}\n")
    assert listing("topic", ["measure"]) == [(4, "@functools.cache\ndef measure(lab):\n    return {}")]
