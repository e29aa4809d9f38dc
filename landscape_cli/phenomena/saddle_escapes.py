"""How descents leave strict saddles: from almost everywhere, by noise, and one after the other."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.analytic.catalogue import build
from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.first_steps import first_steps
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.quadratics import quadratic
from landscape_cli.analytic.saddle_chain import saddle_chain
from landscape_cli.analytic.stationary import KINDS, classify
from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity

FLOOR = 1e-16  # of an excess loss that is drawn
ARRIVED = 3.0  # modulus of every coordinate around a minimum of the chain, where it is 4


def perturbed_gd(
    lab: Lab,
    *,
    dimensions: list[int],
    curvatures: list[float],
    dimension: int,
    rate: float,
    rules: dict[str, dict[str, Any]],
    starts: int,
    most: int,
) -> Measured:
    """Count steps from the saddle of (x_1^2 + ... + x_{d-1}^2 - c x_d^2) / 2 itself to a loss of -c / 2.

    Args:
        lab: gives random numbers.
        dimensions: d, ascending, at c = 1.
        curvatures: c, at d = `dimension`.
        dimension: of these.
        rate: step size of all.
        rules: optimizers with noise -> their options.
        starts: how often each descends.
        most: steps that are taken; where they do not suffice the number is infinite.
    """

    def saddle(d: int, curvature: float) -> Function:
        return quadratic(torch.tensor([1.0] * (d - 1) + [-curvature], dtype=torch.float64))

    def steps(name: str, d: int, curvature: float) -> Array:
        function, start = saddle(d, curvature), torch.zeros(starts, d, dtype=torch.float64)
        options = {"lr": rate, **rules[name]}

        def below(points: Tensor) -> Tensor:
            return function.value(points) <= -curvature / 2

        return first_steps(function, start, name, options, below, most=most, seed=lab.seed)

    progress = [
        -descend(saddle(d, 1.0), torch.zeros(1, d).double(), "gd", {"lr": rate}, most, lab.seed).loss.min()
        for d in dimensions
    ]

    def measured(name: str) -> Measured:
        over_d = [steps(name, d, 1.0) for d in dimensions]
        over_c = [steps(name, dimension, curvature).mean() for curvature in curvatures]
        mean = np.array([each.mean() for each in over_d])
        return {
            "escaped": np.isfinite(over_d).mean(),
            "growth": mean[-1] / mean[0] if np.isfinite(mean).all() else math.inf,
            "off_minus_one": abs(_slope(np.log(curvatures), np.log(over_c)) + 1),
            "steps": mean,
            "steps_over_c": over_c,
        }

    found = by_quantity({name: measured(name) for name in rules})
    return {"gd_progress": max(progress), **found, "dimensions": dimensions, "curvatures": curvatures}


def draw_perturbed_gd(
    seeds: Sequence[Measured], *, names: dict[str, str], dimension: int
) -> dict[str, Figure]:
    """Draw steps off the saddle over the dimension and over the curvature, beside log d and 1 / c."""
    dimensions = np.asarray(seeds[0]["dimensions"], dtype=float)
    curvatures = np.asarray(seeds[0]["curvatures"], dtype=float)

    def panel(title: str, x: str, quantity: str, places: Array, law: Series, log: str) -> Panel:
        found = across(seeds, quantity).items()
        curves = [Series(names[name], places, steps) for name, steps in found]
        middle = np.mean([steps[:, 0] for _, steps in found]) / np.asarray(law.values)[0]
        scaled = Series(law.label, places, middle * np.asarray(law.values), look=law.look)
        return Panel(title, x, "steps off the saddle", [*curves, scaled], log=log)

    laws = (
        Series("like ln d", dimensions, np.log(dimensions), look=2),
        Series("like 1 / c", curvatures, 1 / curvatures, look=3),
    )
    content = [
        panel("c = 1", "dimension d", "steps", dimensions, laws[0], "x"),
        panel(f"d = {dimension}", "curvature c of the way down", "steps_over_c", curvatures, laws[1], "xy"),
    ]
    return {"steps": draw_panels(content)}


def gd_almost_surely_escapes(
    lab: Lab,
    *,
    functions: dict[str, dict[str, Any]],
    reach: dict[str, float],
    starts: int,
    steps: dict[str, int],
) -> Measured:
    """Let gradient descent run from random starts, and from starts on the stable manifold of a saddle.

    Args:
        lab: gives random numbers.
        functions: name -> as `landscape descend function=` has it.
        reach: name -> starts are uniform in [-reach, reach]^d.
        starts: how many.
        steps: name -> how many, with the function's own step size.
    """

    def measured(name: str) -> Measured:
        function, draw = build(functions[name]), lab.random(name)
        begin = torch.from_numpy(draw.uniform(-reach[name], reach[name], (starts, function.dimension)))
        on = STABLE[functions[name]["name"]](begin, functions[name], reach[name])
        path = descend(function, torch.cat([begin, on]), "gd", {"lr": function.lr}, steps[name], lab.seed)
        kinds = classify(function, torch.from_numpy(path.points[:, -1])).kind
        random, stable = np.split((kinds == KINDS.index("strict saddle")).numpy(), 2)
        assert function.lowest is not None
        excess, excess_stable = np.split(np.maximum(path.loss - function.lowest, FLOOR), 2)
        return {
            "at_the_minimum": (excess[:, -1] <= 1e-8).mean(),
            "at_a_saddle": random.mean(),
            "stable_at_a_saddle": stable.mean(),
            "median": np.median(excess, axis=0),
            "largest": excess.max(axis=0),
            "stable": np.median(excess_stable, axis=0),
            "steps": path.steps,
        }

    return by_quantity({name: measured(name) for name in functions})


def draw_gd_almost_surely_escapes(seeds: Sequence[Measured], *, names: dict[str, str]) -> dict[str, Figure]:
    """Draw the excess loss over steps, from random starts and from the stable manifold."""
    curves = {
        "median": "random starts, median",
        "largest": "random starts, largest",
        "stable": "starts on the stable manifold, median",
    }
    content = [
        Panel(
            names[name],
            "step",
            "f - min f",
            [
                Series(text, seeds[0]["steps"][name], across(seeds, f"{word}/{name}"))
                for word, text in curves.items()
            ],
            log="xy",
            limits=(FLOOR / 3, 300.0),
        )
        for name in seeds[0]["median"]
    ]
    return {"excess": draw_panels(content)}


def gd_exponential_time(
    lab: Lab,
    *,
    saddles: list[int],
    ratio: float,
    rate: float,
    perturbation: dict[str, Any],
    starts: int,
    most: int,
    shown: int,
) -> Measured:
    """Count steps from uniform starts in [-1, 1]^d to a minimum behind a chain of d saddles.

    Args:
        lab: gives random numbers.
        saddles: d, ascending.
        ratio: of the chain's curvatures.
        rate: step size.
        perturbation: options of perturbed gradient descent.
        starts: how many for each d; the median over them counts.
        most: steps that are taken; where they do not suffice the number is infinite.
        shown: d of the path that is drawn.
    """

    def there(points: Tensor) -> Tensor:
        return (points.abs() >= ARRIVED).all(-1)

    begin = {d: torch.from_numpy(lab.random(f"{d} saddles").uniform(-1, 1, (starts, d))) for d in saddles}
    options = {"gd": {"lr": rate}, "perturbed_gd": {"lr": rate, **perturbation}}
    counts = {
        (name, d): first_steps(
            saddle_chain(d, ratio), begin[d], name, options[name], there, most=most, seed=lab.seed
        )
        for name in options
        for d in saddles
    }
    steps = {name: np.array([np.median(counts[name, d]) for d in saddles]) for name in options}
    order = counts["gd", shown].argsort()
    usual = order[len(order) // 2 :][:1]
    chain, last = saddle_chain(shown, ratio), int(min(1.1 * counts["gd", shown][usual[0]], most))
    paths = {
        name: descend(chain, begin[shown][usual], name, options[name], last, lab.seed) for name in options
    }
    with np.errstate(invalid="ignore"):
        factors = steps["gd"][1:] / steps["gd"][:-1]
    assert chain.lowest is not None
    return {
        "smallest_factor": factors.min(),
        "largest_factor": factors.max(),
        "power": _slope(np.log(saddles), np.log(steps["perturbed_gd"])),
        "saddles": saddles,
        "steps": steps,
        "factor_of_the_rates": 1 + math.log(1 / (1 - 2 * rate * ratio)) / math.log(1 + 2 * rate),
        "excess": {name: np.maximum(path.loss[0] - chain.lowest, FLOOR) for name, path in paths.items()},
        "coordinates": np.abs(paths["gd"].points[0]).T,
    }


def draw_gd_exponential_time(
    seeds: Sequence[Measured], *, names: dict[str, str], shown: int
) -> dict[str, Figure]:
    """Draw steps over the number of saddles, and of one descent the loss and every coordinate."""
    first = seeds[0]
    saddles, steps = np.asarray(first["saddles"]), across(seeds, "steps")
    factor = float(first["factor_of_the_rates"])
    law = steps["gd"][:, 0].mean() * factor ** (saddles - saddles[0])
    excess, coordinates = first["excess"], first["coordinates"]
    times = np.arange(coordinates.shape[1])
    panels = [
        Panel(
            "Steps to a minimum",
            "saddles d",
            "steps, median over starts",
            [
                *(Series(names[name], saddles, found) for name, found in steps.items()),
                Series(f"times {factor:.2f} a saddle", saddles, law, look=7),
            ],
            log="y",
        ),
        Panel(
            f"{shown} saddles: the loss",
            "step",
            "f - min f",
            [Series(names[name], times, values) for name, values in excess.items()],
        ),
        Panel(
            f"{shown} saddles: gradient descent",
            "step",
            "modulus of each coordinate",
            [
                Series(f"$|x_{i + 1}|$", times, line, look=(2, 3, 4, 5, 6, 7, 0)[i % 7])
                for i, line in enumerate(coordinates)
            ],
            log="y",
        ),
    ]
    return {"steps": draw_panels(panels)}


def _without_the_first_row(points: Tensor, options: Mapping[str, Any], reach: float) -> Tensor:
    """Return points X whose first row is zero: so it stays, and the largest eigenvalue is never found."""
    found = points.clone()
    found[:, : options.get("rank", 1)] = 0
    return found


def _with_two_largest(points: Tensor, options: Mapping[str, Any], reach: float) -> Tensor:
    """Return points whose first two coordinates are equal and largest: so they stay, and none wins."""
    found = points.clone()
    found[:, :2] = reach
    return found


STABLE: dict[str, Callable[[Tensor, Mapping[str, Any], float], Tensor]] = {
    "matrix_factorization": _without_the_first_row,
    "tensor_factorization": _with_two_largest,
}
"""Function -> what moves points onto the stable manifold of a saddle."""


def _slope(x: Any, y: Any) -> float:
    """Return the slope of the least-squares line; infinite where a value is."""
    return float(np.polyfit(x, y, 1)[0]) if np.isfinite(y).all() else math.inf
