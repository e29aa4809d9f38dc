"""VGG networks (Simonyan & Zisserman 2015) for small images, laid out as in Li et al. 2018."""

import math
from collections import OrderedDict

from torch import nn

from landscape_cli.architectures.layers import Normalization, scaled

# The convolutions of each stage; a stage ends with 2x2 max pooling.
STAGES: dict[int, list[list[int]]] = {
    9: [[64, 64], [128, 128], [256, 256, 256]],
    16: [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512], [512, 512, 512]],
    19: [[64, 64], [128, 128], [256] * 4, [512] * 4, [512] * 4],
}


def vgg(
    input_shape: tuple[int, int, int], classes: int, normalization: Normalization, *, depth: int, width: float
) -> nn.Sequential:
    """Return a VGG network: 3x3 convolutions with pooling, one hidden linear layer, the output.

    Convolutions and linear layers keep their biases whatever normalization follows, as in Li et al. 2018;
    2,789,706 parameters for depth 9, 32x32 colour images and 10 classes. Odd sizes are pooled upwards (28 -
    14 - 7 - 4), and once a map is a single pixel pooling is left out, so every input size works.

    Args:
        input_shape: (channels, height, width).
        classes: number of outputs.
        normalization: after each convolution and the hidden linear layer, before the ReLU.
        depth: a key of `STAGES`.
        width: multiplies the channels of all convolutions and the units of the hidden layer.
    """
    channels, *size = input_shape
    features = nn.Sequential()
    for stage in STAGES[depth]:
        one_pixel = size == [1, 1]
        for base in stage:
            channels_in, channels = channels, scaled(base, width)
            features.append(nn.Conv2d(channels_in, channels, 3, padding=1))
            features.append(normalization.maps(channels, one_pixel=one_pixel))
            features.append(nn.ReLU(inplace=True))
        if not one_pixel:
            features.append(nn.MaxPool2d(2, ceil_mode=True))
            size = [math.ceil(side / 2) for side in size]
    return nn.Sequential(
        OrderedDict(
            features=features,
            flatten=nn.Flatten(),
            hidden=nn.Sequential(
                nn.Linear(channels * math.prod(size), channels),
                normalization.vectors(channels),
                nn.ReLU(inplace=True),
            ),
            classifier=nn.Linear(channels, classes),
        )
    )
