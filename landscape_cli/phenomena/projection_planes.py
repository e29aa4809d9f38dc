"""Random planes through initial and trained weights, and how orthogonal the two directions of one are."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.measures import loss_at_centre, lowest
from landscape_cli.phenomena.projections import EPOCHS, TENSORWISE, tensorwise_words
from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface
from landscape_cli.weights.angles import cosine, effective_dimension, rank
from landscape_cli.weights.arithmetic import Vector, params_of
from landscape_cli.weights.directions import random as random_direction


def plane_projection_random(
    lab: Lab, *, half_width: float, points: int, samples: int, pairs: int, sizes: Sequence[int]
) -> Findings:
    """Draw L(w + alpha w1 + beta w2) along two random directions, which are almost orthogonal.

    Args:
        lab: one run.
        half_width: b: alpha and beta go from -b to b.
        points: along each.
        samples: of each split.
        pairs: of directions, whose angles are measured for each seed.
        sizes: numbers p of parameters for which the mean |cos(w1, w2)| is measured.
    """
    (name,) = lab.scale.runs
    planes: dict[str, list[Surface]] = {epoch: [] for epoch in EPOCHS}
    rows: list[Row] = []
    angles: list[Row] = []
    for seed in lab.seeds:
        run = lab.run(name, seed)
        for epoch in EPOCHS:
            axis = f"[{-half_width},{half_width},{points}]"
            plane = lab.surface(
                run, f"epoch={epoch}", f"x={axis}", f"y={axis}", *tensorwise_words(), f"samples={samples}"
            )
            planes[epoch].append(plane)
            params = params_of(lab.solution(run, epoch).network(lab.dataset(run), trust=False))
            pair = _pair(params, plane.config["direction"]["seed"], TENSORWISE["norm"])
            rows.append(
                {
                    "seed": seed,
                    "weights": EPOCHS[epoch],
                    **_lowest(plane),
                    "rank": rank(pair),
                    "cosine": cosine(*pair),
                }
            )
        angles += [_angles(params, kind, seed, pairs) for kind in NORMS]
    scaling = [
        _angles({"weights": torch.zeros(size)}, "none", seed, pairs) for size in sizes for seed in lab.seeds
    ]
    plain = [row for row in angles if row["norm"] == "none"]
    tables = {"planes": rows, "angles": angles, "angles_by_size": scaling}
    claims = [*_plane_claims(rows), *_angle_claims(plain, pairs, _exponents(scaling, lab.seeds))]
    return Findings(claims, tables, _pictures(planes, angles, scaling))


NORMS = {"none": "Gaussian", TENSORWISE["norm"]: "tensor-wise"}


def _plane_claims(rows: Sequence[Row]) -> list[Claim]:
    initial, trained = (
        [row["cells_from_the_centre"] for row in rows if row["weights"] == word] for word in EPOCHS.values()
    )
    return [
        Claim(
            "The two directions span a plane: their matrix has rank 2",
            [row["rank"] for row in rows],
            ">=",
            2,
            identity=True,
        ),
        Claim(
            "Around the trained weights the loss is lowest within 2 cells of the plane's centre: distance",
            trained,
            "<=",
            2,
            note="of the training loss, in cells of the grid, the larger of the two coordinates",
        ),
        Claim(
            "Around the initial weights it is not lowest within 2 cells of the centre: distance",
            initial,
            ">",
            2,
            note="in cells of the grid, the larger of the two coordinates",
        ),
    ]


def _angle_claims(plain: Sequence[Row], pairs: int, exponents: Sequence[float]) -> list[Claim]:
    parameters, expected = plain[0]["parameters"], plain[0]["expected"]
    return [
        Claim(
            f"The mean |cos(w1, w2)| over {pairs} pairs of Gaussian directions in {parameters:,} dimensions "
            f"is sqrt(2/(pi p)) = {expected:.5f}: its distance from that, in standard errors",
            [abs(row["mean"] - row["expected"]) / row["standard_error"] for row in plain],
            "<=",
            3.0,
        ),
        Claim(
            "|cos(w1, w2)| is of the order of 1/sqrt(p): the fitted exponent of p, its distance from -1/2",
            [abs(exponent + 0.5) for exponent in exponents],
            "<=",
            0.05,
            note="0.05 is this software's reading of `of the order`, chosen before the measurement",
        ),
    ]


def _lowest(plane: Surface) -> Row:
    """Return where a plane's training loss is lowest, and how many cells of the grid from its centre."""
    assert plane.y is not None
    on = (plane.x, plane.y, plane.values["train/loss"])
    found = lowest(*on)
    return {
        "loss_at_the_centre": loss_at_centre(*on),
        "lowest_loss": found.loss,
        "lowest_at_alpha": found.x,
        "lowest_at_beta": found.y,
        "cells_from_the_centre": found.cells,
    }


def _pair(params: Mapping[str, Tensor], seed: int, kind: str) -> tuple[Vector, Vector]:
    one, other = (
        random_direction(params, norm=kind, ignore=TENSORWISE["ignore"], seed=seed, axis=axis)
        for axis in "xy"
    )
    return one, other


def _angles(params: Mapping[str, Tensor], kind: str, seed: int, pairs: int) -> Row:
    """Return the mean |cos| of pairs of directions, each pair under a direction seed of its own."""
    first = seed * pairs
    cosines = [abs(cosine(*_pair(params, number, kind))) for number in range(first, first + pairs)]
    dimension = effective_dimension(params, kind)
    return {
        "seed": seed,
        "norm": kind,
        "parameters": sum(tensor.numel() for tensor in params.values()),
        "pairs": pairs,
        "effective_dimension": dimension,
        "expected": math.sqrt(2 / (math.pi * dimension)),
        "mean": float(np.mean(cosines)),
        "standard_error": float(np.std(cosines, ddof=1) / math.sqrt(pairs)),
    }


def _exponents(scaling: Sequence[Row], seeds: Sequence[int]) -> list[float]:
    """Return the least-squares slope of log mean |cos| over log p for each seed."""
    exponents = []
    for seed in seeds:
        own = [row for row in scaling if row["seed"] == seed]
        size, mean = (np.log([row[key] for row in own]) for key in ("parameters", "mean"))
        exponents.append(float(np.polyfit(size, mean, 1)[0]))
    return exponents


def _pictures(
    planes: Mapping[str, Sequence[Surface]], angles: Sequence[Row], scaling: Sequence[Row]
) -> dict[str, Figure]:
    first = [planes[epoch][0] for epoch in EPOCHS]
    titles = [f"{word} weights" for word in EPOCHS.values()]
    pictures = {
        f"planes_{split}": draw(
            first,
            kind="surface3d",
            split=split,
            title="A random plane, tensor-wise normalized",
            titles=titles,
        )
        for split in ("train", "test")
    }
    for epoch, word in EPOCHS.items():
        pictures[f"contours_{word}"] = draw(
            planes[epoch],
            kind="contour",
            title=f"Training loss around the {word} weights",
            titles=[f"run {number}" for number in range(1, len(planes[epoch]) + 1)],
        )
    sizes = sorted({row["parameters"] for row in scaling})
    by_size = [
        [row["mean"] for row in scaling if row["seed"] == seed]
        for seed in sorted({row["seed"] for row in scaling})
    ]
    points = {}
    for kind, word in NORMS.items():
        own = [row for row in angles if row["norm"] == kind]
        places, heights = ([row[key] for row in own] for key in ("parameters", "mean"))
        points[f"cnn, {word}"] = (places, heights)
    panel = Panel(
        "Two random directions are almost orthogonal",
        "parameters p",
        "mean |cos(w1, w2)|",
        series=[
            Series("Gaussian", sizes, by_size),
            Series(
                "\N{SQUARE ROOT}(2/(\N{GREEK SMALL LETTER PI} p))",
                sizes,
                [math.sqrt(2 / (math.pi * p)) for p in sizes],
            ),
        ],
        points=points,
        log="xy",
    )
    pictures["angles"] = draw_panels([panel])
    return pictures
