"""A toy valley in which sharp and wide minima are connected (Sagun, "A toy model"): (uv - 1)^2 / 2."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.quadratics import valley
from landscape_cli.analytic.stationary import classify
from landscape_cli.arrays import Array
from landscape_cli.measures import spearman
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

CONVERGED = 1e-8  # |uv - 1| where a descent has reached the valley
PARTS = 1000  # of the finite sum
SHOWN = 40  # steps of the paths that are drawn


def toy_valley_model(
    lab: Lab,
    *,
    widest: float,
    rates: list[float],
    starts: int,
    beside: float,
    steps: int,
    spread: float,
    noisy_rates: list[float],
    batches: list[int],
    time: float,
) -> Measured:
    """Measure the curvature u^2 + v^2 along the valley uv = 1, and where descents come to rest in it.

    Gradient descent starts beside the valley, at random places of it. SGD starts at its sharp end, and
    minimizes the mean over i of 1/2 (uv - y_i)^2, whose labels y_i have the mean 1: the function, but for a
    constant. Q = u^2 - v^2, which gradient flow keeps, falls by the factor 1 - lr^2 (uv - y)^2 in each step.

    Args:
        lab: of no run.
        widest: u at the sharp end of the valley that is looked at; at the other u is 1 / widest.
        rates: step sizes of gradient descent, ascending.
        starts: how many, of gradient descent at each rate and of SGD.
        beside: standard deviation of the starts of gradient descent from the valley, in u and in v.
        steps: of gradient descent.
        spread: standard deviation of the labels.
        noisy_rates: step sizes of SGD with batches of one.
        batches: sizes of batches for SGD at the largest of these.
        time: lr times the steps of SGD, the same for all.
    """
    function = valley()
    place = torch.from_numpy(np.geomspace(1 / widest, widest, 101))
    floor = torch.stack([place, 1 / place], dim=-1)
    eigenvalues = classify(function, floor).eigenvalues
    random = lab.random("starts")
    u = torch.from_numpy(widest ** random.uniform(-1, 1, starts))
    first = torch.stack([u, 1 / u], dim=-1) + beside * torch.from_numpy(random.standard_normal((starts, 2)))
    sharp = torch.tensor([[widest, 1 / widest]], dtype=torch.float64)
    ends, paths = [], {}
    for rate in rates:
        path = descend(
            function,
            torch.cat([sharp + beside * torch.tensor([0.0, 1.0]), first]),
            "gd",
            {"lr": rate},
            steps,
            lab.seed,
        )
        end = path.points[1:, -1]
        ends.append(np.where(np.abs(end.prod(-1) - 1) < CONVERGED, np.square(end).sum(-1), np.nan))
        paths[f"{rate:g}"] = path.points[0, : SHOWN + 1]
    noise = spread * lab.random("labels").standard_normal(PARTS)
    labels, generator = torch.from_numpy(1 + noise - noise.mean()), torch.Generator().manual_seed(lab.seed)
    tried = [(rate, 1) for rate in noisy_rates] + [(max(noisy_rates), batch) for batch in batches]
    scale = np.array([rate / batch for rate, batch in tried])
    many = sharp.expand(starts, 2)
    curvatures = [
        label_noise_sgd(many, labels, generator, lr=rate, batch=batch, steps=round(time / rate))
        for rate, batch in tried
    ]
    return {
        "barrier": float(function.value(floor).max()),
        "flat_off": eigenvalues[:, 0].abs().numpy(),
        "top_off": (eigenvalues[:, 1] - floor.square().sum(-1)).abs().numpy(),
        "over_bound": [_largest(end) * rate / 2 for rate, end in zip(rates, ends, strict=True)],
        "share_converged": [float(np.isfinite(end).mean()) for end in ends],
        "rank_correlation": spearman(scale, np.array(curvatures)),
        "scale": scale,
        "curvatures": curvatures,
        "by_rate": len(noisy_rates),
        "rates": rates,
        "ends": np.array(ends),
        "valley": floor.T.numpy(),
        "paths": paths,
    }


def draw_toy_valley_model(seeds: Sequence[Measured], *, shown: Sequence[str]) -> dict[str, Figure]:
    """Draw paths of gradient descent, where it ends at each step size, and the curvature under noise.

    Args:
        seeds: what was measured.
        shown: the step sizes whose paths are drawn.
    """
    first, rates = seeds[0], np.asarray(seeds[0]["rates"])
    ends, curvatures = across(seeds, "ends"), across(seeds, "curvatures")
    scale, count = first["scale"], int(first["by_rate"])
    panels = [
        Panel(
            "From a sharp minimum's side",
            "u",
            "v",
            [
                Series("valley uv = 1", first["valley"][0], first["valley"][1], look=6),
                *(
                    Series(
                        f"step size {rate}", first["paths"][rate][:, 0], first["paths"][rate][:, 1], look=look
                    )
                    for look, rate in enumerate(shown)
                ),
            ],
        ),
        Panel(
            "Where gradient descent ends",
            "step size",
            "u² + v², the top curvature",
            [Series("stability bound, 2 / step size", rates, 2 / rates, look=6)],
            points={"ends of gradient descent": (np.broadcast_to(rates[:, None], ends.shape), ends)},
            log="xy",
        ),
        Panel(
            "SGD from the sharp end",
            "step size / batch size",
            "u² + v² after the same time",
            [
                Series("SGD, step size varied", scale[:count], curvatures[:, :count], look=3),
                Series("SGD, batch size varied", scale[count:], curvatures[:, count:], look=5),
            ],
            log="xy",
        ),
    ]
    return {"valley": draw_panels(panels)}


def label_noise_sgd(
    start: Tensor, labels: Tensor, random: torch.Generator, *, lr: float, batch: int, steps: int
) -> float:
    """Return the mean over descents of u^2 + v^2 after SGD on the mean over i of 1/2 (uv - y_i)^2.

    Args:
        start: (n, 2), float64.
        labels: y, (parts,).
        random: draws a batch with replacement for every descent and step on its own.
        lr: step size.
        batch: parts of a step.
        steps: how many.
    """
    points = start
    for _ in range(steps):
        drawn = labels[torch.randint(len(labels), (len(points), batch), generator=random)].mean(1)
        points = points - lr * (points.prod(-1) - drawn)[:, None] * points.flip(-1)
    return float(points.square().sum(-1).mean())


def _largest(values: Array) -> float:
    """Return the largest number, NaN where there is none."""
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else np.nan
