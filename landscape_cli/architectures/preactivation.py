"""Pre-activation residual networks: wide (Zagoruyko & Komodakis 2016), bottlenecks (He et al. 2016b)."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from landscape_cli.architectures.layers import Normalization


class PreActivationBlock(nn.Module):
    """Convolutions, each preceded by normalization and ReLU, whose result is added to an untouched shortcut.

    Where the shape changes, the shortcut is a 1x1 convolution of the normalized and activated input, as in
    both papers' code. The first 3x3 convolution takes the stride.
    """

    def __init__(
        self,
        channels: Sequence[int],
        kernels: Sequence[int],
        normalization: Normalization,
        *,
        stride: int,
        dropout: float,
    ) -> None:
        """Make a block.

        Args:
            channels: convolution i leads from channels[i] to channels[i + 1].
            kernels: size of each convolution, 1 or 3.
            normalization: before each convolution.
            stride: how much smaller the maps become.
            dropout: probability of dropping a feature before each convolution but the first.
        """
        super().__init__()
        bias = normalization.needs_bias
        strides = [stride if index == kernels.index(3) else 1 for index in range(len(kernels))]
        self.norms = nn.ModuleList(normalization.maps(count) for count in channels[:-1])
        self.convs = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], kernel, strides[i], padding=kernel // 2, bias=bias)
            for i, kernel in enumerate(kernels)
        )
        self.projection: nn.Module | None = None
        if stride != 1 or channels[0] != channels[-1]:
            self.projection = nn.Conv2d(channels[0], channels[-1], 1, stride, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (n, channels[-1], height / stride, width / stride)."""
        # Not in place: without normalization the ReLU's input is x itself, which the shortcut still needs.
        out = F.relu(self.norms[0](x))
        shortcut = x if self.projection is None else self.projection(out)
        out = self.convs[0](out)
        for norm, conv in zip(self.norms[1:], self.convs[1:], strict=True):
            out = conv(self.dropout(F.relu(norm(out), inplace=True)))
        outputs: Tensor = shortcut + out
        return outputs


class PreActivationNet(nn.Module):
    """A 3x3 stem of 16 channels, stages of blocks, normalization, ReLU, the mean over pixels, the output.

    Args:
        channels: of the images, whose size is free.
        classes: number of outputs.
        normalization: before each convolution but the stem.
        stages: for each stage the channels that each convolution of a block gives; all stages but the first
            halve the maps.
        kernels: size of each convolution of a block, 1 or 3.
        blocks: number of blocks of each stage.
        dropout: probability of dropping a feature before each convolution of a block but the first.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        normalization: Normalization,
        *,
        stages: Sequence[Sequence[int]],
        kernels: Sequence[int],
        blocks: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, 16, 3, padding=1, bias=normalization.needs_bias)
        self.stages = nn.Sequential()
        channels_in = 16
        for index, widths in enumerate(stages):
            stage = nn.Sequential()
            for block in range(blocks):
                stride = 2 if index > 0 and block == 0 else 1
                flow = [channels_in, *widths]
                stage.append(PreActivationBlock(flow, kernels, normalization, stride=stride, dropout=dropout))
                channels_in = widths[-1]
            self.stages.append(stage)
        self.norm = normalization.maps(channels_in)
        self.classifier = nn.Linear(channels_in, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (n, classes) for images (n, channels, height, width)."""
        features = F.relu(self.norm(self.stages(self.stem(x))))
        outputs: Tensor = self.classifier(features.mean(dim=(2, 3)))
        return outputs


def wide_resnet(
    channels: int, classes: int, normalization: Normalization, *, depth: int, width: int, dropout: float
) -> PreActivationNet:
    """Return a WRN-depth-width (Zagoruyko & Komodakis 2016): depth 6n + 4, two 3x3 convolutions a block.

    The stages have 16, 32 and 64 channels times `width`, the stem 16. `dropout` acts between the two
    convolutions.
    """
    return PreActivationNet(
        channels,
        classes,
        normalization,
        stages=[[base * width] * 2 for base in (16, 32, 64)],
        kernels=[3, 3],
        blocks=(depth - 4) // 6,
        dropout=dropout,
    )


def preactivation_resnet(
    channels: int, classes: int, normalization: Normalization, *, depth: int
) -> PreActivationNet:
    """Return a pre-activation ResNet (He et al. 2016b) of depth 9n + 2, blocks of 1x1, 3x3, 1x1 kernels."""
    return PreActivationNet(
        channels,
        classes,
        normalization,
        stages=[[base, base, 4 * base] for base in (16, 32, 64)],
        kernels=[1, 3, 1],
        blocks=(depth - 2) // 9,
        dropout=0.0,
    )
