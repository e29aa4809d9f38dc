"""Configurations as plain mappings: where they come from, as text, compared, and as names of files."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

PACKAGE = Path(__file__).parent
CONF = (
    PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"
)  # in a wheel, in a checkout

# Where the work is done and its result is put, not what it is: a resumed job may differ in these.
# What weights were imported from is told by their SHA-256.
CIRCUMSTANCES = ("out", "outputs_dir", "device", "trust", "dataset.root", "weights")


def to_yaml(config: Mapping[str, Any]) -> str:
    """Return a resolved configuration as YAML text that OmegaConf alone can load."""
    return OmegaConf.to_yaml(OmegaConf.create(dict(config)))


def from_yaml(text: str) -> dict[str, Any]:
    """Return the plain dictionary that `to_yaml` wrote.

    Raises:
        ValueError: the text is something else.
    """
    try:
        loaded = OmegaConf.to_container(OmegaConf.create(text), resolve=True)
    except (YAMLError, OmegaConfBaseException) as error:
        raise ValueError(str(error)) from error
    if not isinstance(loaded, dict):
        raise ValueError("no mapping of keys to values")
    return {str(key): value for key, value in loaded.items()}


def first_difference(
    saved: Mapping[str, Any], wanted: Mapping[str, Any], ignore: Iterable[str] = CIRCUMSTANCES
) -> str | None:
    """Return "key: saved …, asked for …" of the first key in which two configurations differ, or None."""
    missing = "(not set)"

    def walk(one: Any, other: Any, key: str) -> str | None:
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            for name in [*other, *(name for name in one if name not in other)]:
                inner = f"{key}.{name}" if key else str(name)
                if inner not in ignore:
                    found = walk(one.get(name, missing), other.get(name, missing), inner)
                    if found:
                        return found
            return None
        return None if one == other else f"{key}: saved {one}, asked for {other}"

    return walk(saved, wanted, "")


def in_common(configs: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what all configurations agree on, key by key."""
    first, *others = configs
    shared: dict[str, Any] = {}
    for key, value in first.items():
        if not all(key in other for other in others):
            continue
        values = [other[key] for other in others]
        if isinstance(value, Mapping) and all(isinstance(other, Mapping) for other in values):
            shared[key] = in_common([value, *values])
        elif all(other == value for other in values):
            shared[key] = value
    return shared


def readable_name(stem: str, overrides: Iterable[str], spoken_for: Iterable[str]) -> str:
    """Return a file name that tells which overrides made it, the same for the same overrides in any order.

    Args:
        stem: what the name begins with.
        overrides: ``key=value`` words of the command line.
        spoken_for: keys that the stem tells of, or that do not change the result.
    """
    told = []
    for override in sorted(overrides):
        key, _, value = override.lstrip("+~").partition("=")
        if key.split("@")[0] not in spoken_for and not key.startswith("hydra"):
            # a grid has one name in both spellings; in a sweep Hydra writes a backslash before the colon
            value = re.sub(r"(?<=[\d.])\\?:(?=[\d.+-])", ",", value)
            value = re.sub(r"[^\w.+-]+", "-", value.replace(",", "+").strip("[]'\""))
            told.append(f"{key}{'' if value.startswith('-') else '-'}{value}")
    name = "_".join([re.sub(r"[^\w.+-]+", "-", stem), *told])
    if len(name) > 180:  # file systems stop at 255 bytes
        name = f"{name[:160]}_{hashlib.sha256(name.encode()).hexdigest()[:12]}"
    return name
