"""Angles between vectors of weight space, and how many random directions of a kind there are room for."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from landscape_cli.weights.arithmetic import dot, norm


def cosine(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Return the cosine of the angle between two vectors, which are not zero."""
    return dot(one, other) / (norm(one) * norm(other))


def rank(vectors: Sequence[Mapping[str, Tensor]]) -> int:
    """Return the dimension of the space that vectors of the same names and shapes span."""
    matrix = np.stack([torch.cat([part.flatten() for part in vector.values()]) for vector in vectors])
    return int(np.linalg.matrix_rank(matrix))


def effective_dimension(params: Mapping[str, Tensor], kind: str) -> float:
    """Return q such that E[cos^2] = 1/q for two independent directions of a normalization.

    It is p, the number of parameters, for Gaussian ones. Normalized tensor by tensor, with norms r_t of
    tensors of n_t entries, cos is the sum over t of r_t^2 cos_t, divided by that of r_t^2; the cos_t are
    independent, with E[cos_t^2] = 1/n_t: q = (sum r_t^2)^2 / sum (r_t^4 / n_t).

    Args:
        params: the weights, by parameter name; all of them move.
        kind: ``none`` or ``layer``, as `directions.random` takes it.

    Raises:
        ValueError: another normalization.
    """
    if kind not in ("none", "layer"):
        raise ValueError(f"the effective dimension is known for the norms none and layer, not {kind!r}")
    sizes = [tensor.numel() for tensor in params.values()]
    if kind == "none":
        return float(sum(sizes))
    squares = [norm({"": tensor}) ** 2 for tensor in params.values()]
    return sum(squares) ** 2 / sum(square**2 / n for square, n in zip(squares, sizes, strict=True))
