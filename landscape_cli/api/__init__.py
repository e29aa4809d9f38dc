"""From Python: the command line's engine, files and pictures for your own model, loss and data."""

from landscape_cli.api.surfaces import barrier, interpolate, line, plot, read, surface

__all__ = ["barrier", "interpolate", "line", "plot", "read", "surface"]
