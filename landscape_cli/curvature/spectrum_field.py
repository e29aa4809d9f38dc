"""The spectrum of a matrix over a network's weights at the epochs of a run, whole or layer by layer."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from glob import escape

import numpy as np
from torch import Tensor

from landscape_cli.arrays import Array, Index
from landscape_cli.curvature.gauss_newton import Fisher, GaussNewton
from landscape_cli.curvature.hessian_field import HessianField
from landscape_cli.curvature.lanczos import eigenpairs
from landscape_cli.curvature.layer_field import layers_of
from landscape_cli.curvature.options import DENSE, LARGEST, PAIRS, SpectrumOptions
from landscape_cli.curvature.products import Hessian, Operator
from landscape_cli.curvature.quadrature import quadrature
from landscape_cli.curvature.trace import moments
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.evaluator import Evaluation
from landscape_cli.evaluation.memory import enough_for
from landscape_cli.evaluation.problem import Problem
from landscape_cli.progress import bar, go_on, note
from landscape_cli.store import Writer
from landscape_cli.store.spectrum import Spectra
from landscape_cli.weights.selection import selected
from landscape_cli.workers.processes import Values

OPERATORS: dict[str, type[Operator]] = {"hessian": Hessian, "ggn": GaussNewton, "fisher": Fisher}
MOMENTS = ("trace", "trace_error", "frobenius_norm", "frobenius_norm_error")
TOGETHER = 64  # rows of a matrix that is written out, at a time


class SpectrumField(HessianField):
    """(layer, epoch) -> loss, accuracy of classes, eigenvalues, density, trace and Frobenius norm.

    Random vectors are the same at every point, so that what differs along a training is not chance.

    Args:
        problem: the network at the last of the epochs, its data and loss; of one split.
        options: of which matrix, by which method, and how exactly.
        epochs: increasing, the coordinates x.
        weights: number of an epoch -> its tensors by name; read when they are needed.
        by: ``layer``: each layer's own block, the coordinates y; None: the whole matrix.

    Raises:
        LandscapeError: the matrix is too large to be written out, more eigenpairs are wanted than Lanczos'
            method is for, or as `Operator`.
    """

    kind = "spectrum"
    options: SpectrumOptions

    def __init__(
        self,
        problem: Problem,
        options: SpectrumOptions,
        epochs: Array,
        weights: Callable[[int], Mapping[str, Tensor]],
        by: str | None = None,
    ) -> None:
        names = selected(problem.model, options.params)
        self.layers = layers_of(names) if by == "layer" else {"all": names}
        sizes = [sum(problem.model.get_parameter(one).numel() for one in own) for own in self.layers.values()]
        method = options.method
        if method == "auto":
            method = "dense" if max(sizes) <= DENSE else "both"
        if method == "dense" and max(sizes) > LARGEST:
            raise LandscapeError(
                f"method=dense writes out the matrix, and {max(sizes):,} rows take"
                f" {8 * max(sizes) ** 2 / 2**30:.3g} GiB; up to {LARGEST:,} are allowed: say method=auto,"
                " by=layer, or params="
            )
        if method == "dense":
            options = dataclasses.replace(options, precision="fp64")
        self.weights, self._at = weights, -1
        ends = 2 if options.operator == "hessian" else 1
        if method in ("lanczos", "both") and ends * options.k > PAIRS:
            other = f", or method=dense for all {max(sizes):,}" if max(sizes) <= LARGEST else ""
            raise LandscapeError(
                f"k={options.k}: Lanczos' method is for a few eigenvalues at the ends;"
                f" say k={PAIRS // ends} or fewer{other}"
            )
        most = {"dense": max(sizes), "lanczos": ends * options.k, "both": ends * options.k, "slq": 0}[method]
        points, probes = len(sizes) * len(epochs), options.probes if method in ("slq", "both") else 0
        steps = min(options.steps, max(sizes)) if probes else 0
        self.spectra = Spectra(
            operator=options.operator,
            whole=method == "dense",
            layers=list(self.layers) if by == "layer" else None,
            sizes=sizes,
            eigenvalues=np.full((points, min(most, max(sizes))), np.nan),
            residuals=np.full((points, min(most, max(sizes))), np.nan),
            nodes=np.full((points, probes, steps), np.nan),
            weights=np.full((points, probes, steps), np.nan),
        )
        y = np.arange(len(sizes), dtype=np.float64) if by == "layer" else None
        super().__init__(problem, {}, epochs, y, options, OPERATORS[options.operator])
        self._whole = self.hessian

    def names(self) -> list[str]:
        """Return the datasets of values."""
        of_loss = [name for name in super().names() if name.rpartition("/")[2] in ("loss", "accuracy")]
        return [*of_loss, *(f"{self.split}/{name}" for name in self._names())]

    def _names(self) -> list[str]:
        found = ["products"]
        if self.spectra.eigenvalues.shape[1]:
            found += ["largest_eigenvalue", "smallest_eigenvalue", "residual"]
            if self.options.operator != "hessian" and not self.spectra.whole:
                found.remove("smallest_eigenvalue")
        if self.spectra.whole or self.spectra.nodes.size:
            found += MOMENTS
        return found

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Return the further datasets, with their shapes."""
        return {name: array.shape for name, array in self.spectra.datasets().items()}

    def attributes(self) -> dict[str, str]:
        """Return what says what the arrays are of."""
        return self.spectra.attributes()

    def losses_at(self, x: float, y: float) -> dict[str, Evaluation]:
        """Return the evaluation at an epoch."""
        self._move(int(np.flatnonzero(self.x == x)[0]))
        return {self.split: self.evaluator.evaluate(self.split)}

    def receive(self, writer: Writer, index: Index, values: Values) -> None:
        """Put the arrays of a point into the file, and then its values."""
        values = dict(values)
        point = int(np.ravel_multi_index(index, writer.evaluated.shape))
        for name, shape in self.arrays().items():
            writer.write_row(name, point, np.reshape(values.pop(name), shape[1:]))
        super().receive(writer, index, values)

    def evaluate(self, index: Index) -> Values:
        """Return the values and arrays of a layer at an epoch; infinite where a product is not finite."""
        self._move(index[-1])
        here = self.evaluator.evaluate(self.split)
        values = {"loss": here.loss} | ({"accuracy": here.accuracy} if here.accuracy == here.accuracy else {})
        names = list(self.layers.values())[index[0] if self.y is not None else 0]
        arrays = {name: np.full(shape[1:], np.nan) for name, shape in self.arrays().items()}
        found = dict.fromkeys(self._names(), np.inf)
        if np.isfinite(here.loss):
            try:
                with enough_for(self.evaluator.batch_size):
                    whole = self._whole
                    self.hessian = (
                        whole
                        if self.y is None
                        else type(whole)(whole.model, whole.parts, whole.objective, [*map(escape, names)])
                    )
                    told = f"epoch {self.x[index[-1]]:.0f}"
                    with bar(self._cost(self.hessian.size), told, "products", within=True) as progress:
                        found |= self._compute(Counted(self.hessian, partial(go_on, progress)), arrays)
            except (FloatingPointError, np.linalg.LinAlgError):
                arrays = {name: np.full(shape[1:], np.nan) for name, shape in self.arrays().items()}
                found = dict.fromkeys(self._names(), np.inf)
        values |= found
        return {f"{self.split}/{name}": float(value) for name, value in values.items()} | {
            name: array.ravel().tolist() for name, array in arrays.items()
        }

    def finish(self, writer: Writer, new: list[Index]) -> None:
        """Tell where the tolerance was not reached."""
        if not new or not self.spectra.residuals.size:
            return
        residuals = writer.array("spectrum/residuals")
        missed = residuals > self.options.tolerance
        if missed.any():
            note(
                f"{int(missed.sum())} of {int(np.isfinite(residuals).sum())} eigenpairs did not reach"
                f" tolerance={self.options.tolerance}; their residuals, in the file, are up to"
                f" {residuals[missed].max():.2g}"
            )

    def _move(self, number: int) -> None:
        """Let the evaluator, and the operator, stand at an epoch."""
        if number == self._at:
            return
        state = self.weights(number)
        there = {name: state.get(name, own) for name, own in self.plane.origin.items()}
        self.evaluator.move(self.evaluator.beside(there), [])
        self._whole.moved()
        self._at = number

    def _cost(self, size: int) -> int:
        """Return about how many products a point takes."""
        if self.spectra.whole:
            return size
        _, vectors, steps = self.spectra.nodes.shape
        return int(5 * self.spectra.eigenvalues.shape[1] + vectors * (min(steps, size) + 3))

    def _compute(self, matrix: "Counted", arrays: dict[str, Array]) -> dict[str, float]:
        """Fill in the arrays of a point; return its values."""
        values: dict[str, float] = {}
        size, seed, options = matrix.size, self.options.seed, self.options
        if self.spectra.whole:
            rows = np.eye(size)
            dense = np.concatenate(
                [matrix.products(rows[first : first + TOGETHER]) for first in range(0, size, TOGETHER)]
            )
            if not np.isfinite(dense).all():
                raise FloatingPointError("a product with the matrix is not finite")
            eigenvalues = np.linalg.eigvalsh((dense + dense.T) / 2)
            arrays["spectrum/eigenvalues"][:size], arrays["spectrum/residuals"][:size] = eigenvalues, 0
            exact = (float(eigenvalues.sum()), 0.0, float(np.linalg.norm(eigenvalues)), 0.0)
            values |= dict(zip(MOMENTS, exact, strict=True))
            values |= {"smallest_eigenvalue": eigenvalues[0], "largest_eigenvalue": eigenvalues[-1]}
            values["residual"] = 0.0
        elif self.spectra.eigenvalues.shape[1]:
            smallest = options.k if options.operator == "hessian" else 0
            pairs = eigenpairs(
                matrix.product,
                size,
                options.k,
                smallest,
                stream(seed, "lanczos"),
                tolerance=options.tolerance,
            )
            count = len(pairs.values)
            arrays["spectrum/eigenvalues"][:count] = pairs.values
            arrays["spectrum/residuals"][:count] = pairs.residuals
            values |= {"largest_eigenvalue": pairs.values[-1], "residual": pairs.residuals.max()}
            if smallest:
                values["smallest_eigenvalue"] = pairs.values[0]
        if self.spectra.nodes.size:
            estimated = moments(matrix.products, size, options.probes, stream(seed, "trace"))
            values |= dict(zip(MOMENTS, estimated[:4], strict=True))
            density = quadrature(
                matrix.products, size, options.steps, options.probes, stream(seed, "density")
            )
            steps = density.nodes.shape[1]
            arrays["spectrum/nodes"][:, :steps] = density.nodes
            arrays["spectrum/weights"][:, :steps] = density.weights
        values["products"] = matrix.count
        return values


class Counted:
    """An operator whose products are counted.

    Args:
        operator: whose products.
        update: called with the number of new ones.
    """

    def __init__(self, operator: Operator, update: Callable[[int], object]) -> None:
        self.operator, self.update = operator, update
        self.size, self.count = operator.size, 0

    def product(self, vector: Array) -> Array:
        """Return the matrix times a vector."""
        return np.asarray(self.products(vector[None])[0])

    def products(self, vectors: Array) -> Array:
        """Return the matrix times each row."""
        self.count += len(vectors)
        self.update(len(vectors))
        return self.operator.products(vectors)
