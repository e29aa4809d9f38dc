"""A user's own model or data, named as package.module:name."""

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

from landscape_cli.errors import LandscapeError


def described(error: Exception) -> str:
    """Return the type and message of an error in a user's code, on one line, and where it was raised."""
    message = " ".join(str(error).split())
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {message} ({place.filename}:{place.lineno})"


def load_source(source: str, *, key: str, trust: bool) -> Any:
    """Import and return the object that `source`, of the form ``package.module:name``, names.

    Modules are looked up in the working directory too. Importing runs code, so the user must have said
    ``trust=true``.

    Args:
        source: ``package.module:name``.
        key: the configuration key it stands under, for the messages.
        trust: whether the user said that this code may run.

    Raises:
        LandscapeError: `trust` is false, the form is wrong, or the module or the name in it cannot be found.
    """
    module_name, colon, name = source.partition(":")
    if not (colon and module_name and name):
        raise LandscapeError(f"{key}={source!r} is not of the form package.module:name")
    if not trust:
        raise LandscapeError(f"{key}={source} runs code of yours; say trust=true to allow it")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise LandscapeError(
            f"{key}={source}: cannot import {module_name!r} ({error});"
            " run from the folder that holds it or install it"
        ) from error
    except Exception as error:
        raise LandscapeError(f"{key}={source} cannot be imported: {described(error)}") from error
    if not hasattr(module, name):
        raise LandscapeError(f"{key}={source}: module {module_name!r} has no {name!r}")
    return getattr(module, name)
