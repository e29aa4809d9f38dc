"""The loss near a minimum as a quadratic, and what that says of gradient descent (Bishop 2006, chapter 7)."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.func import grad

from landscape_cli.arrays import Array
from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.curvature.minimum import stationary_point
from landscape_cli.curvature.random_slices import unit_vectors
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

Loss = Callable[[Tensor], Tensor]

ASYMPTOTIC = 0.1  # of the trust region: below this part of it the order of the error is read off
STIFF = 10  # eigenvectors of the largest eigenvalues, along which the model is tried beside random directions
FOLLOWED = (0, 2, 9)  # coordinates that are drawn, by the rank of their eigenvalues
HALF, NO_HALF = "model", "model without its one half, as a slide has it"
MOST = 0.05  # relative error that a trust region allows, drawn as a line
SHIFT = 1e-3  # of the weights' norm: how far from the minimum gradient descent starts


def taylor_quadratic_model(
    lab: Lab, *, directions: int, points: int, trust: float, rate: float, steps: int
) -> Measured:
    """Compare the training objective around its minimum w* with L(w*) + 1/2 (w - w*)^T H (w - w*).

    w* is the minimum of what the run minimized, weight decay included, in float64, found from the run's last
    weights; its gradient vanishes as the model wants it. The lecture's slide on Newton's method has the model
    without the factor 1/2, which is measured too.

    Args:
        lab: a run of a network with a smooth activation, small enough for a dense Hessian.
        directions: how many random ones the model is tried along, beside those of the stiffest eigenvectors.
        points: distances at which it is tried, up to ten times the trust region.
        trust: radius of the trust region, in norms of w*.
        rate: of gradient descent, as a part of 2 / lambda_max.
        steps: of gradient descent.
    """
    (run,) = lab.runs
    decay = float(lab.runs[run].config["optimizer"]["weight_decay"])
    loss, start = objective_at(lab.network(run), lab.data(run).train, lab.loss(run), decay)
    point = stationary_point(loss, start)
    norm = float(point.norm())
    hessian = dense_hessian(loss, point)
    eigenvalues, basis = np.linalg.eigh(hessian)
    eigenvalues, basis = eigenvalues[::-1], basis[:, ::-1]
    distances = np.geomspace(trust / 100, 10 * trust, points) * norm
    rows = np.concatenate([unit_vectors(directions, len(point), lab.seed), basis.T[:STIFF]])
    terms = np.einsum("ip,pq,iq->i", rows, hessian, rows, optimize=True)[:, None] * distances**2 / 2
    changes = along(loss, point, rows, distances) - float(loss(point))
    errors = {HALF: np.abs(changes - terms), NO_HALF: np.abs(changes - 2 * terms)}
    small, inside = (distances <= part * trust * norm * (1 + 1e-9) for part in (ASYMPTOTIC, 1.0))
    sizes = np.sqrt((errors[HALF] ** 2).mean(axis=0))[small]
    relative = {name: each / np.abs(terms) for name, each in errors.items()}
    eta = rate * 2 / eigenvalues[0]
    signs = np.sign(lab.random("offset").standard_normal(len(point)))
    offset = basis @ signs * SHIFT * norm / np.sqrt(len(point))
    foretold = (1 - eta * eigenvalues) ** np.arange(steps + 1)[:, None] * (basis.T @ offset)
    on_quadratic = descent(lambda x: hessian @ x, offset, eta, steps) @ basis
    slope = grad(loss)
    on_network = descent(lambda x: _array(slope(point + _like(point, x))), offset, eta, steps) @ basis
    reach = np.linspace(-1, 1, 2 * points + 1) * trust * norm * 100
    return {
        "order": np.polyfit(np.log(distances[small]), np.log(sizes), 1)[0],
        "largest_error": relative[HALF][:, inside].max(),
        "largest_error_beyond": relative[HALF].max(),
        "least_error_without_half": relative[NO_HALF].min(),
        "coordinates_off": np.abs(on_quadratic - foretold).max() / np.abs(foretold[0]).max(),
        "lambda_min": eigenvalues[-1],
        "lambda_max": eigenvalues[0],
        "gradient_norm": float(slope(point).norm()),
        "distances": distances / norm,
        "errors": relative,
        "reach": reach / norm,
        "slice": along(loss, point, basis.T[:1], reach)[0] - float(loss(point)),
        "parabola": eigenvalues[0] * reach**2 / 2,
        "foretold": (foretold / foretold[0])[:, list(FOLLOWED)].T,
        "on_network": (on_network / foretold[0])[:, list(FOLLOWED)].T,
    }


def draw_taylor_quadratic_model(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the model's error, the stiffest slice, and coordinates under gradient descent."""
    errors, first = across(seeds, "errors"), seeds[0]
    one_coordinate = [
        Series(label if rank == 0 else "", np.arange(curves.shape[-1]), curves[:, rank], look=look)
        for look, label, curves in (
            (2, "coordinates under gradient descent on the network", across(seeds, "on_network")),
            (1, "(1 - ηλ)^step, the model's", across(seeds, "foretold")),
        )
        for rank in range(len(FOLLOWED))
    ]
    slices = {"training objective": across(seeds, "slice"), "quadratic model": across(seeds, "parabola")}
    panels = [
        Panel(
            "Error of the model",
            "distance / norm of w*",
            "error / quadratic term",
            [
                Series(
                    f"{name}, over directions",
                    first["distances"],
                    each.reshape(-1, each.shape[-1]),
                    look=look,
                )
                for look, (name, each) in zip((0, 3), errors.items(), strict=True)
            ],
            log="xy",
            level=MOST,
        ),
        Panel(
            "Along the stiffest eigenvector",
            "distance / norm of w*",
            "L - L(w*)",
            [
                Series(label, first["reach"], lines, look=look)
                for look, (label, lines) in zip((5, 6), slices.items(), strict=True)
            ],
        ),
        Panel(
            f"Coordinates of rank {', '.join(str(rank + 1) for rank in FOLLOWED)}",
            "step of gradient descent",
            "coordinate, of that at step 0",
            one_coordinate,
        ),
    ]
    return {"model": draw_panels(panels)}


def along(loss: Loss, point: Tensor, rows: Array, distances: Array) -> Array:
    """Return the loss at point + distance d for each row d, of shape (rows, distances)."""
    steps = [_like(point, row) for row in rows]
    with torch.no_grad():
        return np.array([[float(loss(point + float(far) * step)) for far in distances] for step in steps])


def descent(gradient: Callable[[Array], Array], start: Array, rate: float, steps: int) -> Array:
    """Return the points of gradient descent from `start`, (p,): of shape (steps + 1, p)."""
    points = [start]
    for _ in range(steps):
        points.append(points[-1] - rate * gradient(points[-1]))
    return np.array(points)


def _like(point: Tensor, values: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(point)


def _array(values: Tensor) -> Array:
    return np.asarray(values.cpu())
