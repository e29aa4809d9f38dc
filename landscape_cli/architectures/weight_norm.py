"""Weight normalization: each unit's weights as a length times a direction."""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from landscape_cli.architectures.init import last_layer, weight_layers


class WeightNormalization(nn.Module):
    """w = g · v / ‖v‖ for each slice along dim 0 (Salimans & Kingma 2016).

    The parametrized layer's parameters are ``parametrizations.weight.original0`` = g and ``…original1`` = v.
    """

    # torch.nn.utils.parametrizations.weight_norm keeps g as (out, 1, 1, 1). Here it is (out,): a vector,
    # which filter-normalized directions recognize by its one dimension and treat like every other scale.

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        """Return w, of the shape of v, from lengths g (out,) and directions v (out, …)."""
        norm = _slice_norms(v).clamp_min(1e-12)
        return v / norm * g.reshape(norm.shape)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the g and v of a given weight: v is the weight itself, and g the norms of its slices."""
        norm = _slice_norms(weight)
        # A slice of zeros has length 0 and no direction. Any direction will do, but v = 0 could never leave
        # 0.
        return norm.flatten(), torch.where(norm == 0, torch.ones_like(weight), weight)


def weight_normalize(model: nn.Module) -> None:
    """Weight-normalize every convolution and linear layer of `model` but the last, in place."""
    last = last_layer(model)
    for layer in weight_layers(model):
        if layer is not last:
            parametrize.register_parametrization(layer, "weight", WeightNormalization())


def _slice_norms(tensor: Tensor) -> Tensor:
    """Return the norms of the slices along dim 0, of shape (out, 1, …, 1)."""
    norms: Tensor = torch.linalg.vector_norm(tensor, dim=tuple(range(1, tensor.ndim)), keepdim=True)
    return norms
