"""The extreme eigenvalues of the loss's Hessian at the points of a grid, each sought from its neighbour's."""

import copy
from collections.abc import Mapping

import numpy as np
import torch

from landscape_cli.arrays import Array, Index, Mask
from landscape_cli.curvature.extremes import Extremes, extremes
from landscape_cli.curvature.products import Hessian
from landscape_cli.evaluation.batches import automatic_size, rebatched, size_of, tensors, to_dtype
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.plane import Plane
from landscape_cli.evaluation.problem import Subject, chosen, subset
from landscape_cli.schemas import HessianConfig
from landscape_cli.store import Writer
from landscape_cli.weights.arithmetic import Vector, point_of
from landscape_cli.workers.processes import Values

NAMES = (
    *("loss", "accuracy", "largest_eigenvalue", "smallest_eigenvalue", "eigenvalue_ratio"),
    *("residual", "products"),
)
GRAPHS = 8  # the graph of a gradient takes several times the memory of a forward pass


class Points:
    """Index of a grid point -> loss, accuracy, and the ends of the Hessian's spectrum, on one split.

    Args:
        config: the command's.
        subject: the network at (0, 0), its data and loss.
        directions: "x", and for a plane "y"; none for the point (0, 0) alone.
        x: coordinates.
        y: coordinates; None for a line.
    """

    def __init__(
        self,
        config: HessianConfig,
        subject: Subject,
        directions: Mapping[str, Vector],
        x: Array,
        y: Array | None,
    ) -> None:
        self.config, self.directions, self.x, self.y = config, directions, x, y
        parts, model = subject.splits[config.split], subject.model
        if config.samples is not None:
            parts = chosen(parts, subset(parts, config.samples, config.seed, config.split))
        if config.precision == "fp64":
            model = copy.deepcopy(model).double()
            parts = [(to_dtype(inputs, torch.float64), targets) for inputs, targets in parts]
        example = tensors(parts[0][0])[0]
        automatic = automatic_size(example)
        size = config.batch_size or (max(1, automatic // GRAPHS) if example.is_cuda else automatic)
        parts = rebatched(parts, size)
        self.evaluator = Evaluator(model, {config.split: parts}, subject.objective)
        network = self.evaluator.network
        self.plane = Plane(self.evaluator, point_of(network.model), directions)
        plain = [(network.prepared(inputs, plain=True), targets) for inputs, targets in parts]
        self.hessian = Hessian(network.model, plain, subject.objective, config.params)
        self.samples = sum(size_of(inputs) for inputs, _ in parts)
        self._last: Extremes | None = None

    def order(self, evaluated: Mask) -> list[Index]:
        """Return what is not evaluated, row by row, every other row backwards: each beside the one before."""
        rows = np.arange(evaluated.size).reshape(-1, evaluated.shape[-1])
        rows[1::2] = rows[1::2, ::-1].copy()
        indices = (np.unravel_index(number, evaluated.shape) for number in rows.flat)
        return [tuple(int(i) for i in index) for index in indices if not evaluated[index]]

    def receive(self, writer: Writer, index: Index, values: Values) -> None:
        """Put the values of a point into the file."""
        writer.write_point(index, {name: float(np.asarray(value)) for name, value in values.items()})

    def evaluate(self, index: Index) -> Values:
        """Return the values at a grid point; infinite where the loss or a product is not finite."""
        coordinates = {"x": float(self.x[index[-1]])}
        if self.y is not None:
            coordinates["y"] = float(self.y[index[0]])
        self.plane.move(**coordinates)
        self.hessian.moved()
        here = self.evaluator.evaluate(self.config.split)
        values = {"loss": here.loss, "accuracy": here.accuracy}
        found: Extremes | None = None
        if np.isfinite(here.loss):
            random = np.random.default_rng([self.config.seed, *index])
            try:
                found = extremes(
                    self.hessian.product, self.hessian.size, self.config.tolerance, random, self._last
                )
            except FloatingPointError:  # the loss is finite, its derivatives are not
                found = None
        self._last = found
        if found is None:
            values |= dict.fromkeys(NAMES[2:], np.inf)
        else:
            values |= {
                "largest_eigenvalue": found.largest,
                "smallest_eigenvalue": found.smallest,
                "eigenvalue_ratio": found.ratio,
                "residual": found.residual,
                "products": found.products,
            }
        return {f"{self.config.split}/{name}": value for name, value in values.items()}
