"""Activation functions: what they are, what they let through on the way down, and which units die."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.architectures.layers import ACTIVATIONS
from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.signals.layers import gradients, layers_of

Function = Callable[[Array], Array]


def leaky_relu(slope: float) -> tuple[Function, Function]:
    """Return x for x >= 0, else slope x, and its derivative."""
    return lambda x: np.where(x >= 0, x, slope * x), lambda x: np.where(x >= 0, 1.0, slope)


def elu(alpha: float) -> tuple[Function, Function]:
    """Return x for x >= 0, else alpha (e^x - 1), and its derivative."""
    return (
        lambda x: np.where(x >= 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1)),
        lambda x: np.where(x >= 0, 1.0, alpha * np.exp(np.minimum(x, 0))),
    )


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e^-x)."""
    return np.asarray(1 / (1 + np.exp(-x)))


def tanh(x: Array) -> Array:
    """Return (e^x - e^-x) / (e^x + e^-x)."""
    return np.asarray((np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)))


FORMULAS: dict[str, tuple[nn.Module, tuple[Function, Function]]] = {
    "sigmoid": (nn.Sigmoid(), (sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x)))),
    "tanh": (nn.Tanh(), (tanh, lambda x: 1 - tanh(x) ** 2)),
    "ReLU": (nn.ReLU(), (lambda x: np.maximum(0.0, x), lambda x: np.where(x > 0, 1.0, 0.0))),
    "LeakyReLU": (nn.LeakyReLU(0.1), leaky_relu(0.1)),
    "ELU": (nn.ELU(), elu(1.0)),
}
"""Name -> torch's, and the formula with its derivative."""


def activations(lab: Lab, *, reach: float, points: int, steep: float, alphas: list[float]) -> Measured:
    """Measure activations against their formulas, and deep networks of them.

    Args:
        lab: a run an activation, of many layers; gradients are those of their initial weights.
        reach: formulas are compared on [-reach, reach].
        points: of this interval, none of them 0.
        steep: a slope above 1, with which LeakyReLU is not max(slope x, x).
        alphas: of ELU, whose derivative below 0 is compared with alpha.
    """
    x = np.linspace(-reach, reach, points)
    off = {}
    for name, (module, formulas) in FORMULAS.items():
        for of, found, formula in zip(("value", "derivative"), _by_torch(module, x), formulas, strict=True):
            off[f"{name}, {of}"] = np.abs(found - formula(x)).max()
    below = np.array([-1e-9])
    networks = {name: _of_network(lab, name) for name in lab.runs}
    return {
        "off_formula": off,
        "elu_slope_off": [abs(_by_torch(nn.ELU(alpha), below)[1][0] - alpha) for alpha in alphas],
        "off_max": {
            f"{slope:g}": np.abs(_by_torch(nn.LeakyReLU(slope), x)[0] - np.maximum(slope * x, x)).max()
            for slope in (0.1, steep)
        },
        "gradient_ratio": {name: each[0] / each[-1] for name, (each, _) in networks.items()},
        "dead": {name: dead for name, (_, dead) in networks.items()},
        "x": x,
        "values": {name: formulas[0](x) for name, (_, formulas) in FORMULAS.items()},
        "gradient": {name: each for name, (each, _) in networks.items()},
        "loss": {name: lab.metrics(name)["train_loss"] for name in lab.runs},
    }


def _by_torch(module: nn.Module, x: Array) -> tuple[Array, Array]:
    """Return torch's values and derivatives."""
    inputs = torch.from_numpy(x).requires_grad_()
    outputs = module(inputs)
    (slopes,) = torch.autograd.grad(outputs.sum(), inputs)
    return outputs.detach().numpy(), slopes.numpy()


def _of_network(lab: Lab, run: str) -> tuple[Array, float]:
    """Return the norms of the gradients by the initial weights of each layer, and the trained dead units."""
    start, split = lab.network(run, "init").double(), lab.data(run).train
    inputs = split.inputs.double()
    found = gradients(start, layers_of(start), Split(inputs, split.targets), lab.loss(run), len(split))
    return np.array([each["norm"] for each in found.values()]), dead_units(lab.network(run).double(), inputs)


def dead_units(model: nn.Module, inputs: Tensor) -> float:
    """Return the share of units whose activation has a derivative of 0 at every sample.

    Args:
        model: its activations are those of `landscape_cli.architectures.layers`, on vectors.
        inputs: of all samples.
    """
    modules = [module for module in model.modules() if isinstance(module, tuple(ACTIVATIONS.values()))]
    before: dict[int, Tensor] = {}
    handles = [
        module.register_forward_pre_hook(lambda _, args, place=place: before.__setitem__(place, args[0]))
        for place, module in enumerate(modules)
    ]
    with torch.no_grad():
        model(inputs)
    for handle in handles:
        handle.remove()
    dead = []
    for place, module in enumerate(modules):
        at = before[place].detach().requires_grad_()
        (slopes,) = torch.autograd.grad(module(at).sum(), at)
        dead.append((slopes == 0).all(dim=0))
    return float(torch.cat(dead).double().mean())


def draw_activations(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the functions, the gradients of deep networks of them, and their training."""
    x, values = seeds[0]["x"], seeds[0]["values"]
    look = list(names.values())

    def over(quantity: str, first: int) -> list[Series]:
        return [
            Series(names[run], np.arange(first, first + each.shape[1]), each, look=look.index(names[run]))
            for run, each in across(seeds, quantity).items()
        ]

    return {
        "activations": draw_panels(
            [
                Panel(
                    "Functions",
                    "x",
                    "output",
                    [Series(label, x, values[label], look=look.index(label)) for label in look],
                    limits=(-1.5, 3.0),
                ),
                Panel(
                    "Initial weights",
                    "layer",
                    "norm of the gradient by its weights",
                    over("gradient", 1),
                    log="y",
                ),
                Panel("Training", "epoch", "training loss (nats)", over("loss", 0), log="y"),
            ]
        )
    }
