"""Initial weights that keep the size of signals (Glorot and Bengio 2010, He et al. 2015)."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.signals.sizes import Sizes, sizes

Draw = Callable[[Tensor, torch.Generator], object]
"""Fills a layer's weight, (n_out, n_in) or (C_out, C_in, m, n), with random numbers."""


def xavier(weight: Tensor, random: torch.Generator) -> None:
    """Draw from U(-a, a), a = sqrt(6 / (n_in + n_out)), by torch, as ``init=xavier_uniform`` does."""
    nn.init.xavier_uniform_(weight, generator=random)


def heuristic(weight: Tensor, random: torch.Generator) -> None:
    """Draw from U(-1 / sqrt(n_in), 1 / sqrt(n_in)), of variance 1 / (3 n_in)."""
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=random)


def he(weight: Tensor, random: torch.Generator) -> None:
    """Draw from N(0, 2 / n_in), n_in = C_in m n of a kernel, by torch, as ``init=kaiming`` does."""
    nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=random)


def he_out(weight: Tensor, random: torch.Generator) -> None:
    """Draw from N(0, 2 / n_out), n_out = C_out m n of a kernel."""
    nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", generator=random)


def one_over_n(weight: Tensor, random: torch.Generator) -> None:
    """Draw from N(0, 1 / n_in), as ``init=lecun`` does."""
    nn.init.kaiming_normal_(weight, nonlinearity="linear", generator=random)


def slide(weight: Tensor, random: torch.Generator) -> None:
    """Draw from N(0, 2 / C_out): a slide's n of a convolution leaves the kernel out."""
    nn.init.normal_(weight, std=math.sqrt(2 / len(weight)), generator=random)


def xavier_init(lab: Lab, *, layers: int, width: int, samples: int, shape: list[int]) -> Measured:
    """Measure activations and gradients of deep networks under Xavier's weights and those before it.

    The ratios are of where a signal arrives over where it starts.

    Args:
        lab: of no runs.
        layers: of `width` units, no biases.
        width: of all layers and of the inputs, which are standard normal.
        samples: of them.
        shape: n_out and n_in of weights whose moments are taken.
    """
    signals = {
        "xavier": _through(lab, [(width, width)] * layers, nn.Tanh, xavier, samples),
        "heuristic": _through(lab, [(width, width)] * layers, nn.Tanh, heuristic, samples),
        "sigmoid": _through(lab, [(width, width)] * layers, nn.Sigmoid, xavier, samples),
    }
    weight, variance = torch.empty(shape, dtype=torch.float64), 2 / sum(shape)
    xavier(weight, _generator(lab, "weight"))
    return {
        "up": {name: each.up[-1] / each.up[0] for name, each in signals.items()},
        "down": {name: each.down[0] / each.down[-1] for name, each in signals.items()},
        "mean_off": abs(float(weight.mean())) / math.sqrt(variance),
        "variance_off": abs(float(weight.var()) / variance - 1),
        "activations": {name: each.up for name, each in signals.items()},
        "gradients": {name: each.down for name, each in signals.items()},
    }


def he_init(lab: Lab, *, depths: list[int], width: int, samples: int) -> Measured:
    """Measure signals of deep ReLU networks under weights of He's variance, and under half of it.

    Args:
        lab: of no runs.
        depths: numbers L of layers.
        width: of all layers and of the inputs, which are standard normal.
        samples: of them.
    """
    draws = {"he": he, "he_out": he_out, "one_over_n": one_over_n}
    found = {
        name: {
            str(depth): _through(lab, [(width, width)] * depth, nn.ReLU, draw, samples) for depth in depths
        }
        for name, draw in draws.items()
    }
    up = {name: {depth: each.up for depth, each in row.items()} for name, row in found.items()}
    down = {name: {depth: each.down for depth, each in row.items()} for name, row in found.items()}
    return {
        "he": {depth: each[-1] for depth, each in up["he"].items()},
        "one_over_n_off": {
            depth: abs(each[-1] * 2 ** (int(depth) / 2) - 1) for depth, each in up["one_over_n"].items()
        },
        "down": {depth: each[0] / each[-1] for depth, each in down["he_out"].items()},
        "activations": up,
        "gradients": down,
    }


def conv_fans(lab: Lab, *, layers: int, channels: int, pixels: int, draws: int) -> Measured:
    """Measure activations and gradients of convolutions with ReLU under the fans of a kernel, and without it.

    Padding is circular, so that all pixels are alike. Ratios are of mean squares, the mean over the draws.

    Args:
        lab: of no runs.
        layers: of 3x3 convolutions.
        channels: of each.
        pixels: of a map's side.
        draws: of weights and inputs.
    """
    kernels = [(channels, channels, 3, 3)] * layers
    drawn = {name: [] for name in ("fan_in", "fan_out", "slide")}  # type: dict[str, list[Sizes]]
    for number in range(draws):
        for name, draw in (("fan_in", he), ("fan_out", he_out), ("slide", slide)):
            drawn[name].append(_through(lab, kernels, nn.ReLU, draw, 2, pixels, purpose=f"draw {number}"))
    up = {name: np.mean([each.up**2 for each in found], axis=0) for name, found in drawn.items()}
    down = {name: np.mean([each.down**2 for each in found], axis=0) for name, found in drawn.items()}
    growth = (down["slide"][0] / down["slide"][-1]) ** (1 / (layers - 1))
    return {
        "forward_off": abs(up["fan_in"][-1] - 1),
        "backward_off": abs(down["fan_out"][0] / down["fan_out"][-1] - 1),
        "slide_growth_off": abs(growth / 9 - 1),
        "activations": {"fan_in": up["fan_in"], "slide": up["slide"]},
        "gradients": {"fan_out": down["fan_out"], "slide": down["slide"]},
    }


def _through(
    lab: Lab,
    shapes: Sequence[tuple[int, ...]],
    activation: type[nn.Module],
    draw: Draw,
    samples: int,
    pixels: int = 0,
    purpose: str = "signals",
) -> Sizes:
    """Return the sizes after each activation, over that of the inputs, and of the gradients there.

    Inputs, and the gradients by the last activations, are standard normal.
    """
    random = _generator(lab, purpose)
    parts: list[nn.Module] = []
    for shape in shapes:
        layer = (
            nn.Conv2d(shape[1], shape[0], shape[2:], padding="same", padding_mode="circular", bias=False)  # type: ignore[arg-type]
            if pixels
            else nn.Linear(shape[1], shape[0], bias=False)
        ).double()
        draw(layer.weight, random)
        parts += [layer, activation()]
    size = (pixels, pixels) if pixels else ()
    inputs, above = (
        torch.randn(samples, channels, *size, dtype=torch.float64, generator=random)
        for channels in (shapes[0][1], shapes[-1][0])
    )
    found = sizes(nn.Sequential(*parts), parts[1::2], inputs, above)
    return Sizes(found.up / float(inputs.square().mean().sqrt()), found.down)


def _generator(lab: Lab, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(int(lab.random(purpose).randint(2**31)))


def draw_xavier_init(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the sizes of activations and of gradients over the layers."""
    return {"signals": _drawn(seeds, names, names)}


def draw_he_init(
    seeds: Sequence[Measured], *, up: Mapping[str, str], down: Mapping[str, str], depth: str
) -> dict[str, Figure]:
    """Draw those of the deepest networks."""
    chosen = [
        {
            "activations": {name: seed["activations"][name][depth] for name in up},
            "gradients": {name: seed["gradients"][name][depth] for name in down},
        }
        for seed in seeds
    ]
    return {"signals": _drawn(chosen, up, down)}


def draw_conv_fans(
    seeds: Sequence[Measured], *, up: Mapping[str, str], down: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw the mean squares over the layers."""
    return {"signals": _drawn(seeds, up, down, size="mean square")}


def _drawn(
    seeds: Sequence[Any], up: Mapping[str, str], down: Mapping[str, str], size: str = "root mean square"
) -> Figure:
    labels = list(dict.fromkeys([*up.values(), *down.values()]))

    def curves(quantity: str, names: Mapping[str, str]) -> list[Series]:
        found = across(seeds, quantity)
        return [
            Series(label, np.arange(1, found[name].shape[1] + 1), found[name], look=labels.index(label))
            for name, label in names.items()
        ]

    return draw_panels(
        [
            Panel("Activations", "layer", f"{size}, of the inputs'", curves("activations", up), log="y"),
            Panel("Gradients", "layer", size, curves("gradients", down), log="y"),
        ]
    )
