"""BatchNorm whose outputs are shifted and scaled at random (Santurkar et al. 2018)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.arrays import Array
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured


def noisy_batchnorm(lab: Lab, *, plain: str, batch: str, noisy: str, noise: str, samples: int) -> Measured:
    """Measure the training losses with BatchNorm, noise behind it, neither, and the noise alone.

    Losses are those of training: over a batch, with its statistics and with the noise. In evaluation mode the
    running statistics are of inputs that had passed the noise, and the inputs have not.

    Args:
        lab: has the runs, with a checkpoint of each epoch.
        plain: the run without normalization.
        batch: that with BatchNorm.
        noisy: that with noise behind it.
        noise: that with the noise alone.
        samples: of the training split, at which losses and moments are measured.
    """
    found = {run: _in_training(lab, run, samples) for run in (plain, batch, noisy, noise)}
    loss = {run: each for run, (each, _) in found.items()}
    last = {run: each[-1] if np.isfinite(each[-1]) else np.inf for run, each in loss.items()}
    instability = {run: unstable(moments) for run, (_, moments) in found.items() if run != noise}
    return {
        "noisy_off_batch": abs(last[noisy] / last[batch] - 1),
        "noisy_over_plain": last[noisy] / last[plain],
        "batch_over_plain": last[batch] / last[plain],
        "instability_noisy_over_plain": instability[noisy] / instability[plain],
        "noise_over_chance": last[noise] / np.log(lab.data(noise).classes),
        "plain_over_chance": last[plain] / np.log(lab.data(plain).classes),
        "instability": instability,
        "loss": loss,
    }


def _in_training(lab: Lab, run: str, samples: int) -> tuple[Array, list[Array]]:
    """Return the loss at each epoch, (epochs + 1,), and each layer's input moments, (epochs, units, 2).

    Where training diverged the last loss is NaN, and there are no moments.
    """
    split, losses = lab.data(run).train, []
    inputs, targets = split.inputs[:samples], split.targets[:samples]
    epochs = int(lab.runs[run].config["epochs"])
    if not np.isfinite(lab.metrics(run)["train_loss"]).all():
        return lab.metrics(run)["train_loss"], []
    torch.manual_seed(lab.seed)
    moments: list[list[Array]] = []
    for epoch in range(epochs + 1):
        model = lab.network(run, epoch).train()
        with torch.no_grad():
            reached = layer_inputs(model, inputs)
            losses.append(float(per_sample_loss(lab.loss(run), reached.pop(), targets).mean()))
        moments.append([_moments(each) for each in reached[1:]])
    return np.array(losses), [np.stack(layer) for layer in zip(*moments[1:], strict=True)]


def layer_inputs(model: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Return what reaches each convolution and linear layer on the way, and the outputs, last."""
    reached: list[Tensor] = []

    def keep(_: nn.Module, given: Any) -> None:
        reached.append(given[0].detach().clone())

    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_pre_hook(keep) for layer in layers]
    outputs = model(inputs)
    for handle in handles:
        handle.remove()
    return [*reached, outputs]


def _moments(values: Tensor) -> Array:
    """Return mean and standard deviation of each unit, a channel of maps, over all else: (units, 2)."""
    axes = [0, *range(2, values.ndim)]
    return torch.stack([values.mean(axes), values.std(axes, correction=0)], dim=1).double().cpu().numpy()


def unstable(moments: Sequence[Array]) -> float:
    """Return the variance over time of the units' moments, the mean over moments, units and layers.

    Args:
        moments: of each layer, (times, units, 2).
    """
    return float(np.mean([layer.var(axis=0).mean() for layer in moments]))


def draw_noisy_batchnorm(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the training losses; a run that diverged ends where it did."""
    length = max(len(seed["loss"][run]) for seed in seeds for run in names)

    def filled(values: Array) -> Array:
        return np.concatenate([values, np.full(length - len(values), np.nan)])

    curves = [
        Series(label, np.arange(length), [filled(seed["loss"][run]) for seed in seeds])
        for run, label in names.items()
    ]
    return {"losses": draw_panels([Panel("", "epoch", "training loss", curves, log="y")])}
