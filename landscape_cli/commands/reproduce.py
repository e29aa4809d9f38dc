"""`landscape reproduce`: a phenomenon of the literature, trained, measured, drawn and judged."""

import importlib
import os
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from landscape_cli.composition import settings_from
from landscape_cli.errors import LandscapeError
from landscape_cli.files import only_writer
from landscape_cli.reproduction.catalogue import Phenomenon, default_folder, phenomenon
from landscape_cli.reproduction.gallery import measured
from landscape_cli.reproduction.measured import Measured
from landscape_cli.reproduction.record import reproduce
from landscape_cli.schemas.reproduction import ReproduceConfig

# what `reproduce` puts into a folder and its data/
PICTURES, DATA = {".png", ".pdf", ".gif"}, {".csv", ".h5"}


def run(config: ReproduceConfig) -> Path:
    """Reproduce each phenomenon of `config.id`, print its claims; return the folder of the last one."""
    entries = [phenomenon(name) for name in config.id]
    for entry in entries:
        entry.scale(config.scale)
    folders = [_folder(config, entry) for entry in entries]
    for number, (entry, folder) in enumerate(zip(entries, folders, strict=True), start=1):
        _reproduce(config, entry, folder)
        if number < len(folders):
            print(folder)
    return folders[-1]


def _folder(config: ReproduceConfig, entry: Phenomenon) -> Path:
    if config.out is None:
        return default_folder(config.outputs_dir, entry.id, config.scale)
    return Path(config.out) if len(config.id) == 1 else Path(config.out, f"{entry.id}_{config.scale}")


def _reproduce(config: ReproduceConfig, entry: Phenomenon, folder: Path) -> None:
    scale = entry.scale(config.scale)
    seeds = [config.seed + number for number in range(config.seeds or scale.seeds)]
    with only_writer(folder):
        if _holds_other_things(folder):
            raise LandscapeError(f"{folder} holds other things than a reproduction; choose another out=")
        result = reproduce(folder, entry, config.scale, seeds, partial(_measure, config, entry))
    for claim in result["claims"]:
        wanted = f"{claim['relation']} {claim['threshold']:g}"
        print(f"{claim['verdict']}: {claim['text']}: {measured(claim)}; wanted {wanted}")


def _measure(config: ReproduceConfig, entry: Phenomenon, seed: int) -> tuple[Measured, dict[str, Any]]:
    """Train and measure one seed; return what it gave, and how that was made."""
    from landscape_cli.reproduction.lab import Lab  # torch takes seconds, and what was measured needs none

    scale = entry.scale(config.scale)
    topic = importlib.import_module(f"landscape_cli.phenomena.{entry.topic}")
    lab = Lab(scale, seed, partial(command, config), config.device, config.dataset)
    lab.train()
    return getattr(topic, entry.id.replace("-", "_"))(lab, **scale.settings), lab.made()


def command(config: ReproduceConfig, name: str, words: list[str]) -> Path:
    """Let `landscape <name> <words>` do its work on this reproduction's device and data; return its path."""
    settings = settings_from(name, words)
    settings.device = config.device
    if "root" in getattr(settings, "dataset", {}):
        settings.dataset["root"] = config.dataset["root"]
    if not any(word.startswith("out=") for word in words):
        settings.outputs_dir = config.outputs_dir
        settings.out = str(settings.default_out(words))
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        written: Path = importlib.import_module(f"landscape_cli.commands.{name}").run(settings)
    return written


def _holds_other_things(folder: Path) -> bool:
    """Whether a folder holds what no reproduction puts there; hidden files are a kill's or the system's."""
    if not folder.exists():
        return False
    found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return any(
        path.suffix not in PICTURES and path.name not in ("result.json", "data") for path in found
    ) or any(path.suffix not in DATA for path in (folder / "data").glob("*") if not path.name.startswith("."))
