"""From words of the command line to the settings of a command, by Hydra."""

import dataclasses
from contextlib import nullcontext
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from landscape_cli.config import CONF
from landscape_cli.errors import LandscapeError, nearest
from landscape_cli.schemas import SCHEMAS


def register() -> None:
    """Give Hydra the schema of each command, under the name that the command's primary config starts from."""
    for command, schema in SCHEMAS.items():
        ConfigStore.instance().store(name=f"{command}_schema", node=schema)


def settings_of(config: DictConfig, words: list[str]) -> Any:
    """Return the command's dataclass for a composed configuration, checked, with its `out`.

    Args:
        config: composed.
        words: the overrides that it was composed of, which name the default of `out`.

    Raises:
        LandscapeError: as `to_object`, or a word adds a key that cannot be added.
    """
    for word in words:
        if word.startswith("+") and not word.lstrip("+").startswith("architecture.options."):
            key = word.lstrip("+").partition("=")[0]
            raise LandscapeError(f"no key {key!r}; only architecture.options.… can grow")
    settings = to_object(config)
    if settings.out is None and hasattr(settings, "default_out"):
        settings.out = str(settings.default_out(words))
    return settings


def settings_from(command: str, words: list[str]) -> Any:
    """Return the dataclass that `landscape <command> <words>` works with.

    Raises:
        LandscapeError: as `settings_of`; errors of Hydra for words that it cannot compose.
    """
    register()
    inside = GlobalHydra.instance().is_initialized()  # a command that lets another one work
    with nullcontext() if inside else initialize_config_dir(str(CONF.absolute()), version_base="1.3"):
        return settings_of(compose(config_name=command, overrides=words), words)


def to_object(config: DictConfig) -> Any:
    """Return the composed configuration as the command's dataclass, resolved and checked.

    Raises:
        LandscapeError: a key without which the command cannot work is missing, or a value is out of range.
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
    return OmegaConf.to_object(config)
