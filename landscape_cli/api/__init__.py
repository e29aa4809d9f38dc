"""From Python: the command line's engine, files and pictures for your own model, loss and data."""

from landscape_cli.api.stored import barrier, plot, read
from landscape_cli.api.surfaces import interpolate, line, surface

__all__ = ["barrier", "interpolate", "line", "plot", "read", "surface"]
