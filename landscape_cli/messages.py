"""Errors of the command line in a line: the thing, what was got, what was expected, the next step."""

import dataclasses
import errno
import os
import re

from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from landscape_cli.errors import LandscapeError, is_out_of_memory, nearest, unknown
from landscape_cli.schemas import SCHEMAS
from landscape_cli.schemas.common import Common

ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free space or choose another out="),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "let yourself read and write there, or choose another out="
    ),
    errno.ENAMETOOLONG: "choose a shorter out=",
    errno.ELOOP: "links lead round in a circle; choose another out=",
}


def explain(error: BaseException, command: str = "") -> str | None:
    """Return what to tell the user of `error`, or None for a fault of ours, which keeps its traceback."""
    if isinstance(error, LandscapeError):
        return str(error)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, _, name = error.missing_cfg_file.rpartition("/")
        more = (
            '; pip install "landscape-cli[cluster]" adds joblib and submitit' if "launcher" in group else ""
        )
        return f"{unknown(group.strip('/'), name, error.options)}{more}"
    if isinstance(error, ConfigCompositionException) and isinstance(error.__cause__, OmegaConfBaseException):
        return _of_value(error.__cause__, command) or _one_line(error)
    if isinstance(error, OmegaConfBaseException):
        return _of_value(error, command) or _one_line(error)
    if isinstance(error, OverrideParseException):
        return f"cannot read {error.override!r}; write key=value, lists as key=[1,2], with quotes"
    if isinstance(error, HydraException) and "Ambiguous value for argument" in str(error):
        word = str(error).partition("'")[2].partition("'\n")[0]
        return f"{word}: one job takes one value; add --multirun for a job each"
    if isinstance(error, HydraException):
        return f"{_one_line(error)}; `landscape {command} --help` lists the keys"
    if isinstance(error, OSError) and error.errno:
        name = error.filename or "the output"
        advice = ADVICE.get(error.errno, "choose another out=")
        return f"cannot use {name}: {os.strerror(error.errno)}; {advice}"
    if is_out_of_memory(error):
        return "the memory does not suffice; lower batch_size, set micro_batch= or choose a smaller network"
    if isinstance(error, ValueError) and "Config group override" in str(error):
        return f"a group must be one of its choices; `landscape {command} --help` lists them"
    return None


def _one_line(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error)).strip()


def _of_value(error: OmegaConfBaseException, command: str) -> str | None:
    """Return the message for a key that does not exist or a value of the wrong type."""
    key = error.full_key
    if not key:
        return None
    parent = key.rpartition(".")[0]
    text = _one_line(error)
    if isinstance(error, ConfigKeyError | ConfigAttributeError):
        choices = _keys(command, error, parent)
        if key.startswith("architecture.options."):
            return f"no key {key!r} yet; say +{key}=… to add it"
        return f"no key {key!r}; choose from {', '.join(choices)}{nearest(key, choices)}"
    reason = text.partition(" full_key:")[0]
    return f"{key}: {reason[0].lower()}{reason[1:]}"


def _keys(command: str, error: OmegaConfBaseException, parent: str) -> list[str]:
    """Return the keys there are beside the one that is not."""
    node = error.parent_node
    if parent and node is not None and hasattr(node, "keys"):
        return [f"{parent}.{name}" for name in node.keys()]  # noqa: SIM118
    return [field.name for field in dataclasses.fields(SCHEMAS.get(command, Common))]
