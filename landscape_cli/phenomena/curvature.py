"""The curvature that random slices show, and the Hessian that they are slices of."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_cli.arrays import Array
from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.curvature.random_slices import principal_curvatures, unit_vectors
from landscape_cli.measures import second_differences, z_score
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab

REACH = 0.2  # length of a slice on either side, in norms of the weights
SLICES = 50  # of the random directions, along which the loss itself is evaluated
NEAR = 0.05  # of the slices that are drawn
DRAWN = 10  # of them
ROUNDING = 1e-12  # of the largest eigenvalue: what is smaller is zero
EPOCHS = {"init": "initial", "last": "trained"}


def random_plane_curvature_average(lab: Lab, *, directions: int, points: int) -> Findings:
    """Measure curvatures d^T H d along random unit vectors d, and of random planes, beside tr(H) / p.

    H is the whole Hessian of the training loss in float64, p the number of weights. A plane through two
    orthonormal random directions D shows the principal curvatures that are the eigenvalues of D^T H D; like
    d^T H d they are averages of all of H's eigenvalues, with the squares of Gaussian numbers as weights.

    Args:
        lab: the runs, small enough for a dense Hessian.
        directions: how many random directions, and how many random planes.
        points: of a slice; odd.
    """
    rows: list[Row] = []
    spectra: list[Array] = []
    means: list[Array] = []
    slices: dict[str, list[Array]] = {}
    alpha = np.linspace(-REACH, REACH, points)
    for seed in lab.seeds:
        run = lab.run(next(iter(lab.scale.runs)), seed)
        split = lab.dataset(run).train
        for epoch, weights in EPOCHS.items():
            model = lab.solution(run, epoch).network(lab.dataset(run), trust=False).to(lab.device)
            objective, point = objective_at(model, split, run.config["loss"])
            hessian = dense_hessian(objective, point)
            vectors = unit_vectors(directions, len(point), seed)
            curvatures = np.einsum("ip,pq,iq->i", vectors, hessian, vectors, optimize=True)
            principal = principal_curvatures(hessian, directions, seed)
            eigenvalues, basis = np.linalg.eigh(hessian)
            average = float(np.trace(hessian)) / len(point)
            lines = np.array([along(objective, point, vector, alpha) for vector in vectors[:SLICES]])
            convex = [bool((second_differences(line) >= 0).all()) for line in lines]
            rows.append(
                {
                    "seed": seed,
                    "weights": weights,
                    "p": len(point),
                    "loss": float(objective(point)),
                    "trace_over_p": average,
                    "mean_curvature": float(curvatures.mean()),
                    "z_directions": z_score(curvatures, average),
                    "z_planes": z_score(principal.mean(axis=1), average),
                    "mean_of_the_larger_principal": float(principal[:, 1].mean()),
                    "mean_of_the_smaller_principal": float(principal[:, 0].mean()),
                    "lambda_min": float(eigenvalues[0]),
                    "lambda_max": float(eigenvalues[-1]),
                    "negative_eigenvalues": int((eigenvalues < -ROUNDING * eigenvalues[-1]).sum()),
                    "smallest_curvature": float(min(curvatures.min(), principal.min())),
                    "slices_that_look_convex": float(np.mean(convex)),
                }
            )
            if epoch == "last":
                spectra.append(eigenvalues[::-1])
                means.append(np.cumsum(curvatures) / np.arange(1, directions + 1) / average)
                for label, chosen in (
                    (f"{DRAWN} random slices", vectors[:DRAWN]),
                    ("slice along the eigenvector of lambda_min", basis.T[:1]),
                ):
                    near = [along(objective, point, vector, alpha / REACH * NEAR) for vector in chosen]
                    slices.setdefault(label, []).extend(line - line[points // 2] for line in near)
    return Findings(
        _claims(rows),
        {"curvatures": rows},
        {"curvatures": _picture(spectra, means, slices, alpha / REACH * NEAR)},
    )


def along(objective: Callable[[Tensor], Tensor], point: Tensor, direction: Array, alpha: Array) -> Array:
    """Return the loss at point + alpha ||point|| direction, of shape (n,)."""
    step = torch.from_numpy(direction).to(point) * point.norm()
    with torch.no_grad():
        return np.array([float(objective(point + float(place) * step)) for place in alpha])


def _claims(rows: list[Row]) -> list[Claim]:
    trained = [row for row in rows if row["weights"] == "trained"]
    claims = []
    for weights in EPOCHS.values():
        own = [row for row in rows if row["weights"] == weights]
        for key, what in (
            ("z_directions", "curvature along random directions"),
            ("z_planes", "principal curvature of random planes"),
        ):
            claims.append(
                Claim(
                    f"{weights.capitalize()} weights: the mean {what} is tr(H)/p; its distance from it in"
                    " standard errors",
                    [abs(row[key]) for row in own],
                    "<=",
                    3,
                )
            )
    return [
        *claims,
        Claim(
            "No random slice or plane curves down more than the Hessian's smallest eigenvalue: a plot that is"
            " not convex proves that the loss is not",
            [row["smallest_curvature"] - row["lambda_min"] for row in rows],
            ">=",
            0,
            identity=True,
        ),
        Claim(
            "At the trained weights the loss is not convex: the Hessian's smallest eigenvalue",
            [row["lambda_min"] for row in trained],
            "<",
            0,
        ),
        Claim(
            "There some random slices look convex all the same, no second difference being negative:"
            " their part",
            [row["slices_that_look_convex"] if row["lambda_min"] < 0 else math.nan for row in trained],
            ">",
            0,
        ),
    ]


def _picture(spectra: list[Array], means: list[Array], slices: dict[str, list[Array]], alpha: Array) -> Any:
    ranks = np.arange(1, len(spectra[0]) + 1)
    zero = ROUNDING * max(spectrum[0] for spectrum in spectra)
    negative = np.array([np.where(spectrum < -zero, -spectrum, np.nan)[::-1] for spectrum in spectra])
    positive = np.array([np.where(spectrum > zero, spectrum, np.nan) for spectrum in spectra])
    return draw_panels(
        [
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
                [Series("mean of dᵀHd over directions", np.arange(1, len(means[0]) + 1), means, look=2)],
                level=1.0,
                limits=(0.0, 2.0),
            ),
            Panel(
                "Slices",
                "distance / norm of the weights",
                "training loss - L(0)",
                [
                    Series(label, alpha, lines, look=3 + number)
                    for number, (label, lines) in enumerate(slices.items())
                ],
            ),
        ],
        title="Trained weights",
    )
