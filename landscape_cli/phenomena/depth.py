"""Gradients through many layers: products of matrices that shrink or grow, and what is done against it."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.arrays import Array
from landscape_cli.measures import relative_distance
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.signals.sizes import sizes

Layer = Callable[[nn.Linear], nn.Module]
"""A linear layer -> what it becomes a part of."""


class Residual(nn.Module):
    """x + f(x)."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        """Return x + f(x), of the shape of x."""
        outputs: Tensor = inputs + self.inner(inputs)
        return outputs


def plain(activation: type[nn.Module]) -> Layer:
    """Return what makes a layer with an activation behind it."""
    return lambda linear: nn.Sequential(linear, activation())


CURES: dict[str, Layer] = {
    "residual": lambda linear: Residual(nn.Sequential(linear, nn.ReLU())),
    "BatchNorm": lambda linear: nn.Sequential(
        linear, nn.BatchNorm1d(linear.out_features).double(), nn.ReLU()
    ),
    "He's variance": plain(nn.ReLU),
}


def vanishing_exploding_gradients(
    lab: Lab, *, layers: int, width: int, samples: int, norms: list[float]
) -> Measured:
    """Measure gradients by the outputs of the layers of chains: weights are s times an orthogonal matrix.

    A ratio is of the gradient by the first layer's outputs over that by the last one's, its slope the
    logarithm divided by the layers between. Standard normal inputs, and gradients by the last outputs.

    Args:
        lab: of no runs.
        layers: of `width` units, no biases.
        width: of all layers and of the inputs.
        samples: of these.
        norms: values of s, the spectral norm; the first below 1, from which ReLU layers are cured.
    """
    low = norms[0]
    kinds: dict[str, tuple[Layer, float]] = {
        f"{name}, s = {s:g}": (plain(activation), s)
        for name, activation in (("linear", nn.Identity), ("tanh", nn.Tanh))
        for s in norms
    }
    kinds["sigmoid, s = 1"] = (plain(nn.Sigmoid), 1.0)
    kinds[f"ReLU, s = {low:g}"] = (plain(nn.ReLU), low)
    kinds |= {name: (layer, math.nan if name == "He's variance" else low) for name, layer in CURES.items()}
    random = torch.Generator().manual_seed(int(lab.random("chains").randint(2**31)))
    inputs, above = (
        torch.randn(samples, width, dtype=torch.float64, generator=random) for _ in ("inputs", "above")
    )
    down = {}
    for name, (layer, s) in kinds.items():
        parts = [layer(_linear(width, s, random)) for _ in range(layers)]
        down[name] = sizes(nn.Sequential(*parts), parts, inputs, above).down
    slope = {name: math.log(each[0] / each[-1]) / (layers - 1) for name, each in down.items()}
    factors = {name: each[:-1] / each[1:] for name, each in down.items()}
    chain = [_linear(width, s, random) for s in [math.nan] * layers]
    return {
        "off_formula": _off_formula(chain, inputs[0], above[0]),
        "off_as_written": _off_formula(chain, inputs[0], above[0], as_written=True),
        "slope": slope,
        "slope_off": {
            name: abs(slope[name] - math.log(kinds[name][1]))
            for name in kinds
            if name.startswith(("linear", "tanh"))
        },
        "ratio": {name: each[0] / each[-1] for name, each in down.items()},
        "largest_factor": {name: each.max() for name, each in factors.items()},
        "least_factor": {name: each.min() for name, each in factors.items()},
        "by_weights_off": abs(_by_weights(width, low, layers, inputs, above, random) - 1),
        "slope_left": {name: abs(slope[name] / slope[f"ReLU, s = {low:g}"]) for name in CURES},
        "gradient": down,
    }


def _linear(width: int, s: float, random: torch.Generator) -> nn.Linear:
    """Return a layer of s times an orthogonal matrix; s NaN: of variance 2 / n."""
    layer = nn.Linear(width, width, bias=False).double()
    if math.isnan(s):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=random)
    else:
        nn.init.orthogonal_(layer.weight, gain=s, generator=random)
    return layer


def _by_weights(
    width: int, s: float, layers: int, inputs: Tensor, above: Tensor, random: torch.Generator
) -> float:
    """Return the gradient by a linear chain's first weights over that by its last ones, in norm."""
    chain = nn.Sequential(*(_linear(width, s, random) for _ in range(layers)))
    found = torch.autograd.grad((chain(inputs) * above).sum(), [*chain.parameters()])
    return float(found[0].norm() / found[-1].norm())


def _off_formula(
    chain: Sequence[nn.Linear], inputs: Tensor, above: Tensor, *, as_written: bool = False
) -> float:
    """Return the largest relative distance of autograd's gradients of ReLU layers from products of matrices.

    With the diagonal A_n of the ReLUs' derivatives and the gradient v by the outputs of the last layer H,
    dJ/dW_n = (A_H W_H ... A_{n+1} W_{n+1} A_n)^T v (A_{n-1} W_{n-1} ... A_1 W_1 x)^T, for all n but the ends.

    Args:
        chain: the layers.
        inputs: x, (width,).
        above: v, (width,).
        as_written: W_{n+1} in the place of W_{n-1}, as on a slide.
    """
    network = nn.Sequential(*(part for layer in chain for part in (layer, nn.ReLU())))
    found = torch.autograd.grad((network(inputs) * above).sum(), [layer.weight for layer in chain])
    weights, signals, slopes = [layer.weight.detach() for layer in chain], [inputs], []
    for weight in weights:
        slopes.append(torch.diag((weight @ signals[-1] > 0).double()))
        signals.append(slopes[-1] @ weight @ signals[-1])
    off = []
    for n in range(1, len(chain) - 1):
        left = slopes[n]
        for after in range(n + 1, len(chain)):
            left = slopes[after] @ weights[after] @ left
        right = slopes[n - 1] @ weights[n + 1 if as_written else n - 1] @ signals[n - 1]
        off.append(relative_distance(_array(torch.outer(left.T @ above, right)), _array(found[n])))
    return max(off)


def draw_vanishing_exploding_gradients(
    seeds: Sequence[Measured], *, panels: Mapping[str, list[str]]
) -> dict[str, Figure]:
    """Draw the sizes of the gradients over the layers.

    Args:
        seeds: what was measured.
        panels: title -> the chains that it shows.
    """
    found = across(seeds, "gradient")
    labels = [name for shown in panels.values() for name in shown]
    return {
        "gradients": draw_panels(
            [
                Panel(
                    title,
                    "layer",
                    "gradient by its outputs (root mean square)",
                    [
                        Series(
                            name, np.arange(1, found[name].shape[1] + 1), found[name], look=labels.index(name)
                        )
                        for name in shown
                    ],
                    log="y",
                )
                for title, shown in panels.items()
            ]
        )
    }


def _array(tensor: Tensor) -> Array:
    return tensor.detach().cpu().double().numpy()
