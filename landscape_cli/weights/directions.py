"""Directions in weight space: random ones, normalized like the weights, and those toward other solutions."""

import hashlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.weights.arithmetic import Vector, dot, norm, point_of, subtract
from landscape_cli.weights.selection import Params, moving, selected

EPSILON = 1e-10  # in the denominator, as in Li et al.'s code: a slice of zeros stays zero
NORMS = ("filter", "layer", "none")
IGNORES = ("biasbn", "none")
SHOWN = 4  # names in a message


def gaussian(shape: tuple[int, ...], seed: int, axis: str, name: str) -> Tensor:
    """Return standard normal numbers, float64, that depend on the arguments alone.

    Each parameter has a generator of its own, keyed by seed, axis and name, so the numbers depend neither on
    the device or thread count nor on what else drew random numbers.
    """
    key = hashlib.sha256(f"{seed}/{axis}/{name}/{tuple(shape)}".encode()).digest()
    # RandomState: the one generator of NumPy whose numbers are promised to stay the same in every version
    # (NEP 19)
    stream = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(int.from_bytes(key))))
    return torch.from_numpy(stream.standard_normal(shape))


def random(params: Mapping[str, Tensor], *, norm: str, ignore: str, seed: int, axis: str) -> Vector:
    """Return a Gaussian direction, on the CPU, normalized as Li et al. (2018) do.

    ``filter``: each slice along dim 0 of a parameter with more than one dimension, d <- d ||w|| / (||d|| +
    1e-10); ``layer``: the same for the whole parameter; ``none``: the Gaussian itself. With ``ignore=biasbn``
    parameters with one dimension or none do not move; with ``ignore=none`` they do, each entry taken for a
    slice of its own under ``filter``.

    Args:
        params: the weights w, by parameter name.
        norm: ``filter``, ``layer`` or ``none``.
        ignore: ``biasbn`` or ``none``.
        seed: of the direction.
        axis: ``x`` or ``y``: two directions of one seed differ.

    Raises:
        LandscapeError: an unknown `norm` or `ignore`, or nothing moves.
    """
    if norm not in NORMS:
        raise unknown("direction.norm", norm, NORMS)
    if ignore not in IGNORES:
        raise unknown("direction.ignore", ignore, IGNORES)
    if ignore == "biasbn" and all(weight.ndim <= 1 for weight in params.values()):
        raise LandscapeError(
            f"nothing would move: with direction.ignore=biasbn parameters of one dimension stay, and so are"
            f" {', '.join([*list(params)[:SHOWN], *(['…'] if len(params) > SHOWN else [])])};"
            " say direction.ignore=none"
        )
    direction = {}
    for name, weight in params.items():
        if weight.ndim <= 1 and ignore == "biasbn":
            direction[name] = torch.zeros(weight.shape)
            continue
        d = gaussian(tuple(weight.shape), seed, axis, name)
        w = weight.detach().cpu().double()
        if norm == "filter":
            rows = len(w) if w.ndim else 1
            d_norm = d.reshape(rows, -1).norm(dim=1)
            scale = w.reshape(rows, -1).norm(dim=1) / (d_norm + EPSILON)
            d = (d.reshape(rows, -1) * scale[:, None]).reshape(d.shape)
        elif norm == "layer":
            d = d * (w.norm() / (d.norm() + EPSILON))
        direction[name] = d.float()
    return direction


def deviation(direction: Mapping[str, Tensor], weights: Mapping[str, Tensor], kind: str) -> float:
    """Return max over filters, or layers, of | ||d_ij|| - ||theta_ij|| | / ||theta_ij||, in float64.

    Parameters with one dimension are left out. Where the weights are all zero it is ||d_ij||.

    Args:
        direction: by parameter name.
        weights: by parameter name.
        kind: ``filter``: of each slice along dim 0; ``layer``: of each parameter.
    """
    largest = 0.0
    for name, weight in weights.items():
        if weight.ndim <= 1:
            continue
        count = len(weight) if kind == "filter" else 1
        d, w = (tensor.cpu().double().reshape(count, -1).norm(dim=1) for tensor in (direction[name], weight))
        largest = max(largest, float(((d - w).abs() / torch.where(w > 0, w, 1.0)).max()))
    return largest


def toward(origin: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Vector:
    """Return target - origin: coordinate 1 along it is the target. Equal infinities do not move.

    Raises:
        LandscapeError: the two are not of the same network: the first parameter whose name or shape differs.
    """
    for name in [*origin, *target]:
        one, other = origin.get(name), target.get(name)
        if one is None or other is None or one.shape != other.shape:
            shapes = [tuple(tensor.shape) if tensor is not None else "absent" for tensor in (one, other)]
            raise LandscapeError(
                f"the runs are of different networks: {name} is {shapes[0]} in one"
                f" and {shapes[1]} in the other; choose runs of one architecture"
            )
    return {
        name: torch.where(difference.isnan() & (target[name] == origin[name]), 0.0, difference)
        for name, difference in subtract(target, origin).items()
    }


def between(start: nn.Module, end: nn.Module, params: Params, batchnorm: str) -> Vector:
    """Return the direction from one network to another of its architecture, over what moves.

    Args:
        start: at coordinate 0.
        end: at coordinate 1.
        params: which parameters move.
        batchnorm: ``interpolate``: running statistics move with their layers' parameters; else they do not.

    Raises:
        LandscapeError: as `toward` and `selected`.
    """
    one, other = ({name: tensor.cpu() for name, tensor in point_of(model).items()} for model in (start, end))
    direction = toward(one, other)
    names = moving(start, params) if batchnorm == "interpolate" else set(selected(start, params))
    return {name: tensor for name, tensor in direction.items() if name in names}


def orthogonalize(
    vector: Mapping[str, Tensor], against: Mapping[str, Tensor], params: set[str]
) -> tuple[Vector, float]:
    """Return vector - c against, orthogonal to `against` over the parameters, and c.

    The inner products run over the names in `params` alone; buffers follow along with the same c, so that
    every point of the plane stays an affine combination of the solutions.

    Raises:
        LandscapeError: the two are parallel: they span no plane.
    """
    one = {name: tensor for name, tensor in vector.items() if name in params}
    other = {name: tensor for name, tensor in against.items() if name in params}
    c = dot(one, other) / max(dot(other, other), 1e-300)
    result = {name: tensor - c * against[name] for name, tensor in vector.items()}
    if norm({name: result[name] for name in one}) <= 1e-6 * norm(one):
        raise LandscapeError(
            "the solutions lie on one line and span no plane; choose three different runs, or y=null"
        )
    return result, c
