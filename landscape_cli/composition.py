"""From words of the command line to the settings of a command, by Hydra."""

import dataclasses
import re
import textwrap
from contextlib import nullcontext
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from landscape_cli.config import CONF, check_kept, from_yaml
from landscape_cli.errors import LandscapeError, nearest
from landscape_cli.schemas import SCHEMAS
from landscape_cli.schemas.common import Computing

WIDTH = 120  # of help, in characters
UNQUOTED = re.compile(r"[A-Za-z0-9_ /+.$%*@?|:-]*")  # what Hydra reads without quotes


def register(command: str) -> None:
    """Give Hydra the schema of a command and the help of its keys, for its primary config to name."""
    store = ConfigStore.instance()
    # Hydra copies all of it for each group that a help lists, and copies again what it reads from it
    store.__deepcopy__ = lambda memo: store  # type: ignore[attr-defined]
    store.store(name=f"{command}_schema", node=SCHEMAS[command])
    told = {"app_name": f"landscape {command}", "header": header(command)}
    store.store(group="hydra/help", name=command, node=told)


def header(command: str) -> str:
    """Return the first part of `landscape <command> --help`: what the command does, and its keys."""
    schema = SCHEMAS[command]
    purpose = " ".join((schema.__doc__ or "").split())
    named = {field.name: field for field in dataclasses.fields(schema) if field.metadata.get("help")}
    own = [name for kind in schema.__mro__ for name in vars(kind).get("__annotations__", {})]
    shared = [field.name for field in dataclasses.fields(Computing)]
    order = [name for name in dict.fromkeys(own) if name not in shared] + shared
    keys = [named[name] for name in order if name in named]
    width = max((len(field.name) for field in keys), default=0) + 3
    lines = [
        textwrap.fill(
            field.metadata["help"],
            WIDTH,
            initial_indent=f"  {field.name:<{width}}",
            subsequent_indent=" " * (width + 2),
        )
        for field in keys
    ]
    parts = [textwrap.fill(f"landscape {command}: {purpose}", WIDTH), "\n".join(lines)]
    if schema.choices:
        parts += [schema.choices, _choices(command)]
    return "\n\n".join(part for part in parts if part)


def _choices(command: str) -> str:
    """Return the options of each group that the command's defaults list names, a paragraph a group."""
    defaults = from_yaml((CONF / f"{command}.yaml").read_text(encoding="utf-8"))["defaults"]
    named = [group for entry in defaults if isinstance(entry, dict) for group in entry]
    told = []
    for group in (name for name in named if not name.startswith("override ")):
        paths = sorted((CONF / group).rglob("*.yaml"))
        options = ", ".join(str(path.relative_to(CONF / group).with_suffix("")) for path in paths)
        told.append(textwrap.fill(f"{group}: {options}", WIDTH - 2, subsequent_indent="  "))
    return textwrap.indent("\n".join(told), "  ")


def spelled(command: str, words: list[str]) -> list[str]:
    """Return the words with the names that keys have here: Hydra would take a group's for the group."""
    names = SCHEMAS[command].spellings
    parts = [word.partition("=") for word in words]
    return [f"{names.get(key, key)}{equals}{value}" for key, equals, value in parts]


def with_lists(command: str, words: list[str]) -> list[str]:
    """Return the words of a job with ``key=[a,b]`` for ``key=a,b`` where the key can hold several values.

    Not for a multirun, where a comma makes two jobs. Names that Hydra would not read (with ``=`` or an
    accent) get quotes; what is in brackets or quotes already stays.
    """
    return [_with_list(word, SCHEMAS[command].lists) for word in words]


def _with_list(word: str, lists: tuple[str, ...]) -> str:
    key, equals, value = word.partition("=")
    if not equals or key.lstrip("+") not in lists:
        return word
    parts = [_quoted(part) for part in _parts(value)]
    return f"{key}={parts[0]}" if len(parts) == 1 else f"{key}=[{','.join(parts)}]"


def _parts(value: str) -> list[str]:
    """Return the pieces between commas, but for those inside of quotes and brackets, or after a backslash."""
    parts, depth, quote, escaped = [""], 0, "", False
    for character in value:
        if character == "," and not (depth or quote or escaped):
            parts.append("")
            continue
        if quote:
            quote = "" if character == quote and not escaped else quote
        elif character in "'\"" and not parts[-1].strip():
            quote = character
        elif not escaped:
            depth += (character in "[{(") - (character in ")}]")
        escaped = character == "\\" and not escaped
        parts[-1] += character
    return parts


def _quoted(part: str) -> str:
    its_own = part.lstrip().startswith(("'", '"', "[", "{")) or "\\" in part or "${" in part
    if its_own or UNQUOTED.fullmatch(part):
        return part
    escaped = part.replace("'", r"\'")
    return f"'{escaped}'"


def settings_of(config: DictConfig, words: list[str]) -> Any:
    """Return the command's dataclass for a composed configuration, checked, with its `out`.

    Args:
        config: composed.
        words: the overrides that it was composed of, which name the default of `out`.

    Raises:
        LandscapeError: as `to_object`.
    """
    settings = to_object(config)
    if settings.out is None and hasattr(settings, "default_out"):
        settings.out = str(settings.default_out(words))
    return settings


def grown(command: str, words: list[str]) -> list[str]:
    """Return the words with those of ``architecture.options.…`` as Hydra takes keys that may be new.

    Raises:
        LandscapeError: a word adds another key (``+key=value``): naming it, and what to say instead.
    """
    return [_grown(command, word) for word in words]


def _grown(command: str, word: str) -> str:
    key, _, value = word.lstrip("+").partition("=")
    if key.startswith("architecture.options."):
        return f"++{key}={value}"
    if word.startswith("+"):
        keys = [field.name for field in dataclasses.fields(SCHEMAS[command])]
        first = re.split(r"[./@]", key)[0]
        if first in (*keys, "experiment", "hydra"):
            advice = f"say {key}={value} for one that is there"
        else:
            advice = f"choose from {', '.join(keys)}{nearest(first, keys)}"
        raise LandscapeError(f"no key {key!r} can be added, only architecture.options.…; {advice}")
    return word


def settings_from(command: str, words: list[str]) -> Any:
    """Return the dataclass that `landscape <command> <words>` works with.

    Raises:
        LandscapeError: as `grown` and `settings_of`; errors of Hydra for words that it cannot compose.
    """
    register(command)
    words = with_lists(command, grown(command, spelled(command, words)))
    inside = GlobalHydra.instance().is_initialized()  # a command that lets another one work
    with nullcontext() if inside else initialize_config_dir(str(CONF.absolute()), version_base="1.3"):
        return settings_of(compose(config_name=command, overrides=words), words)


def to_object(config: DictConfig) -> Any:
    """Return the composed configuration as the command's dataclass, resolved and checked.

    Raises:
        LandscapeError: a key without which the command cannot work is missing, a value is out of range, or
            the name of a group's choice is no word.
    """
    schema = OmegaConf.get_type(config)
    assert schema is not None
    keys = [field.name for field in dataclasses.fields(schema)]
    for key in config:
        if key not in keys:  # appended with +
            raise LandscapeError(f"no key {key!r}; choose from {', '.join(keys)}{nearest(str(key), keys)}")
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise LandscapeError(f"missing: {', '.join(missing)}; say {' '.join(f'{key}=…' for key in missing)}")
    settings = OmegaConf.to_object(config)
    for key in keys:
        group = getattr(settings, key)
        name = group.get("name") if isinstance(group, dict) else None
        if not isinstance(name, str | None):
            raise LandscapeError(f"{key}.name must be a word, got {name!r}")
        try:
            check_kept(key, group)
        except ValueError as error:
            raise LandscapeError(str(error)) from error
    return settings
