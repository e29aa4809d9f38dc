"""Configurations as plain mappings: where they come from, as text, compared, and as names of files."""

import hashlib
import os
import re
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

PACKAGE = Path(__file__).parent
CONF = (
    PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"
)  # in a wheel, in a checkout

# Where the work is done and its result is put, not what it is: a resumed job may differ in these.
# What weights were imported from is told by their SHA-256.
CIRCUMSTANCES = ("out", "outputs_dir", "device", "trust", "dataset.root", "weights")

# What `from_yaml` takes from strangers; the largest configuration of ours has 5,000 characters.
LARGEST = 100_000  # characters
DEEPEST = 20  # mappings and lists in one another
MOST = 10_000  # keys and values, those that an alias repeats included

EVENTS = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # fifteen times as fast, where PyYAML has it
INTERPOLATION = "${"  # begins what OmegaConf would resolve, with environment variables say
LONGEST_NAME = 160  # bytes; file systems stop at 255, and a file that is being written has 15 more


def to_yaml(config: Mapping[str, Any]) -> str:
    """Return a resolved configuration as YAML text that OmegaConf alone can load."""
    return OmegaConf.to_yaml(OmegaConf.create(dict(config)))


def from_yaml(text: str) -> dict[str, Any]:
    """Return the plain dictionary that `to_yaml` wrote.

    The text may be a stranger's: nothing in it is resolved or executed, and it is refused before it is built
    where that would take long.

    Raises:
        ValueError: the text is something else, has tags or interpolations, or is large.
    """
    try:
        _check_plain(text)
        loaded = OmegaConf.to_container(OmegaConf.create(text))
    except yaml.MarkedYAMLError as error:
        where = "" if error.problem_mark is None else f"line {error.problem_mark.line + 1}: "
        raise ValueError(f"{where}{error.problem or error.context}") from error
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise ValueError(str(error)) from error
    assert isinstance(loaded, dict)
    for key, value in loaded.items():
        check_kept(str(key), value)
    return {str(key): value for key, value in loaded.items()}


def check_kept(key: str, value: object) -> None:
    """Refuse a value that a configuration cannot keep as it is.

    Raises:
        ValueError: naming the key: of a text that is no UTF-8 or would be resolved when it is read, or of a
            whole number of more than 64 bits.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            check_kept(f"{key}.{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            check_kept(key, inner)
    elif isinstance(value, str) and INTERPOLATION in value:
        raise ValueError(f"{key} must have no {INTERPOLATION} in it, got {value!r}")
    elif isinstance(value, str) and re.search("[\ud800-\udfff]", value):
        raise ValueError(f"{key} must be UTF-8, got {value!r}")
    elif isinstance(value, int) and abs(value) >= 1 << 63:
        raise ValueError(f"{key} must be of at most 64 bits, got {reprlib.repr(value)}")


def _check_plain(text: str) -> None:
    """Refuse what is no mapping of plain values, or too large to be a configuration.

    Raises:
        ValueError: saying in which line.
        YAMLError: it is no YAML.
    """
    if len(text) > LARGEST:
        raise ValueError(f"{len(text):,} characters, where a configuration has at most {LARGEST:,}")
    sizes: dict[str, int] = {}  # of what an anchor names, by anchor
    open_: list[tuple[str | None, int]] = []  # mappings and lists: their anchor, and what was counted before
    count, is_mapping = 0, False
    for event in yaml.parse(text, Loader=EVENTS):
        line = f"line {event.start_mark.line + 1}"  # type: ignore[union-attr]
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor is not None:
                sizes[anchor] = count - before
            continue
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise ValueError(f"{line}: the alias {event.anchor!r} names nothing, or what it is in")
            count += sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent | yaml.ScalarEvent) and event.tag is not None:
            raise ValueError(f"{line}: the tag {event.tag!r}, where plain values were expected")
        elif isinstance(event, yaml.CollectionStartEvent):
            is_mapping = is_mapping or (not open_ and isinstance(event, yaml.MappingStartEvent))
            open_.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.ScalarEvent):
            if INTERPOLATION in event.value:
                raise ValueError(f"{line}: an interpolation ${{…}}, where plain values were expected")
            count += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        if count > MOST or len(open_) > DEEPEST:
            raise ValueError(f"{line}: more than {MOST:,} values, or {DEEPEST} in one another")
    if not is_mapping:
        raise ValueError("no mapping of keys to values")


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
    whole = os.fsencode(name)
    if len(whole) > LONGEST_NAME + 20:
        begin = whole[:LONGEST_NAME].decode(errors="ignore")  # no half of a letter
        name = f"{begin}_{hashlib.sha256(whole).hexdigest()[:12]}"
    return name
