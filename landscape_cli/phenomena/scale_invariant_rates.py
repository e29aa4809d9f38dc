"""Weight decay as a learning rate that grows, where weights are scale-invariant (Li and Arora 2020).

The weights are of layers without biases, each followed by (z - mean) / deviation over the batch, without an
eps and without gains; the last layer is not trained. So no length of a trained weight changes the outputs.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across


class Path(NamedTuple):
    """A training, seen at k steps.

    Attributes:
        outputs: on the test samples, normalized as one batch, each (n, classes); k of them.
        norms: of all trained weights, (k,).
        loss: of the batches, at all steps.
    """

    outputs: list[Tensor]
    norms: Array
    loss: Array


def exponential_lr(
    lab: Lab,
    *,
    run: str,
    widths: list[int],
    rate: float,
    momentum: float,
    decay: float,
    batch: int,
    steps: int,
    every: int,
    trained: Mapping[str, str],
    published: Mapping[str, float],
) -> Measured:
    """Measure SGD with weight decay beside SGD without it, at a learning rate that grows exponentially.

    Args:
        lab: a run with the data; its network is not used.
        run: its name.
        widths: of the hidden layers.
        rate: the learning rate eta of the first.
        momentum: gamma.
        decay: lambda.
        batch: samples a step.
        steps: how many.
        every: steps between two looks.
        trained: ``decay`` and ``growth``, runs of the same with BatchNorm as it is (its eps and running
            moments) and momentum from zero, the second with ``schedule=exponential``.
        published: ``rate``, ``momentum``, ``decay`` and ``steps`` of an epoch, whose ``growth`` is known.
    """
    data, random = lab.data(run), torch.Generator().manual_seed(int(lab.random("weights").randint(2**31)))
    sizes = [data.train.inputs[0].numel(), *widths, data.classes]
    weights = [
        torch.randn(out, into, dtype=torch.float64, generator=random) * math.sqrt(2 / into)
        for into, out in pairwise(sizes)
    ]
    inputs, test = (split.inputs.flatten(1).double().cpu() for split in (data.train, data.test))
    targets, test_targets = data.train.targets.cpu(), data.test.targets.cpu()
    order = lab.random("order")
    rows = [torch.from_numpy(order.permutation(len(inputs))[:batch]) for _ in range(steps)]
    batches = [(inputs[each], targets[each]) for each in rows]
    alpha = shrinkage(rate, momentum, decay)
    growing = [rate * alpha ** (-2 * t - 1) for t in range(steps)]
    first = -(1 - alpha) / (rate * alpha)
    paths = {
        "decay": descend(weights, batches, test, [rate] * steps, momentum, decay, 0.0, every),
        "growth": descend(weights, batches, test, growing, momentum, 0.0, first, every),
        "zero": descend(weights, batches, test, growing, momentum, 0.0, 0.0, every),
    }
    seen = np.arange(every, steps + 1, every)
    accuracy = {
        name: 100 * float((path.outputs[-1].argmax(1) == test_targets).double().mean())
        for name, path in paths.items()
    }
    ends = {name: 100 * lab.metrics(each)["test_accuracy"][-1] for name, each in trained.items()}
    per_epoch = shrinkage(published["rate"], published["momentum"], published["decay"])
    return {
        "outputs_off": _apart(paths["growth"], paths["decay"]).max(),
        "zero_outputs_off": _apart(paths["zero"], paths["decay"]).max(),
        "norm_off": np.abs(paths["growth"].norms * alpha**seen / paths["decay"].norms - 1).max(),
        "norm_straightness": {
            name: np.corrcoef(seen[which], np.log(paths["growth"].norms[which]))[0, 1] ** 2
            for name, which in {"all steps": seen > 0, "the second half": seen > steps / 2}.items()
        },
        "norm_growth": paths["growth"].norms[-1] / paths["growth"].norms[0],
        "rate_growth": growing[-1] / growing[0],
        "accuracy_off": abs(accuracy["growth"] - accuracy["decay"]),
        "trained_rate_off": _rate_off(lab, trained, len(inputs)),
        "trained_accuracy_off": abs(ends["growth"] - ends["decay"]),
        "published_growth_off": abs(per_epoch ** (-2 * published["steps"]) / published["growth"] - 1),
        "last_loss": paths["decay"].loss[-every:].mean(),
        "accuracy": accuracy,
        "seen": seen,
        "apart": {name: _apart(paths[name], paths["decay"]) for name in ("growth", "zero")},
        "norms": {name: path.norms for name, path in paths.items()},
        "trained_accuracy": ends,
        "trained_loss": {name: lab.metrics(each)["train_loss"] for name, each in trained.items()},
    }


def _rate_off(lab: Lab, trained: Mapping[str, str], samples: int) -> float:
    """Return the relative difference of a run's growing rate from the theorem's: the first, or its growth."""
    decay, growth = (lab.runs[trained[name]].config for name in ("decay", "growth"))
    constant = decay["optimizer"]
    alpha = shrinkage(constant["lr"], constant["momentum"], constant["weight_decay"])
    batches = math.ceil(samples / int(growth["batch_size"]))
    first = growth["optimizer"]["lr"] * alpha / constant["lr"]
    return float(max(abs(first - 1), abs(growth["schedule"]["gamma"] * alpha ** (2 * batches) - 1)))


def shrinkage(rate: float, momentum: float, decay: float) -> float:
    """Return alpha, the larger root of x^2 - (1 + gamma - lambda eta) x + gamma = 0.

    Raises:
        LandscapeError: the roots are not real.
    """
    middle = 1 + momentum - decay * rate
    square = middle**2 - 4 * momentum
    if square < 0:
        raise LandscapeError(
            f"decay times learning rate of {decay * rate:g} has no equivalent at a momentum of {momentum:g};"
            f" it must be at most (1 - sqrt(momentum))^2 = {(1 - math.sqrt(momentum)) ** 2:g}"
        )
    return (middle + math.sqrt(square)) / 2


def descend(
    weights: Sequence[Tensor],
    batches: Sequence[tuple[Tensor, Tensor]],
    test: Tensor,
    rates: Sequence[float],
    momentum: float,
    decay: float,
    start: float,
    every: int,
) -> Path:
    """Return the path of v <- gamma v + g + lambda w, w <- w - eta v on all layers but the last.

    Args:
        weights: where to start, each (out, in); left as they are.
        batches: inputs and targets of each step.
        test: samples on which outputs are seen.
        rates: eta of each step.
        momentum: gamma.
        decay: lambda.
        start: v is at first this multiple of w.
        every: steps between two looks.
    """
    *trained, last = (each.clone() for each in weights)
    velocities = [start * each for each in trained]
    outputs, norms, losses = [], [], []
    for step, ((inputs, targets), rate) in enumerate(zip(batches, rates, strict=True), start=1):
        leaves = [each.requires_grad_() for each in trained]
        loss = functional.cross_entropy(forward([*leaves, last], inputs), targets)
        gradients = torch.autograd.grad(loss, leaves)
        trained = [each.detach() for each in leaves]
        for weight, velocity, gradient in zip(trained, velocities, gradients, strict=True):
            velocity.mul_(momentum).add_(gradient + decay * weight)
            weight.sub_(rate * velocity)
        losses.append(float(loss.detach()))
        if step % every == 0:
            outputs.append(forward([*trained, last], test))
            norms.append(math.sqrt(sum(float(each.square().sum()) for each in trained)))
    return Path(outputs, np.array(norms), np.array(losses))


def forward(weights: Sequence[Tensor], inputs: Tensor) -> Tensor:
    """Return the outputs (n, classes) on a batch, which is normalized after each layer but the last."""
    for weight in weights[:-1]:
        z = inputs @ weight.T
        inputs = ((z - z.mean(0)) / z.std(0, correction=0)).relu()
    return inputs @ weights[-1].T


def _apart(one: Path, other: Path) -> Array:
    """Return the largest difference of the outputs at each look, (k,)."""
    return np.array([float((a - b).abs().max()) for a, b in zip(one.outputs, other.outputs, strict=True)])


def draw_exponential_lr(
    seeds: Sequence[Measured], *, apart: Mapping[str, str], norms: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw how far outputs are apart, the norms of the weights, and the losses of the runs."""
    labels = list(dict.fromkeys([*norms.values(), *apart.values()]))
    steps, epochs = seeds[0]["seen"], np.arange(float(len(seeds[0]["trained_loss"]["decay"])))

    def curves(quantity: str, names: Mapping[str, str], x: Array) -> list[Series]:
        found = across(seeds, quantity)
        return [Series(label, x, found[name], look=labels.index(label)) for name, label in names.items()]

    return {
        "equivalence": draw_panels(
            [
                Panel("Outputs", "step", "largest difference", curves("apart", apart, steps), log="y"),
                Panel("Weights", "step", "norm of the weights", curves("norms", norms, steps), log="y"),
                Panel(
                    "Two runs",
                    "epoch",
                    "training loss (nats)",
                    curves("trained_loss", norms, epochs),
                    log="y",
                ),
            ]
        )
    }
