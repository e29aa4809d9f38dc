"""A stored surface for other programs. Never imports torch."""

import csv
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from landscape_cli.errors import LandscapeError
from landscape_cli.store import goldstein
from landscape_cli.store.surface import Surface
from landscape_cli.store.trajectory import ALONG, RECORDED
from landscape_cli.store.vtp import as_vtp


def as_csv(surface: Surface) -> str:
    """Return a table with a row a point: x, on a plane y, whether it was evaluated, and every value.

    Where the points are layers, their names come first; of a spectrum x is the epoch. Numbers read back to
    the same float64. What is not evaluated is an empty cell; a loss that is not finite is ``inf``. Rows run
    along x, and then along y, as the arrays [y, x] do.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    axes = {"x": surface.x} if surface.y is None else {"x": surface.x, "y": surface.y}
    spectra = surface.spectrum
    layers = surface.layers if spectra is None else spectra.layers
    named = [] if layers is None else ["layer"]
    writer.writerow([*named, *axes, "evaluated", *surface.values])
    for index in np.ndindex(surface.evaluated.shape):
        places = [repr(float(axis[place])) for axis, place in zip(axes.values(), index[::-1], strict=True)]
        values = [float(array[index]) for array in surface.values.values()]
        layer = [] if layers is None else [layers[index[0]]]
        writer.writerow([*layer, *places, int(surface.evaluated[index]), *map(_cell, values)])
    return text.getvalue()


def path_as_csv(surface: Surface) -> str:
    """Return a table with a row a checkpoint of a trajectory: its epoch, x, y, distance, recorded losses, …,
    and the losses at the checkpoint (``path_train_loss``, …) and below it (``plane_train_loss``, …).

    Raises:
        LandscapeError: the file has none.
    """
    path = surface.trajectory
    if path is None:
        raise LandscapeError(
            f"{surface.path} has no path; format=path is for the files of `landscape trajectory`"
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    known = [name for name in RECORDED if getattr(path, name) is not None]  # a regression has no accuracy
    columns = {name: getattr(path, name) for name in ("epoch", "x", "y", "distance", *known)}
    columns |= {f"{place}_{name}": values for place in ALONG for name, values in getattr(path, place).items()}
    writer.writerow(columns)
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    writer.writerows(map(_cell, row) for row in rows)
    return text.getvalue()


def eigenvalues_as_csv(surface: Surface) -> str:
    """Return a table with a row an eigenvalue of a spectrum: its layer, if it is of one, the epoch, the
    eigenvalue, ascending, and its residual.

    Raises:
        LandscapeError: the file has none.
    """
    spectra = surface.spectrum
    if spectra is None or not spectra.eigenvalues.size:
        raise LandscapeError(
            f"{surface.path} has no eigenvalues; format=eigenvalues is for files of `landscape spectrum` with"
            " method=dense or lanczos"
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    layers = [] if spectra.layers is None else ["layer"]
    writer.writerow([*layers, "epoch", "eigenvalue", "residual"])
    for point, (values, residuals) in enumerate(zip(spectra.eigenvalues, spectra.residuals, strict=True)):
        row, epoch = divmod(point, len(surface.x))
        named = [] if spectra.layers is None else [spectra.layers[row]]
        for value, residual in zip(values.tolist(), residuals.tolist(), strict=True):
            if not math.isnan(value):
                writer.writerow([*named, repr(float(surface.x[epoch])), repr(value), _cell(residual)])
    return text.getvalue()


def _cell(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def as_npz(surface: Surface) -> bytes:
    """Return all arrays for `numpy.load`, by their names in the HDF5 file, such as ``train/loss`` [y, x].

    There are x, on a plane y, evaluated, interpolation_error and every value; of a trajectory also
    ``trajectory/x``, ``trajectory/epoch``, … and its ratios of explained variance; of a spectrum
    ``spectrum/eigenvalues``, ``spectrum/nodes``, ….
    """
    arrays: dict[str, Any] = {
        "x": surface.x,
        **({} if surface.y is None else {"y": surface.y}),
        **surface.values,
        "evaluated": surface.evaluated,
        "interpolation_error": surface.interpolation_error,
        **({} if surface.trajectory is None else surface.trajectory.datasets()),
        **({} if surface.spectrum is None else surface.spectrum.datasets()),
    }
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def as_goldstein(surface: Surface) -> bytes:
    """Return a surface file as Goldstein's tools read it (`goldstein.surface_file`).

    Raises:
        LandscapeError: the file is a spectrum, or no value of it has a name there.
    """
    _check_surface(surface)
    if not set(goldstein.NAMES.values()) & surface.values.keys():
        raise LandscapeError(
            f"{surface.path} holds {', '.join(surface.values)}, and format=tg has places for"
            f" {', '.join(goldstein.NAMES.values())}; choose format=csv or npz"
        )
    return goldstein.surface_file(surface.x, surface.y, surface.values, str(surface.path))


def as_grid(surface: Surface) -> str:
    """Return a plane or a line for ParaView (`vtp.as_vtp`).

    Raises:
        LandscapeError: the file is a spectrum, which is neither.
    """
    _check_surface(surface)
    return as_vtp(surface)


def _check_surface(surface: Surface) -> None:
    if surface.spectrum is not None:
        raise LandscapeError(
            f"{surface.path} is a spectrum, no surface; choose format=eigenvalues, csv or npz"
        )


FORMATS: dict[str, Callable[[Surface], str | bytes]] = {
    "csv": as_csv,
    "path": path_as_csv,
    "eigenvalues": eigenvalues_as_csv,
    "npz": as_npz,
    "vtp": as_grid,
    "tg": as_goldstein,
}
