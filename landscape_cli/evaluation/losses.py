"""The losses, sample by sample."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch.nn.functional as F
from torch import Tensor


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

    ``cross_entropy``: -log softmax(outputs)[target], in nats. ``mse``: the sum over the classes of
    (output - one-hot target)^2; its sample mean is 1/N sum (f - y)^2, a factor of the number of classes above
    torch's ``MSELoss``, which averages over classes too.

    Args:
        loss: ``cross_entropy`` or ``mse``.
        outputs: of shape (n, classes).
        targets: class indices, of shape (n,).

    Returns:
        A tensor of shape (n,).
    """
    if loss == "mse":
        one_hot = F.one_hot(targets, outputs.shape[1]).to(outputs.dtype)
        return (outputs - one_hot).square().sum(dim=1)
    return F.cross_entropy(outputs, targets, reduction="none")


def is_correct(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return whether the largest output is the target's, (n,); never where outputs are not finite."""
    return (outputs.argmax(dim=1) == targets) & outputs.isfinite().all(dim=1)  # argmax takes NaN for largest


def objective(loss: str) -> Objective:
    """Return the losses and hits of a classifier under the loss of that name."""
    return lambda outputs, targets: Scores(
        per_sample_loss(loss, outputs, targets), is_correct(outputs, targets)
    )
