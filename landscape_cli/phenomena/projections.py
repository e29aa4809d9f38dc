"""Random lines through initial and trained weights, as in Merkulov's lecture."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from torch import nn

from landscape_cli.gradients.full import gradient
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface
from landscape_cli.weights.arithmetic import Vector, dot, params_of
from landscape_cli.weights.directions import random as random_direction

TENSORWISE = {"norm": "layer", "ignore": "none"}
"""The lecture's normalization: every tensor's direction, biases included, has that tensor's norm."""
EPOCHS = {"init": "initial", "last": "trained"}


def line_projection(
    lab: Lab,
    *,
    half_width: float,
    points: int,
    samples: int,
    directions: int,
    expected: Mapping[str, Mapping[str, float]] | None = None,
) -> Findings:
    """Draw L(w + alpha d) along a random direction, for the initial weights w0 and the trained ones w^.

    Args:
        lab: runs with and without dropout, which is off where a loss is evaluated.
        half_width: b: alpha goes from -b to b.
        points: along the line.
        samples: of each split.
        directions: over how many the slope dL/dalpha(0) is averaged; the first is the one that is drawn.
        expected: run -> metric -> the notebook's value after the last epoch.
    """
    rows: list[Row] = []
    lines: dict[tuple[str, str], list[Surface]] = {}
    claims: list[Claim] = []
    for name in lab.scale.runs:
        for seed in lab.seeds:
            for epoch in EPOCHS:
                line = lab.surface(
                    lab.run(name, seed),
                    f"epoch={epoch}",
                    f"x=[{-half_width},{half_width},{points}]",
                    "y=null",
                    *tensorwise_words(),
                    f"samples={samples}",
                )
                lines.setdefault((name, epoch), []).append(line)
                rows.append(
                    {
                        "run": name,
                        "seed": seed,
                        "weights": EPOCHS[epoch],
                        **_shape(line),
                        "rms_slope": _rms_slope(lab, name, seed, epoch, directions),
                        **_recorded(lab, name, seed, epoch),
                    }
                )
        claims += _line_claims(name, [row for row in rows if row["run"] == name], directions)
        if expected is not None:
            claims += _beside_the_notebook(name, rows, expected[name])
    pictures = {
        f"line_{name.replace(' ', '_')}": draw_panels(
            [
                _line_panel(f"{word} weights", lines[name, epoch], marked=mark)
                for (epoch, word), mark in zip(EPOCHS.items(), ("w\N{SUBSCRIPT ZERO}", "ŵ"), strict=True)
            ],
            title=f"A random line, {name}",
        )
        for name in lab.scale.runs
    }
    return Findings(claims, {"lines": rows}, pictures)


def tensorwise_words() -> list[str]:
    """Return the words of `landscape surface` for the lecture's normalization."""
    return [f"direction.{key}={value}" for key, value in TENSORWISE.items()]


def _shape(line: Surface) -> Row:
    """Return what is read off a line's training loss, and the test loss at its middle."""
    loss, middle = line.values["train/loss"], len(line.x) // 2
    return {
        "loss_at_0": loss[middle],
        "test_loss_at_0": line.values["test/loss"][middle],
        "loss_at_minus_b": loss[0],
        "loss_at_b": loss[-1],
        "lowest_loss": loss.min(),
        "lowest_at": line.x[loss.argmin()],
        "slope_of_the_line": (loss[middle + 1] - loss[middle - 1])
        / (line.x[middle + 1] - line.x[middle - 1]),
    }


def _rms_slope(lab: Lab, name: str, seed: int, epoch: str, count: int) -> float:
    """Return the root mean square of dL/dalpha(0) over directions, L being the loss of the training split."""
    run = lab.run(name, seed)
    dataset = lab.dataset(run)
    model = lab.solution(run, epoch).network(dataset, trust=False).to(lab.device)
    downhill = gradient(model, dataset.train, run.config["loss"])
    slopes = [dot(downhill, tensorwise_direction(model, number)) for number in range(count)]
    return math.sqrt(float(np.mean(np.square(slopes))))


def tensorwise_direction(model: nn.Module, seed: int) -> Vector:
    """Return the direction that `landscape surface` takes for x under this seed, on the model's device."""
    params = params_of(model)
    drawn = random_direction(params, **TENSORWISE, seed=seed, axis="x")
    return {name: tensor.to(params[name]) for name, tensor in drawn.items()}


def _recorded(lab: Lab, name: str, seed: int, epoch: str) -> Row:
    """Return what training recorded for the weights, over the whole splits."""
    metrics = lab.run(name, seed).metrics()[0 if epoch == "init" else -1]
    return {f"whole_{key}": metrics[key] for key in RECORDED}


RECORDED = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")


def _line_claims(name: str, rows: Sequence[Row], directions: int) -> list[Claim]:
    """Return what phenomena.md claims of the lines of one run."""
    initial, trained = ([row for row in rows if row["weights"] == word] for word in EPOCHS.values())
    pairs = list(zip(initial, trained, strict=True))
    say = f"{name}: "
    return [
        Claim(
            say + "around the trained weights the training loss is lowest at alpha = 0, within 0.05",
            [abs(row["lowest_at"]) for row in trained],
            "<=",
            0.05,
        ),
        Claim(
            say + "around the trained weights both ends of the line are above L(0): the lower end minus L(0)",
            [min(row["loss_at_b"], row["loss_at_minus_b"]) - row["loss_at_0"] for row in trained],
            ">",
            0.0,
        ),
        Claim(
            say
            + "around the initial weights the training loss is not lowest at alpha = 0: |alpha| of its least",
            [abs(row["lowest_at"]) for row in initial],
            ">",
            0.05,
        ),
        Claim(
            say + "the initial loss is about ln 10: |L/ln 10 - 1|",
            [abs(row["loss_at_0"] / math.log(10) - 1) for row in initial],
            "<=",
            0.05,
            note="5 % is this software's reading of `about`",
        ),
        Claim(
            say + "the initial loss is much larger than the trained one: their ratio",
            [row["loss_at_0"] / low["loss_at_0"] for row, low in pairs],
            ">=",
            3.0,
            note="a factor of 3 is this software's reading of `much`, set when training losses near 0.4 were "
            "known",
        ),
        Claim(
            say + "the slope |dL/dalpha| at the initial weights is at least 5 times that at the trained ones",
            [row["rms_slope"] / low["rms_slope"] for row, low in pairs],
            ">=",
            5.0,
            note=f"root mean square over {directions} random directions, from the gradient over the split. "
            "At a constant learning rate training ends beside the valley's floor, with a slope left; and how "
            "steep the start is depends on the scale of the initial weights",
        ),
        Claim(
            say + "after training the test loss is no lower than the training loss: their difference",
            [row["whole_test_loss"] - row["whole_train_loss"] for row in trained],
            ">=",
            0.0,
        ),
    ]


def _beside_the_notebook(name: str, rows: Sequence[Row], expected: Mapping[str, float]) -> list[Claim]:
    """Return how far the trained runs are from the notebook's numbers, in standard deviations over seeds."""
    trained = [row for row in rows if row["run"] == name and row["weights"] == EPOCHS["last"]]
    claims = []
    for key, number in expected.items():
        values = np.array([row[f"whole_{key}"] for row in trained])
        sd = values.std(ddof=1) if len(values) > 1 else math.nan
        claims.append(
            Claim(
                f"{name}: {key.replace('_', ' ')} is the notebook's {number:g} within 3 standard deviations "
                "over seeds",
                list(np.abs(values - number) / sd),
                "<=",
                3.0,
                soft=True,
                note="the notebook trained with one seed",
            )
        )
    return claims


def _line_panel(title: str, lines: Sequence[Surface], *, marked: str) -> Panel:
    return Panel(
        title,
        "\N{GREEK SMALL LETTER ALPHA}, step along the direction",
        "cross-entropy (nats)",
        series=[
            Series(f"{word}, seed by seed", line.x, line.values[f"{split}/loss"], look=look)
            for look, (split, word) in enumerate((("train", "training"), ("test", "test")))
            for line in lines
        ],
        marks={marked: 0.0},
    )
