"""The trace and the Frobenius norm of a symmetric matrix of which products alone are known."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures.estimates import standard_error


class Moments(NamedTuple):
    """Estimates with their standard errors.

    Attributes:
        trace: the sum of the eigenvalues.
        trace_error: its standard error.
        frobenius: the root of the sum of their squares.
        frobenius_error: its standard error, to first order.
        products: how many they took.
    """

    trace: float
    trace_error: float
    frobenius: float
    frobenius_error: float
    products: int


def moments(
    products: Callable[[Array], Array], size: int, probes: int, random: np.random.RandomState
) -> Moments:
    """Return trace and Frobenius norm by Hutch++ (Meyer, Musco, Musco and Woodruff 2021, arXiv:2010.09649).

    The images of `probes` random vectors span most of what is large in the matrix; there, on Q, both are
    computed exactly, by as many products. What is left, R = (1 - Q Q^T) A (1 - Q Q^T), is estimated from
    `probes` vectors s of random signs: tr R is the mean of s^T R s. With B = A (1 - Q Q^T) the square of the
    norm is ||A Q||^2 + ||B||^2, and ||B||^2 the mean of ||B s||^2. Where the images span the whole space
    nothing is left, and the errors are 0.

    Args:
        products: rows (k, size) -> the matrix times each, as rows.
        size: rows of the matrix.
        probes: two or more: a third of the products.
        random: where the random signs come from.
    """
    sketch = products(_signs(random, min(probes, size), size))
    basis = np.linalg.qr(sketch.T)[0].T
    images = products(basis)
    trace, square = float(np.sum(basis * images)), float(np.sum(images**2))
    if len(basis) == size:
        return Moments(trace, 0.0, np.sqrt(square), 0.0, 2 * size)
    signs = _signs(random, probes, size)
    outside = signs - (signs @ basis.T) @ basis
    left = products(outside)
    traces, squares = np.sum(outside * left, axis=1), np.sum(left**2, axis=1)
    norm = np.sqrt(square + squares.mean())
    error = float(standard_error(squares)) / (2 * norm) if norm else 0.0
    return Moments(
        trace + float(traces.mean()), float(standard_error(traces)), float(norm), error, 3 * probes
    )


def _signs(random: np.random.RandomState, count: int, size: int) -> Array:
    return np.where(random.randint(2, size=(count, size)) > 0, 1.0, -1.0)
