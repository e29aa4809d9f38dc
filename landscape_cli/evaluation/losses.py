"""The losses, sample by sample."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor

from landscape_cli.evaluation.options import HINGES


class Scores(NamedTuple):
    """What a batch of n samples gives.

    Attributes:
        losses: of shape (n,), one a sample; a user's own may be any number, whose mean over the split is
            taken (one a token, say), or one, of shape (), the batch's mean.
        correct: which samples are right, of shape (n,) or as many as count; None where there are no classes.
        weights: where losses weigh differently, the weights w, of their shape: `losses` are then w l, and the
            mean over the split is the sum of these over the sum of the weights.
    """

    losses: Tensor
    correct: Tensor | None
    weights: Tensor | None = None

    @property
    def one_for_all(self) -> bool:
        """Whether there is but one loss, the batch's mean, which stands for each of its samples."""
        return self.losses.ndim == 0 and self.weights is None


Objective = Callable[[Any, Any], Scores]
"""Called with the outputs and targets of a batch."""


def per_sample_loss(loss: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of each sample.

    ``cross_entropy``: -log softmax(outputs)[target], in nats. The others are sums over the outputs. Three are
    of a function of e = output - target, where class numbers are one-hot targets. ``mse``: e^2; its sample
    mean is 1/N sum |f - y|^2, a factor of the number of outputs above torch's ``MSELoss``, which averages
    over them too. ``l1``: |e|. ``huber``: e^2 / 2 where |e| <= 1, |e| - 1/2 beyond (Huber 1964). Two are of
    Delta = max(0, 1 - target * output), where a class is the target 1 among -1: ``hinge``: Delta;
    ``squared_hinge``: Delta^2 / 2 (Geiger et al. 2019, arXiv:1809.09349). They are exactly zero at a margin.

    Args:
        loss: one of `LOSSES`.
        outputs: of shape (n, classes), or (n, d) of a regression.
        targets: class indices, of shape (n,); or floating-point numbers, (n, d) or for d = 1 also (n,), not
            for ``cross_entropy``.

    Returns:
        A tensor of shape (n,).
    """
    if loss == "cross_entropy":
        return F.cross_entropy(outputs, targets, reduction="none")
    if not targets.is_floating_point():
        targets = F.one_hot(targets, outputs.shape[1])
        targets = 2 * targets - 1 if loss in HINGES else targets
    targets = targets.to(outputs.dtype).view(outputs.shape)  # (n,) as (n, 1): else each would meet all
    if loss == "mse":
        return (outputs - targets).square().sum(dim=1)
    if loss in HINGES:
        short = (1 - targets * outputs).clamp_min(0)
        return short.sum(dim=1) if loss == "hinge" else short.square().sum(dim=1) / 2
    apart = F.l1_loss if loss == "l1" else F.huber_loss
    return apart(outputs, targets, reduction="none").sum(dim=1)


def is_correct(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return whether the largest output is the target's, (n,); never where outputs are not finite."""
    return (outputs.argmax(dim=1) == targets) & outputs.isfinite().all(dim=1)  # argmax takes NaN for largest


def objective(loss: str) -> Objective:
    """Return the losses, and where targets are class numbers the hits, under the loss of that name."""

    def evaluated(outputs: Tensor, targets: Tensor) -> Scores:
        correct = None if targets.is_floating_point() else is_correct(outputs, targets)
        return Scores(per_sample_loss(loss, outputs, targets), correct)

    return evaluated
