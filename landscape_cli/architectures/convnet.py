"""Small convolutional networks."""

from collections import OrderedDict

from torch import nn

from landscape_cli.architectures.layers import ACTIVATIONS, Normalization

LENET_SIZE = 32


def cnn(
    input_shape: tuple[int, int, int],
    classes: int,
    normalization: Normalization,
    *,
    activation: str,
    dropout: float,
) -> nn.Sequential:
    """Return two 3x3 convolutions (16, 32 channels), each average-pooled, and a hidden layer of 64 units.

    105,866 parameters for 28x28 grey images and 10 classes.

    Args:
        input_shape: (channels, height, width).
        classes: number of outputs.
        normalization: after the convolutions and the hidden linear layer, before the activation.
        activation: a name in `ACTIVATIONS`.
        dropout: probability of dropping a feature where the maps have been flattened.
    """
    channels, height, width = input_shape
    activate = ACTIVATIONS[activation]

    def stage(channels_in: int, channels_out: int) -> list[nn.Module]:
        convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        return [convolution, normalization.maps(channels_out), activate(), nn.AvgPool2d(2)]

    flat = 32 * (height // 4) * (width // 4)
    return nn.Sequential(
        OrderedDict(
            features=nn.Sequential(*stage(channels, 16), *stage(16, 32)),
            flatten=nn.Flatten(),
            dropout=nn.Dropout(dropout),
            hidden=nn.Sequential(nn.Linear(flat, 64), normalization.vectors(64), activate()),
            classifier=nn.Linear(64, classes),
        )
    )


def lenet5(
    input_shape: tuple[int, int, int], classes: int, normalization: Normalization, *, activation: str
) -> nn.Sequential:
    """Return LeNet-5 (LeCun et al. 1998) with a full second convolution, average pooling, a linear output.

    61,706 parameters for grey images of at most 32x32 and 10 classes. Smaller images are padded with zeros to
    32, as LeCun did with the digits; larger ones enlarge the first linear layer.

    Args:
        input_shape: (channels, height, width).
        classes: number of outputs.
        normalization: after the convolutions and the hidden linear layers, before the activation.
        activation: a name in `ACTIVATIONS`; LeCun's is a scaled tanh.
    """
    channels, height, width = input_shape
    activate = ACTIVATIONS[activation]

    def stage(channels_in: int, channels_out: int) -> list[nn.Module]:
        return [
            nn.Conv2d(channels_in, channels_out, 5),
            normalization.maps(channels_out),
            activate(),
            nn.AvgPool2d(2),
        ]

    def hidden(features_in: int, features_out: int) -> list[nn.Module]:
        return [nn.Linear(features_in, features_out), normalization.vectors(features_out), activate()]

    def pooled(size: int) -> int:
        return ((max(size, LENET_SIZE) - 4) // 2 - 4) // 2

    flat = 16 * pooled(height) * pooled(width)
    return nn.Sequential(
        OrderedDict(
            padding=nn.ZeroPad2d(_margins(width) + _margins(height)),
            features=nn.Sequential(*stage(channels, 6), *stage(6, 16)),
            flatten=nn.Flatten(),
            hidden=nn.Sequential(*hidden(flat, 120), *hidden(120, 84)),
            classifier=nn.Linear(84, classes),
        )
    )


def _margins(size: int) -> tuple[int, int]:
    """Return how many zeros stand before and after `size` pixels to make them LENET_SIZE."""
    missing = max(0, LENET_SIZE - size)
    return missing // 2, missing - missing // 2
