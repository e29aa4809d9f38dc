"""The density of a matrix's eigenvalues, as point masses seen from random vectors."""

from typing import NamedTuple

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures.estimates import standard_error


class Quadrature(NamedTuple):
    """Point masses that stand for the density of eigenvalues, of total mass 1 for each random vector.

    Attributes:
        nodes: where they lie, (vectors, steps), ascending in a row; NaN where a vector needed fewer steps.
            The outermost are close to the outermost eigenvalues.
        weights: their masses, likewise; 0 where there is no node. A row sums up to 1.
    """

    nodes: Array
    weights: Array

    def mean(self, values: Array) -> tuple[float, float]:
        """Return the mean over the eigenvalues of a function with these values at the nodes, and its error.

        The mean of lambda is trace / size, that of lambda^2 squared Frobenius norm / size. The standard
        error is that of a mean over vectors; NaN for a single one.
        """
        each = np.nansum(self.weights * values, axis=1)
        return float(each.mean()), float(standard_error(each))

    def smooth(self, places: Array, width: float) -> tuple[Array, Array]:
        """Return the density at `places`, (n,), and its standard error over vectors, (n,).

        Each mass is spread as a Gaussian of the standard deviation `width`. The error is NaN for one vector.
        """
        each = np.array(
            [
                np.exp(-(((places[:, None] - nodes) / width) ** 2) / 2) @ weights
                for nodes, weights in zip(np.nan_to_num(self.nodes), self.weights, strict=True)
            ]
        ) / (width * np.sqrt(2 * np.pi))
        return np.asarray(each.mean(axis=0)), standard_error(each)


def outliers(eigenvalues: Array, among: int = 20) -> int:
    """Return how many of the largest eigenvalues stand apart: those above the widest gap of their logarithms.

    Args:
        eigenvalues: of any order; those that are not positive count as far below.
        among: the gap is sought between the largest, the second, … and this one.
    """
    largest = np.sort(eigenvalues)[::-1][: among + 1]
    logarithms = np.log(np.maximum(largest, np.finfo(float).tiny))
    return int(np.argmax(-np.diff(logarithms)[:among])) + 1
