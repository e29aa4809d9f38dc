"""Surfaces of your own model, from Python: with the engine, the files and the pictures of the command line.

    from landscape_cli import plot, surface

    plane = surface(model, nn.CrossEntropyLoss(reduction="none"), (images, labels), out="plane.h5")
    plot(plane)

Your module is left as it was. Files resume: the same call goes on where it stopped, and returns what the file
holds where there is nothing left to do.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.evaluation.problem import Subject
from landscape_cli.evaluation.user_model import Loss, check_model, identity_of, subject_of
from landscape_cli.files import write_text
from landscape_cli.measures import barrier as _barrier
from landscape_cli.plots.draw import draw, save
from landscape_cli.plots.values import default_split
from landscape_cli.schemas import EvaluationConfig, InterpolateConfig, SurfaceConfig
from landscape_cli.store import Surface
from landscape_cli.store import read as _read
from landscape_cli.surfaces.compute import compute
from landscape_cli.surfaces.grid import grid
from landscape_cli.surfaces.known_solutions import Mark
from landscape_cli.weights import directions
from landscape_cli.weights.arithmetic import Vector, params_of, point_of
from landscape_cli.workers import processes

Grid = tuple[float, float, int]


def surface(
    model: nn.Module,
    loss: Loss,
    train: Any,
    test: Any = None,
    *,
    out: str | Path,
    x: Grid = (-1, 1, 51),
    y: Grid | None = (-1, 1, 51),
    norm: str = "filter",
    ignore: str = "biasbn",
    direction_seed: int = 0,
    samples: int | None = None,
    anchors: int | None = None,
    tolerance: float | None = None,
    precision: str = "fp32",
    batch_size: int | None = None,
    seed: int = 0,
    device: str | torch.device = "auto",
) -> Surface:
    """Evaluate the loss on a plane through the model's weights along two random directions.

    Frozen parameters move like the others. The result holds ``x``, ``y`` and ``values``: arrays [y, x] by
    name, ``"train/loss"`` and, where targets are class numbers, ``"train/accuracy"``; ``"test/…"`` likewise.

    Args:
        model: any module; evaluated in evaluation mode, without gradients, in a private copy.
        loss: ``loss(outputs, targets)``; returns losses whose mean over the split is taken, one a sample or
            one a token (leave padding out: a loss of zero counts), or one number, the mean over a batch of
            which the split's mean is made by the number of samples. Then, and where the samples of a batch
            act on one another, the value depends on `batch_size`. For classifiers also ``"cross_entropy"``,
            or ``"mse"``, the sum over the classes.
        train: the training split: (inputs, targets), or a DataLoader or other iterable of batches. Inputs are
            a tensor, or tensors by name (keyword arguments of the model) or position. A batch that is a
            mapping as a whole, as of a language model, gives the model what its ``forward`` names, and the
            loss all of it as targets. It is read once and kept on the device; augmentation is drawn once.
        test: likewise, or None.
        out: the HDF5 file; begun by another model, another loss, other data or options it is
            refused.
        x: first coordinate, last, and number of points.
        y: likewise; None for a line.
        norm: of the directions: ``filter``, ``layer`` or ``none``.
        ignore: ``biasbn``: parameters with one dimension do not move; or ``none``.
        direction_seed: of the directions.
        samples: how many of each split are evaluated, the same at all points; None: all. The standard error
            is in ``values["train/loss_stderr"]``.
        anchors: with `samples`: anchors x anchors points evaluated on all samples, by which those at all
            others are weighted.
        tolerance: evaluate as many points as keep the estimated error of the log of the loss below this, and
            interpolate the rest; None: evaluate all.
        precision: ``fp32``: the number format of the weights; or ``bf16``, with the error in the file.
        batch_size: samples of a forward pass, cut anew from what `train` gives; None: chosen by itself.
        seed: of the choice of `samples`.
        device: ``auto``, ``cpu``, ``cuda``, …

    Raises:
        LandscapeError: an option is out of range, the loss is random, or the file is of another surface.
    """
    config = SurfaceConfig(
        **_plain(
            run="(given)",
            epoch="(given)",
            out=str(out),
            x=x,
            y=y,
            direction={"name": "random", "norm": norm, "ignore": ignore, "seed": direction_seed},
            splits=["train"] if test is None else ["train", "test"],
            samples=samples,
            anchors=anchors,
            tolerance=tolerance,
            precision=precision,
            batch_size=batch_size,
            seed=seed,
            device=str(device),
        )
    )
    subject = subject_of(model, loss, train, test, config.device)
    params = params_of(model)
    axes = {
        axis: directions.random(params, norm=norm, ignore=ignore, seed=direction_seed, axis=axis)
        for axis in ("x" if y is None else "xy")
    }
    marks = [Mark("model", 0.0, 0.0, identity_of(subject, [model]), not_compared="no recorded loss")]
    return _computed(config, subject, axes, x, y, marks)


def line(model: nn.Module, loss: Loss, train: Any, test: Any = None, **options: Any) -> Surface:
    """Evaluate the loss along one random direction; the arguments are those of `surface` but ``y``."""
    return surface(model, loss, train, test, y=None, **options)


def interpolate(
    start: nn.Module,
    end: nn.Module,
    loss: Loss,
    train: Any,
    test: Any = None,
    *,
    out: str | Path,
    alpha: Grid = (-0.5, 1.5, 41),
    labels: tuple[str, str] = ("start", "end"),
    batchnorm: str = "interpolate",
    samples: int | None = None,
    anchors: int | None = None,
    tolerance: float | None = None,
    precision: str = "fp32",
    batch_size: int | None = None,
    seed: int = 0,
    device: str | torch.device = "auto",
) -> Surface:
    """Evaluate (1 - alpha) start + alpha end, two modules of one architecture.

    Args:
        start: at alpha 0.
        end: at alpha 1.
        loss: as for `surface`.
        train: as for `surface`.
        test: as for `surface`.
        out: the HDF5 file, as for `surface`.
        alpha: first, last, and number of points; the result's ``x``.
        labels: what pictures call the two.
        batchnorm: the running statistics of BatchNorm, and other floating-point buffers: ``interpolate`` them
            like the weights; ``recompute`` those of BatchNorm at each point on the training split; ``keep``
            those of `start`.
        samples: as for `surface`, like all that follow.
        anchors: so many points on all samples.
        tolerance: of the interpolated log of the loss.
        precision: ``fp32`` or ``bf16``.
        batch_size: samples of a forward pass.
        seed: of the choice of `samples`.
        device: ``auto``, ``cpu``, ``cuda``, …

    Raises:
        LandscapeError: as for `surface`, or the two are of different architectures.
    """
    config = InterpolateConfig(
        **_plain(
            from_run="(given)",
            to_run="(given)",
            out=str(out),
            alpha=alpha,
            splits=["train"] if test is None else ["train", "test"],
            batchnorm=batchnorm,
            samples=samples,
            anchors=anchors,
            tolerance=tolerance,
            precision=precision,
            batch_size=batch_size,
            seed=seed,
            device=str(device),
        )
    )
    subject = subject_of(start, loss, train, test, config.device)
    check_model(end)
    from_, to = ({name: tensor.cpu() for name, tensor in point_of(one).items()} for one in (start, end))
    direction = directions.toward(from_, to)
    if batchnorm != "interpolate":
        direction = {name: direction[name] for name in params_of(start)}
    identity = identity_of(subject, [start, end])
    marks = [
        Mark(label, place, 0.0, identity, not_compared="no recorded loss")
        for label, place in zip(labels, (0.0, 1.0), strict=True)
    ]
    return _computed(config, subject, {"x": direction}, alpha, None, marks)


def read(path: str | Path) -> Surface:
    """Return the content of a surface file: ``x``, ``y``, ``values["train/loss"]``, ….

    Raises:
        LandscapeError: there is no such file, or it is none of a surface.
    """
    return _read(Path(path))


def barrier(line: Surface, split: str = "train") -> tuple[float, float]:
    """Return the largest rise of the loss over the chord between alpha 0 and 1, and the alpha where it is.

    Raises:
        LandscapeError: the file is none of a line, lacks that split, or has no finite loss at 0 and 1.
    """
    if line.y is not None:
        raise LandscapeError(f"a barrier is that of a line, and {line.path} holds a plane")
    key = f"{split}/loss"
    if key not in line.values:
        raise unknown("values", key, line.values)
    try:
        return _barrier(line.x, line.values[key])
    except ValueError as error:
        raise LandscapeError(f"{line.path}: {error}") from error


def plot(
    surfaces: Surface | Sequence[Surface],
    out: str | Path | None = None,
    *,
    kind: str = "auto",
    value: str = "loss",
    split: str = "auto",
    scale: str = "auto",
    levels: int | Sequence[float] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw one or several surfaces; return the figure, and with `out` write it.

    Args:
        surfaces: all lines, or all planes.
        out: a picture that ends in .png, .pdf or .svg; or a page to turn and zoom, .html.
        kind: ``line``, ``contour``, ``heatmap``, ``surface3d``, or ``auto``.
        value: ``loss`` or ``accuracy``, of planes; lines show both.
        split: ``train`` or ``test``, of planes; ``auto``: ``train`` where there is one.
        scale: ``linear``, ``log`` or ``auto``.
        levels: of contours: how many, or their values.
        title: in place of the model's class.

    Raises:
        LandscapeError: an option that does not fit the surfaces, or another ending of `out`.
    """
    several = [surfaces] if isinstance(surfaces, Surface) else list(surfaces)
    shown = default_split(several, value) if split == "auto" else split
    figure = draw(several, kind=kind, value=value, split=shown, scale=scale, levels=levels, title=title)
    if out is not None and Path(out).suffix.lower() == ".html":
        from landscape_cli.plots.interactive import interactive_html  # plotly takes long to import

        write_text(Path(out), interactive_html(several, value=value, split=shown, scale=scale, title=title))
    elif out is not None:
        save(figure, Path(out))
    return figure


def _plain(**options: Any) -> dict[str, Any]:
    """Return options with NumPy's numbers as Python's, and tuples as lists: as a file can name them."""

    def number(value: Any) -> Any:
        return value.item() if isinstance(value, np.generic) else value

    return {
        name: [number(one) for one in value] if isinstance(value, tuple | list) else number(value)
        for name, value in options.items()
    }


def _computed(
    config: EvaluationConfig,
    subject: Subject,
    axes: Mapping[str, Vector],
    x: Grid,
    y: Grid | None,
    marks: list[Mark],
) -> Surface:
    name = type(subject.model).__name__
    assert config.out is not None
    rows = None if y is None else grid(*y)
    with processes.group(str(Path(config.out).absolute())) as group:
        compute(group, config, subject, axes, grid(*x), rows, marks, {"architecture": {"name": name}})
    return _read(Path(config.out))
