"""Stationary points told apart by the Hessian, and the way off a strict saddle (Ge et al. 2015)."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.powers import powers, rotated
from landscape_cli.analytic.quadratics import quadratic
from landscape_cli.analytic.stationary import KINDS, classify
from landscape_cli.analytic.surfaces2d import himmelblau
from landscape_cli.arrays import Array
from landscape_cli.plots.panels import panels, trim_height, write_legend, write_titles
from landscape_cli.plots.series import COLOURS, MARKERS, Panel, Series, draw_panels
from landscape_cli.plots.style import INK, PAPER, light_colormap, styled
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

FORMS: dict[str, tuple[list[float], list[int], str]] = {
    "x^2 + y^2": ([1.0, 1.0], [2, 2], "minimum"),
    "-x^2 - y^2": ([-1.0, -1.0], [2, 2], "maximum"),
    "x^2 - y^2": ([1.0, -1.0], [2, 2], "strict saddle"),
    "x^2 + y^3": ([1.0, 1.0], [2, 3], "degenerate"),
    "x^2 + y^4": ([1.0, 1.0], [2, 4], "degenerate"),
}
"""Name -> coefficients, exponents, and what the Hessian at the origin tells."""

CELLS = 81  # of a picture, along each axis
SAME = 6  # digits in which two stationary points that are one agree
FIRST = 12  # steps whose growth is drawn
LEAVING = 300  # steps on the stable manifold that are drawn


def stationary_point_classifier(
    lab: Lab, *, starts: int, steps: int, radius: float, gradient: float, curvature: float
) -> Measured:
    """Classify where Newton's method ends, on forms that are moved and turned at random, and on Himmelblau's.

    Args:
        lab: gives random numbers.
        starts: of Newton's method on each function.
        steps: that it takes; to a degenerate point it converges like a geometric sequence.
        radius: of the circle around each form's point on which the least value is looked for.
        gradient: the largest length that counts as zero.
        curvature: the largest modulus of an eigenvalue that does.
    """
    draw, tolerance = lab.random("starts"), {"gradient": gradient, "curvature": curvature}
    circle = radius * _directions(1000)
    right, lowest, label, heights = {}, {}, {}, {}
    for name, (coefficients, exponents, kind) in FORMS.items():
        form, centre = powers(coefficients, exponents), torch.from_numpy(draw.uniform(-1, 1, 2))
        function = rotated(form, _rotation(draw, 2), centre)
        ends = _newton(function, centre + torch.from_numpy(draw.uniform(-1, 1, (starts, 2))), steps)
        kinds = classify(function, ends, **tolerance).kind
        right[name] = float((kinds == KINDS.index(kind)).double().mean())
        label[name] = int(kinds.mode().values)
        lowest[name] = float(function.value(centre + circle).min() - function.value(centre))
        heights[name] = _heights(form)
    landscape = himmelblau()
    low, high = torch.tensor(landscape.box, dtype=torch.float64).unbind(-1)
    ends = _newton(landscape, low + (high - low) * torch.from_numpy(draw.uniform(size=(starts, 2))), steps)
    stationary = classify(landscape, ends, **tolerance).kind != KINDS.index("not stationary")
    places = torch.from_numpy(np.unique(ends[stationary].numpy().round(SAME), axis=0))
    kinds = classify(landscape, places, gradient=math.inf, curvature=curvature).kind
    count = {kind: int((kinds == KINDS.index(kind)).sum()) for kind in KINDS[1:]}
    return {
        "right": right,
        "lowest_around": lowest,
        "off_one": abs(count["minimum"] - count["strict saddle"] + count["maximum"] - 1),
        "count": count,
        "label": label,
        "heights": heights,
        "himmelblau": {"heights": _heights(landscape), "places": places.numpy(), "kinds": kinds.numpy()},
    }


def draw_stationary_point_classifier(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw level lines of the functions in their own coordinates, with what the points were labelled."""
    first = seeds[0]
    origin, known = [[0.0, 0.0]], first["himmelblau"]
    boxes = {name: powers(*form[:2]).box for name, form in FORMS.items()}
    shown = [(boxes[name], first["heights"][name], origin, [first["label"][name]]) for name in FORMS]
    shown.append((himmelblau().box, np.log1p(known["heights"]), known["places"], known["kinds"]))
    with styled():
        figure, axes = panels(len(shown), ratio=0.95, margin=0.5, per_row=3)
        handles = {}
        for each, (box, values, places, kinds) in zip(axes, shown, strict=True):
            x, y = (np.linspace(*ends, CELLS) for ends in box)
            each.contourf(x, y, values, 14, cmap=light_colormap(PAPER))
            each.contour(x, y, values, 14, colors=INK, linewidths=0.4, linestyles="solid", alpha=0.5)
            for number in range(1, len(KINDS)):
                chosen = np.asarray(places)[np.asarray(kinds) == number]
                (dots,) = each.plot(
                    *chosen.T.reshape(2, -1),
                    linestyle="",
                    marker=MARKERS[number],
                    color=COLOURS[number],
                    markeredgecolor="white",
                    markersize=7,
                    label=KINDS[number],
                )
                handles[number] = dots
            each.set_aspect("equal")
            each.set_xlabel("x")
            each.set_ylabel("y")
        write_titles(figure, axes, [*map(_written, FORMS), "Himmelblau's function"], "")
        write_legend(figure, list(handles.values()), 4)
        trim_height(figure)
    return {"kinds": figure}


def strict_saddle_escape_quadratic(
    lab: Lab,
    *,
    eigenvalues: list[float],
    rate: float,
    starts: int,
    smallest: float,
    others: float,
    steps: int,
) -> Measured:
    """Measure gradient descent off the saddle of 1/2 x^T A x, along the eigenvector v of lambda_min < 0.

    Args:
        lab: gives random numbers.
        eigenvalues: of A, whose eigenvectors are random.
        rate: eta of gradient descent.
        starts: how many, with |v^T x_0| from `smallest` to 0.1, evenly on a logarithmic scale.
        smallest: of these.
        others: length of the rest of x_0, in the unit ball.
        steps: that are taken from starts without a component along v.
    """
    draw, dimension, down = lab.random("starts"), len(eigenvalues), int(np.argmin(eigenvalues))
    turn, origin = _rotation(draw, dimension), torch.zeros(dimension, dtype=torch.float64)
    plain = quadratic(torch.tensor(eigenvalues, dtype=torch.float64))
    function, growth = rotated(plain, turn, origin), 1 - rate * min(eigenvalues)
    begin = torch.from_numpy(draw.standard_normal((starts, dimension)))
    begin[:, down] = 0
    begin *= others / torch.linalg.vector_norm(begin, dim=1, keepdim=True)
    stable = begin.clone()
    begin[:, down] = torch.from_numpy(np.geomspace(smallest, 0.1, starts) * draw.choice([-1, 1], starts))
    formula = -np.log(begin[:, down].abs().numpy()) / math.log(growth)
    most = math.ceil(formula.max()) + 1
    path = descend(function, begin @ turn.mT, "gd", {"lr": rate}, most, lab.seed)
    along = np.abs(path.points @ turn[:, down].numpy())
    law = along[:, :1] * growth ** np.arange(most + 1)
    norms = {
        word: np.linalg.norm(descend(f, x, "gd", {"lr": rate}, steps, lab.seed).points, axis=-1)
        for word, f, x in (("own", plain, stable), ("rotated", function, stable @ turn.mT))
    }
    exits = (np.linalg.norm(path.points, axis=-1) > 1).argmax(axis=1)
    return {
        "deviation": np.abs(along / law - 1).max(),
        "over_the_lectures_bound": (along[:, 1:] / law[:, :-1]).min(),
        "off_the_formula": np.abs(exits - formula).max(),
        "left": {word: float((norm > 1).any(axis=1).mean()) for word, norm in norms.items()},
        "growth": growth,
        "along": (along / along[:, :1])[:, : FIRST + 1].mean(axis=0),
        "component": along[:, 0],
        "exits": exits,
        "norms": {word: np.median(norm, axis=0)[: LEAVING + 1] for word, norm in norms.items()},
    }


def draw_strict_saddle_escape_quadratic(
    seeds: Sequence[Measured], *, names: dict[str, str]
) -> dict[str, Figure]:
    """Draw the growth along v beside law and bound, steps to leave the unit ball, and the stable manifold."""
    first, t = seeds[0], np.arange(FIRST + 1)
    growth, component = float(first["growth"]), np.geomspace(first["component"].min(), 0.1, 50)
    panel_of_growth = Panel(
        "Along the eigenvector v",
        "step t",
        "|vᵀxₜ| / |vᵀx₀|",
        [
            Series(r"$(1 + \eta|\lambda_{min}|)^{t}$", t, growth**t, look=0),
            Series(r"lecture's bound, $(1 + \eta|\lambda_{min}|)^{t-1}$", t[1:], growth ** t[:-1], look=1),
        ],
        {"measured, mean over starts": (t, across(seeds, "along").mean(axis=0))},
        log="y",
    )
    panel_of_exits = Panel(
        "Out of the unit ball",
        "|vᵀx₀|",
        "steps",
        [
            Series(
                r"$\ln(1/|v^T x_0|)\,/\,\ln(1 + \eta|\lambda_{min}|)$",
                component,
                -np.log(component) / math.log(growth),
                look=3,
            )
        ],
        {"measured, each start": (across(seeds, "component").ravel(), across(seeds, "exits").ravel())},
        log="x",
    )
    norms = across(seeds, "norms")
    panel_of_manifold = Panel(
        "From the stable manifold",
        "step t",
        "‖xₜ‖",
        [
            Series(names[word], np.arange(lines.shape[1]), lines, look=4 + number)
            for number, (word, lines) in enumerate(norms.items())
        ],
        log="y",
        limits=(1e-16, 10.0),
        level=1.0,
    )
    return {"escape": draw_panels([panel_of_growth, panel_of_exits, panel_of_manifold])}


def _written(form: str) -> str:
    """Return the name of a form with raised exponents."""
    return form.translate(str.maketrans("234", "²³⁴")).replace("^", "")


def _rotation(draw: np.random.RandomState, dimension: int) -> Tensor:
    """Return a random orthogonal matrix."""
    return torch.from_numpy(np.linalg.qr(draw.standard_normal((dimension, dimension)))[0])


def _directions(count: int) -> Tensor:
    """Return unit vectors of the plane, evenly spaced."""
    angle = torch.arange(count, dtype=torch.float64) * (2 * math.pi / count)
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def _newton(function: Function, start: Tensor, steps: int) -> Tensor:
    return torch.from_numpy(descend(function, start, "newton", {"lr": 1.0}, steps, seed=0).points[:, -1])


def _heights(function: Function) -> Array:
    """Return the function over its box, (ny, nx)."""
    x, y = (torch.linspace(*ends, CELLS, dtype=torch.float64) for ends in function.box)
    return function.value(torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)).numpy()
