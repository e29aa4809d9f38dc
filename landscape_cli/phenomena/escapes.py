"""How noise and large steps leave sharp minima for wide ones, on functions of two coordinates."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.quadratics import two_wells
from landscape_cli.arrays import Array
from landscape_cli.measures import spearman
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.store.descent import OptimizerPath

NEAR = 1e-3  # distance to a minimizer within which a descent has ended there
PARTS = 1000  # of the finite sums
SHOWN = 30  # steps of the paths that are drawn
SLICE = 401  # points of a drawn line


def sgd_escapes_local_minima(
    lab: Lab,
    *,
    wells: dict[str, float],
    starts: int,
    reach: float,
    lr: float,
    steps: int,
    spread: float,
    rates: list[float],
    batches: list[int],
    time: float,
) -> Measured:
    """Compare where descents from the same starts end, and how fast SGD leaves the narrow well.

    SGD minimizes a finite sum whose mean is the function, with batches of one; noisy gradient descent has
    Gaussian noise of the same variance. The rate of escape is (number that crossed the barrier) / (time spent
    before crossing it), time being lr times steps, so a larger step size is not faster by its length alone.

    Args:
        lab: of no run.
        wells: options of `two_wells`; the narrow one's floor is higher by ``rise``.
        starts: how many.
        reach: radius of the disk around the narrow minimizer in which they are uniform.
        lr: step size.
        steps: of each descent.
        spread: standard deviation of the gradient of one part in each coordinate.
        rates: step sizes at which escapes of batches of one are timed.
        batches: sizes of batches whose escapes are timed at the largest of these rates.
        time: how long they are watched.
    """
    function = two_wells(**wells)
    inside = torch.tensor(function.minima[:1], dtype=torch.float64).expand(starts, 2)
    first = inside + torch.from_numpy(in_disk(lab.random("starts"), starts, reach))
    sgd = {"lr": lr, "parts": PARTS, "batch": 1, "spread": spread}
    noise = {"lr": lr, "noise": (lr * spread) ** 2}
    paths = {
        "gradient descent": descend(function, first, "gd", {"lr": lr}, steps, lab.seed),
        "SGD, batches of one": descend(function, first, "sgd", sgd, steps, lab.seed),
        "noisy gradient descent": descend(function, first, "noisy_gd", noise, steps, lab.seed),
    }
    wide = {name: (path.points[..., 0] > 0).mean(axis=0) for name, path in paths.items()}
    plain, *noisy = (float(share[-1]) for share in wide.values())
    tried = [(rate, 1) for rate in rates] + [(max(rates), batch) for batch in batches]
    escapes = []
    for rate, batch in tried:
        options = {**sgd, "lr": rate, "batch": batch}
        path = descend(function, inside, "sgd", options, round(time / rate), lab.seed)
        escapes.append(escape_rate(path, rate))
    scale = np.array([rate / batch for rate, batch in tried])
    x, height = through_the_wells(function)
    return {
        "more_in_the_wide": {name: share - plain for name, share in zip(list(wide)[1:], noisy, strict=True)},
        "rank_correlation": spearman(scale, np.array(escapes)),
        "share": wide,
        "steps": paths["gradient descent"].steps,
        "scale": scale,
        "escapes": escapes,
        "by_rate": len(rates),
        "x": x,
        "height": height,
    }


def draw_sgd_escapes_local_minima(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the function along the line through both wells, where descents are, and the rates of escape."""
    first, count = seeds[0], int(seeds[0]["by_rate"])
    scale, escapes = first["scale"], across(seeds, "escapes")
    panels = [
        Panel("The two wells", "x, at y = 0", "f", [Series("", first["x"], first["height"], look=4)]),
        Panel(
            "From the same starts",
            "step",
            "share in the wide well",
            [
                Series(name, first["steps"], each, look=look)
                for look, (name, each) in enumerate(across(seeds, "share").items())
            ],
        ),
        Panel(
            "Escapes from the narrow well",
            "step size / batch size",
            "escapes / (step size · steps)",
            [
                Series("batches of one, step size varied", scale[:count], escapes[:, :count], look=3),
                Series("largest step size, batch varied", scale[count:], escapes[:, count:], look=5),
            ],
            log="xy",
        ),
    ]
    return {"escapes": draw_panels(panels)}


def escape_rate(path: OptimizerPath, rate: float) -> float:
    """Return crossings of x = 0 per time: the most likely chance p of one per step, over the time of a step.

    A descent that crosses in its k-th step has the likelihood (1 - p)^(k - 1) p, one that never does in T
    steps (1 - p)^T, so p is the number of crossings over that of the steps made from x < 0.

    Args:
        path: of descents that start at x < 0, all steps kept.
        rate: time of a step.
    """
    crossed = np.maximum.accumulate(path.points[..., 0] > 0, axis=1)
    return float(crossed[:, -1].sum() / (~crossed[:, :-1]).sum() / rate)


def large_step_escapes_narrow(
    lab: Lab,
    *,
    narrow: float,
    wide: float,
    starts: int,
    large: float,
    small: float,
    parts: list[float],
    steps: int,
) -> Measured:
    """Start gradient descent at random in the narrow well of two, and look where it ends.

    A minimum of curvature lambda is unstable for a step size above 2 / lambda. The starts are uniform in the
    disk around the narrow minimizer that reaches half way to the barrier.

    Args:
        lab: of no run.
        narrow: curvature of the well it starts in.
        wide: that of the other.
        starts: how many.
        large: a step size above 2 / narrow.
        small: one below.
        parts: of 2 / narrow, the step sizes of a sweep.
        steps: of each descent.
    """
    function = two_wells(narrow, wide)
    minima = np.array(function.minima)
    first = torch.from_numpy(minima[0] + in_disk(lab.random("starts"), starts, -minima[0, 0] / 2))

    def descent(rate: float) -> OptimizerPath:
        return descend(function, first, "gd", {"lr": rate}, steps, lab.seed)

    def off(path: OptimizerPath, well: int) -> Array:
        return np.asarray(np.linalg.norm(path.points[:, -1] - minima[well], axis=-1))

    rates = np.array(parts) * 2 / narrow
    ends = [descent(rate) for rate in rates]
    shares = {
        name: np.array([(off(path, well) < NEAR).mean() for path in ends])
        for name, well in (("narrow", 0), ("wide", 1))
    }
    leaving, staying = descent(large), descent(small)
    x, height = through_the_wells(function)
    return {
        "large_off_wide": off(leaving, 1),
        "small_off_narrow": off(staying, 0),
        "stay_below": shares["narrow"][rates < 2 / narrow],
        "stay_above": shares["narrow"][rates > 2 / narrow],
        "share": shares,
        "rates": rates,
        "bound": 2 / narrow,
        "x": x,
        "height": height,
        "paths": {
            f"step size {rate:g}": path.points[0, : SHOWN + 1, 0]
            for rate, path in ((large, leaving), (small, staying))
        },
    }


def draw_large_step_escapes_narrow(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the wells, the first steps of a start with either step size, and where all end over step sizes."""
    first = seeds[0]
    panels = [
        Panel("The two wells", "x, at y = 0", "f", [Series("", first["x"], first["height"], look=4)]),
        Panel(
            "The first steps of one start",
            "step",
            "x",
            [
                Series(name, np.arange(len(each)), each, look=look)
                for look, (name, each) in enumerate(first["paths"].items())
            ],
        ),
        Panel(
            "Where gradient descent ends",
            "step size",
            "share of starts",
            [
                Series(f"in the {name} minimum", first["rates"], each, look=look)
                for look, (name, each) in zip((3, 5), across(seeds, "share").items(), strict=True)
            ],
            marks={"2 / λ": first["bound"]},
            log="x",
        ),
    ]
    return {"ends": draw_panels(panels)}


def in_disk(random: np.random.RandomState, count: int, radius: float) -> Array:
    """Return points uniform in a disk around the origin, (count, 2)."""
    turn, part = 2 * np.pi * random.uniform(size=count), np.sqrt(random.uniform(size=count))
    return np.asarray(radius * part[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1))


def through_the_wells(function: Function) -> tuple[Array, Array]:
    """Return x, and the function at (x, 0), where its picture is drawn."""
    x = np.linspace(*function.box[0], SLICE)
    return x, function.value(torch.from_numpy(np.stack([x, np.zeros(SLICE)], axis=-1))).numpy()
