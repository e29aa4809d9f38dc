"""The losses, sample by sample."""

import torch.nn.functional as F
from torch import Tensor


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
