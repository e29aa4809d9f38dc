"""From a network and its directions to the finished file of its Hessian's extreme eigenvalues."""

import dataclasses
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli import provenance, store
from landscape_cli.arrays import Array
from landscape_cli.curvature.hessian_field import NAMES, Points
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.problem import Subject
from landscape_cli.files import only_writer
from landscape_cli.progress import note
from landscape_cli.schemas import HessianConfig
from landscape_cli.surfaces.compute import SAME, check_loss
from landscape_cli.surfaces.grid import sweep
from landscape_cli.surfaces.known_solutions import Mark, check_marks
from landscape_cli.weights.arithmetic import Vector
from landscape_cli.workers.processes import Alone


def compute(
    config: HessianConfig,
    subject: Subject,
    directions: Mapping[str, Vector],
    x: Array,
    y: Array | None,
    mark: Mark,
    run_config: Mapping[str, Any],
) -> Path:
    """Fill the file `config.out`, or go on with it.

    Args:
        config: the command's.
        subject: the network at (0, 0), its data and loss.
        directions: "x", and for a plane "y"; none for the point (0, 0) alone.
        x: coordinates.
        y: coordinates; None for a line.
        mark: the solution at (0, 0), whose loss is compared with what its training recorded.
        run_config: the training configuration.

    Returns:
        The file: that of a surface, with other values.

    Raises:
        LandscapeError: the loss at (0, 0) is not the recorded one, the loss is random or has no second
            derivative, or the file is of another configuration or being written.
    """
    assert config.out is not None
    out = Path(config.out)
    if out.is_dir():
        raise LandscapeError(f"out={out} is a folder; name an HDF5 file")
    points = Points(config, subject, directions, x, y)
    with points.evaluator.enough_threads():
        first = points.evaluator.check_repeatable()
        with only_writer(out):
            if out.exists():
                store.check_same(out, dataclasses.asdict(config), [mark.identity], refinement=())
                check_loss(out, first, SAME["fp32"])
            else:
                _create(out, points, mark, subject.fingerprint, run_config, first)
            with store.writing(out) as writer:
                _fill(points, writer)
    return out


def _fill(points: Points, writer: store.Writer) -> None:
    """Evaluate what the file lacks; tell the cost, and where the tolerance was not reached."""
    order = points.order(writer.evaluated)
    if not order:
        return
    note(f"{len(order):,} points x {points.hessian.size:,} weights x {points.samples:,} samples")
    sweep(Alone(), points.evaluate, partial(points.receive, writer), [order], writer.evaluated, "hessian")
    values = {name: writer.values[f"{points.config.split}/{name}"] for name in NAMES}
    products = np.array([values["products"][index] for index in order])
    finite = products[np.isfinite(products)]
    if finite.size:
        note(f"{finite.mean():.3g} products with the Hessian a point")
    if finite.size < products.size:
        note(f"{products.size - finite.size} points have no finite loss or Hessian, stored as +inf")
    missed = np.isfinite(values["residual"]) & (values["residual"] > points.config.tolerance)
    if missed.any():
        note(
            f"{int(missed.sum())} of {missed.size} points did not reach tolerance={points.config.tolerance};"
            f" their residuals, in the file, are up to {values['residual'][missed].max():.2g}"
        )


def _create(
    out: Path,
    points: Points,
    mark: Mark,
    fingerprint: str,
    run_config: Mapping[str, Any],
    first: Mapping[str, list[float]],
) -> None:
    """Check the loss at (0, 0) and make the file."""
    store.create(
        out,
        x=points.x,
        y=points.y,
        names=[f"{points.config.split}/{name}" for name in NAMES],
        arrays={},
        directions={
            axis: {name: tensor.cpu().numpy() for name, tensor in direction.items()}
            for axis, direction in points.directions.items()
        },
        config=dataclasses.asdict(points.config),
        run_config=run_config,
        marks=[(mark.label, mark.x, mark.y)],
        attributes={
            "command": provenance.command(),
            "checkpoint": json.dumps([mark.identity]),
            "provenance": json.dumps(provenance.record(points.evaluator.network.device, fingerprint)),
            "origin_check": json.dumps(check_marks([mark], points.plane.evaluate)),
            "first_batch": json.dumps(first),
        },
    )
