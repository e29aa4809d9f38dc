"""Densely connected networks (Huang et al. 2017) with a stem for small images."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_cli.architectures.layers import Normalization


class DenseLayer(nn.Module):
    """A 1x1 convolution to 4 * growth maps, then a 3x3 one to `growth`, each after normalization and ReLU."""

    def __init__(self, channels: int, growth: int, normalization: Normalization, *, one_pixel: bool) -> None:
        super().__init__()
        bias = normalization.needs_bias
        self.norm1 = normalization.maps(channels, one_pixel=one_pixel)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=bias)
        self.norm2 = normalization.maps(4 * growth, one_pixel=one_pixel)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (n, channels + growth, height, width)."""
        # The first ReLU is not in place: without normalization its input is x itself, which is passed on.
        out = self.conv1(F.relu(self.norm1(x)))
        out = self.conv2(F.relu(self.norm2(out), inplace=True))
        return torch.cat([x, out], dim=1)


class Transition(nn.Module):
    """Normalization, ReLU, a 1x1 convolution and 2x2 average pooling between two dense blocks."""

    def __init__(self, channels: int, channels_out: int, normalization: Normalization) -> None:
        super().__init__()
        self.norm = normalization.maps(channels)
        self.conv = nn.Conv2d(channels, channels_out, 1, bias=normalization.needs_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (n, channels_out, height // 2, width // 2)."""
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)


class DenseNet(nn.Module):
    """Dense blocks with transitions between them, after a 3x3 stem.

    DenseNet-121 has blocks of 6, 12, 24 and 16 layers and growth 32.

    Args:
        input_shape: (channels, height, width), halved (rounding down) once between two blocks.
        classes: number of outputs.
        normalization: before each convolution but the stem.
        blocks: number of layers of each dense block.
        growth: channels that each layer adds; the stem has twice as many.
        reduction: what part of the channels a transition keeps.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int],
        classes: int,
        normalization: Normalization,
        *,
        blocks: Sequence[int],
        growth: int,
        reduction: float,
    ) -> None:
        super().__init__()
        channels, *size = input_shape
        self.stem = nn.Conv2d(channels, 2 * growth, 3, padding=1, bias=normalization.needs_bias)
        self.blocks = nn.Sequential()
        channels = 2 * growth
        for index, layers in enumerate(blocks):
            if index > 0:
                reduced = int(channels * reduction)
                self.blocks.append(Transition(channels, reduced, normalization))
                channels = reduced
                size = [side // 2 for side in size]
            block = nn.Sequential()
            for _ in range(layers):
                block.append(DenseLayer(channels, growth, normalization, one_pixel=size == [1, 1]))
                channels += growth
            self.blocks.append(block)
        self.norm = normalization.maps(channels, one_pixel=size == [1, 1])
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (n, classes) for images (n, channels, height, width)."""
        outputs: Tensor = self.classifier(F.relu(self.norm(self.blocks(self.stem(x)))).mean(dim=(2, 3)))
        return outputs
