"""The eigenvalues of a matrix over a network's weights, as a file of `landscape spectrum` holds them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures.density import Quadrature
from landscape_cli.store.datasets import numbers, parsed, subgroup
from landscape_cli.terminal import printable

LONGEST_NAME = 200  # characters
ARRAYS = ("eigenvalues", "residuals", "nodes", "weights")
NAMES = {"hessian": "Hessian", "ggn": "Gauss-Newton matrix", "fisher": "empirical Fisher matrix"}


@dataclass(frozen=True)
class Spectra:
    """The spectrum at each point: at the epochs of a run, of the whole matrix or of the block of each layer.

    Points are numbered as the entries [layer, epoch] of the values are, along epochs first; what is not
    computed yet is NaN.

    Attributes:
        operator: ``hessian``, ``ggn`` or ``fisher``.
        whole: whether the eigenvalues are all there are.
        layers: names of the layers; None: the whole matrix.
        sizes: rows of the matrix, or of each layer's block.
        eigenvalues: (points, n), ascending: all, padded with NaN where a block has fewer; or the smallest,
            then the largest. n is 0 where only the density was asked for.
        residuals: of each eigenpair, relative, likewise.
        nodes: (points, vectors, steps), see `Quadrature`; vectors is 0 where no density was asked for.
        weights: likewise.
    """

    operator: str
    whole: bool
    layers: list[str] | None
    sizes: list[int]
    eigenvalues: Array
    residuals: Array
    nodes: Array
    weights: Array

    def quadrature(self, point: int) -> Quadrature | None:
        """Return the density at a point, of all eigenvalues as one vector of equal masses; None: none yet."""
        if self.whole:
            values = self.eigenvalues[point]
            values = values[np.isfinite(values)]
            if not len(values):
                return None
            return Quadrature(values[None], np.full((1, len(values)), 1 / len(values)))
        if not self.nodes.shape[1] or np.isnan(self.nodes[point]).all():
            return None
        return Quadrature(self.nodes[point], self.weights[point])

    @classmethod
    def read(cls, file: h5py.File, attributes: Mapping[str, Any], points: int) -> "Spectra | None":
        """Return what a file holds of it; None: it is of another command.

        Raises:
            ValueError: a part of it is missing, or of another type or shape.
        """
        if "spectrum" not in file:
            return None
        about = parsed(attributes, "spectrum")
        if not isinstance(about, dict) or about.get("operator") not in NAMES:
            raise ValueError(f"its attribute spectrum names no operator of {', '.join(NAMES)}")
        layers, sizes = about.get("layers"), about.get("sizes")
        if layers is not None:
            if not isinstance(layers, list) or not all(isinstance(one, str) for one in layers):
                raise ValueError("its attribute spectrum must list the names of layers")
            layers = [printable(name)[:LONGEST_NAME] for name in layers]
        count = 1 if layers is None else len(layers)
        if not isinstance(sizes, list) or len(sizes) != count or not all(type(one) is int for one in sizes):
            raise ValueError(f"its attribute spectrum must have {count} sizes")
        if points % max(count, 1):
            raise ValueError(f"its {points} points are not {count} layers at each epoch")
        group = subgroup(file, "spectrum")
        eigenvalues, nodes = np.empty((points, 0)), np.empty((points, 0, 0))
        if "eigenvalues" in group:
            eigenvalues = numbers(group, "eigenvalues", (points, None))
        if "nodes" in group:
            nodes = numbers(group, "nodes", (points, None, None))
        return cls(
            operator=about["operator"],
            whole=about.get("whole") is True,
            layers=layers,
            sizes=sizes,
            eigenvalues=eigenvalues,
            residuals=numbers(group, "residuals", eigenvalues.shape) if eigenvalues.size else eigenvalues,
            nodes=nodes,
            weights=numbers(group, "weights", nodes.shape) if nodes.size else nodes,
        )

    def datasets(self) -> dict[str, Array]:
        """Return the arrays that are not empty, by their names in the file."""
        arrays = {f"spectrum/{name}": getattr(self, name) for name in ARRAYS}
        return {name: array for name, array in arrays.items() if array.size}

    def attributes(self) -> dict[str, str]:
        """Return the attribute of the file that says what its arrays are of."""
        about = {key: getattr(self, key) for key in ("operator", "whole", "layers", "sizes")}
        return {"spectrum": json.dumps(about)}
