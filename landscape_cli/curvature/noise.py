"""The noise of a gradient at a point: its scale, its tails, and the share of large curvatures in it.

In evaluation mode: BatchNorm's running statistics are constants and dropout is off, so that samples do not
couple, and the gradient of a batch is the mean of those of its samples.
"""

import copy
import math
from functools import cached_property

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.curvature.lanczos import eigenpairs
from landscape_cli.curvature.noise_options import Options
from landscape_cli.curvature.options import PAIRS
from landscape_cli.curvature.problem import to_differentiate
from landscape_cli.curvature.products import Hessian
from landscape_cli.curvature.subspace import overlap, share
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import automatic_size, call, tensors
from landscape_cli.evaluation.evaluator import evaluate_samples
from landscape_cli.evaluation.problem import Problem
from landscape_cli.gradients import tails
from landscape_cli.gradients.minibatch import Gradients, batch_noise
from landscape_cli.gradients.noise_scale import mean_over, noise_scale_of_batches

LARGEST = 1 << 28  # numbers of all draws in memory at once
TOGETHER = 10  # products with the Hessian
ESTIMATES = {
    "tail_index": tails.tail_index,
    "coordinate_tail_index": tails.coordinate_tail_index,
    "kurtosis": tails.kurtosis,
    "coordinate_kurtosis": tails.coordinate_kurtosis,
}


class GradientNoise:
    """A network at one point, and the gradients of batches there.

    Args:
        problem: the network, its data and loss; of one split.
        options: what is measured, and on what.
        batch_size: samples of a batch.

    Raises:
        LandscapeError: there are fewer samples or no such parameters, or the draws take too much memory.
    """

    def __init__(self, problem: Problem, options: Options, batch_size: int) -> None:
        _, model, self._parts = to_differentiate(problem, samples=options.samples, seed=options.seed)
        example = tensors(self._parts[0][0])[0]
        self._options, self._batch_size = options, batch_size
        self._step = automatic_size(example, graph=True)
        self._model = copy.deepcopy(model).to(example.device).eval()
        self._objective = problem.objective
        self._gradients = Gradients(self._model, self._parts, self._objective, options.params)
        if "eigenspace" in options.measures and options.k > PAIRS:
            raise LandscapeError(
                f"k={options.k}: the eigenspace is of a few of the largest eigenvalues; say k={PAIRS} or"
                " fewer"
            )
        numbers = options.draws * self._gradients.size
        if numbers > LARGEST:
            raise LandscapeError(
                f"draws={options.draws} gradients of {self._gradients.size:,} numbers do not fit in memory;"
                f" say draws={LARGEST // self._gradients.size}, or params= for fewer of them"
            )

    def measure(self, before: Array | None = None) -> dict[str, float]:
        """Return the values of `Options.columns`; NaN where the loss or a derivative is not finite.

        Args:
            before: the eigenspace at an earlier point, (p, k); None: there is none to overlap with.
        """
        values = dict.fromkeys(self._options.columns, math.nan)
        values["loss"] = self._loss()
        if not math.isfinite(values["loss"]):
            return values
        for name in self._options.measures:
            if name != "eigenspace":
                values |= getattr(self, f"_{name}")()
        space = self.eigenspace if "eigenspace" in self._options.measures else None
        if space is not None:
            values["top_share"] = share(self._mean, space)
            values["top_overlap"] = math.nan if before is None else overlap(before, space)
        return values

    @cached_property
    def eigenspace(self) -> Array | None:
        """The eigenvectors of the Hessian's k largest eigenvalues, (p, k); None where it is not finite."""
        random = stream(self._options.seed, "eigenspace")
        try:
            return eigenpairs(
                self._hessian.product, self._gradients.size, self._options.k, 0, random
            ).vectors.T
        except FloatingPointError:
            return None

    @cached_property
    def _hessian(self) -> Hessian:
        return Hessian(self._model, self._parts, self._objective, self._options.params)

    @cached_property
    def _mean(self) -> Array:
        return self._gradients.mean().double().cpu().numpy()

    @cached_property
    def _noise(self) -> Array:
        """The gradients of batches less the mean, (draws, p), in the network's precision."""
        random, mean = stream(self._options.seed, "batches"), self._gradients.mean()
        draws = [
            batch_noise(self._gradients, mean, self._batch_size, random, self._step).cpu().numpy()
            for _ in range(self._options.draws)
        ]
        return np.stack(draws)

    def _loss(self) -> float:
        samples = evaluate_samples(lambda inputs: call(self._model, inputs), self._parts, self._objective)
        return samples.mean().loss

    def _noise_scale(self) -> dict[str, float]:
        return _named("noise_scale", noise_scale_of_batches(self._noise, self._mean, self._batch_size))

    def _hessian_noise_scale(self) -> dict[str, float]:
        """tr(H Sigma) / (G' H G): Sigma / B is the covariance of a batch's noise, so B u' H u is unbiased."""
        along = float(self._mean @ self._hessian.product(self._mean))
        traces = np.concatenate(
            [
                np.einsum("ij,ij->i", rows, self._hessian.products(rows))
                for rows in np.split(self._noise, range(TOGETHER, len(self._noise), TOGETHER))
            ]
        )
        return _named("hessian_noise_scale", mean_over(self._batch_size * traces, along))

    def _tails(self) -> dict[str, float]:
        found = (_named(name, of(self._noise)) for name, of in ESTIMATES.items())
        return {name: value for each in found for name, value in each.items()}


def _named(name: str, estimate: tuple[float, float]) -> dict[str, float]:
    return {name: estimate[0], f"{name}_error": estimate[1]}
