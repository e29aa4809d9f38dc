"""The objective itself: what a loss is a function of, and what it is at points that are known (Merkulov)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from landscape_cli.arrays import Array
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity

CE, MSE, LI = "cross-entropy", "MSE of the outputs", "MSE of the softmax (Li et al.'s code)"
NAMES = {"cross_entropy": CE, "mse": MSE}


def nn_composition(lab: Lab) -> Measured:
    """Measure that a network is a composition of maps, and its loss a function of one flat vector.

    f = w_L o s o w_{L-1} o ... o s o w_1 (x), with w_i(h) = W_i h + b_i and s the ReLU, is computed by hand
    for fully connected networks. L(w) = 1/P sum_i l(w, x_i, y_i) has N parameters and P samples.
    """
    return by_quantity({run: _composed(lab, run) for run in lab.runs})


def _composed(lab: Lab, run: str) -> Measured:
    split, model, loss = lab.data(run).train, lab.network(run), lab.loss(run)
    before = evaluate(model, split, loss).loss
    flat = parameters_to_vector(model.parameters()).detach().clone()
    saved = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    vector_to_parameters(flat, model.parameters())
    values = {
        "parameters": flat.numel(),
        "samples": len(split),
        "change_of_a_weight": max(
            float((tensor - saved[key]).abs().max()) for key, tensor in model.state_dict().items()
        ),
        "change_of_the_loss": abs(evaluate(model, split, loss).loss - before),
    }
    if lab.runs[run].config["architecture"]["name"] != "mlp":
        return values
    outputs = composition({key: _array(part) for key, part in saved.items()}, _array(split.inputs))
    with torch.no_grad():
        direct = _array(model.double()(split.inputs.double()))
    by_hand = cross_entropy(outputs, split.targets.cpu().numpy())
    return {
        **values,
        "error_of_outputs": np.abs(outputs - direct).max() / np.abs(direct).max(),
        "error_of_the_loss": abs(by_hand - before) / before,
    }


def draw_nn_composition(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the numbers of parameters and samples."""
    parameters, samples = seeds[0]["parameters"], seeds[0]["samples"]
    places = range(len(parameters))
    panel = Panel(
        "Parameters and training samples",
        "",
        "number",
        points={
            "parameters N": (places, [*parameters.values()]),
            "training samples P": (places, [*samples.values()]),
        },
        log="y",
        ticks=[f"{run}\nN/P = {count / samples[run]:.2g}" for run, count in parameters.items()],
    )
    return {"parameters": draw_panels([panel])}


def composition(weights: Mapping[str, Array], inputs: Array) -> Array:
    """Return the outputs of a fully connected ReLU network, (n, classes), layer by layer.

    Args:
        weights: W_1, b_1, ..., W_L, b_L by parameter name, in order.
        inputs: (n, ...), flattened.
    """
    hidden = inputs.reshape(len(inputs), -1)
    matrices = [key for key in weights if key.endswith("weight")]
    for key in matrices:
        hidden = hidden @ weights[key].T + weights[key.removesuffix("weight") + "bias"]
        if key != matrices[-1]:
            hidden = np.maximum(hidden, 0.0)
    return hidden


def losses_mse_ce(lab: Lab, *, classes: Sequence[int], uniform: str) -> Measured:
    """Measure both losses where their values are known, and compare them with their formulas elsewhere.

    MSE = 1/N sum_i sum_c (f_ic - y_ic)^2 and CE = -1/N sum_i sum_c y_ic log p_ic, p = softmax(f).

    Args:
        lab: runs under both losses.
        classes: numbers C of classes for which outputs of zero are evaluated.
        uniform: the run whose weights are zero, so that its outputs are uniform.
    """
    found = by_quantity({run: _both_losses(lab, run) for run in lab.runs})
    trained = [run for run in lab.runs if run != uniform]
    return {
        "uniform_off_ln_C": {
            str(count): abs(_at_uniform_outputs(count) - math.log(count)) for count in classes
        },
        "zero_off_ln_10": abs(found["cross_entropy"][uniform] - math.log(10)),
        "zero_off_one": abs(found["mse"][uniform] - 1.0),
        **found,
        "test_accuracy": {NAMES[lab.loss(run)]: lab.metrics(run)["test_accuracy"] for run in trained},
    }


def _both_losses(lab: Lab, run: str) -> Measured:
    data, model = lab.data(run), lab.network(run)
    split, targets = data.train, data.train.targets.cpu().numpy()
    losses = {loss: evaluate(model, split, loss).loss for loss in NAMES}
    with torch.no_grad():
        outputs = model.double()(split.inputs.double())
        torch_mse = float(F.mse_loss(outputs, F.one_hot(split.targets, data.classes).double()))
    ce, mse = cross_entropy(_array(outputs), targets), squared_error(_array(outputs), targets)
    return {
        **losses,
        "error_of_cross_entropy": abs(losses["cross_entropy"] - ce) / ce,
        "error_of_mse": abs(losses["mse"] - mse) / mse,
        "torch_mse_off": abs(losses["mse"] / torch_mse / data.classes - 1.0),
    }


def draw_losses_mse_ce(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the losses of a sample, and the accuracies of networks trained under them."""
    margins = np.linspace(-6.0, 12.0, 181)
    one = Panel(
        "A sample's loss, 10 classes",
        "output of the right class, all others 0 (0: uniform)",
        "loss (nats, or squared units)",
        series=[Series(label, margins, values) for label, values in _by_margin(margins).items()],
        limits=(0.0, 7.0),
    )
    accuracy = Panel(
        "Networks trained under each",
        "epoch",
        "test accuracy (%)",
        series=[
            Series(label, range(values.shape[1]), 100 * values)
            for label, values in across(seeds, "test_accuracy").items()
        ],
    )
    return {"losses": draw_panels([one, accuracy])}


def cross_entropy(outputs: Array, targets: NDArray[Any]) -> float:
    """Return -1/N sum_i sum_c y_ic log p_ic of outputs (n, classes) and class numbers (n,), in nats."""
    one_hot = np.eye(outputs.shape[1])[targets]
    return float(-(one_hot * np.log(_softmax(outputs))).sum() / len(outputs))


def squared_error(outputs: Array, targets: NDArray[Any]) -> float:
    """Return 1/N sum_i sum_c (f_ic - y_ic)^2 of outputs (n, classes) and class numbers (n,)."""
    one_hot = np.eye(outputs.shape[1])[targets]
    return float(((outputs - one_hot) ** 2).sum() / len(outputs))


def _by_margin(margins: Array) -> dict[str, Array]:
    """Return the losses of a sample of ten classes whose right output is a margin above the others, all 0."""
    outputs = np.zeros((len(margins), 10))
    outputs[:, 0] = margins
    p = _softmax(outputs)
    return {
        CE: -np.log(p[:, 0]),
        MSE: (outputs[:, 0] - 1) ** 2,
        LI: (p[:, 0] - 1) ** 2 + (p[:, 1:] ** 2).sum(axis=1),
    }


def _at_uniform_outputs(classes: int) -> float:
    """Return the cross-entropy of outputs that are all zero."""
    outputs, targets = torch.zeros(classes, classes), torch.arange(classes)
    return float(per_sample_loss("cross_entropy", outputs, targets).double().mean())


def _softmax(outputs: Array) -> Array:
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _array(tensor: Tensor) -> Array:
    return tensor.detach().cpu().double().numpy()
