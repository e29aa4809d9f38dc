"""What frees descents from ravines and local minima: momentum, and noise that is let fall."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.quadratics import dented_ravine, ravine
from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.store.descent import OptimizerPath

SLICE = 401  # points of a drawn line
DRAWN = 200  # steps between two points of a drawn curve, at least so many points in all


def bottou_ravine(
    lab: Lab,
    *,
    condition: float,
    dimension: int,
    starts: int,
    steps: int,
    dent: Mapping[str, float],
    region: Sequence[Sequence[float]],
    lr: float,
    spread: float,
    parts: int,
    long: int,
) -> Measured:
    """Measure where gradient descent's excess loss is in a ravine, and whether SGD leaves a dent in one.

    The bottom subspace is that of the lower half of the eigenvalues. SGD minimizes a finite sum whose mean is
    the function, in batches of one.

    Args:
        lab: of no run.
        condition: of the quadratic ravine,
        dimension: d of it; the step size is 1 / (the largest eigenvalue).
        starts: on the unit sphere there, and in `region` on the dented one.
        steps: s, on the quadratic ravine.
        dent: options of `dented_ravine`.
        region: first and last x and y of the starts there, beyond the dent.
        lr: step size there.
        spread: standard deviation of the gradient of one part in each coordinate.
        parts: of the sum.
        long: steps there.
    """
    random = lab.random("starts")
    bowl = ravine(condition, dimension)
    eigenvalues = condition ** np.linspace(0, 1, dimension)
    points = random.standard_normal((starts, dimension))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    path = descend(bowl, torch.from_numpy(points), "gd", {"lr": 1 / condition}, steps, lab.seed)
    excess = eigenvalues * path.points**2 / 2
    bottom = excess[..., : dimension // 2].sum(axis=-1)
    top = excess[..., dimension // 2 :].sum(axis=-1)

    rough = dented_ravine(**dent)
    first = torch.from_numpy(in_region(random, region, starts))
    plain = descend(rough, first, "gd", {"lr": lr}, long, lab.seed)
    options = {"lr": lr, "parts": parts, "batch": 1, "spread": spread}
    noisy = descend(rough, first, "sgd", options, long, lab.seed)
    return {
        "in_the_bottom": (bottom / (bottom + top))[:, -1].min(),
        "left_at_the_bottom": (bottom[:, -1] / bottom[:, 0]).mean(),
        "left_at_the_top": (top[:, -1] / top[:, 0]).mean(),
        "lower": (noisy.loss[:, -1] < plain.loss[:, -1]).mean(),
        "steps": path.steps,
        "bottom": bottom.mean(axis=0),
        "top": top.mean(axis=0),
        **_along_the_floor(rough),
        **_curves({"gradient descent": plain, "SGD, batches of one": noisy}),
    }


def draw_bottou_ravine(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the excess by subspace, the floor of the dented ravine, and the losses on it."""
    first = seeds[0]
    parts = [
        Series("of the smaller eigenvalues", first["steps"], across(seeds, "bottom"), look=2),
        Series("of the larger eigenvalues", first["steps"], across(seeds, "top"), look=3),
    ]
    panels = [
        Panel("Gradient descent in a ravine", "step", "excess loss", parts, log="y", limits=(1e-4, 1e3)),
        _floor(first),
        _losses(seeds, "From the same starts"),
    ]
    return {"ravine": draw_panels(panels)}


def bourrely_fixes(
    lab: Lab,
    *,
    dent: Mapping[str, float],
    region: Sequence[Sequence[float]],
    starts: int,
    lr: float,
    steps: int,
    momentum: float,
    eta: float,
    gamma: float,
    constants: Sequence[float],
    alpha: float,
    moved: Sequence[float],
) -> Measured:
    """Start beyond a planted local minimum, and look who gets past it, to the half of its x, and how low.

    Noise is added to the gradient: of the variance eta / (1 + t)^gamma in each coordinate, or of a constant
    one. Of the constant ones the best is that of the lowest final loss among those that escape with P >= 0.8;
    where none does, of all. What the text calls momentum, W <- (1 - alpha) W - epsilon alpha f(W), is
    compared with gradient descent under weight decay.

    Args:
        lab: of no run.
        dent: options of `dented_ravine`, whose dent is the planted minimum.
        region: first and last x and y of the starts.
        starts: how many.
        lr: step size of all.
        steps: of all.
        momentum: of the heavy ball.
        eta: variance of the annealed noise at first,
        gamma: the power with which it falls.
        constants: variances of constant noise.
        alpha: of the text's form; epsilon is lr / alpha.
        moved: where the function's origin is put for it, (x, y): around the origin it shrinks to the minimum.
    """
    function = dented_ravine(**dent)
    random = lab.random("starts")
    first = torch.from_numpy(in_region(random, region, starts))

    def path(name: str, **options: float) -> OptimizerPath:
        return descend(function, first, name, {"lr": lr, **options}, steps, lab.seed)

    paths = {
        "gradient descent": path("gd"),
        "momentum": path("heavy_ball", momentum=momentum),
        "annealed noise": path("annealed_gd", eta=eta, gamma=gamma),
    }
    constant = {f"{each:g}": path("annealed_gd", eta=each, gamma=0.0) for each in constants}
    escaped = {
        name: float((each.points[:, -1, 0] < dent["place"] / 2).mean())
        for name, each in {**paths, **constant}.items()
    }
    final = {name: float(each.loss[:, -1].mean()) for name, each in {**paths, **constant}.items()}
    freeing = [name for name in constant if escaped[name] >= 0.8] or list(constant)
    best = min(freeing, key=lambda name: final[name])
    rest = torch.from_numpy(paths["gradient descent"].points[:, -1])
    resting = descend(function, rest, "heavy_ball", {"lr": lr, "momentum": momentum}, steps, lab.seed)
    shrinking = shrunk(function, first, alpha, lr / alpha, steps, moved)
    decayed = descend(
        translated(function, moved), first, "gd", {"lr": lr, "weight_decay": alpha / lr}, steps, lab.seed
    )
    low = torch.zeros(starts, 2, dtype=torch.float64)
    from_below = descend(
        function, low, "annealed_gd", {"lr": lr, "eta": eta, "gamma": gamma}, steps, lab.seed
    )
    slope = translated(function, moved).gradient(torch.from_numpy(shrinking[:, -1]))
    return {
        "escaped": {name: escaped[name] for name in paths},
        "thrown_out": float((from_below.points[:, -1, 0] >= dent["place"] / 2).mean()),
        "annealed_minus_constant": final["annealed noise"] - final[best],
        "off_weight_decay": np.abs(shrinking - decayed.points).max(),
        "slope_where_it_shrinks_to": float(torch.linalg.vector_norm(slope, dim=-1).min()),
        "momentum_from_rest": float((resting.points[:, -1, 0] < dent["place"] / 2).mean()),
        "best_constant": float(best),
        "constants": np.array(constants),
        "constant_escaped": np.array([escaped[name] for name in constant]),
        "constant_final": np.array([final[name] for name in constant]),
        "annealed_final": final["annealed noise"],
        **_along_the_floor(function),
        **_curves({**paths, "the best constant noise": constant[best]}),
    }


def draw_bourrely_fixes(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the planted minimum, the losses from the same starts, and what constant noise gives."""
    first = seeds[0]
    levels = first["constants"]
    annealed = np.repeat(across(seeds, "annealed_final")[:, None], len(levels), axis=1)
    panels = [
        _floor(first),
        _losses(seeds, "From the same starts"),
        Panel(
            "Constant noise",
            "variance of the noise",
            "mean final loss",
            [
                Series("constant noise", levels, across(seeds, "constant_final"), look=5),
                Series("", levels, annealed, look=2),
            ],
            log="xy",
        ),
    ]
    return {"fixes": draw_panels(panels)}


def shrunk(
    function: Function,
    start: Tensor,
    alpha: float,
    epsilon: float,
    steps: int,
    moved: Sequence[float],
) -> Array:
    """Return the points of W <- (1 - alpha) W - epsilon alpha f(W), f the gradient, (n, steps + 1, d).

    Printed as momentum (Bourrely 1988, in Sagun, "GD is bad use SGD"), it has no memory of earlier steps.

    Args:
        function: whose gradient f is.
        start: (n, d).
        alpha: by how much the weights shrink in a step.
        epsilon: the step size is epsilon alpha.
        steps: how many.
        moved: where the function's origin is put, d numbers.
    """
    gradient, points = translated(function, moved).gradient, [start]
    for _ in range(steps):
        points.append((1 - alpha) * points[-1] - epsilon * alpha * gradient(points[-1]))
    return torch.stack(points, dim=1).numpy()


def translated(function: Function, place: Sequence[float]) -> Function:
    """Return x -> f(x - place)."""
    by = torch.tensor(list(place), dtype=torch.float64)
    return Function(
        lambda points: function.value(points - by),
        function.box,
        function.start,
        function.lr,
        lambda points: function.gradient(points - by),
        lambda points: function.hessian(points - by),
    )


def in_region(random: np.random.RandomState, region: Sequence[Sequence[float]], count: int) -> Array:
    """Return points uniform in a box of first and last coordinates, (count, d)."""
    return np.stack([random.uniform(low, high, count) for low, high in region], axis=-1)


def _along_the_floor(function: Function) -> dict[str, Array]:
    x = np.linspace(*function.box[0], SLICE)
    return {"x": x, "height": function.value(torch.from_numpy(np.stack([x, 0 * x], axis=-1))).numpy()}


def _curves(paths: Mapping[str, OptimizerPath]) -> dict[str, object]:
    """Return mean losses over the starts at some hundred steps, the first ones all."""
    steps = next(iter(paths.values())).steps
    shown = np.unique(np.geomspace(1, len(steps), DRAWN).astype(int)) - 1
    return {
        "shown": steps[shown],
        "loss": {name: path.loss[:, shown].mean(axis=0) for name, path in paths.items()},
    }


def _floor(seed: Measured) -> Panel:
    return Panel("The ravine's floor", "x, at y = 0", "f", [Series("", seed["x"], seed["height"], look=4)])


def _losses(seeds: Sequence[Measured], title: str) -> Panel:
    curves = [
        Series(name, 1 + seeds[0]["shown"], each, look=look)
        for look, (name, each) in enumerate(across(seeds, "loss").items())
    ]
    return Panel(title, "1 + step", "mean loss", curves, log="xy", limits=(3e-2, 3e2))
