"""The objective itself: what a loss is a function of, and what it is at points that are known."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from landscape_cli.arrays import Array
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab


def nn_composition(lab: Lab) -> Findings:
    """Measure that a network is a composition of maps, and its loss a function of one flat vector.

    f = w_L o s o w_{L-1} o ... o s o w_1 (x), with w_i(h) = W_i h + b_i and s the ReLU, is computed by hand
    for fully connected networks. L(w) = 1/P sum_i l(w, x_i, y_i) has N parameters and P samples.
    """
    rows = [_composed(lab, name, seed) for name in lab.scale.runs for seed in lab.seeds]
    by_hand = [row for row in rows if row["error_of_outputs"] != ""]
    claims = [
        Claim(
            "The outputs of a fully connected network are those of its layers composed by hand, in float64",
            [row["error_of_outputs"] for row in by_hand],
            "<=",
            1e-12,
            identity=True,
            note="largest difference of an output, relative to the largest output",
        ),
        Claim(
            "Its loss is the mean over the P samples of -log softmax of the composition, computed by hand",
            [row["error_of_the_loss"] for row in by_hand],
            "<=",
            1e-6,
            identity=True,
            note="relative; the network is evaluated in single precision, the composition in double",
        ),
        Claim(
            "The weights are one flat vector: none changes on the way there and back",
            [row["largest_change_of_a_weight"] for row in rows],
            "<=",
            0.0,
            identity=True,
        ),
        Claim(
            "L(flat(theta)) = L(theta)",
            [row["change_of_the_loss"] for row in rows],
            "<=",
            0.0,
            identity=True,
        ),
    ]
    names = list(lab.scale.runs)
    first = [next(row for row in rows if row["run"] == name) for name in names]
    places = range(len(names))
    panel = Panel(
        "Parameters and training samples",
        "",
        "number",
        points={
            "parameters N": (places, [row["parameters"] for row in first]),
            "training samples P": (places, [row["samples"] for row in first]),
        },
        log="y",
        ticks=[f"{row['run']}\nN/P = {row['ratio']:.2g}" for row in first],
    )
    return Findings(claims, {"runs": rows}, {"parameters": draw_panels([panel])})


def _composed(lab: Lab, name: str, seed: int) -> Row:
    """Return N, P and N/P of a run, and by how much the identities are missed."""
    run = lab.run(name, seed)
    dataset, solution = lab.dataset(run), lab.solution(run)
    model = solution.network(dataset, trust=False).to(lab.device)
    before = evaluate(model, dataset.train, run.config["loss"]).loss
    flat = parameters_to_vector(model.parameters()).detach().clone()
    saved = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    vector_to_parameters(flat, model.parameters())
    moved = max(float((model.state_dict()[key] - saved[key]).abs().max()) for key in saved)
    after = evaluate(model, dataset.train, run.config["loss"]).loss
    by_hand: dict[str, float | str] = {"error_of_outputs": "", "error_of_the_loss": ""}
    if run.config["architecture"]["name"] == "mlp":
        weights = {key: _array(tensor) for key, tensor in saved.items()}
        outputs = composition(weights, _array(dataset.train.inputs))
        with torch.no_grad():
            direct = _array(model.double().eval()(dataset.train.inputs.double()))
        loss = cross_entropy(outputs, dataset.train.targets.cpu().numpy())
        by_hand = {
            "error_of_outputs": float(np.abs(outputs - direct).max() / np.abs(direct).max()),
            "error_of_the_loss": abs(loss - before) / before,
        }
    return {
        "run": name,
        "seed": seed,
        "parameters": flat.numel(),
        "samples": len(dataset.train),
        "ratio": flat.numel() / len(dataset.train),
        "loss": before,
        "largest_change_of_a_weight": moved,
        "change_of_the_loss": abs(after - before),
        **by_hand,
    }


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


def losses_mse_ce(lab: Lab, *, classes: Sequence[int], uniform: Sequence[str]) -> Findings:
    """Measure both losses where their values are known, and compare them with their formulas elsewhere.

    MSE = 1/N sum_i sum_c (f_ic - y_ic)^2 and CE = -1/N sum_i sum_c y_ic log p_ic, p = softmax(f).

    Args:
        lab: runs under both losses.
        classes: numbers C of classes for which outputs of zero are evaluated.
        uniform: the runs whose weights are zero, so that their outputs are uniform.
    """
    known = [_at_uniform_outputs(count) for count in classes]
    rows = [_both_losses(lab, name, seed) for name in lab.scale.runs for seed in lab.seeds]
    zero = [row for row in rows if row["run"] in uniform]
    claims = [
        Claim(
            f"Cross-entropy at uniform outputs is ln C, for C = {', '.join(map(str, classes))}",
            [abs(row["cross_entropy"] - math.log(row["classes"])) for row in known],
            "<=",
            1e-6,
            identity=True,
        ),
        Claim(
            "A network whose weights are zero has a cross-entropy of ln 10 = 2.302585 on the digits",
            [abs(row["cross_entropy"] - math.log(10)) for row in zero],
            "<=",
            1e-6,
            identity=True,
        ),
        Claim(
            "A network whose weights are zero has a squared error, summed over classes, of 1",
            [abs(row["mse"] - 1.0) for row in zero],
            "<=",
            1e-6,
            identity=True,
        ),
        Claim(
            "Cross-entropy is -1/N sum y log p, computed by hand in float64",
            [row["error_of_cross_entropy"] for row in rows],
            "<=",
            1e-6,
            identity=True,
            note="relative",
        ),
        Claim(
            "MSE is 1/N sum (f - y)^2, computed by hand in float64",
            [row["error_of_mse"] for row in rows],
            "<=",
            1e-6,
            identity=True,
            note="relative",
        ),
        Claim(
            "torch's MSELoss is that divided by the number of classes, for it averages over them too",
            [abs(row["mse"] / row["torch_mse"] / 10 - 1.0) for row in rows],
            "<=",
            1e-6,
            identity=True,
        ),
    ]
    margins = np.linspace(-6.0, 12.0, 181)
    one = Panel(
        "A sample's loss, 10 classes",
        "output of the right class, all others 0 (0: uniform)",
        "loss (nats, or squared units)",
        series=[Series(label, margins, values) for label, values in _by_margin(margins).items()],
        limits=(0.0, 7.0),
    )
    trained = [name for name in lab.scale.runs if name not in uniform]
    accuracy = Panel(
        "Networks trained under each",
        "epoch",
        "test accuracy (%)",
        series=[
            Series(
                {"cross_entropy": CE, "mse": MSE}[lab.run(name, lab.seeds[0]).config["loss"]],
                [row["epoch"] for row in lab.run(name, lab.seeds[0]).metrics()],
                [[100 * row["test_accuracy"] for row in lab.run(name, seed).metrics()] for seed in lab.seeds],
            )
            for name in trained
        ],
    )
    tables = {"runs": rows, "uniform_outputs": known}
    return Findings(claims, tables, {"losses": draw_panels([one, accuracy])})


CE, MSE, LI = "cross-entropy", "MSE of the outputs", "MSE of the softmax (Li et al.'s code)"


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


def _at_uniform_outputs(classes: int) -> Row:
    outputs, targets = torch.zeros(classes, classes), torch.arange(classes)
    return {
        "classes": classes,
        "cross_entropy": float(per_sample_loss("cross_entropy", outputs, targets).double().mean()),
        "ln_classes": math.log(classes),
        "mse": float(per_sample_loss("mse", outputs, targets).double().mean()),
    }


def _both_losses(lab: Lab, name: str, seed: int) -> Row:
    """Return every reading of the two losses for a run's last weights, on its training split."""
    run = lab.run(name, seed)
    dataset = lab.dataset(run)
    model = lab.solution(run).network(dataset, trust=False).to(lab.device)
    split = dataset.train
    ce, mse = (evaluate(model, split, loss).loss for loss in ("cross_entropy", "mse"))
    with torch.no_grad():
        outputs = model.double().eval()(split.inputs.double())
        one_hot = F.one_hot(split.targets, dataset.classes).double()
        torch_mse = float(F.mse_loss(outputs, one_hot))
        of_softmax = float(F.mse_loss(outputs.softmax(dim=1), one_hot))
    targets = split.targets.cpu().numpy()
    by_hand = cross_entropy(_array(outputs), targets), squared_error(_array(outputs), targets)
    return {
        "run": name,
        "seed": seed,
        "cross_entropy": ce,
        "mse": mse,
        "torch_mse": torch_mse,
        "torch_mse_of_the_softmax": of_softmax,
        "error_of_cross_entropy": abs(ce - by_hand[0]) / by_hand[0],
        "error_of_mse": abs(mse - by_hand[1]) / by_hand[1],
    }


def cross_entropy(outputs: Array, targets: NDArray[Any]) -> float:
    """Return -1/N sum_i sum_c y_ic log p_ic of outputs (n, classes) and class numbers (n,), in nats."""
    one_hot = np.eye(outputs.shape[1])[targets]
    return float(-(one_hot * np.log(_softmax(outputs))).sum() / len(outputs))


def squared_error(outputs: Array, targets: NDArray[Any]) -> float:
    """Return 1/N sum_i sum_c (f_ic - y_ic)^2 of outputs (n, classes) and class numbers (n,)."""
    one_hot = np.eye(outputs.shape[1])[targets]
    return float(((outputs - one_hot) ** 2).sum() / len(outputs))


def _softmax(outputs: Array) -> Array:
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _array(tensor: Tensor) -> Array:
    return tensor.detach().cpu().double().numpy()
