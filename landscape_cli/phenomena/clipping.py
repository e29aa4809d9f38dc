"""Gradients that are cut to a largest norm (Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063, section 3.2)."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.arrays import Array
from landscape_cli.gradients.full import gradient
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.weights.arithmetic import Vector, dot, norm


def gradient_clipping(
    lab: Lab,
    *,
    pair: Mapping[str, str],
    shares: Sequence[float],
    length: int,
    starts: Sequence[float],
    threshold: float,
    rate: float,
    steps: int,
) -> Measured:
    """Measure what clipping does to a gradient, and to descents on a cliff and of a network.

    The cliff is the loss of a linear recurrent unit h_t = w h_{t-1}, h_0 = 1, that is to end at 1 after T
    steps: J(w) = (w^T - 1)^2 / 2.

    Args:
        lab: has the runs.
        pair: ``clipped`` and ``unclipped``: the names of runs that are the same in all else.
        shares: thresholds for the gradient at the initial weights, in units of its norm.
        length: T.
        starts: w is drawn uniformly between these two.
        threshold: on the cliff.
        rate: learning rate there.
        steps: there.
    """
    raw = gradient(
        lab.network(pair["clipped"], "init"), lab.data(pair["clipped"]).train, lab.loss(pair["clipped"])
    )
    size = norm(raw)
    whole = {share: clipped(raw, share * size) for share in shares}
    start = float(lab.random("start").uniform(starts[0], starts[1]))
    paths = {
        name: cliff(start, length, rate, steps, threshold if name == "clipped" else math.inf) for name in pair
    }
    losses = {name: lab.metrics(run)["train_loss"] for name, run in pair.items()}
    longest = max(map(len, losses.values()))
    w = np.linspace(0.8, starts[1], 301)
    return {
        "over_threshold": [norm(each) / (share * size) for share, each in whole.items() if share < 1],
        "off_direction": [1 - dot(each, raw) / norm(each) / size for each in whole.values()],
        "change_below": [
            max(float((each[name] - raw[name]).abs().max()) for name in raw)
            for share, each in whole.items()
            if share > 1
        ],
        "cosine_by_tensors": min(_cosine_by_tensors(raw, share * size) for share in shares if share < 1),
        "last_over_first": {
            "on the cliff": {name: _growth(path) for name, path in paths.items()},
            "of the network": {name: _growth(loss) for name, loss in losses.items()},
        },
        "w": w,
        "cliff": (w**length - 1) ** 2 / 2,
        "path": paths,
        "loss": {name: np.append(loss, [math.nan] * (longest - len(loss))) for name, loss in losses.items()},
    }


def clipped(vector: Vector, threshold: float) -> Vector:
    """Return a gradient as the training loop clips it: by torch, over all tensors together.

    Above the threshold g becomes threshold g / (|g| + 1e-6), else it stays as it is.
    """
    parameters = [nn.Parameter(torch.zeros_like(part)) for part in vector.values()]
    for parameter, part in zip(parameters, vector.values(), strict=True):
        parameter.grad = part.clone()
    nn.utils.clip_grad_norm_(parameters, threshold)
    return {name: _gradient_of(parameter) for name, parameter in zip(vector, parameters, strict=True)}


def _gradient_of(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def _cosine_by_tensors(vector: Vector, threshold: float) -> float:
    """Return the cosine between a gradient and itself with each tensor clipped alone."""
    parts = {name: clipped({name: part}, threshold)[name] for name, part in vector.items()}
    return dot(parts, vector) / norm(parts) / norm(vector)


def cliff(start: float, length: int, rate: float, steps: int, threshold: float) -> Array:
    """Return the losses (w^T - 1)^2 / 2 of descent with clipping, (steps + 1,), NaN from overflow on."""
    w, losses = np.float64(start), []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps + 1):
            off = w**length - 1
            losses.append(off**2 / 2)
            slope = off * length * w ** (length - 1)
            w = w - rate * slope * min(1.0, threshold / max(abs(slope), 1e-300))
    found = np.array(losses)
    return np.where(np.isfinite(found), found, math.nan)


def _growth(losses: Array) -> float:
    """Return the last loss over the first one; infinite where it is no longer finite."""
    return float(losses[-1] / losses[0]) if math.isfinite(losses[-1]) else math.inf


def draw_gradient_clipping(
    seeds: Sequence[Measured], *, names: Mapping[str, str], titles: Sequence[str]
) -> dict[str, Figure]:
    """Draw the cliff, and the losses of the descents on it and of the networks, up to where they diverge."""
    path, loss = across(seeds, "path"), across(seeds, "loss")
    low, high = 1e-6, 1e6  # of the pictures of the cliff: the one descent soon leaves them, the other arrives

    def over(found: Mapping[str, Array]) -> list[Series]:
        return [
            Series(text, np.arange(found[name].shape[1]), found[name], look=place)
            for place, (name, text) in enumerate(names.items())
        ]

    seen = {name: np.clip(losses, low / 10, high * 10) for name, losses in path.items()}
    places = np.isfinite(loss["unclipped"]).cumsum(axis=1).argmax(axis=1)
    last = (places, loss["unclipped"][np.arange(len(seeds)), places])
    panels = [
        Panel(
            titles[0],
            "w",
            "loss",
            [Series("", seeds[0]["w"], seeds[0]["cliff"], look=6)],
            log="y",
            limits=(low, high),
        ),
        Panel(titles[1], "step", "loss", over(seen), log="y", limits=(low, high)),
        Panel(
            titles[2],
            "epoch",
            "training loss",
            over(loss),
            points={"as they are: the last loss before it diverges": last},
            log="y",
        ),
    ]
    return {"clipping": draw_panels(panels)}
