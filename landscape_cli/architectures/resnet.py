"""Residual networks for small images (He et al. 2016a) in the variant of Li et al. 2018."""

import torch.nn.functional as F
from torch import Tensor, nn

from landscape_cli.architectures.layers import Normalization, scaled


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, each normalized; the shortcut, if any, is added before the last ReLU.

    Where the shape changes the shortcut is a normalized 1x1 convolution, elsewhere the identity.
    """

    def __init__(
        self, channels_in: int, channels: int, normalization: Normalization, *, stride: int, skip: bool
    ) -> None:
        super().__init__()
        bias = normalization.needs_bias
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=bias)
        self.norm1 = normalization.maps(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.norm2 = normalization.maps(channels)
        self.shortcut: nn.Module | None = None
        if skip and (stride != 1 or channels_in != channels):
            projection = nn.Conv2d(channels_in, channels, 1, stride=stride, bias=bias)
            self.shortcut = nn.Sequential(projection, normalization.maps(channels))
        elif skip:
            self.shortcut = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return maps (n, channels, height / stride, width / stride)."""
        out = F.relu(self.norm1(self.conv1(x)), inplace=True)
        out = self.norm2(self.conv2(out))
        if self.shortcut is not None:
            out = out + self.shortcut(x)
        return F.relu(out, inplace=True)


class ResNet(nn.Module):
    """A residual network of 6n + 2 layers: three stages of n blocks of 16, 32 and 64 channels times `width`.

    Differs from He et al. 2016a as Li et al. 2018 do: shortcuts are 1x1 projections where the shape changes,
    the stem is widened with the rest, and `skip=False` leaves out all shortcuts, the projections too.
    Parameters for colour images and 10 classes: 272,474 with 20 layers, 855,770 with 56 and 853,018 of these
    without shortcuts.

    Args:
        channels: of the images, whose size is free.
        classes: number of outputs.
        normalization: after each convolution.
        depth: 6n + 2.
        width: multiplies the channels of all stages and the stem.
        skip: whether there are shortcuts.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        normalization: Normalization,
        *,
        depth: int,
        width: float,
        skip: bool,
    ) -> None:
        super().__init__()
        widths = [scaled(base, width) for base in (16, 32, 64)]
        self.stem = nn.Sequential(
            nn.Conv2d(channels, widths[0], 3, padding=1, bias=normalization.needs_bias),
            normalization.maps(widths[0]),
            nn.ReLU(inplace=True),
        )
        self.stages = nn.Sequential()
        channels_in = widths[0]
        for index, width_out in enumerate(widths):
            stage = nn.Sequential()
            for block in range((depth - 2) // 6):
                stride = 2 if index > 0 and block == 0 else 1
                stage.append(BasicBlock(channels_in, width_out, normalization, stride=stride, skip=skip))
                channels_in = width_out
            self.stages.append(stage)
        self.classifier = nn.Linear(channels_in, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (n, classes) for images (n, channels, height, width)."""
        outputs: Tensor = self.classifier(self.stages(self.stem(x)).mean(dim=(2, 3)))
        return outputs
