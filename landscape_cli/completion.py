"""What the shell offers after TAB: commands from here, all after them from Hydra."""

import contextlib
import dataclasses
import io
import os
from collections.abc import Callable, Iterable

from landscape_cli.errors import LandscapeError
from landscape_cli.schemas import SCHEMAS

SHELLS = ("bash", "fish", "zsh")
LISTS = ("x", "y", "alpha", "splits", "file", "run")
GROUP_WITHOUT_KEY = "experiment"  # a group of `train` that leaves no key of its own in the configuration


def complete(arguments: list[str], commands: Iterable[str], hydra: Callable[[str, list[str]], None]) -> None:
    """Print the script to install (``-sc install=bash``), or what could stand at the end of the shell's line.

    The shell passes its line in COMP_LINE. Hydra knows of no commands, so the command word is taken out; it
    offers all groups there are, so those that the command does not have are left out.

    Raises:
        LandscapeError: no such shell.
    """
    action, _, shell = "".join(arguments[1:2]).partition("=")
    if action not in ("install", "uninstall", "query") or shell not in SHELLS:
        raise LandscapeError(
            f"say landscape -sc install=bash (or {', '.join(SHELLS[1:])}), got {arguments[1:]}"
        )
    if action != "query":
        hydra("train", arguments)  # the script is the same for all commands
        return
    line = os.environ.get("COMP_LINE", "")
    words = line.split()
    typed = "" if line.endswith(" ") or len(words) == 1 else words[-1]
    if len(words) <= 1 or (len(words) == 2 and typed):
        offered = [command for command in commands if command.startswith(typed)]
    elif words[1] == "list":
        from landscape_cli.commands.list import KINDS

        offered = [kind for kind in KINDS if kind.startswith(typed)]
    elif words[1] in SCHEMAS:
        rest = line.lstrip()[len(words[0]) :].lstrip()[len(words[1]) :]
        os.environ["COMP_LINE"] = words[0] + (rest or " ")
        found = io.StringIO()
        with contextlib.redirect_stdout(found):
            hydra(words[1], arguments)
        keys = {field.name for field in dataclasses.fields(SCHEMAS[words[1]])}
        keys |= {GROUP_WITHOUT_KEY} if words[1] == "train" else set()
        offered = [_whole(word) for word in found.getvalue().split() if _key(word) in keys]
    else:
        offered = []
    print(" ".join(offered))


def _key(word: str) -> str:
    return word.partition("=")[0].partition(".")[0]


def _whole(word: str) -> str:
    """Return `word` with "=" for the dot with which Hydra offers a list, as if it had keys."""
    inner = word.removesuffix(".")
    is_list = word.endswith(".") and (inner in LISTS or "." in inner)
    return f"{inner}=" if is_list else word
