"""The extreme eigenvalues of the loss's Hessian at the points of a grid, each sought from its neighbour's."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from glob import escape

import numpy as np

from landscape_cli.arrays import Array, Index
from landscape_cli.curvature.extremes import Extremes, extremes
from landscape_cli.curvature.options import Options
from landscape_cli.curvature.problem import to_differentiate
from landscape_cli.curvature.products import Hessian, Operator
from landscape_cli.evaluation.batches import size_of
from landscape_cli.evaluation.evaluator import Evaluation, Evaluator, evaluate_samples
from landscape_cli.evaluation.memory import enough_for
from landscape_cli.evaluation.plane import Plane
from landscape_cli.evaluation.problem import Problem
from landscape_cli.progress import note
from landscape_cli.store import Writer
from landscape_cli.surfaces.field import Obtain, Share
from landscape_cli.weights.arithmetic import Vector, point_of
from landscape_cli.weights.selection import selected
from landscape_cli.workers.processes import Values

ENDS = ("largest_eigenvalue", "smallest_eigenvalue", "eigenvalue_ratio", "residual", "products")


class HessianField:
    """Index of a grid point -> loss, accuracy of classes, and the ends of the Hessian's spectrum; of a split.

    Each search starts from the eigenvectors at the point before, so among several processes the digits beyond
    the tolerance depend on who computed what.

    Args:
        problem: the network at (0, 0), its data and loss; of one split.
        directions: "x", and for a plane "y"; none for the point (0, 0) alone.
        x: coordinates.
        y: coordinates; None for a line.
        options: of which samples and parameters, and how exactly.
        operator: the matrix.
    """

    kind, advice = "hessian", ""
    refinement: tuple[str, ...] = ("batch_size",)  # costs other memory
    same_loss = 1e-4

    def __init__(
        self,
        problem: Problem,
        directions: Mapping[str, Vector],
        x: Array,
        y: Array | None,
        options: Options,
        operator: type[Operator] = Hessian,
    ) -> None:
        self.directions, self.x, self.y, self.options = directions, x, y, options
        self.fingerprint = problem.fingerprint
        self.split, model, parts = to_differentiate(
            problem,
            samples=options.samples,
            seed=options.seed,
            precision=options.precision,
            batch_size=options.batch_size,
        )
        self.evaluator = Evaluator(model, {self.split: parts}, problem.objective)
        network = self.evaluator.network
        self.device = network.device
        self.plane = Plane(self.evaluator, point_of(network.model), directions)
        # of the caller's model: in the copy nothing is trainable
        names = [escape(name) for name in selected(problem.model, options.params)]
        plain = [(network.prepared(inputs, plain=True), targets) for inputs, targets in parts]
        with enough_for(self.evaluator.batch_size):
            self.hessian: Operator = operator(network.model, plain, problem.objective, names)
        self.samples = sum(size_of(inputs) for inputs, _ in parts)
        self._last: Extremes | None = None

    def names(self) -> list[str]:
        """Return the datasets of values."""
        network, parts = self.evaluator.network, self.evaluator.splits[self.split]
        first = evaluate_samples(network, parts[:1], self.evaluator.objective, network.autograd)
        values = ("loss", *ENDS) if first.correct is None else ("loss", "accuracy", *ENDS)
        return [f"{self.split}/{name}" for name in values]

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Return no further datasets."""
        return {}

    def attributes(self) -> dict[str, str]:
        """Return no further attributes."""
        return {}

    def enough_threads(self) -> AbstractContextManager[None]:
        """Return a context in which evaluations use no more threads than pay."""
        return self.evaluator.enough_threads()

    def first_batch(self) -> dict[str, list[float]]:
        """Return the size of the first batch, and its loss.

        Raises:
            LandscapeError: the loss is random.
        """
        return self.evaluator.check_repeatable()

    def losses_at(self, x: float, y: float) -> dict[str, Evaluation]:
        """Return the evaluation on the samples at a point."""
        return self.plane.evaluate(x, y)

    def to_do(self, writer: Writer) -> str | None:
        """Return what is to be computed, in words; None where the file has everything."""
        left = len(self._order(writer))
        return f"{left:,} points x {self.hessian.size:,} weights x {self.samples:,} samples" if left else None

    def rounds(self, writer: Writer, share: Share) -> Iterator[list[Index]]:
        """Yield all points at once."""
        yield self._order(writer)

    def helping(self, obtain: Obtain) -> Callable[[Index], Values]:
        """Return `evaluate`: it needs nothing of the other processes."""
        return self.evaluate

    def _order(self, writer: Writer) -> list[Index]:
        """Return what is not evaluated, row by row, every other row backwards: each beside the one before."""
        evaluated = writer.evaluated
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
        here = self.evaluator.evaluate(self.split)
        values = {"loss": here.loss}
        if here.accuracy == here.accuracy:
            values["accuracy"] = here.accuracy
        found: Extremes | None = None
        if np.isfinite(here.loss):
            random = np.random.default_rng([self.options.seed, *index])
            try:
                with enough_for(self.evaluator.batch_size):
                    found = extremes(
                        self.hessian.product, self.hessian.size, self.options.tolerance, random, self._last
                    )
            except FloatingPointError:  # the loss is finite, its derivatives are not
                found = None
        self._last = found
        if found is None:
            values |= dict.fromkeys(ENDS, np.inf)
        else:
            values |= {
                "largest_eigenvalue": found.largest,
                "smallest_eigenvalue": found.smallest,
                "eigenvalue_ratio": found.ratio,
                "residual": found.residual,
                "products": found.products,
            }
        return {f"{self.split}/{name}": value for name, value in values.items()}

    def finish(self, writer: Writer, new: list[Index]) -> None:
        """Tell the cost of the new points, and where the tolerance was not reached."""
        if not new:
            return
        values = {name: writer.values[f"{self.split}/{name}"] for name in ENDS}
        products = np.array([values["products"][index] for index in new])
        finite = products[np.isfinite(products)]
        if finite.size:
            note(f"{finite.mean():.3g} products with the Hessian a point")
        if finite.size < products.size:
            note(f"{products.size - finite.size} points have no finite loss or Hessian, stored as +inf")
        missed = np.isfinite(values["residual"]) & (values["residual"] > self.options.tolerance)
        if missed.any():
            note(
                f"{int(missed.sum())} of {missed.size} points did not reach"
                f" tolerance={self.options.tolerance}; their residuals, in the file, are up to"
                f" {values['residual'][missed].max():.2g}"
            )
