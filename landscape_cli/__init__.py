"""Train neural networks, sweep their loss surfaces, interpolate between solutions, and draw all of it.

From Python, with your own model, loss and data::

    from landscape_cli import hessian, interpolate, line, open_run, plot, read, surface, trajectory

and in your own training loop::

    from landscape_cli import Recorder
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landscape_cli.api import (
        LandscapeError,
        Recorder,
        barrier,
        hessian,
        interpolate,
        line,
        open_run,
        plot,
        read,
        surface,
        trajectory,
    )

__all__ = [
    "LandscapeError",
    "Recorder",
    "barrier",
    "hessian",
    "interpolate",
    "line",
    "open_run",
    "plot",
    "read",
    "surface",
    "trajectory",
]


def __dir__() -> list[str]:  # for completion
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:  # the command line must not wait for torch
    if name in __all__:
        from landscape_cli import api

        return getattr(api, name)
    raise AttributeError(f"module 'landscape_cli' has no attribute {name!r}")
