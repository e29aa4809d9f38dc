"""A subset of the samples weighted so that it agrees with the whole split where the whole split is known.

The loss of every sample is known at a few points of a surface, the anchors. Among all weights of the subset's
samples under which its mean losses there are those of the whole split, the calibrated ones are the nearest to
equal ones; elsewhere on the surface they give the regression estimate of survey sampling (Deville & Särndal
1992, "Calibration estimators in survey sampling"): what is off in the subset is removed as far as a sample's
losses at the anchors explain its loss at the new point.
"""

import itertools
import math

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.evaluation.evaluator import Evaluation


class Calibration:
    """Calibrated weights of a subset of a split.

    Args:
        losses: of the subset's samples at the anchors, of shape (anchors, n).
        means: of the whole split at the anchors, of shape (anchors,).
        population: samples of the whole split.
    """

    def __init__(self, losses: Array, means: Array, population: int) -> None:
        usable = np.isfinite(means) & np.isfinite(losses).all(axis=1)
        scale = losses[usable].std(axis=1, keepdims=True) + 1e-300
        centred = (losses[usable] - means[usable, None]) / scale
        n = losses.shape[1]
        variables = np.vstack([np.ones(n), centred])  # their means over the whole split: 1, 0, …, 0
        target = np.zeros(len(variables))
        target[0] = 1.0
        equal = np.full(n, 1 / n)
        self.weights: Array = equal + np.linalg.pinv(variables, rcond=1e-6) @ (target - variables @ equal)
        left, singular, _ = np.linalg.svd(variables.T, full_matrices=False)
        self._basis: Array = left[:, singular > 1e-6 * singular[0]]
        self._missing = 1 - n / population

    def mean(self, losses: Array, correct: Array | None) -> Evaluation:
        """Return the estimate for the whole split.

        `loss_stderr` is that of the regression estimate as one of the whole split's mean: the residuals'
        spread over sqrt(n), less what the subset knows already (sqrt(1 - n / population)).

        Args:
            losses: of the subset's samples at a point, of shape (n,).
            correct: 0 or 1 for each, or None where there are no classes.
        """
        n, terms = self._basis.shape
        fraction = float("nan") if correct is None else float(np.clip(self.weights @ correct, 0, 1))
        if not np.isfinite(losses).all():
            return Evaluation(math.inf, fraction, math.inf)
        residuals = losses - self._basis @ (self._basis.T @ losses)
        variance = float(residuals @ residuals) / max(n - terms, 1)
        return Evaluation(
            float(self.weights @ losses), fraction, float(np.sqrt(variance / n * self._missing))
        )


def anchor_points(shape: tuple[int, ...], count: int) -> list[tuple[int, ...]]:
    """Return the indices of the middles of `count` equal parts of each axis of a grid, in all combinations.

    The middles, because the loss of a sample is most like those at points nearby, and the ends have a
    neighbour on one side only.
    """
    middles = (np.arange(count) + 0.5) / count
    axes = [np.unique((middles * (size - 1)).round().astype(int)).tolist() for size in shape]
    return list(itertools.product(*axes))
