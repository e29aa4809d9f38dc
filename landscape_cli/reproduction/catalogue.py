"""The phenomena there are: what each is, what it trains and costs, and what became of it on this machine.

A phenomenon is a file ``conf/phenomena/<id>.yaml``. Its first line says what it is; ``section`` orders the
catalogue; ``source`` is the paper or lecture; ``code`` names the module and function of this package that
measure it. Then one mapping a scale: ``cost`` in words, ``seeds``, ``train`` (words of `landscape train` that
all runs share), ``runs`` (name -> further words) and ``settings``, which the function takes by name.

Never imports torch: `landscape list phenomena` is to answer at once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape_cli.config import CONF, from_yaml
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.schemas import SCALES

FOLDER = CONF / "phenomena"


@dataclass(frozen=True)
class Scale:
    """One size of a phenomenon: ``small`` for two cores, ``paper`` for the paper's own setting.

    Attributes:
        cost: in words.
        seeds: how many of each run are trained; they have seeds 0, 1, ….
        runs: name -> the words of `landscape train`, but for the seed.
        settings: what the function takes.
    """

    cost: str
    seeds: int
    runs: Mapping[str, list[str]]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Phenomenon:
    """An entry of the catalogue."""

    id: str
    line: str
    section: str
    source: str
    code: str
    scales: Mapping[str, Scale]


def ids() -> list[str]:
    """Return the ids of all phenomena, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def phenomenon(name: str) -> Phenomenon:
    """Return a phenomenon.

    Raises:
        LandscapeError: there is none of that id.
    """
    if name not in ids():
        raise unknown("phenomenon", name, ids())
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    entry = from_yaml(text)
    scales = {
        scale: Scale(
            cost=entry[scale]["cost"],
            seeds=entry[scale].get("seeds", 3),
            runs={
                run: _last_of_each([*entry[scale].get("train", []), *words])
                for run, words in entry[scale].get("runs", {}).items()
            },
            settings=entry[scale].get("settings", {}),
        )
        for scale in SCALES
    }
    line = text.partition("\n")[0].removeprefix("# ")
    return Phenomenon(name, line, entry["section"], entry["source"], entry["code"], scales)


def _last_of_each(words: list[str]) -> list[str]:
    """Return the words without those whose key comes again."""
    return list({word.partition("=")[0]: word for word in words}.values())


def catalogue() -> list[Phenomenon]:
    """Return all phenomena, section by section."""
    return sorted(map(phenomenon, ids()), key=lambda entry: (entry.section, entry.id))


def default_folder(outputs_dir: str | Path, name: str, scale: str) -> Path:
    """Return where `landscape reproduce` puts a phenomenon."""
    return Path(outputs_dir, "reproduce", f"{name}_{scale}")


def read_result(folder: Path) -> dict[str, Any]:
    """Return the content of a reproduction's result.json.

    Raises:
        LandscapeError: there is none, or it is damaged.
    """
    path = folder / "result.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not {"id", "scale", "verdict", "claims"} <= content.keys():
            raise ValueError("it is none of landscape's")
    except (OSError, ValueError, AttributeError) as error:
        raise LandscapeError(
            f"{path} cannot be read ({error}); `landscape reproduce` makes it, delete it if it is damaged"
        ) from error
    return dict(content)


def status(outputs_dir: str | Path, name: str, scale: str) -> str:
    """Return what became of a phenomenon here: ``not run``, its verdict, or why that cannot be read."""
    folder = default_folder(outputs_dir, name, scale)
    if not (folder / "result.json").exists():
        return "not run"
    try:
        return str(read_result(folder)["verdict"])
    except LandscapeError as error:
        return str(error)
