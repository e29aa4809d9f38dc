"""The losses, sample by sample."""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor

Objective = Callable[[Any, Any], tuple[Tensor, Tensor | None]]
"""Called with the outputs and targets of a batch of n samples; returns their losses and which are correct.

Losses of shape (n,) are one a sample; a user's own may be any number, whose mean over the split is taken (one
a token, say). The second is of shape (n,) too, or None where there are no classes.
"""


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
    return lambda outputs, targets: (per_sample_loss(loss, outputs, targets), is_correct(outputs, targets))
