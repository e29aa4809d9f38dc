"""From Python: the command line's engine, files and pictures for your own model, loss and data."""

from landscape_cli.api.curvature import hessian
from landscape_cli.api.recorder import Recorder
from landscape_cli.api.runs import open_run
from landscape_cli.api.stored import barrier, plot, read
from landscape_cli.api.surfaces import interpolate, line, surface
from landscape_cli.api.trajectories import trajectory
from landscape_cli.errors import LandscapeError

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
