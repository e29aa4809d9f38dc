"""Progress on standard error: a bar on a terminal and in a notebook, elsewhere a line now and then."""

import math
import os
import sys
from contextlib import suppress
from functools import cache
from typing import Any, TextIO

from tqdm import tqdm

from landscape_cli.terminal import tell

SECONDS_BETWEEN_LINES = 30
SECONDS_OF_A_STEP = 3
MORE = 1.2  # times what has been done, where it is more than was thought
NOTEBOOK = 100  # characters of a bar where no terminal has a width
BAR = "{desc}: {percentage:3.0f} %|{bar:10}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
LINE = (
    "{desc}: {percentage:.0f} %, {n_fmt} of {total_fmt} in {elapsed}, {remaining} to go, {rate_fmt}{postfix}"
)


class _Lines:
    """A stream for tqdm that ends each of its states with a new line, for logs."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        state = text.strip("\r\n ")
        if state:
            with suppress(OSError):  # nobody listens any more: the work goes on
                self.stream.write(f"{state}\n")

    def flush(self) -> None:
        with suppress(OSError):
            self.stream.flush()


def _in_notebook() -> bool:
    """Whether standard error is the output of a Jupyter cell, which heeds carriage returns."""
    kernel = sys.modules.get("ipykernel.iostream")
    return kernel is not None and isinstance(sys.stderr, kernel.OutStream)


def describe(progress: "tqdm[Any]", description: str) -> None:
    """Say what is being done; where a bar stands at once, elsewhere with the next line."""
    progress.set_description_str(description, refresh=sys.stderr.isatty() or _in_notebook())


def bar(total: int, description: str, unit: str, initial: int = 0, *, within: bool = False) -> "tqdm[Any]":
    """Return a progress bar with a rate and the remaining time; `update(n)` it, use it as a context.

    Args:
        total: steps.
        description: what is being done.
        unit: of the steps.
        initial: steps that were done before.
        within: whether it is of one step of another bar: shown if that takes seconds, and gone at its end.
    """
    options: dict[str, Any] = {"total": total, "desc": description, "unit": f" {unit}", "initial": initial}
    options["disable"] = not _leads()
    if within:
        options |= {"leave": False, "delay": SECONDS_OF_A_STEP}
    if sys.stderr.isatty() or _in_notebook():
        width: dict[str, Any] = {"ncols": NOTEBOOK} if _in_notebook() else {"dynamic_ncols": True}
        return tqdm(**options, **width, unit_scale=total > 100_000, bar_format=BAR)
    return tqdm(**options, file=_Lines(sys.stderr), mininterval=SECONDS_BETWEEN_LINES, bar_format=LINE)


def go_on(progress: "tqdm[Any]", new: int) -> None:
    """Move a bar whose total is a guess; where more has been done, some more is expected."""
    done = progress.n + new
    if progress.total is not None and done > progress.total:
        progress.total = math.ceil(MORE * done)
    progress.update(new)


def note(text: str) -> None:
    """Say a line on standard error, in one of several processes of one command only."""
    if _leads():
        tell(text)


def _leads() -> bool:
    return os.environ.get("RANK", "0") == "0"


@cache
def note_once(text: str) -> None:
    """Say a line that is true of all that this process does."""
    note(text)


def duration(seconds: float) -> str:
    """Return a time as a person says it: 8 s, 12 min, 3 h 20 min."""
    minutes, hours = round(seconds / 60), int(seconds // 3600)
    if seconds < 99.5:
        return f"{seconds:.2g} s"
    return f"{minutes} min" if minutes < 100 else f"{hours} h {minutes - 60 * hours} min"
