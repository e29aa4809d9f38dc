"""What slices along lines prove: a slope proves that a point is no minimum, a concave piece non-convexity."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.evaluation.batches import automatic_size, batches
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.plane import Plane
from landscape_cli.gradients.full import gradient
from landscape_cli.measures import second_differences
from landscape_cli.phenomena.projections import EPOCHS, tensorwise_direction
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.runs import Run
from landscape_cli.weights.arithmetic import dot, point_of

ROUNDING = -1e-6
"""A second difference below this is negative."""
STEP = 1e-6
"""Of alpha, against a slope."""
SHOWN = 15
"""Slices in a panel of the picture."""


def line_slice_certificates(lab: Lab, *, slices: int, half_width: float, points: int) -> Findings:
    """Measure slopes and second differences along random lines, in float64.

    Args:
        lab: runs of fully connected networks; those without a hidden layer are softmax regressions, whose
            cross-entropy is convex.
        slices: random lines through the initial weights of each run, and as many through the trained ones.
        half_width: b: alpha goes from -b to b.
        points: along each line.
    """
    x = np.linspace(-half_width, half_width, points)
    rows: list[Row] = []
    panels: list[Panel] = []
    for name in lab.scale.runs:
        for epoch, word in EPOCHS.items():
            for seed in lab.seeds:
                losses, facts = _slices(lab, lab.run(name, seed), epoch, slices, x)
                known = {"run": name, "seed": seed, "weights": word}
                rows += [{**known, "slice": number, **fact} for number, fact in enumerate(facts)]
                if seed == lab.seeds[0]:
                    panels.append(_panel(f"{name}, {word} weights", x, losses))
    claims = [
        Claim(
            "Where the slope dL/dalpha(0) is not 0 the point is no minimum: a step against the slope lowers "
            "the loss; the least decrease of all slices, relative to the tangent's",
            [min(row["decrease"] for row in rows if row["seed"] == seed) for seed in lab.seeds],
            ">",
            0.0,
            identity=True,
            note=f"a step of {STEP:g} times the weights' norms",
        )
    ]
    for name in lab.scale.runs:
        convex = not lab.run(name, lab.seeds[0]).config["architecture"]["widths"]
        own = [row for row in rows if row["run"] == name]
        claims += _convex_claims(name, own, lab.seeds) if convex else _other_claims(name, own, lab.seeds)
    title = f"Training loss along {min(SHOWN, slices)} of {slices} random directions"
    return Findings(claims, {"slices": rows}, {"slices": draw_panels(panels, title=title)})


def _convex_claims(name: str, rows: Sequence[Row], seeds: Sequence[int]) -> list[Claim]:
    return [
        Claim(
            f"{name}: the loss is convex, and so is every slice: the least second difference",
            [min(row["least_second_difference"] for row in rows if row["seed"] == seed) for seed in seeds],
            ">=",
            ROUNDING,
            identity=True,
        )
    ]


def _other_claims(name: str, rows: Sequence[Row], seeds: Sequence[int]) -> list[Claim]:
    counts = {
        word: [
            sum(not row["convex"] for row in rows if (row["seed"], row["weights"]) == (seed, word))
            for seed in seeds
        ]
        for word in EPOCHS.values()
    }
    slices = 1 + max(row["slice"] for row in rows)
    return [
        Claim(
            f"{name}: the loss is not convex, for of {slices} slices through the initial weights at least "
            "one is not: how many",
            counts["initial"],
            ">=",
            1,
            note="the lecture draws lines through both; the initial weights were chosen for this claim after "
            "the trained ones, measured first, had no such slice",
        ),
        Claim(
            f"{name}: through the trained weights a slice is not convex, of {slices}: how many",
            counts["trained"],
            ">=",
            1,
            soft=True,
            note="where there is none this shows that convex slices prove nothing: the loss is the same "
            "function, and through the initial weights it has slices that are not convex",
        ),
    ]


def _slices(lab: Lab, run: Run, epoch: str, count: int, x: Array) -> tuple[Array, list[dict[str, Any]]]:
    """Return the training loss along lines through a run's weights, (count, n), and facts of each."""
    dataset = lab.dataset(run)
    split = Split(dataset.train.inputs.double(), dataset.train.targets)
    model = lab.solution(run, epoch).network(dataset, trust=False).to(lab.device).double()
    downhill = gradient(model, split, run.config["loss"])
    origin = {name: tensor.clone() for name, tensor in point_of(model).items()}
    parts = batches(split, 8 * automatic_size(split.inputs))
    evaluator = Evaluator(model, {"train": parts}, objective(run.config["loss"]))
    losses, facts = [], []
    for number in range(count):
        direction = tensorwise_direction(model, number)
        line = Plane(evaluator, origin, {"x": direction})
        slope = dot(downhill, direction)
        values = np.array([line.evaluate(float(alpha))["train"].loss for alpha in x])
        here, lower = (line.evaluate(alpha)["train"].loss for alpha in (0.0, -STEP * float(np.sign(slope))))
        least = float(second_differences(values).min())
        losses.append(values)
        facts.append(
            {
                "slope": slope,
                "decrease": (here - lower) / (STEP * abs(slope)),
                "least_second_difference": least,
                "convex": least >= ROUNDING,
            }
        )
    return np.array(losses), facts


def _panel(name: str, x: Array, losses: Array) -> Panel:
    """Return the panel of some slices, the convex ones and the others in two colours."""
    looks = {True: "convex slice", False: "non-convex slice"}
    series = [
        Series(looks[convex], x, values, look=int(not convex))
        for values in losses[:SHOWN]
        for convex in [bool(second_differences(values).min() >= ROUNDING)]
    ]
    return Panel(
        name,
        "\N{GREEK SMALL LETTER ALPHA}",
        "cross-entropy (nats)",
        series=series,
    )
