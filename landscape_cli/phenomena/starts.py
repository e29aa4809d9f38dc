"""Where training starts: all weights the same, too small or too large, or other random numbers."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.architectures.init import weight_layers
from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across


def symmetry_constant_init(
    lab: Lab,
    *,
    zeros: Sequence[str],
    constants: Sequence[str],
    pairs: Mapping[str, Sequence[str]],
    rate: float,
    steps: int,
) -> Measured:
    """Measure what equal initial weights keep equal.

    In float32 sums of the same numbers in another order differ in the last bit, so the symmetry itself is
    followed in float64: gradient descent on all samples, from the initial weights of the runs.

    Args:
        lab: has the runs, of fully connected networks; biases start at 0.
        zeros: runs from weights of 0.
        constants: runs from weights that are all the same.
        pairs: activation -> runs from random and from constant weights.
        rate: learning rate of the descent in float64.
        steps: of it.
    """
    split = lab.data(zeros[0]).train
    most = float(torch.bincount(split.targets).max()) / len(split)
    descents = {run: _descent(lab, run, rate, steps) for run in constants}
    accuracy = {run: 100 * lab.metrics(run)["train_accuracy"] for run in lab.runs}
    return {
        "zero_moved": {
            run: max(float(layer.weight.detach().abs().max()) for layer in weight_layers(lab.network(run)))
            for run in zeros
        },
        "zero_off_majority": {run: abs(accuracy[run][-1] - 100 * most) for run in zeros},
        "row_spread": {run: spreads for run, (spreads, _, _) in descents.items()},
        "second_singular_value": {run: second for run, (_, second, _) in descents.items()},
        "off_one_unit": {run: off for run, (_, _, off) in descents.items()},
        "gained": {name: accuracy[random][-1] - accuracy[same][-1] for name, (random, same) in pairs.items()},
        "accuracy": accuracy,
    }


def _descent(lab: Lab, run: str, rate: float, steps: int) -> tuple[Array, Array, float]:
    """Return row spreads, (steps + 1,), second over first singular values, (layers,), and the distance of
    the outputs from those of a network with one unit a layer."""
    model, data = lab.network(run, "init").double(), lab.data(run).train
    split = Split(data.inputs.double(), data.targets)
    parameters = list(model.parameters())
    spreads = [row_spread(model)]
    for _ in range(steps):
        loss = per_sample_loss(lab.loss(run), model(split.inputs), split.targets).mean()
        with torch.no_grad():
            for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.sub_(rate * slope)
        spreads.append(row_spread(model))
    values = [torch.linalg.svdvals(layer.weight.detach()) for layer in weight_layers(model)]
    with torch.no_grad():
        outputs = model(split.inputs)
        collapsed = one_unit(model)(split.inputs)
    off = float((outputs - collapsed).abs().max() / outputs.abs().max())
    return np.array(spreads), np.array([float(each[1] / each[0]) for each in values]), off


def row_spread(model: nn.Module) -> float:
    """Return how far two units of a hidden layer differ at most in an incoming weight or the bias.

    Units of the layer that gives the outputs have different targets, and differ.
    """
    hidden = weight_layers(model)[:-1]
    return max(
        float((part.max(dim=0).values - part.min(dim=0).values).max())
        for layer in hidden
        for part in (layer.weight.detach(), _bias(layer))
    )


def one_unit(model: nn.Module) -> nn.Module:
    """Return the network of the first unit of each hidden layer, with the weights from all units summed.

    Where the units of each hidden layer are the same, it is the same function.
    """
    layers = weight_layers(model)
    parts: list[nn.Module] = []
    for part in model.children():
        if not isinstance(part, nn.Linear):
            parts.append(part)
            continue
        weight, bias = part.weight.detach(), _bias(part)
        if part is not layers[0]:
            weight = weight.sum(dim=1, keepdim=True)
        if part is not layers[-1]:
            weight, bias = weight[:1], bias[:1]
        single = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
        single.load_state_dict({"weight": weight, "bias": bias})
        parts.append(single)
    return nn.Sequential(*parts)


def _bias(layer: nn.Module) -> Tensor:
    assert isinstance(layer.bias, Tensor)
    return layer.bias.detach()


def draw_symmetry_constant_init(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the training accuracies, and how far units differ in float64."""
    accuracy, spread = across(seeds, "accuracy"), across(seeds, "row_spread")
    look = list(names)
    return {
        "symmetry": draw_panels(
            [
                Panel(
                    "Training",
                    "epoch",
                    "training accuracy (%)",
                    [
                        Series(names[run], np.arange(each.shape[1]), each, look=look.index(run))
                        for run, each in accuracy.items()
                    ],
                ),
                Panel(
                    "Units of a layer in float64",
                    "step",
                    "largest difference of two units' weights",
                    [
                        Series(names[run], np.arange(each.shape[1]), each, look=look.index(run))
                        for run, each in spread.items()
                    ],
                ),
            ]
        )
    }


def small_large_init(
    lab: Lab, *, scales: Mapping[str, float], saturated: str, layers: int, tolerance: float
) -> Measured:
    """Measure deep networks that start from N(0, sigma^2), sigma in units of He's.

    Args:
        lab: a run a scale of ReLU layers, of the same random numbers; and one of tanh at the largest scale.
        scales: run of ReLU layers -> sigma over He's, ascending, 1 among them.
        saturated: the run of tanh.
        layers: hidden ones, L.
        tolerance: a loss of ln C less this, in nats, is stuck.
    """
    first, *_ = scales
    inputs, classes = lab.data(first).train.inputs.double(), lab.data(first).classes
    deviation = {run: float(_outputs(lab, run, inputs)[-1].std()) for run in scales}
    multiples = np.array([*scales.values()])
    slope = np.polyfit(np.log(multiples), np.log([*deviation.values()]), 1)[0]
    columns = {run: lab.metrics(run) for run in scales}
    accuracy = {run: 100 * each["test_accuracy"] for run, each in columns.items()}
    last = np.array([each[-1] for each in accuracy.values()])
    loss = {run: each["train_loss"] for run, each in columns.items()}
    longest = max(map(len, loss.values()))
    return {
        "power_off": abs(slope / layers - 1),
        "steps_stuck": {
            run: columns[run]["step"][loss[run] >= math.log(classes) - tolerance].max()
            for run, scale in scales.items()
            if scale < 1
        },
        "saturated": float((_outputs(lab, saturated, inputs)[-1].abs() > 0.99).double().mean()),
        "last_loss_of_largest": loss[[*scales][-1]][-1]
        if math.isfinite(loss[[*scales][-1]][-1])
        else math.inf,
        "best_scale": multiples[last.argmax()],
        "best_minus_ends": last.max() - max(last[0], last[-1]),
        "scale": multiples,
        "deviation": [*deviation.values()],
        "accuracy": last,
        "loss": {run: np.append(each, [math.nan] * (longest - len(each))) for run, each in loss.items()},
    }


def _outputs(lab: Lab, run: str, inputs: Tensor) -> list[Tensor]:
    """Return the outputs of each activation of a fully connected network with its initial weights."""
    found, outputs = [], inputs
    with torch.no_grad():
        for part in lab.network(run, "init").double().children():
            outputs = part(outputs)
            if isinstance(part, nn.ReLU | nn.Tanh):
                found.append(outputs)
    return found


def draw_small_large_init(seeds: Sequence[Measured], *, shown: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the size of activations, test accuracies and training losses over the scale."""
    scale, loss = seeds[0]["scale"], across(seeds, "loss")
    x = "sigma, of He's"
    panels = [
        Panel(
            "Last hidden layer",
            x,
            "standard deviation",
            [Series("", scale, across(seeds, "deviation"))],
            log="xy",
        ),
        Panel("Trained", x, "test accuracy (%)", [Series("", scale, across(seeds, "accuracy"))], log="x"),
        Panel(
            "Training",
            "epoch",
            "training loss (nats)",
            [
                Series(label, np.arange(loss[run].shape[1]), loss[run], look=place)
                for place, (run, label) in enumerate(shown.items(), start=1)
            ],
            log="y",
        ),
    ]
    return {"scale": draw_panels(panels)}
