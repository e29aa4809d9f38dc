"""What the norm of a direction does to a picture (Li et al. 2018, sections 3, 4; Dinh et al. 2017)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.arrays import Array
from landscape_cli.evaluation.batches import Batch, automatic_size, rebatched
from landscape_cli.evaluation.batchnorm import layers
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.plane import Plane
from landscape_cli.evaluation.problem import chosen, subset
from landscape_cli.evaluation.rescaling import rescaled, rescaled_filters, without_epsilon
from landscape_cli.measures import mean_radius, valley_radius
from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.progress import note
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity
from landscape_cli.store import directions as stored_directions
from landscape_cli.weights.arithmetic import Vector, norm, params_of, point_of
from landscape_cli.weights.directions import deviation, random

KINDS = ("filter", "layer", "none")
FACTOR = 5.0  # of the rescaled twins
NEAR, FAR = 0.01, 8.0  # distances in norms of the network's weights between which the radius is looked for
DRAWN = 3.0  # distance up to which lines are drawn
TWINS = ("network", "rescaled twin", "twin filter by filter")


def filter_normalization(lab: Lab, *, points: int, rise: float) -> Measured:
    """Measure the norms of stored directions, filter by filter, and planes of the three normalizations.

    d_ij <- d_ij / ||d_ij|| ||theta_ij||, Frobenius norms, i the layer and j the filter: the weights that
    produce one output channel, in a linear layer one row. Directions without normalization are given a range
    in which they too become as long as all the weights, so that the three pictures show equal distances.

    Args:
        lab: the runs.
        points: of a line, and of each axis of a plane.
        rise: in nats; the radius is where the loss has risen by it.
    """

    def measured(run: str, kind: str) -> Measured:
        weights = params_of(lab.network(run))
        reach = float(f"{_unit(weights):.3g}") if kind == "none" else 1.0
        words = (f"direction.norm={kind}", f"x=[{-reach:g},{reach:g},{points}]")
        line = lab.surface(run, *words, "y=null")
        stored = stored_directions(line.path)["x"]
        direction = {name: torch.from_numpy(array) for name, array in stored.items()}
        biases = [direction[name] for name, weight in weights.items() if weight.ndim <= 1]
        loss = line.values["train/loss"]
        found: dict[str, Any] = {
            "deviation_of_a_filter": deviation(direction, weights, "filter"),
            "deviation_of_a_layer": deviation(direction, weights, "layer"),
            "entry_of_biases": max(float(bias.abs().max()) for bias in biases),
            "norm_of_the_direction": norm(direction),
            "relative_radius": valley_radius([(line.x, loss)], rise) / reach,
            "x": line.x / reach,
            "loss": loss,
        }
        if run == next(iter(lab.runs)):
            found["plane"] = lab.surface(run, *words, f"y=[{-reach:g},{reach:g},{points}]")
        return found

    return by_quantity({kind: by_quantity({run: measured(run, kind) for run in lab.runs}) for kind in KINDS})


def draw_filter_normalization(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the first run's planes, and the lines of all, by normalization."""
    losses, first, runs = across(seeds, "loss"), seeds[0], list(seeds[0]["loss"]["filter"])
    title = f"{runs[0]}, seed {first['seed']}: training loss by normalization of the direction"
    panels = [
        Panel(
            run,
            "distance / norm of the weights",
            "training loss",
            [Series(told, first["x"][kind][run], losses[kind][run]) for kind, told in names.items()],
            log="y",
        )
        for run in runs
    ]
    return {
        "planes": draw(
            [first["plane"][kind][runs[0]] for kind in names],
            kind="contour",
            title=title,
            titles=list(names.values()),
        ),
        "lines": draw_panels(panels, title="Training loss along a random direction, by its normalization"),
    }


def scale_invariance(lab: Lab, *, directions: int, points: int, samples: int, rise: float) -> Measured:
    """Measure the radius around a network and around its rescaled twins, filter-normalized or not.

    The twins compute the same function. All are met by the same Gaussian numbers: without normalization these
    are the direction, with it they are scaled to the norms of the network's or the twin's filters.

    Args:
        lab: the runs; those without BatchNorm are chains of layers.
        directions: how many random directions a radius is the mean over.
        points: of a line on either side, in equal ratios of the distance.
        samples: of the training split on which the lines are evaluated, balanced.
        rise: in nats; the radius is where the loss has risen by it.
    """
    away = np.geomspace(NEAR, FAR, points)
    x = np.concatenate([-away[::-1], [0.0], away])
    shown = np.abs(x) <= DRAWN

    def measured(run: str) -> Measured:
        note(f"lines: {run}, seed {lab.seed}")
        split, model = lab.data(run).train, lab.network(run)
        bare, inputs, twins = without_epsilon(model), split.inputs, _twins(model)
        whole = [(inputs, split.targets)]
        parts = rebatched(chosen(whole, subset(whole, samples, 0, "train")), automatic_size(inputs))
        units = {"none": _unit(params_of(model)), "filter": 1.0}
        lines = {
            kind: {
                twin: _lines(network, parts, lab.loss(run), kind, directions, unit * x)
                for twin, network in twins.items()
            }
            for kind, unit in units.items()
        }
        radii = {
            kind: {
                twin: mean_radius([(x, loss) for loss in losses], float(losses[0][points]) + rise)
                for twin, losses in of.items()
            }
            for kind, of in lines.items()
        }
        plain, normalized = (_ratios(radii[kind]) for kind in ("none", "filter"))
        by_filter = {"by_filter_off_one": abs(normalized[TWINS[2]] - 1)} if layers(model) else {}
        return {
            "change_of_an_output": _largest_difference(model, rescaled(model, FACTOR), inputs),
            "change_without_epsilon": _largest_difference(bare, rescaled(bare, FACTOR), inputs),
            "apart": max(plain[TWINS[1]], 1 / plain[TWINS[1]]),
            "filter_normalized_off_one": abs(normalized[TWINS[1]] - 1),
            **by_filter,
            "radius": radii,
            "loss": {kind: {twin: all_[:, shown] for twin, all_ in of.items()} for kind, of in lines.items()},
        }

    return {**by_quantity({run: measured(run) for run in lab.runs}), "x": x[shown]}


def draw_scale_invariance(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the lines around the networks and their twins, all seeds' and directions'."""
    x = seeds[0]["x"]
    panels = [
        Panel(
            f"{run}, {title}",
            "distance / ‖weights‖",
            "training loss",
            [Series(twin, x, lines[kind][twin].reshape(-1, len(x))) for twin in TWINS[:2]],
            limits=(0.0, 6.0),
        )
        for run, lines in across(seeds, "loss").items()
        for kind, title in names.items()
    ]
    return {"lines": draw_panels(panels)}


def _unit(params: Vector) -> float:
    """Return which multiple of standard normal numbers is about as long as the weights that move."""
    weights = {name: weight for name, weight in params.items() if weight.ndim > 1}
    return norm(weights) / math.sqrt(sum(weight.numel() for weight in weights.values()))


def _twins(model: nn.Module) -> dict[str, nn.Module]:
    """Return the network and its twins; filter by filter only BatchNorm undoes it."""
    twins = [model, rescaled(model, FACTOR), *([rescaled_filters(model, FACTOR)] if layers(model) else [])]
    return dict(zip(TWINS, twins, strict=False))


def _lines(model: nn.Module, parts: list[Batch], loss: str, kind: str, directions: int, x: Array) -> Array:
    """Return the loss of a network along random directions, of shape (directions, n)."""
    found = []
    for seed in range(directions):
        evaluator = Evaluator(model, {"train": parts}, objective(loss))
        direction = random(params_of(model), norm=kind, ignore="biasbn", seed=seed, axis="x")
        plane = Plane(evaluator, point_of(model), {"x": direction})
        with evaluator.enough_threads():
            found.append([plane.evaluate(float(place))["train"].loss for place in x])
    return np.array(found)


def _ratios(radii: Mapping[str, float]) -> dict[str, float]:
    """Return the radii around the twins relative to that around the network."""
    return {twin: radius / radii[TWINS[0]] for twin, radius in radii.items()}


def _largest_difference(one: nn.Module, other: nn.Module, inputs: Tensor) -> float:
    """Return the largest |difference| of the two networks' outputs, both in evaluation mode."""
    with torch.no_grad():
        outputs = [
            torch.cat([model.eval()(part) for part in inputs.split(automatic_size(inputs))])
            for model in (one, other)
        ]
    return float((outputs[0] - outputs[1]).abs().max())
