"""What all commands take, what those that compute take, and what several of them check."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from landscape_cli.keys import check, key, require

SPLITS = ("train", "test")
LOCATION = {
    "root": None,
    "source": None,
}  # of the data, for commands that work on a run: null, where it had them
HDF5 = "the HDF5 file; default: a readable name under outputs_dir"
EPOCH = "last, init, or the number of a kept checkpoint"
GRID = "first:last:count along"

T = TypeVar("T")


@dataclass
class Common:
    """What a command writes, and where."""

    out: str | None = key(None, "what it writes; default: a readable name under outputs_dir")
    outputs_dir: str = key("outputs", "where everything lies that out= does not name")

    lists: ClassVar[tuple[str, ...]] = ()  # keys that can hold several values: of one job, key=a,b
    spellings: ClassVar[dict[str, str]] = {}  # a key as it is said at the shell -> its name here
    choices: ClassVar[str] = ""  # what `--help` says above the choices of the command's groups

    def __post_init__(self) -> None:
        """Check the ranges that the keys tell."""
        check(self)

    def part(self, options: type[T]) -> T:
        """Return those of the keys that are a room's options."""
        assert dataclasses.is_dataclass(options)
        names = [field.name for field in dataclasses.fields(options)]
        return options(**{name: getattr(self, name) for name in names})


@dataclass
class Computing(Common):
    """How a command computes what it writes."""

    device: str = key("auto", "auto (cuda where there is one), cpu, cuda, cuda:0, …")
    seed: int = key(0, "of what is drawn at random")


def as_list(name: str, got: Any) -> list[str]:
    """Return one word as a list of one.

    Raises:
        LandscapeError: it is neither a word nor a list of words.
    """
    words = got if isinstance(got, list) else [got]
    require(all(isinstance(word, str) for word in words), name, got, "a word or a list of words")
    return words
