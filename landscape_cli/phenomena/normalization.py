"""What normalizing a random direction like the weights does to it, filter by filter."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from landscape_cli.measures import line_radius, loss_at
from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.runs import Run
from landscape_cli.store import Surface, directions
from landscape_cli.weights.arithmetic import norm, params_of
from landscape_cli.weights.directions import deviation

NORMS = {"filter": "filter-normalized", "layer": "layer-normalized", "none": "not normalized"}
RISE = 0.5  # nats above the solution's loss at which the radius is measured


def filter_normalization(lab: Lab, *, points: int) -> Findings:
    """Measure the norms of stored directions, filter by filter, and draw planes of the three normalizations.

    d_ij <- d_ij / ||d_ij|| ||theta_ij||, Frobenius norms, i the layer and j the filter: the weights that
    produce one output channel, in a linear layer one row. Directions without normalization are given a range
    in which they too become as long as all the weights, so that the three pictures show equal distances.

    Args:
        lab: the runs.
        points: of a line, and of each axis of a plane.
    """
    rows: list[Row] = []
    lines: dict[tuple[str, str], list[tuple[Surface, float]]] = {}
    for name in lab.scale.runs:
        for seed in lab.seeds:
            run = lab.run(name, seed)
            weights = params_of(lab.solution(run).network(lab.dataset(run), trust=False))
            for kind in NORMS:
                reach = _reach(weights) if kind == "none" else 1.0
                line = lab.surface(run, *_words(kind, reach, points), "y=null")
                lines.setdefault((name, kind), []).append((line, reach))
                stored = directions(line.path)["x"]
                direction = {key: torch.from_numpy(array) for key, array in stored.items()}
                loss = line.values["train/loss"]
                rows.append(
                    {
                        "network": name,
                        "seed": seed,
                        "normalization": kind,
                        "filters": sum(len(weight) for weight in weights.values() if weight.ndim > 1),
                        "largest_deviation_of_a_filter": deviation(direction, weights, "filter"),
                        "largest_deviation_of_a_layer": deviation(direction, weights, "layer"),
                        "largest_entry_of_biases_and_normalization": max(
                            float(direction[key].abs().max()) for key in weights if weights[key].ndim <= 1
                        ),
                        "norm_of_the_direction": norm(direction),
                        "norm_of_the_weights": _norm_of_weights(weights),
                        "relative_radius": line_radius(line.x, loss, _threshold(line)) / reach,
                    }
                )

    def column(key: str, *kinds: str) -> list[float]:
        return [row[key] for row in rows if row["normalization"] in kinds]

    claims = [
        Claim(
            "direction.norm=filter: each filter of the direction has the norm of the filter of the weights,"
            " to 1e-5 of it",
            column("largest_deviation_of_a_filter", "filter"),
            "<=",
            1e-5,
            identity=True,
        ),
        Claim(
            "direction.norm=layer: each layer of the direction has the norm of the layer's weights,"
            " to 1e-5 of it",
            column("largest_deviation_of_a_layer", "layer"),
            "<=",
            1e-5,
            identity=True,
        ),
        Claim(
            "With direction.ignore=biasbn no bias and no parameter of a BatchNorm moves, whatever the"
            " normalization",
            column("largest_entry_of_biases_and_normalization", *NORMS),
            "<=",
            0,
            identity=True,
        ),
    ]
    first = next(iter(lab.scale.runs))
    pictures = {
        "planes": draw(
            [_plane(lab, lab.run(first, lab.seeds[0]), kind, points) for kind in NORMS],
            kind="contour",
            title=f"{first}, seed {lab.seeds[0]}: training loss by normalization of the direction",
            titles=list(NORMS.values()),
        ),
        "lines": draw_panels(
            [
                Panel(
                    name,
                    "distance / norm of the weights",
                    "training loss",
                    [
                        Series(
                            told,
                            lines[name, kind][0][0].x / lines[name, kind][0][1],
                            [line.values["train/loss"] for line, _ in lines[name, kind]],
                        )
                        for kind, told in NORMS.items()
                    ],
                    log="y",
                )
                for name in lab.scale.runs
            ],
            title="Training loss along a random direction, by its normalization",
        ),
    }
    return Findings(claims, {"directions": rows}, pictures)


def _norm_of_weights(weights: Mapping[str, Tensor]) -> float:
    """Return the norm of the parameters that a direction moves: those with more than one dimension."""
    return norm({name: weight for name, weight in weights.items() if weight.ndim > 1})


def _reach(weights: Mapping[str, Tensor]) -> float:
    """Return about which multiple of standard normal numbers is as long as the weights, to three digits."""
    count = sum(weight.numel() for weight in weights.values() if weight.ndim > 1)
    return float(f"{_norm_of_weights(weights) / math.sqrt(count):.3g}")


def _words(kind: str, reach: float, points: int) -> tuple[str, ...]:
    return (f"direction.norm={kind}", f"x=[{-reach:g},{reach:g},{points}]", "splits=[train]")


def _plane(lab: Lab, run: Run, kind: str, points: int) -> Surface:
    weights = params_of(lab.solution(run).network(lab.dataset(run), trust=False))
    reach = _reach(weights) if kind == "none" else 1.0
    return lab.surface(run, *_words(kind, reach, points), f"y=[{-reach:g},{reach:g},{points}]")


def _threshold(line: Surface) -> float:
    return loss_at(line.x, line.values["train/loss"], 0.0) + RISE
