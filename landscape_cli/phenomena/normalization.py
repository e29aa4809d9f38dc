"""What normalization layers compute: over a batch, over a sample, over groups of channels, over weights."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from landscape_cli.architectures.layers import Normalization
from landscape_cli.arrays import Array
from landscape_cli.measures import relative_distance
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across


def batchnorm(
    lab: Lab, *, batch: int, features: int, eps: float, plain: str, plain_fast: str, normalized: str
) -> Measured:
    """Measure BatchNorm's gradient, its two modes, and the learning rates at which networks train.

    Args:
        lab: has the runs.
        batch: samples B of the layer alone.
        features: of the layer alone.
        eps: what is added to the variance.
        plain: the run without normalization.
        plain_fast: likewise, at ten times the learning rate.
        normalized: the run with BatchNorm at that learning rate.
    """
    random = lab.random("layer")
    inputs, above = random.standard_normal((2, batch, features)) * [[[3.0]], [[1.0]]] + [[[2.0]], [[0.0]]]
    z = torch.from_numpy(inputs).requires_grad_()
    layer = nn.BatchNorm1d(features, eps=eps, affine=False).double()
    (by_autograd,) = torch.autograd.grad((layer(z) * torch.from_numpy(above)).sum(), z)
    running = np.array([layer.state_dict()[name].numpy() for name in ("running_mean", "running_var")])
    formula = np.array([0.1 * inputs.mean(0), 0.9 + 0.1 * inputs.var(0, ddof=1)])
    losses = {
        run: np.where(np.isfinite(column), column, np.inf)
        for run in (plain, plain_fast, normalized)
        for column in [lab.metrics(run)["train_loss"]]
    }
    return {
        "gradient_off": relative_distance(batchnorm_gradient(inputs, above, eps), by_autograd.numpy()),
        "slide_gradient_off": relative_distance(
            batchnorm_gradient(inputs, above, eps, slide=True), by_autograd.numpy()
        ),
        "running_off": np.abs(running - formula).max(),
        **_modes(lab, normalized),
        "single_sample_refused": _refuses_one_sample(lab, normalized),
        "over_plain_fast": losses[normalized][-1] / losses[plain_fast][-1],
        "over_plain": losses[normalized][-1] / losses[plain][-1],
        "last_loss": losses[normalized][-1],
        "loss": {run: lab.metrics(run)["train_loss"] for run in losses},
    }


def batchnorm_gradient(inputs: Array, above: Array, eps: float, *, slide: bool = False) -> Array:
    """Return the gradient by the inputs z of u = (z - mu) / sqrt(sigma^2 + eps), mu and sigma^2 of the batch.

    Args:
        inputs: z, (B, features).
        above: the gradient by u, of that shape.
        eps: see there.
        slide: with the derivative by sigma^2 of a lecture's slide, which lacks the factor z - mu in its sum.
    """
    centred, count = inputs - inputs.mean(0), len(inputs)
    deviation = np.sqrt(inputs.var(0) + eps)
    by_variance = -0.5 * deviation**-3 * (above if slide else above * centred).sum(0)
    by_mean = -above.sum(0) / deviation
    return np.asarray(above / deviation + by_variance * 2 * centred / count + by_mean / count)


def _modes(lab: Lab, run: str) -> dict[str, float]:
    """Return how the outputs of a trained network differ between modes, and between batches."""
    model, split = lab.network(run).double(), lab.data(run).train
    half = min(64, len(split) // 2)
    first, others = split.inputs[:half].double(), split.inputs[half : 2 * half].double()
    mixed = torch.cat([first[:1], others[1:]])  # the first sample, in other company
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    with torch.no_grad():
        evaluated = model(first)
        alone = float((model(mixed)[0] - evaluated[0]).abs().max())
        in_training = _in_training(model, first)
        depends = float((_in_training(model, mixed)[0] - in_training[0]).abs().max())
        _take_statistics(model, layers, first)
        taken = model(first)
    return {
        "modes_off": float((evaluated - in_training).abs().max()),
        "modes_off_same_statistics": float((taken - in_training).abs().max()),
        "batch_dependence_training": depends,
        "batch_dependence_evaluation": alone,
    }


def _in_training(model: nn.Module, inputs: Tensor) -> Tensor:
    model.train()
    outputs: Tensor = model(inputs)
    return outputs


def _take_statistics(model: nn.Module, layers: Sequence[_BatchNorm], inputs: Tensor) -> None:
    """Make running means and variances those of a batch, the variance of 1 / B, as in training mode."""

    def take(layer: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        axes, statistics = [0, *range(2, arguments[0].ndim)], layer.state_dict()
        statistics["running_mean"].copy_(arguments[0].mean(axes))
        statistics["running_var"].copy_(arguments[0].var(axes, correction=0))

    handles = [layer.register_forward_pre_hook(take) for layer in layers]
    model.eval()
    model(inputs)
    for handle in handles:
        handle.remove()


def _refuses_one_sample(lab: Lab, run: str) -> float:
    """Return 1 where a network in training mode refuses a batch of one sample, as torch's BatchNorm does."""
    model = lab.network(run).train()
    try:
        model(lab.data(run).train.inputs[:1])
    except ValueError:
        return 1.0
    return 0.0


def layer_weight_instance_group_norm(
    lab: Lab,
    *,
    runs: Sequence[str],
    samples: int,
    weighted: str,
    large: Mapping[str, str],
    small: Mapping[str, str],
) -> Measured:
    """Measure what the normalizations depend on, their identities, and what small batches cost.

    Args:
        lab: has the runs.
        runs: of networks with the normalization of that name.
        samples: of a batch.
        weighted: the run of weight normalization.
        large: normalization -> its run with large batches.
        small: likewise, with small ones.
    """
    depends = {run: _dependence(lab, run, samples) for run in runs}
    accuracy = {
        size: {name: 100 * lab.metrics(run)["test_accuracy"][-1] for name, run in chosen.items()}
        for size, chosen in (("large", large), ("small", small))
    }
    drop = {name: accuracy["large"][name] - accuracy["small"][name] for name in large}
    return {
        "batch_dependence": {run: each["batch"] for run, each in depends.items()},
        "mode_dependence": {run: each["mode"] for run, each in depends.items()},
        "group_off": _identities(lab),
        "weight_gradient_cosine": _weight_norm_cosine(lab, weighted, samples),
        "drop_batch_minus_group": drop["batch"] - drop["group"],
        "drop": drop,
        "accuracy": accuracy,
    }


def _dependence(lab: Lab, run: str, samples: int) -> dict[str, float]:
    """Return how the outputs differ between modes, and those of a sample in training mode between batches.

    Both are the largest difference over the outputs, in float64.
    """
    model, inputs = lab.network(run).double(), lab.data(run).train.inputs[: 2 * samples - 1].double()
    first, other = inputs[:samples], torch.cat([inputs[:1], inputs[samples:]])
    with torch.no_grad():
        evaluated = model(first)
        in_training = _in_training(model, first)
        elsewhere = _in_training(model, other)
    return {
        "batch": float((elsewhere[0] - in_training[0]).abs().max()),
        "mode": float((evaluated - in_training).abs().max()),
    }


def _identities(lab: Lab) -> dict[str, float]:
    """Return how far the layers are off their formulas on random maps of 8 channels, 5 x 5 pixels."""
    maps = torch.from_numpy(3 * lab.random("maps").standard_normal((4, 8, 5, 5)) + 2)

    def off(made: Normalization, axes: tuple[int, ...], shape: tuple[int, ...]) -> float:
        grouped = maps.reshape(shape)
        mean, variance = grouped.mean(axes, keepdim=True), grouped.var(axes, correction=0, keepdim=True)
        expected = ((grouped - mean) / (variance + 1e-5).sqrt()).reshape(maps.shape)
        with torch.no_grad():
            return float((made.maps(8).double()(maps) - expected).abs().max())

    return {
        "one group": off(Normalization("group", 1), (1, 2, 3), maps.shape),
        "layer": off(Normalization("layer"), (1, 2, 3), maps.shape),
        "a group a channel": off(Normalization("group", 8), (2, 3), maps.shape),
        "instance": off(Normalization("instance"), (2, 3), maps.shape),
        "two groups": off(Normalization("group", 2), (2, 3, 4), (4, 2, 4, 5, 5)),
        "batch": off(Normalization("batch"), (0, 2, 3), maps.shape),
    }


def _weight_norm_cosine(lab: Lab, run: str, samples: int) -> float:
    """Return the largest |cos| of the angle between a unit's direction v and the gradient by it."""
    model, split = lab.network(run).double(), lab.data(run).train
    outputs = model(split.inputs[:samples].double())
    nn.functional.cross_entropy(outputs, split.targets[:samples]).backward()
    directions = [one for name, one in model.named_parameters() if name.endswith("weight.original1")]
    cosines = [
        nn.functional.cosine_similarity(one.flatten(1), one.grad.flatten(1))
        for one in directions
        if one.grad is not None
    ]
    return float(torch.cat(cosines).detach().abs().max())


def draw_batchnorm(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the training losses."""
    found = across(seeds, "loss")
    curves = [Series(label, np.arange(found[run].shape[1]), found[run]) for run, label in names.items()]
    return {"losses": draw_panels([Panel("", "epoch", "training loss", curves, log="y")])}


def draw_layer_weight_instance_group_norm(
    seeds: Sequence[Measured], *, names: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw the test accuracies with large and small batches, a dot a seed."""
    points = {}
    for name, label in names.items():
        found = [across(seeds, f"accuracy/{size}/{name}") for size in ("large", "small")]
        points[label] = (np.repeat([0, 1], len(seeds)), np.concatenate(found))
    panel = Panel("", "batches", "test accuracy (%)", points=points, ticks=["large", "small"])
    return {"accuracy": draw_panels([panel])}
