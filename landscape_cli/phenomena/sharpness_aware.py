"""Wide and narrow minima: what a shift of the landscape costs, and where SAM ends (Foret et al. 2021)."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from landscape_cli.analytic.catalogue import starts as starts_on
from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.quadratics import two_wells
from landscape_cli.arrays import Array
from landscape_cli.curvature.extremes import extremes
from landscape_cli.curvature.products import Hessian
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.evaluation.losses import objective
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity

WELLS = ("narrow", "wide")
TOLERANCE = 1e-3  # of the largest eigenvalue, relative


def wide_narrow_minima_sam(
    lab: Lab,
    *,
    plain: str,
    aware: str,
    narrow: float,
    wide: float,
    shifts: Sequence[float],
    directions: int,
    rho: float,
    starts: int,
    steps: int,
    distances: Sequence[float],
) -> Measured:
    """Measure what shifts cost in two wells and in two networks, and where SAM and plain descent end.

    The test loss is taken for the training loss moved by a random vector s: at a training minimum x it is
    L(x - s), the more above L(x) the narrower the minimum.

    Args:
        lab: has the runs.
        plain: the run of SGD.
        aware: the run of SAM.
        narrow: curvature of the left well.
        wide: curvature of the right well.
        shifts: lengths of s in the wells, of which the last counts.
        directions: of s, over which the mean is taken, also for the networks.
        rho: of SAM in the wells.
        starts: of descents, drawn in the picture's box.
        steps: of a descent.
        distances: lengths of s for the networks' weights, of which the last counts.
    """
    function = two_wells(narrow=narrow, wide=wide)
    start, _ = starts_on(function, f"random:{starts}", lab.seed, "two_wells")
    ends = {
        name: descend(function, start, name, {"lr": function.lr, **options}, steps, lab.seed).points[:, -1]
        for name, options in (("gd", {}), ("sam", {"rho": rho}))
    }
    in_wide = {name: float((points[:, 0] > 0).mean()) for name, points in ends.items()}
    random = lab.random("shifts")
    rises = {
        well: _rises(
            function, torch.tensor(minimum).double(), shifts, random.standard_normal((directions, 2))
        )
        for well, minimum in zip(WELLS, function.minima, strict=True)
    }
    networks = by_quantity({run: _network(lab, run, directions, distances) for run in (plain, aware)})
    return {
        "rise_narrow_over_wide": rises["narrow"][-1] / rises["wide"][-1],
        "in_wide_sam_minus_gd": in_wide["sam"] - in_wide["gd"],
        "curvature_sam_over_sgd": networks["curvature"][aware] / networks["curvature"][plain],
        "rise_sgd_over_sam": networks["rise"][plain][-1] / networks["rise"][aware][-1],
        "test_loss_sam_over_sgd": networks["test_loss"][aware] / networks["test_loss"][plain],
        "in_wide": in_wide,
        "shifts": list(shifts),
        "well_rise": rises,
        "distances": list(distances),
        **networks,
        "section": _section(function, shifts[-1]),
    }


def _rises(function: Function, minimum: Tensor, lengths: Sequence[float], drawn: Array) -> Array:
    """Return the mean of L(x - s) - L(x) over the directions `drawn`, (n, d), for each length of s."""
    unit = torch.from_numpy(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
    shifted = torch.stack([function.value(minimum - length * unit).mean() for length in lengths])
    return np.asarray(shifted - function.value(minimum))


def _section(function: Function, shift: float) -> Measured:
    """Return the loss along the line through both wells, and the one shifted to the right."""
    (left, right), _ = function.box
    x = torch.linspace(left, right, 301, dtype=torch.float64)

    def along(places: Tensor) -> Array:
        return np.asarray(function.value(torch.stack([places, torch.zeros_like(places)], dim=-1)))

    return {"x": x.numpy(), "train": along(x), "test": along(x - shift)}


def _network(lab: Lab, run: str, directions: int, lengths: Sequence[float]) -> Measured:
    """Measure the largest eigenvalue of the training loss's Hessian, and the test loss at shifted weights."""
    model, data, loss = lab.network(run), lab.data(run), lab.loss(run)
    parts = [(data.train.inputs, data.train.targets)]
    hessian = Hessian(model, parts, objective(loss), "all")
    ends = extremes(hessian.product, hessian.size, TOLERANCE, np.random.default_rng(lab.seed))
    centre, random = parameters_to_vector(model.parameters()).detach(), lab.random("directions")
    here, rise = evaluate(model, data.test, loss).loss, np.zeros(len(lengths))
    for _ in range(directions):  # the same for every network of a seed
        drawn = random.standard_normal(len(centre))
        unit = torch.from_numpy(drawn / np.linalg.norm(drawn)).to(centre)
        for number, length in enumerate(lengths):
            vector_to_parameters(centre - length * unit, model.parameters())
            rise[number] += (evaluate(model, data.test, loss).loss - here) / directions
    return {
        "curvature": ends.largest,
        "rise": rise,
        "test_loss": here,
        "train_loss": lab.metrics(run)["train_loss"][-1],
    }


def draw_wide_narrow_minima_sam(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the wells and the shifted landscape, and what shifts cost in the wells and in the networks."""
    first = seeds[0]
    section = first["section"]
    wells = [
        Series("training loss", section["x"], section["train"]),
        Series("test loss: shifted", section["x"], section["test"]),
    ]
    rises = [
        Series(f"{well} well", first["shifts"], values, look=look)
        for look, (well, values) in enumerate(across(seeds, "well_rise").items(), start=2)
    ]
    networks = [
        Series(run, first["distances"], values, look=look)
        for look, (run, values) in enumerate(across(seeds, "rise").items(), start=4)
    ]
    return {
        "shifts": draw_panels(
            [
                Panel("Two wells", "x", "loss", wells),
                Panel(
                    "A shift of the wells", "length of the shift", "rise of the test loss", rises, log="xy"
                ),
                Panel(
                    "A shift of the weights", "length of the shift", "rise of the test loss (nats)", networks
                ),
            ]
        )
    }
