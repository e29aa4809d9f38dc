"""What plots make of networks that compute the same with other weights."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from landscape_cli.arrays import Array
from landscape_cli.evaluation.batches import Batch, automatic_size, rebatched
from landscape_cli.evaluation.batchnorm import layers
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.plane import Plane
from landscape_cli.evaluation.problem import chosen, subset
from landscape_cli.evaluation.rescaling import rescaled, rescaled_filters, without_epsilon
from landscape_cli.measures import mean_radius
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.progress import note
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.weights.arithmetic import norm, params_of, point_of
from landscape_cli.weights.directions import random

FACTOR = 5.0
RISE = 0.5  # nats above the solution's loss at which the radius is measured
NEAR, FAR = 0.01, 8.0  # distances in norms of the network's weights between which the radius is looked for
DRAWN = 3.0  # distance up to which lines are drawn
TITLES = {"none": "not normalized", "filter": "filter-normalized"}
LOOKS = ("network", "rescaled twin", "twin filter by filter")


def scale_invariance(lab: Lab, *, directions: int, points: int, samples: int) -> Findings:
    """Measure the radius around a network and around its rescaled twins, filter-normalized or not.

    The twins compute the same function. All are met by the same Gaussian numbers: without normalization these
    are the direction, with it they are scaled to the norms of the network's or the twin's filters.

    Args:
        lab: the runs; those without BatchNorm are chains of layers.
        directions: how many random directions a radius is the mean over.
        points: of a line on either side, in equal ratios of the distance.
        samples: of the training split on which the lines are evaluated, balanced.
    """
    away = np.geomspace(NEAR, FAR, points)
    places = np.concatenate([-away[::-1], [0.0], away])
    changes: list[Row] = []
    radii: list[Row] = []
    curves: dict[tuple[str, str, str], list[Array]] = {}
    for name, seed in itertools.product(lab.scale.runs, lab.seeds):
        note(f"lines: {name}, seed {seed}")
        run = lab.run(name, seed)
        dataset, loss = lab.dataset(run), run.config["loss"]
        model = lab.solution(run).network(dataset, trust=False).to(lab.device).eval()
        bare, inputs = without_epsilon(model), dataset.train.inputs
        changes.append(
            {
                "network": name,
                "seed": seed,
                "largest_output": float(outputs(model, inputs).abs().max()),
                "change_of_an_output": largest_difference(model, rescaled(model, FACTOR), inputs),
                "change_without_epsilon": largest_difference(bare, rescaled(bare, FACTOR), inputs),
            }
        )
        whole = [(inputs, dataset.train.targets)]
        parts = rebatched(chosen(whole, subset(whole, samples, 0, "train")), automatic_size(inputs))
        for kind in TITLES:
            scale = _unit(model) if kind == "none" else 1.0
            for look, network in _networks(model).items():
                lines = [
                    line(network, parts, loss, kind, number, scale * places) for number in range(directions)
                ]
                curves.setdefault((name, kind, look), []).extend(lines)
                threshold = float(lines[0][points]) + RISE
                radius = mean_radius([(places, losses) for losses in lines], threshold)
                told = {"network": name, "seed": seed, "direction": TITLES[kind], "weights": look}
                radii.append({**told, "threshold": threshold, "radius": radius})
    drawn = np.abs(places) <= DRAWN
    panels = [
        Panel(
            f"{name}, {title}",
            "distance / ‖weights‖",
            "training loss",
            [Series(look, places[drawn], np.array(curves[name, kind, look])[:, drawn]) for look in LOOKS[:2]],
            limits=(0.0, 6.0),
        )
        for name in lab.scale.runs
        for kind, title in TITLES.items()
    ]
    tables = {"outputs": changes, "radii": radii}
    return Findings(_claims(lab, changes, radii), tables, {"lines": draw_panels(panels)})


def largest_difference(one: nn.Module, other: nn.Module, inputs: Tensor) -> float:
    """Return the largest |difference| of the two networks' outputs, both in evaluation mode."""
    return float((outputs(one, inputs) - outputs(other, inputs)).abs().max())


def outputs(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return the outputs in evaluation mode, of shape (n, classes)."""
    with torch.no_grad():
        return torch.cat([model.eval()(part) for part in inputs.split(automatic_size(inputs))])


def line(
    model: nn.Module, parts: list[Batch], loss: str, kind: str, seed: int, x: Sequence[float] | Array
) -> Array:
    """Return the loss of a network along a random direction.

    Args:
        model: at x = 0.
        parts: the samples.
        loss: its name.
        kind: normalization of the direction.
        seed: of the direction.
        x: coordinates, of shape (n,).
    """
    evaluator = Evaluator(model, {"train": parts}, objective(loss))
    direction = random(params_of(model), norm=kind, ignore="biasbn", seed=seed, axis="x")
    plane = Plane(evaluator, point_of(model), {"x": direction})
    with evaluator.enough_threads():
        return np.array([plane.evaluate(float(place))["train"].loss for place in x])


def _networks(model: nn.Module) -> dict[str, nn.Module]:
    """Return the network and its twins; filter by filter only BatchNorm undoes it."""
    twins = [model, rescaled(model, FACTOR), *([rescaled_filters(model, FACTOR)] if layers(model) else [])]
    return dict(zip(LOOKS, twins, strict=False))


def _unit(model: nn.Module) -> float:
    """Return which multiple of standard normal numbers is about as long as the weights that move."""
    weights = {name: weight for name, weight in params_of(model).items() if weight.ndim > 1}
    return norm(weights) / math.sqrt(sum(weight.numel() for weight in weights.values()))


def ratios(radii: Sequence[Row], name: str, kind: str, look: str) -> list[float]:
    """Return the radius around a twin relative to that around its network, one a seed."""
    found: dict[str, list[float]] = {}
    for row in radii:
        if row["network"] == name and row["direction"] == TITLES[kind]:
            found.setdefault(row["weights"], []).append(row["radius"])
    return [twin / own for twin, own in zip(found[look], found[LOOKS[0]], strict=True)]


def _claims(lab: Lab, changes: Sequence[Row], radii: Sequence[Row]) -> list[Claim]:
    claims = []
    for name in lab.scale.runs:
        own = [row for row in changes if row["network"] == name]
        batchnorm = any(row["network"] == name and row["weights"] == LOOKS[2] for row in radii)
        how = "layers before BatchNorm times 5" if batchnorm else "one layer times 5, the next divided by it"
        if batchnorm:
            claims.append(
                Claim(
                    f"{name}: with BatchNorm's epsilon as trained, no output of the rescaled twin"
                    f" ({how}) differs by 1e-4 or more",
                    [row["change_of_an_output"] for row in own],
                    "<",
                    1e-4,
                    soft=True,
                    note="the invariance is exact for epsilon -> 0 only: a variance v gives a relative change"
                    " of about epsilon / 2v",
                )
            )
        claims += [
            Claim(
                f"{name}: {'with epsilon 0, ' if batchnorm else ''}no output of the rescaled twin"
                f" ({how}) differs by 1e-4 or more",
                [row["change_without_epsilon"] for row in own],
                "<",
                1e-4,
                identity=True,
            ),
            Claim(
                f"{name}: without normalization the radii of the network and its twin differ by a factor of"
                " 2 or more",
                [max(value, 1 / value) for value in ratios(radii, name, "none", LOOKS[1])],
                ">=",
                2,
            ),
            Claim(
                f"{name}: filter-normalized, the radii of the network and its twin agree to 5 %",
                [abs(value - 1) for value in ratios(radii, name, "filter", LOOKS[1])],
                "<=",
                0.05,
            ),
        ]
        if batchnorm:
            claims.append(
                Claim(
                    f"{name}: filter-normalized, the radii agree to 5 % also when every filter before a"
                    " BatchNorm is multiplied by a number of its own between 1/5 and 5",
                    [abs(value - 1) for value in ratios(radii, name, "filter", LOOKS[2])],
                    "<=",
                    0.05,
                )
            )
    return claims
