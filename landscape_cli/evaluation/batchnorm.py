"""BatchNorm's running statistics, estimated anew for weights that were never trained."""

from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from landscape_cli.evaluation.batches import call, rebatched, size_of

BATCH = 512  # fixed: the estimate depends on it, and must not depend on the machine


def layers(model: nn.Module) -> list[_BatchNorm]:
    """Return the model's BatchNorm layers that keep running statistics."""
    return [
        module for module in model.modules() if isinstance(module, _BatchNorm) and module.track_running_stats
    ]


def recompute(model: nn.Module, inputs: list[Any]) -> None:
    """Set running means and variances to the averages over batches of 512, weighted by batch size.

    One pass with BatchNorm in training mode and all else in evaluation mode, as Izmailov et al. (2018,
    "Averaging weights leads to wider optima", section 3.2) do: each layer sees inputs that the batch's own
    statistics normalized in the layers before.

    Args:
        model: changed in place: its running statistics only.
        inputs: the training split, in parts of any size.
    """
    found = layers(model)
    momenta = [layer.momentum for layer in found]
    model.eval()
    for layer in found:
        layer.reset_running_stats()
        layer.training = True
    batches = [batch for batch, _ in rebatched([(part, ()) for part in inputs], BATCH)]
    if len(batches) > 1 and size_of(batches[-1]) == 1:  # a single sample has no variance
        batches.pop()
    seen = 0
    for batch in batches:
        seen += size_of(batch)
        for layer in found:
            layer.momentum = size_of(batch) / seen
        call(model, batch)
    for layer, momentum in zip(found, momenta, strict=True):
        layer.momentum = momentum
        layer.training = False
