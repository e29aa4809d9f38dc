"""What all networks are made of: activations and normalization layers, and the counting of channels."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from landscape_cli.errors import LandscapeError

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "celu": nn.CELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "hardswish": nn.Hardswish,
    "tanh": nn.Tanh,
    "hardtanh": nn.Hardtanh,
    "tanhshrink": nn.Tanhshrink,
    "softsign": nn.Softsign,
    "softshrink": nn.Softshrink,
    "hardshrink": nn.Hardshrink,
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
    "log_sigmoid": nn.LogSigmoid,
    "identity": nn.Identity,
}
"""Name -> torch's activation of a number, with its defaults; ``identity`` makes a deep linear network."""


def scaled(channels: int, width: float) -> int:
    """Return `channels` times the width multiplier, rounded, at least 1."""
    return max(1, round(channels * width))


class Noise(nn.Module):
    """In training a <- s a + m, noise whose moments are drawn anew each time; in evaluation nothing.

    After Santurkar et al. (2018, arXiv:1805.11604). For each unit (a channel at a pixel) a mean from
    U(-shift, shift) and a factor from U(1, scale) are drawn, then for each sample and unit m from
    U(mean - spread, mean + spread) and s from N(factor, spread^2). Numbers are of torch's global generator.
    """

    def __init__(self, shift: float, scale: float, spread: float) -> None:
        super().__init__()
        self.shift, self.scale, self.spread = shift, scale, spread

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs (n, units, …) with noise."""
        if not self.training:
            return inputs
        unit = inputs[:1]
        mean = self.shift * (2 * torch.rand_like(unit) - 1)
        factor = 1 + (self.scale - 1) * torch.rand_like(unit)
        m = mean + self.spread * (2 * torch.rand_like(inputs) - 1)
        return (factor + self.spread * torch.randn_like(inputs)) * inputs + m


@dataclass(frozen=True)
class Normalization:
    """Makes the layer that follows (in pre-activation networks: precedes) a hidden convolution or linear one.

    - ``batch``: over the batch (Ioffe & Szegedy 2015).
    - ``layer``: over all features of a sample (Ba, Kiros & Hinton 2016); on maps, over channels and pixels
      together.
    - ``group``: over groups of channels of a sample (Wu & He 2018), as many as the largest divisor of the
      channels that is at most `groups`.
    - ``instance``: over the pixels of each channel of a sample (Ulyanov, Vedaldi & Lempitsky 2016), without
      running statistics. It exists on maps alone: where a channel is a single number (the fully connected
      layers behind a convolutional part, and maps that have shrunk to one pixel) it would return zeros, and
      ``layer`` stands in.
    - ``noisy_batch``: over the batch, then `Noise` (Santurkar et al. 2018); ``noise``: that alone.
    - ``none``: nothing.

    A group of a single number would be normalized to zero whatever it was, so groups keep at least two, and a
    vector of one feature is refused.
    """

    name: Literal["none", "batch", "layer", "group", "instance", "noisy_batch", "noise"]
    groups: int = 8
    shift: float = 0.5
    scale: float = 1.25
    spread: float = 0.1

    @property
    def needs_bias(self) -> bool:
        """Whether a convolution needs a bias, no normalization layer being there to shift its output."""
        return self.name in ("none", "noise")

    def maps(self, channels: int, *, one_pixel: bool = False) -> nn.Module:
        """Return the layer for maps (n, channels, height, width); `one_pixel` means height = width = 1."""
        if self.name == "batch":
            return nn.BatchNorm2d(channels)
        if self.name == "noisy_batch":
            return nn.Sequential(nn.BatchNorm2d(channels), self._noise())
        if self.name == "noise":
            return self._noise()
        if self.name == "none":
            return nn.Identity()
        if self.name == "instance" and not one_pixel:
            return nn.InstanceNorm2d(channels, affine=True)
        if one_pixel:
            self._refuse_single(channels)
        return nn.GroupNorm(self._group_count(channels, smallest_group=2 if one_pixel else 1), channels)

    def vectors(self, features: int) -> nn.Module:
        """Return the layer for vectors (n, features).

        Raises:
            LandscapeError: a sample would be normalized over a single number.
        """
        if self.name == "batch":
            return nn.BatchNorm1d(features)
        if self.name == "noisy_batch":
            return nn.Sequential(nn.BatchNorm1d(features), self._noise())
        if self.name == "noise":
            return self._noise()
        if self.name == "none":
            return nn.Identity()
        self._refuse_single(features)
        if self.name == "group":
            return nn.GroupNorm(self._group_count(features, smallest_group=2), features)
        return nn.LayerNorm(features)

    def _noise(self) -> "Noise":
        return Noise(self.shift, self.scale, self.spread)

    def _group_count(self, channels: int, smallest_group: int) -> int:
        """Return the largest divisor of `channels` up to `groups` that leaves the groups large enough."""
        if self.name != "group":
            return 1
        most = max(1, min(self.groups, channels // smallest_group))
        return next(count for count in range(most, 0, -1) if channels % count == 0)

    def _refuse_single(self, features: int) -> None:
        if features < 2:
            raise LandscapeError(
                f"normalization={self.name} over a single feature always gives 0;"
                " make the layers wider or choose batch or none"
            )
