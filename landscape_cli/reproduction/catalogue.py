"""The phenomena there are: what each is, what it claims, trains and costs, and what became of it here.

A phenomenon is a file ``conf/phenomena/<id>.yaml``, the record. Its first line says what it is. Then:

    section, source   where it stands in the catalogue; the paper or lecture
    topic             the module of `landscape_cli.phenomena` that measures and draws it
    claims            lines of `landscape_cli.reproduction.claims`: quantity, relation, threshold: text
    notes             quantity -> what else is to be known of its claims

and a mapping a scale, ``small``, ``paper`` and, where it pays, ``medium``:

    cost, seeds       in words; how many seeds, three unless said
    runs              name -> words of `landscape train`, after those of ``train``, which all runs share
    surface, …        words that a command gets before others: surface, interpolate, trajectory, hessian, …
    settings          what the measuring function takes by name
    drawing           what the drawing function takes by name: labels, levels
    claims, notes     those of this scale alone, beside the others

Never imports torch: `landscape list phenomena` is to answer at once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landscape_cli.config import CONF, from_yaml
from landscape_cli.errors import LandscapeError, unknown

FOLDER = CONF / "phenomena"
SCALES = ("small", "medium", "paper")
COMMANDS = ("surface", "interpolate", "trajectory", "hessian", "spectrum", "noise", "sharpness")


@dataclass(frozen=True)
class Scale:
    """One size of a phenomenon: ``small``, minutes on two cores; ``medium``, hours; ``paper``, the paper's.

    Attributes:
        cost: in words.
        seeds: how many are measured: seeds 0, 1, ….
        runs: name -> the words of `landscape train`. A word ``seed=`` is added to the seed that is measured,
            for runs that differ in it alone; give those numbers that no reproduction counts to, such as 1000.
        settings: of the measuring function.
        drawing: of the drawing function.
        words: command -> words that it gets before others.
        claims: line -> text, those of the phenomenon and of this scale.
        notes: quantity -> what else is to be known.
    """

    cost: str = ""
    seeds: int = 3
    runs: Mapping[str, list[str]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    drawing: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, list[str]] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Phenomenon:
    """An entry of the catalogue."""

    id: str
    line: str
    section: str
    source: str
    topic: str
    scales: Mapping[str, Scale]

    def scale(self, name: str) -> Scale:
        """Return one of its scales.

        Raises:
            LandscapeError: it has none of that name.
        """
        if name not in self.scales:
            raise LandscapeError(f"{self.id} has no scale {name!r}; choose from {', '.join(self.scales)}")
        return self.scales[name]


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
    scales = {scale: _scale(entry, entry[scale]) for scale in SCALES if scale in entry}
    line = text.partition("\n")[0].removeprefix("# ")
    return Phenomenon(name, line, entry["section"], entry["source"], entry["topic"], scales)


def _scale(entry: Mapping[str, Any], own: Mapping[str, Any]) -> Scale:
    shared = own.get("train", [])
    return Scale(
        cost=own["cost"],
        seeds=own.get("seeds", 3),
        runs={run: _last_of_each([*shared, *words]) for run, words in own.get("runs", {}).items()},
        settings=own.get("settings", {}),
        drawing=own.get("drawing", {}),
        words={command: own[command] for command in COMMANDS if command in own},
        claims={**entry.get("claims", {}), **own.get("claims", {})},
        notes={**entry.get("notes", {}), **own.get("notes", {})},
    )


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
