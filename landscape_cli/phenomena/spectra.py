"""The Hessian's spectrum: a bulk at zero, outliers, and what lies in their directions (Sagun et al. 2017)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.curvature.dense import objective_at
from landscape_cli.curvature.lanczos import eigenpairs
from landscape_cli.curvature.products import Hessian
from landscape_cli.evaluation.losses import objective
from landscape_cli.measures.density import outliers
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity

NEAR_ZERO = 1e-3  # of the largest eigenvalue
SHOWN = 25  # of the largest eigenvalues


def hessian_spectrum_init_end(
    lab: Lab, *, main: str, fewer: str, wider: str, classes: Mapping[str, int], loss: float
) -> Measured:
    """Measure the ends, the share near zero and the outliers, before and after training.

    Args:
        lab: has the runs, of which checkpoints are kept.
        main: the run that the others are compared with.
        fewer: the same on fewer classes.
        wider: the same with a wider hidden layer.
        classes: run -> how many classes.
        loss: the training loss at which a run counts as trained.
    """
    found = by_quantity({run: _before_and_after(lab, run, loss) for run in lab.runs})
    start, end = found["start"][main], found["end"][main]
    counts, near = found["outliers"], found["near_zero"]
    return {
        "start_ratio": start[0] / start[-1],
        "end_ratio": abs(end[0]) / end[-1],
        "near_zero": near[main],
        "outliers_off": {run: abs(counts[run] - number) for run, number in classes.items()},
        "wider_near_zero": near[wider] - near[main],
        "wider_outliers_off": abs(counts[wider] - counts[main]),
        "more_classes": counts[main] - counts[fewer],
        "outliers": counts,
        "loss": found["loss"],
        "start": found["start"],
        "end": found["end"],
    }


def _epoch_at(lab: Lab, run: str, loss: float) -> tuple[int, float]:
    """Return the kept epoch whose training loss is nearest to this one, in logarithms, and its loss."""
    recorded = {row["epoch"]: row["train_loss"] for row in lab.runs[run].metrics()}
    epoch = min(lab.runs[run].epochs(), key=lambda one: abs(np.log(recorded[one] / loss)))
    return epoch, recorded[epoch]


def _before_and_after(lab: Lab, run: str, loss: float) -> Measured:
    epoch, reached = _epoch_at(lab, run, loss)
    spectrum = lab.spectrum(run, f"epoch=init,{epoch}").spectrum
    assert spectrum is not None
    start, end = spectrum.eigenvalues
    return {
        "start": start,
        "end": end,
        "near_zero": float(np.mean(np.abs(end) < NEAR_ZERO * end[-1])),
        "outliers": outliers(end),
        "loss": reached,
    }


def draw_hessian_spectrum_init_end(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw all eigenvalues of each run over their rank, and the largest of them, of the first seed."""
    first = seeds[0]
    signed = [
        Series(f"{run}, {word}", np.arange(len(values)) / len(values), values, look=2 * number + place)
        for number, run in enumerate(first["end"])
        for place, (word, values) in enumerate(
            {"at the start": first["start"][run], "trained": first["end"][run]}.items()
        )
        if number == 0
    ]
    largest = [
        Series(run, np.arange(1, SHOWN + 1), across(seeds, f"end/{run}")[:, ::-1][:, :SHOWN], look=number)
        for number, run in enumerate(first["end"])
    ]
    return {
        "spectrum": draw_panels(
            [
                Panel("All eigenvalues", "rank / weights", "eigenvalue", signed),
                Panel(f"The {SHOWN} largest, trained", "rank", "eigenvalue", largest, log="y"),
            ]
        )
    }


def hessian_outliers_vs_batch(lab: Lab, *, small: str, large: str, classes: int, loss: float) -> Measured:
    """Measure the spectra after small and large batches, at the checkpoints of about the same training loss.

    Args:
        lab: has the two runs, of which checkpoints are kept.
        small: the run with small batches.
        large: that with large ones.
        classes: how many of the largest eigenvalues are compared.
        loss: the training loss near which they are.
    """
    spectra, losses = {}, {}
    for run in (small, large):
        epoch, losses[run] = _epoch_at(lab, run, loss)
        spectrum = lab.spectrum(run, f"epoch={epoch}").spectrum
        assert spectrum is not None
        spectra[run] = spectrum.eigenvalues[0]
    tops = {run: values[::-1][:classes] for run, values in spectra.items()}
    ratios = tops[large] / tops[small]
    quantiles = {run: np.quantile(np.abs(values), [0.5, 0.9]) for run, values in spectra.items()}
    apart = np.exp(np.abs(np.log(quantiles[large] / quantiles[small])))
    return {
        "least_ratio": ratios.min(),
        "mean_ratio": np.exp(np.mean(np.log(ratios))),
        "median_ratio": apart[0],
        "upper_ratio": apart[1],
        "outliers_changed": abs(outliers(spectra[large]) - outliers(spectra[small])),
        "loss_ratio": max(losses.values()) / min(losses.values()),
        "loss": losses,
        "eigenvalues": spectra,
    }


def draw_hessian_outliers_vs_batch(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the largest eigenvalues of both runs, and the bulk by its quantiles."""
    runs = list(seeds[0]["eigenvalues"])
    spectra = {run: across(seeds, f"eigenvalues/{run}") for run in runs}
    largest = [Series(run, np.arange(1, SHOWN + 1), spectra[run][:, ::-1][:, :SHOWN]) for run in runs]
    shares = np.linspace(0.05, 0.95, 19)
    bulk = [
        Series(run, 100 * shares, np.quantile(np.abs(spectra[run]), shares, axis=1).T, look=number)
        for number, run in enumerate(runs)
    ]
    return {
        "outliers": draw_panels(
            [
                Panel(f"The {SHOWN} largest", "rank", "eigenvalue", largest, log="y"),
                Panel("The bulk", "quantile (%)", "|eigenvalue|", bulk, log="y"),
            ]
        )
    }


def gradient_top_eigenspace(lab: Lab, *, skipped: int) -> Measured:
    """Measure the share of the gradient in the top eigenspace, and how that space is kept.

    Args:
        lab: has the run, of which checkpoints are kept.
        skipped: how many of the first checkpoints come before the onset of training.
    """
    (name,) = lab.runs
    table = lab.noise(name)
    share, overlap = table.numbers("top_share"), table.numbers("top_overlap")
    weights = sum(one.numel() for one in lab.network(name).parameters())
    return {
        "at_start": share[0],
        "median": np.median(share[skipped:]),
        "outside": np.sqrt(1 - np.median(share[skipped:])),
        "chance": table.numbers("k")[0] / weights,
        "overlap": np.median(overlap[skipped:]),
        "epoch": table.numbers("epoch"),
        "share": share,
        "kept": overlap,
        "loss": table.numbers("loss"),
    }


def draw_gradient_top_eigenspace(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw share and overlap over epochs, and the training loss."""
    epochs, chance = seeds[0]["epoch"], float(seeds[0]["chance"])
    return {
        "eigenspace": draw_panels(
            [
                Panel(
                    "Span of the top eigenvectors",
                    "epoch",
                    "share",
                    [
                        Series("of the gradient", epochs, across(seeds, "share")),
                        Series("kept since the checkpoint before", epochs[1:], across(seeds, "kept")[:, 1:]),
                        Series("of a random vector", epochs, np.full(len(epochs), chance)),
                    ],
                    limits=(0, 1.02),
                ),
                Panel(
                    "", "epoch", "training loss", [Series("", epochs, across(seeds, "loss"), look=3)], log="y"
                ),
            ]
        )
    }


def flatness_implies_small_barriers(lab: Lab, *, distances: list[float], directions: int) -> Measured:
    """Measure how far the loss rises along the top eigenvector and along random directions of one length.

    Args:
        lab: has the runs.
        distances: lengths of the steps in weight space.
        directions: how many random ones, uniformly distributed.
    """
    found = by_quantity({run: _rises(lab, run, np.array(distances), directions) for run in lab.runs})
    return {**found, "distance": distances}


def _rises(lab: Lab, run: str, distances: Array, directions: int) -> Measured:
    """Return the rises of the training loss, means over both signs, in float64, and what the Hessian says."""
    train = lab.data(run).train
    loss, point = objective_at(lab.network(run), train, lab.loss(run))
    parts = [(train.inputs.double(), train.targets)]
    hessian = Hessian(lab.network(run).double(), parts, objective(lab.loss(run)), "all")
    top_pair = eigenpairs(hessian.product, hessian.size, 1, 0, lab.random("lanczos"), tolerance=1e-6)
    drawn = lab.random("directions").standard_normal((directions, hessian.size))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    here = float(loss(point))

    def rise(direction: Array, distance: float) -> float:
        step = distance * torch.from_numpy(direction).to(point)
        return (float(loss(point + step)) + float(loss(point - step))) / 2 - here

    top = np.array([rise(top_pair.vectors[0], distance) for distance in distances])
    each = np.array([[rise(one, distance) for one in drawn] for distance in distances])
    random = each.mean(axis=1)
    curvatures = np.array([top_pair.values[0], np.sum(drawn * hessian.products(drawn), axis=1).mean()])
    expected = curvatures * distances[0] ** 2 / 2
    return {
        "least_ratio": (top / random).min(),
        "model_off": np.abs(np.array([top[0], random[0]]) / expected - 1).max(),
        "top": top,
        "random": random,
        "largest_random": each.max(axis=1),
    }


def draw_flatness_implies_small_barriers(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the rises over the distance, a panel a run."""
    names = {"top": "top eigenvector", "largest_random": "steepest of the random directions"}
    names["random"] = "random directions, mean"
    panels = [
        Panel(
            run,
            "distance from the trained weights",
            "rise of the training loss",
            [
                Series(told, seeds[0]["distance"], across(seeds, f"{name}/{run}"), look=number)
                for number, (name, told) in enumerate(names.items())
            ],
            log="xy",
        )
        for run in seeds[0]["top"]
    ]
    return {"rises": draw_panels(panels)}
