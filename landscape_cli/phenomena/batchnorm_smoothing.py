"""How smooth the loss is along its gradient, with BatchNorm and without (Santurkar et al. 2018)."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cosine_similarity

from landscape_cli.arrays import Array
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity

Loss = Callable[[Sequence[Tensor]], Tensor]
"""The tensors of a point -> the loss there, a scalar that torch differentiates."""


class AlongGradient(NamedTuple):
    """What is met along the negative gradient g from a point theta.

    Attributes:
        loss_range: the largest loss less the smallest, that of theta among them.
        gradient_change: the largest ||g(theta) - g(theta - step g)||.
        beta: the largest of this over the distance ||step g||: theta's effective smoothness.
    """

    loss_range: float
    gradient_change: float
    beta: float


def bn_smoothing(lab: Lab, *, plain: str, batch: str, multiples: Sequence[float], batches: int) -> Measured:
    """Measure the loss along the gradient in training, and how far earlier layers turn a layer's gradient.

    Losses and gradients are those of batches in training mode, such as a step is taken with.

    Args:
        lab: has the runs, with a checkpoint of each epoch.
        plain: the run without normalization.
        batch: that with BatchNorm.
        multiples: of the run's learning rate: the steps along the gradient.
        batches: at each checkpoint, drawn anew and the same for both runs.
    """
    found = by_quantity({run: _over_training(lab, run, multiples, batches) for run in (plain, batch)})
    median = {name: {run: np.nanmedian(each) for run, each in runs.items()} for name, runs in found.items()}
    cosine = median.pop("cosine")
    return {
        **{f"{name}_batch_over_plain": both[batch] / both[plain] for name, both in median.items()},
        "cosine_batch_minus_plain": cosine[batch] - cosine[plain],
        "median": {**median, "cosine": cosine},
        **{name: {run: np.median(one, axis=1) for run, one in runs.items()} for name, runs in found.items()},
        "train_loss": {run: lab.metrics(run)["train_loss"] for run in (plain, batch)},
    }


def _over_training(lab: Lab, run: str, multiples: Sequence[float], batches: int) -> dict[str, Array]:
    """Return each measure at each epoch and batch, (epochs + 1, batches); NaN where training had diverged."""
    config, split, random = lab.runs[run].config, lab.data(run).train, lab.random("batches")
    rate = float(config["optimizer"]["lr"])
    shape = (int(config["epochs"]) + 1, batches)
    found = {name: np.full(shape, np.nan) for name in (*AlongGradient._fields, "cosine")}
    for epoch in np.flatnonzero(np.isfinite(lab.metrics(run)["train_loss"])):
        model = lab.network(run, int(epoch)).train()
        point, layers = [one.detach() for one in model.parameters()], weights_of_layers(model)
        for number in range(batches):
            rows = torch.from_numpy(random.choice(len(split), int(config["batch_size"]), replace=False))
            rows = rows.to(split.inputs.device)
            loss = _loss_of(model, lab.loss(run), split.inputs[rows], split.targets[rows])
            measured = along_gradient(loss, point, [rate * each for each in multiples])
            for name, value in measured._asdict().items():
                found[name][epoch, number] = value
            found["cosine"][epoch, number] = np.mean(shift_cosines(loss, point, layers, rate))
    return found


def _loss_of(model: nn.Module, name: str, inputs: Tensor, targets: Tensor) -> Loss:
    names = [each for each, _ in model.named_parameters()]

    def loss(point: Sequence[Tensor]) -> Tensor:
        outputs = functional_call(model, dict(zip(names, point, strict=True)), (inputs,))
        return per_sample_loss(name, outputs, targets).mean()

    return loss


def weights_of_layers(model: nn.Module) -> list[int]:
    """Return the places among the parameters of the weights of convolutions and linear layers, in order.

    What stands between two of them, biases and a normalization's gains, belongs to the first's layer.
    """
    return [place for place, one in enumerate(model.parameters()) if one.ndim > 1]


def along_gradient(loss: Loss, point: Sequence[Tensor], steps: Sequence[float]) -> AlongGradient:
    """Measure a loss at ``point - step * gradient`` for each step; all is infinite where one is not finite.

    Args:
        loss: of the tensors of a point.
        point: theta.
        steps: positive step sizes.
    """
    at_point, gradient = _loss_and_gradient(loss, point)
    length = _norm(gradient)
    losses, changes = [at_point], []
    for step in steps:
        there = [one - step * slope for one, slope in zip(point, gradient, strict=True)]
        value, moved = _loss_and_gradient(loss, there)
        losses.append(value)
        changes.append(_norm([after - slope for after, slope in zip(moved, gradient, strict=True)]))
    if not np.isfinite([*losses, *changes]).all():
        return AlongGradient(np.inf, np.inf, np.inf)
    beta = max(change / (step * length) for change, step in zip(changes, steps, strict=True))
    return AlongGradient(max(losses) - min(losses), max(changes), beta)


def shift_cosines(loss: Loss, point: Sequence[Tensor], layers: Sequence[int], rate: float) -> list[float]:
    """Return how little each layer's gradient is turned by the step of the layers before (section 2.2 there).

    It is the cosine of the gradients by the layer's weights at theta and where all tensors before them have
    moved by ``-rate * gradient``, for each layer but the first, which has none before.

    Args:
        loss: of the tensors of a point.
        point: theta, its tensors in the order of the layers.
        layers: the places of the layers' weights among them.
        rate: of the step.
    """
    _, gradient = _loss_and_gradient(loss, point)
    moved = [one - rate * slope for one, slope in zip(point, gradient, strict=True)]
    cosines = []
    for place in layers[1:]:
        _, after = _loss_and_gradient(loss, [*moved[:place], *point[place:]])
        cosines.append(float(cosine_similarity(gradient[place].flatten(), after[place].flatten(), dim=0)))
    return cosines


def _loss_and_gradient(loss: Loss, point: Sequence[Tensor]) -> tuple[float, list[Tensor]]:
    leaves = [one.detach().requires_grad_() for one in point]
    value = loss(leaves)
    return float(value.detach()), list(torch.autograd.grad(value, leaves))


def _norm(tensors: Sequence[Tensor]) -> float:
    return float(torch.cat([one.flatten() for one in tensors]).norm())


def draw_bn_smoothing(
    seeds: Sequence[Measured], *, names: Mapping[str, str], measures: Mapping[str, str], cosine: str
) -> dict[str, Figure]:
    """Draw each measure over the epochs, the median over batches.

    Args:
        seeds: what was measured.
        names: run -> its label.
        measures: measure along the gradient -> the label of its axis.
        cosine: the label of the cosine's axis.
    """

    def curves(quantity: str) -> list[Series]:
        found = across(seeds, quantity)
        return [Series(label, np.arange(found[run].shape[1]), found[run]) for run, label in names.items()]

    smooth = [Panel("", "epoch", label, curves(name), log="y") for name, label in measures.items()]
    return {
        "smoothness": draw_panels(smooth),
        "covariate_shift": draw_panels([Panel("", "epoch", cosine, curves("cosine"))]),
    }
