"""Train neural networks, sweep their loss surfaces, interpolate between solutions, and draw all of it.

From Python, with your own model, loss and data::

    from landscape_cli import hessian, interpolate, line, noise, open_run, plot, read, sharpness, spectrum
    from landscape_cli import surface, trajectory

and in your own training loop::

    from landscape_cli import Recorder
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landscape_cli.api.curvature import hessian, spectrum
    from landscape_cli.api.descents import descend
    from landscape_cli.api.noise import noise
    from landscape_cli.api.recorder import Recorder
    from landscape_cli.api.runs import open_run
    from landscape_cli.api.sharpness import sharpness
    from landscape_cli.api.stored import barrier, plot, read
    from landscape_cli.api.surfaces import interpolate, line, surface
    from landscape_cli.api.trajectories import trajectory
    from landscape_cli.errors import LandscapeError

__all__ = [
    "LandscapeError",
    "Recorder",
    "barrier",
    "descend",
    "hessian",
    "interpolate",
    "line",
    "noise",
    "open_run",
    "plot",
    "read",
    "sharpness",
    "spectrum",
    "surface",
    "trajectory",
]

# imported when they are asked for: the command line must not wait for torch, nor a surface for pictures
_HOMES = {
    "LandscapeError": "errors",
    "Recorder": "api.recorder",
    "descend": "api.descents",
    **dict.fromkeys(("hessian", "spectrum"), "api.curvature"),
    "noise": "api.noise",
    "open_run": "api.runs",
    "sharpness": "api.sharpness",
    "trajectory": "api.trajectories",
    **dict.fromkeys(("barrier", "plot", "read"), "api.stored"),
    **dict.fromkeys(("interpolate", "line", "surface"), "api.surfaces"),
}


def __dir__() -> list[str]:  # for completion
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"landscape_cli.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'landscape_cli' has no attribute {name!r}")
