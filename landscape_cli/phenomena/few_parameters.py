"""Networks of which few parameters are trained: BatchNorm's alone (Frankle, Schwab and Morcos 2021)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from landscape_cli.data.batches import epoch_batches
from landscape_cli.data.load import Split
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.plots.series import Panel, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.weights.selection import selected


def bn_only_training(
    lab: Lab, *, gains: Mapping[str, str], full: str, rate: float, momentum: float, disabled: float
) -> Measured:
    """Measure networks of which BatchNorm's gains and offsets, or as many other weights, are trained.

    Args:
        lab: has the runs.
        gains: label -> the run in which BatchNorm alone was trained, of ascending depth.
        full: the run of all parameters, of the last of these networks.
        rate: of the runs' SGD; for other weights it is the same, and falls in epochs as in the run.
        momentum: likewise.
        disabled: a gain below this in size counts as one.
    """
    accuracy = {label: 100 * lab.metrics(run)["test_accuracy"][-1] for label, run in gains.items()}
    others, counts = {}, {}
    for label, run in gains.items():
        model, data = lab.network(run, "init"), lab.data(run)
        counts[label] = sum(model.get_parameter(name).numel() for name in selected(model, "normalization"))
        batch, epochs = (int(lab.runs[run].config[key]) for key in ("batch_size", "epochs"))
        factors = lab.metrics(run)["lr"]
        rates = [rate * factors[min(epoch, len(factors) - 1)] / factors[0] for epoch in range(1, epochs + 1)]
        generator = torch.Generator().manual_seed(int(lab.random(label).randint(2**31)))
        masks = random_masks(model, counts[label], generator)
        train_some(model, masks, data.train, lab.loss(run), batch, rates, momentum, generator)
        others[label] = 100 * evaluate(model.eval(), data.test, lab.loss(run)).accuracy
    deepest, chance = list(gains)[-1], 100 / lab.data(full).classes
    dead = {
        name: disabled_share(lab.network(run), disabled)
        for name, run in {"only": gains[deepest], "full": full}.items()
    }
    ordered = list(accuracy.values())
    return {
        "over_chance": {label: each / chance for label, each in accuracy.items()},
        "minus_others": {label: accuracy[label] - others[label] for label in gains},
        "gain_of_depth": ordered[-1] - ordered[0],
        "disabled_only_minus_full": dead["only"] - dead["full"],
        "disabled": dead,
        "parameters": counts,
        "accuracy": accuracy,
        "others": others,
        "full": 100 * lab.metrics(full)["test_accuracy"][-1],
    }


def random_masks(model: nn.Module, count: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Return 1 for `count` weights drawn from all but those of normalization layers, else 0, by name."""
    normalizing = set(selected(model, "normalization"))
    others = {name: one for name, one in model.named_parameters() if name not in normalizing}
    sizes = [one.numel() for one in others.values()]
    flat = torch.zeros(sum(sizes))
    flat[torch.randperm(len(flat), generator=generator)[:count]] = 1
    parts = flat.split(sizes)
    return {
        name: part.view(one.shape).to(one.device)
        for (name, one), part in zip(others.items(), parts, strict=True)
    }


def train_some(
    model: nn.Module,
    masks: Mapping[str, Tensor],
    split: Split,
    loss: str,
    batch: int,
    rates: Sequence[float],
    momentum: float,
    generator: torch.Generator,
) -> None:
    """Train the weights whose mask is 1 by SGD with momentum, in place, without weight decay.

    Args:
        model: the network.
        masks: 1 or 0 for each weight, by name; parameters without a mask stay as they are.
        split: the training samples.
        loss: its name.
        batch: samples a step.
        rates: a learning rate for each epoch.
        momentum: of the gradients that are left.
        generator: of the order of the samples.
    """
    model.train()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in masks)
        if name in masks:
            parameter.register_hook(lambda gradient, mask=masks[name]: gradient * mask)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=rates[0], momentum=momentum, fused=True)
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        for indices in epoch_batches(len(split), batch, generator):
            rows = indices.to(split.inputs.device)
            optimizer.zero_grad()
            per_sample_loss(loss, model(split.inputs[rows]), split.targets[rows]).mean().backward()
            optimizer.step()


def disabled_share(model: nn.Module, below: float) -> float:
    """Return the share of BatchNorm's gains that are smaller than `below` in size."""
    gains = [layer.weight.detach().abs() for layer in model.modules() if isinstance(layer, _BatchNorm)]
    return float((torch.cat(gains) < below).double().mean())


def draw_bn_only_training(
    seeds: Sequence[Measured], *, names: Mapping[str, str], full: str
) -> dict[str, Figure]:
    """Draw test accuracies by depth, a dot a seed."""
    depths = list(seeds[0]["accuracy"])
    points = {}
    for quantity, label in names.items():
        found = across(seeds, quantity)
        places = np.repeat(np.arange(len(depths)), len(seeds))
        points[label] = (places, np.concatenate([found[depth] for depth in depths]))
    points[full] = (np.full(len(seeds), len(depths) - 1), across(seeds, "full"))
    return {"accuracy": draw_panels([Panel("", "network", "test accuracy (%)", points=points, ticks=depths)])}
