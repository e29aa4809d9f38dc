"""Random lines and planes through initial and trained weights: Merkulov's lecture, and what slices prove."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.evaluation.batches import automatic_size, batches
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.plane import Plane
from landscape_cli.gradients.full import gradient
from landscape_cli.measures import lowest, second_differences
from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity
from landscape_cli.weights.angles import cosine, effective_dimension, rank
from landscape_cli.weights.arithmetic import Vector, dot, params_of, point_of
from landscape_cli.weights.directions import random as random_direction

TENSORWISE = {"norm": "layer", "ignore": "none"}
"""The lecture's normalization: every tensor's direction, biases included, has that tensor's norm."""
EPOCHS = {"initial": "init", "trained": "last"}
SPLITS = {"train": "training", "test": "test"}
MARKS = {"initial": "w\N{SUBSCRIPT ZERO}", "trained": "ŵ"}
ALPHA, LOSS = "\N{GREEK SMALL LETTER ALPHA}", "cross-entropy (nats)"
ROUNDING = -1e-6  # a second difference below this is negative
STEP = 1e-6  # of alpha, against a slope
SHOWN = 15  # slices in a panel of the picture


def line_projection_init_and_trained(lab: Lab, *, directions: int) -> Measured:
    """Measure L(w + alpha d) along a random direction, for the initial weights w0 and the trained ones w^.

    Args:
        lab: runs with and without dropout, which is off where a loss is evaluated.
        directions: over how many the slope dL/dalpha(0) is averaged; the first is the one of the line.
    """

    def measured(run: str) -> Measured:
        drawn = {word: lab.surface(run, f"epoch={epoch}") for word, epoch in EPOCHS.items()}
        x, recorded = drawn["initial"].x, {key: column[-1] for key, column in lab.metrics(run).items()}
        initial, trained = (line.values["train/loss"] for line in drawn.values())
        first, last = (float(loss[len(x) // 2]) for loss in (initial, trained))
        slopes = [_rms_slope(lab, run, epoch, directions) for epoch in EPOCHS.values()]
        return {
            "trained_lowest_at": abs(x[trained.argmin()]),
            "trained_rise_to_the_ends": min(trained[-1], trained[0]) - last,
            "initial_lowest_at": abs(x[initial.argmin()]),
            "initial_off_ln_10": abs(first / math.log(10) - 1),
            "loss_ratio": first / last,
            "slope_ratio": slopes[0] / slopes[1],
            "generalization_gap": recorded["test_loss"] - recorded["train_loss"],
            **{key: recorded[key] for key in ("train_loss", "train_accuracy", "test_loss", "test_accuracy")},
            "x": x,
            "line": {
                word: {key: line.values[f"{key}/loss"] for key in SPLITS} for word, line in drawn.items()
            },
        }

    return by_quantity({run: measured(run) for run in lab.runs})


def draw_line_projection_init_and_trained(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the lines of each run, seed by seed."""
    return {
        f"line_{run.replace(' ', '_')}": draw_panels(
            [
                Panel(
                    f"{word} weights",
                    f"{ALPHA}, step along the direction",
                    LOSS,
                    series=[
                        Series(f"{told}, seed by seed", seeds[0]["x"][run], line, look=look)
                        for look, (split, told) in enumerate(SPLITS.items())
                        for line in lines[word][split]
                    ],
                    marks={MARKS[word]: 0.0},
                )
                for word in EPOCHS
            ],
            title=f"A random line, {run}",
        )
        for run, lines in across(seeds, "line").items()
    }


def _rms_slope(lab: Lab, run: str, epoch: str, count: int) -> float:
    """Return the root mean square of dL/dalpha(0) over directions, L being the loss of the training split."""
    model = lab.network(run, epoch)
    downhill = gradient(model, lab.data(run).train, lab.loss(run))
    slopes = [dot(downhill, _direction(model, number)) for number in range(count)]
    return math.sqrt(float(np.mean(np.square(slopes))))


def _direction(model: nn.Module, seed: int) -> Vector:
    """Return the direction that `landscape surface` takes for x under this seed, on the model's device."""
    params = params_of(model)
    drawn = random_direction(params, **TENSORWISE, seed=seed, axis="x")
    return {name: tensor.to(params[name]) for name, tensor in drawn.items()}


def plane_projection_random(lab: Lab, *, pairs: int, sizes: Sequence[int]) -> Measured:
    """Measure L(w + alpha w1 + beta w2) along two random directions, which are almost orthogonal.

    Args:
        lab: one run.
        pairs: of directions, whose angles are measured.
        sizes: numbers p of parameters for which the mean |cos(w1, w2)| is measured.
    """
    (run,) = lab.runs
    planes = {word: lab.surface(run, f"epoch={epoch}") for word, epoch in EPOCHS.items()}
    params = {word: params_of(lab.network(run, epoch)) for word, epoch in EPOCHS.items()}
    cells = {}
    for word, plane in planes.items():
        assert plane.y is not None
        cells[word] = lowest(plane.x, plane.y, plane.values["train/loss"]).cells
    kinds = ("none", TENSORWISE["norm"])
    angles = {kind: _cosines(params["trained"], kind, lab.seed, pairs) for kind in kinds}
    means = [_cosines({"weights": torch.zeros(size)}, "none", lab.seed, pairs).mean() for size in sizes]
    expected = {
        kind: math.sqrt(2 / (math.pi * effective_dimension(params["trained"], kind))) for kind in kinds
    }
    error = float(np.std(angles["none"], ddof=1) / math.sqrt(pairs))
    return {
        "rank": {word: rank(_pair(params[word], 0, TENSORWISE["norm"])) for word in EPOCHS},
        "cells_from_the_centre": cells,
        "off_expected": abs(angles["none"].mean() - expected["none"]) / error,
        "off_minus_a_half": abs(float(np.polyfit(np.log(sizes), np.log(means), 1)[0]) + 0.5),
        "parameters": sum(tensor.numel() for tensor in params["trained"].values()),
        "mean_cosine": {kind: found.mean() for kind, found in angles.items()},
        "expected_cosine": expected,
        "sizes": list(sizes),
        "mean_cosine_by_size": means,
        "plane": planes,
    }


def draw_plane_projection_random(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the first seed's planes, the contours of all, and the angles over the number of parameters."""
    pictures = {
        f"planes_{split}": draw(
            [seeds[0]["plane"][word] for word in EPOCHS],
            kind="surface3d",
            split=split,
            title="A random plane, tensor-wise normalized",
            titles=[f"{word} weights" for word in EPOCHS],
        )
        for split in ("train", "test")
    }
    for word in EPOCHS:
        pictures[f"contours_{word}"] = draw(
            [seed["plane"][word] for seed in seeds],
            kind="contour",
            title=f"Training loss around the {word} weights",
            titles=[f"run {number}" for number in range(1, len(seeds) + 1)],
        )
    sizes = seeds[0]["sizes"]
    expected = [math.sqrt(2 / (math.pi * p)) for p in sizes]
    panel = Panel(
        "Two random directions are almost orthogonal",
        "parameters p",
        "mean |cos(w1, w2)|",
        series=[
            Series("Gaussian", sizes, across(seeds, "mean_cosine_by_size")),
            Series("\N{SQUARE ROOT}(2/(\N{GREEK SMALL LETTER PI} p))", sizes, expected),
        ],
        points={
            words: (across(seeds, "parameters"), across(seeds, f"mean_cosine/{kind}"))
            for kind, words in names.items()
        },
        log="xy",
    )
    return {**pictures, "angles": draw_panels([panel])}


def _pair(params: Mapping[str, Tensor], seed: int, kind: str) -> tuple[Vector, Vector]:
    one, other = (
        random_direction(params, norm=kind, ignore=TENSORWISE["ignore"], seed=seed, axis=axis)
        for axis in "xy"
    )
    return one, other


def _cosines(params: Mapping[str, Tensor], kind: str, seed: int, pairs: int) -> Array:
    """Return |cos| of pairs of directions, each pair under a direction seed of its own."""
    first = seed * pairs
    return np.array([abs(cosine(*_pair(params, number, kind))) for number in range(first, first + pairs)])


def line_slice_certificates(lab: Lab, *, slices: int, half_width: float, points: int) -> Measured:
    """Measure slopes and second differences along random lines, in float64.

    Args:
        lab: runs of fully connected networks; one without a hidden layer is a softmax regression, whose
            cross-entropy is convex.
        slices: random lines through the initial weights of each run, and as many through the trained ones.
        half_width: b: alpha goes from -b to b.
        points: along each line.
    """
    x = np.linspace(-half_width, half_width, points)
    decreases: list[float] = []
    least: dict[str, float] = {}
    nonconvex: dict[str, dict[str, int]] = {}
    losses: dict[str, dict[str, Array]] = {}
    for run in lab.runs:
        differences = []
        for word, epoch in EPOCHS.items():
            lines, lower = _slices(lab, run, epoch, slices, x)
            smallest = np.array([second_differences(line).min() for line in lines])
            decreases += lower
            differences.append(smallest)
            nonconvex.setdefault(run, {})[word] = int((smallest < ROUNDING).sum())
            losses.setdefault(run, {})[word] = lines
        least[run] = min(each.min() for each in differences)
    return {
        "decrease": min(decreases),
        "least_second_difference": least,
        "nonconvex_slices": nonconvex,
        "x": x,
        "loss": losses,
    }


def draw_line_slice_certificates(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw some of the first seed's slices, the convex ones and the others in two colours."""
    looks = {True: "convex slice", False: "non-convex slice"}
    panels = [
        Panel(
            f"{run}, {word} weights",
            ALPHA,
            LOSS,
            series=[
                Series(looks[convex], seeds[0]["x"], line, look=int(not convex))
                for line in lines[:SHOWN]
                for convex in [bool(second_differences(line).min() >= ROUNDING)]
            ],
        )
        for run, by_weights in seeds[0]["loss"].items()
        for word, lines in by_weights.items()
    ]
    count = len(next(iter(seeds[0]["loss"].values()))["initial"])
    title = f"Training loss along {min(SHOWN, count)} of {count} random directions"
    return {"slices": draw_panels(panels, title=title)}


def _slices(lab: Lab, run: str, epoch: str, count: int, x: Array) -> tuple[Array, list[float]]:
    """Return the training loss along lines, (count, n), and what a step against each slope gains.

    That is relative to what the tangent at alpha = 0 says.
    """
    data, loss = lab.data(run).train, lab.loss(run)
    split = Split(data.inputs.double(), data.targets)
    model = lab.network(run, epoch).double()
    downhill = gradient(model, split, loss)
    origin = {name: tensor.clone() for name, tensor in point_of(model).items()}
    parts = batches(split, 8 * automatic_size(split.inputs))
    evaluator = Evaluator(model, {"train": parts}, objective(loss))
    losses, decreases = [], []
    for number in range(count):
        direction = _direction(model, number)
        line, slope = Plane(evaluator, origin, {"x": direction}), dot(downhill, direction)
        losses.append([line.evaluate(float(alpha))["train"].loss for alpha in x])
        here, lower = (line.evaluate(alpha)["train"].loss for alpha in (0.0, -STEP * float(np.sign(slope))))
        decreases.append((here - lower) / (STEP * abs(slope)))
    return np.array(losses), decreases
