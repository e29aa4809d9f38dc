"""What a random slice shows of the Hessian, and what a picture costs (Li et al. 2018, arXiv:1712.09913)."""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.arrays import Array
from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.curvature.random_slices import principal_curvatures, unit_vectors
from landscape_cli.evaluation.batches import automatic_size, rebatched
from landscape_cli.evaluation.evaluator import Evaluator, Samples
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.plane import Plane
from landscape_cli.evaluation.problem import chosen, subset
from landscape_cli.measures import second_differences, z_score
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity
from landscape_cli.surfaces.grid import grid
from landscape_cli.weights.arithmetic import params_of, point_of
from landscape_cli.weights.directions import random

EPOCHS = {"initial": "init", "trained": "last"}
REACH = 0.2  # length of a slice on either side, in norms of the weights
SLICES = 50  # of the random directions, along which the loss itself is evaluated
NEAR = 0.05  # length of the slices that are drawn
DRAWN = 10  # of them, and of the subsets
ROUNDING = 1e-12  # of the largest eigenvalue: what is smaller is zero
REPEATS = 5  # of a timing, of which the fastest counts
EDGES = np.linspace(-4, 4, 41)  # of the histogram of errors in standard errors


def random_plane_curvature_average(lab: Lab, *, directions: int, points: int) -> Measured:
    """Measure curvatures d^T H d along random unit vectors d, and of random planes, beside tr(H) / p.

    H is the whole Hessian of the training loss in float64, p the number of weights. A plane through two
    orthonormal random directions D shows the principal curvatures that are the eigenvalues of D^T H D; like
    d^T H d they are averages of all of H's eigenvalues, with the squares of Gaussian numbers as weights.

    Args:
        lab: a run, small enough for a dense Hessian.
        directions: how many random directions, and how many random planes.
        points: of a slice; odd.
    """
    (run,) = lab.runs
    alpha = np.linspace(-REACH, REACH, points)

    def measured(epoch: str) -> Measured:
        loss, point = objective_at(lab.network(run, epoch), lab.data(run).train, lab.loss(run))
        hessian = dense_hessian(loss, point)
        vectors = unit_vectors(directions, len(point), lab.seed)
        curvatures = np.einsum("ip,pq,iq->i", vectors, hessian, vectors, optimize=True)
        principal = principal_curvatures(hessian, directions, lab.seed)
        eigenvalues, basis = np.linalg.eigh(hessian)
        average = float(np.trace(hessian)) / len(point)
        lines = _along(loss, point, vectors[:SLICES], alpha)
        convex = float(np.mean([(second_differences(line) >= 0).all() for line in lines]))
        return {
            "z_directions": abs(z_score(curvatures, average)),
            "z_planes": abs(z_score(principal.mean(axis=1), average)),
            "above_lambda_min": min(curvatures.min(), principal.min()) - eigenvalues[0],
            "lambda_min": eigenvalues[0],
            "lambda_max": eigenvalues[-1],
            "slices_that_look_convex": convex if eigenvalues[0] < 0 else math.nan,
            "trace_over_p": average,
            "mean_curvature": curvatures.mean(),
            "spectrum": eigenvalues[::-1],
            "running_mean": np.cumsum(curvatures) / np.arange(1, directions + 1) / average,
            "random": _along(loss, point, vectors[:DRAWN], alpha / REACH * NEAR),
            "lowest": _along(loss, point, basis.T[:1], alpha / REACH * NEAR),
        }

    found = by_quantity({word: measured(epoch) for word, epoch in EPOCHS.items()})
    return {**found, "x": alpha / REACH * NEAR}


def draw_random_plane_curvature_average(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw, for the trained weights, the spectra, the mean curvature over directions, and slices."""
    spectra, x = across(seeds, "spectrum/trained"), seeds[0]["x"]
    ranks = np.arange(1, spectra.shape[1] + 1)
    zero = ROUNDING * spectra[:, 0].max()
    negative = np.where(spectra < -zero, -spectra, np.nan)[:, ::-1]
    positive = np.where(spectra > zero, spectra, np.nan)
    means = across(seeds, "running_mean/trained")
    slices = {
        f"{DRAWN} random slices": across(seeds, "random/trained"),
        "slice along the eigenvector of lambda_min": across(seeds, "lowest/trained"),
    }
    panels = [
        Panel(
            "Eigenvalues of the Hessian",
            "rank",
            "|eigenvalue|",
            [
                Series("positive eigenvalues", ranks, positive),
                Series("negative eigenvalues", ranks, negative),
            ],
            log="xy",
            limits=(1e-7, 10.0),
        ),
        Panel(
            "Mean curvature",
            "number of random directions",
            "mean of dᵀHd, in units of tr(H) / p",
            [Series("mean of dᵀHd over directions", np.arange(1, means.shape[1] + 1), means, look=2)],
            level=1.0,
            limits=(0.0, 2.0),
        ),
        Panel(
            "Slices",
            "distance / norm of the weights",
            "training loss - L(0)",
            [
                Series(label, x, (lines - lines[..., [len(x) // 2]]).reshape(-1, len(x)), look=3 + number)
                for number, (label, lines) in enumerate(slices.items())
            ],
        ),
    ]
    return {"curvatures": draw_panels(panels, title="Trained weights")}


def _along(loss: Callable[[Tensor], Tensor], point: Tensor, rows: Array, alpha: Array) -> Array:
    """Return the loss at point + alpha ||point|| d for each row d, of shape (rows, n)."""
    steps = [torch.from_numpy(row).to(point) * point.norm() for row in rows]
    with torch.no_grad():
        return np.array([[float(loss(point + float(place) * step)) for place in alpha] for step in steps])


def loss_evaluation_cost(lab: Lab, *, samples: Sequence[int], subsets: int, points: int) -> Measured:
    """Measure how far the loss of a subset is from that of all samples, in its own standard errors.

    Every sample's loss is computed at every point of a filter-normalized line; subsets are then those that
    `landscape surface samples=n seed=k` evaluates, balanced over the classes, and so are the standard errors:
    sd / sqrt(n), as of samples drawn from a population, that is without a finite-population correction.

    Args:
        lab: a run.
        samples: sizes n of subsets, ascending.
        subsets: how many of each size.
        points: of the line from -1 to 1.
    """
    (run,) = lab.runs
    x, split = grid(-1.0, 1.0, points), lab.data(run).train
    losses = _losses(_line(lab, run, None), x)
    full = losses.mean(dim=1).cpu().numpy()
    means, scores = {}, {}
    for count in samples:
        found = [
            _means(losses, subset([(split.inputs, split.targets)], count, k, "train")) for k in range(subsets)
        ]
        means[count], errors = (np.array(part) for part in zip(*found, strict=True))
        scores[str(count)] = (means[count] - full) / errors
    stored = lab.surface(run, f"x=[-1,1,{points}]", f"samples={samples[0]}").values["train/loss"]
    counts = [*samples, len(split)]
    seconds = [_seconds(lab, run, count) for count in counts]
    exponent = np.polyfit(np.log(counts), np.log(seconds), 1)[0]
    return {
        "within_3_standard_errors": {name: float((np.abs(z) < 3).mean()) for name, z in scores.items()},
        "root_mean_square_z": {name: float(np.sqrt((z**2).mean())) for name, z in scores.items()},
        "difference_from_the_command": float(np.max(np.abs(means[samples[0]][0] - stored) / stored)),
        "exponent_off_one": abs(exponent - 1),
        "x": x,
        "loss": full,
        "subsets": means[samples[0]][:DRAWN],
        "density": {
            name: np.histogram(z, EDGES)[0] / z.size / (EDGES[1] - EDGES[0]) for name, z in scores.items()
        },
        "samples": counts,
        "seconds_per_point": seconds,
    }


def draw_loss_evaluation_cost(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw subsets beside the whole, their errors in standard errors, and the cost of a point."""
    first, middles = seeds[0], (EDGES[1:] + EDGES[:-1]) / 2
    smallest = first["samples"][0]
    normal = np.exp(-(middles**2) / 2) / np.sqrt(2 * np.pi)
    panels = [
        Panel(
            f"{len(first['subsets'])} subsets of {smallest} samples",
            "step along the direction",
            "training loss",
            [
                Series("on all samples", first["x"], first["loss"], look=0),
                Series(f"subsets of {smallest}, mean and sd", first["x"], first["subsets"], look=1),
            ],
            log="y",
        ),
        Panel(
            "Errors in standard errors",
            "(L_subset - L_all) / s.e.",
            "density",
            [
                *(
                    Series(f"{count} samples", middles, densities, steps=True, look=1 + number)
                    for number, (count, densities) in enumerate(across(seeds, "density").items())
                ),
                Series("normal", middles, normal, look=6),
            ],
            marks={"-3": -3.0, "3": 3.0},
        ),
        Panel(
            "Cost of a point",
            "samples",
            "seconds",
            [Series("seconds per point", first["samples"], across(seeds, "seconds_per_point"), look=7)],
        ),
    ]
    return {"cost": draw_panels(panels)}


def _line(lab: Lab, run: str, count: int | None) -> Plane:
    """Return the line of `landscape surface y=null` on so many training samples, or on all."""
    split, model = lab.data(run).train, lab.network(run)
    parts = [(split.inputs, split.targets)]
    if count is not None:
        parts = chosen(parts, subset(parts, count, 0, "train"))
    batches = {"train": rebatched(parts, automatic_size(split.inputs))}
    direction = random(params_of(model), norm="filter", ignore="biasbn", seed=0, axis="x")
    return Plane(Evaluator(model, batches, objective(lab.loss(run))), point_of(model), {"x": direction})


def _losses(line: Plane, x: Array) -> Tensor:
    """Return the loss of every training sample at every point, (points, samples) float64."""
    found = []
    with line.evaluator.enough_threads():
        for place in x:
            line.move(float(place))
            found.append(line.evaluator.samples("train").losses)
    return torch.stack(found)


def _means(losses: Tensor, indices: Tensor) -> tuple[list[float], list[float]]:
    """Return the mean loss of some samples at each point, and its standard error."""
    found = [Samples(at_point[indices.to(losses.device)], None).mean() for at_point in losses]
    return [each.loss for each in found], [each.loss_stderr for each in found]


def _seconds(lab: Lab, run: str, count: int) -> float:
    """Return what a point costs on so many samples, in seconds of the processor, or of the wall on a GPU."""
    clock = time.process_time if lab.device.type == "cpu" else time.perf_counter
    line, seconds = _line(lab, run, count), []
    with line.evaluator.enough_threads():
        for _ in range(REPEATS + 1):  # the first one sets things up
            started = clock()
            line.evaluate(0.5)  # its numbers are read back, so a device has finished
            seconds.append(clock() - started)
    return min(seconds[1:])
