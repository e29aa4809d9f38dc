"""Averages of networks, and how far one training set's network lies from the average over training sets.

Ensembles: Huang et al. 2017 (arXiv:1704.00109). Bias and variance: Bishop and Bishop 2024, section 4.3.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.evaluation.ensembles import probabilities, score
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

GRID = np.linspace(-1, 1, 401)  # where the polynomials are compared with the truth


def model_averaging(lab: Lab, *, members: Sequence[str], epochs: Sequence[int]) -> Measured:
    """Measure test loss and error of the mean probabilities of 1, 2, … networks, beside their own.

    By Jensen's inequality -log of the mean probability is at most the mean of the -log, sample by sample.

    Args:
        lab: has the runs.
        members: runs that differ in the seed alone.
        epochs: kept checkpoints of the first of them: an ensemble that costs one training.
    """
    data = lab.data(members[0]).test
    chosen: dict[str, list[tuple[str, object]]] = {
        "seeds": [(run, "last") for run in members],
        "checkpoints": [(members[0], epoch) for epoch in epochs],
    }
    own: dict[str, dict[str, Array]] = {}
    joint: dict[str, dict[str, Array]] = {}
    for name, networks in chosen.items():
        each = torch.stack([probabilities(lab.network(run, epoch), data) for run, epoch in networks])
        counts = range(1, len(each) + 1)
        for found, predicted in ((own, each), (joint, [each[:count].mean(dim=0) for count in counts])):
            scores = [score(one, data.targets) for one in predicted]
            found[name] = {
                "loss": np.array([one.loss for one in scores]),
                "error": np.array([100 * one.error for one in scores]),
            }
    mean = {
        name: {key: np.cumsum(values) / np.arange(1, len(values) + 1) for key, values in scores.items()}
        for name, scores in own.items()
    }
    gain = {name: mean[name]["error"][-1] - joint[name]["error"][-1] for name in chosen}
    return {
        "loss_above_the_mean": {name: joint[name]["loss"] - mean[name]["loss"] for name in chosen},
        "error_gain": gain,
        "gain_of_seeds_over_checkpoints": gain["seeds"] - gain["checkpoints"],
        "member": own,
        "ensemble": joint,
        "mean_member": mean,
    }


def draw_model_averaging(
    seeds: Sequence[Measured], *, names: Mapping[str, str], title: str
) -> dict[str, Figure]:
    """Draw loss and error over the number of members, of ensembles and of their mean member."""
    joint, mean = across(seeds, "ensemble"), across(seeds, "mean_member")
    panels = []
    for key, unit in (("loss", "test loss (cross-entropy, nats)"), ("error", "test error (%)")):
        series = []
        for number, (name, words) in enumerate(names.items()):
            for offset, (kind, found) in enumerate((("ensemble", joint), ("mean member", mean))):
                values = found[name][key]
                places = np.arange(1, values.shape[1] + 1)
                series.append(Series(f"{kind}, {words}", places, values, look=2 * number + offset))
        panels.append(Panel("", "members", unit, series))
    return {"ensembles": draw_panels(panels, title=title)}


def bias_variance(
    lab: Lab,
    *,
    sizes: Sequence[int],
    degrees: Sequence[int],
    degree: int,
    size: int,
    resamples: int,
    noise: float,
    networks: Mapping[str, Sequence[str]],
) -> Measured:
    """Measure how predictions depend on the training set: of polynomials, and of networks.

    Polynomials are fitted by least squares to n samples of sin(pi x) with Gaussian noise. Their mean squared
    distance from the truth is the modelling error, that of the family's best polynomial, plus the estimation
    error, the mean square of how far a fit lies from that one; it is also bias^2, that of the mean fit, plus
    the variance of the fits. For networks it is that of the probabilities from the one-hot labels.

    Args:
        lab: has the runs.
        sizes: n, ascending, for polynomials of degree `degree`.
        degrees: of polynomials, ascending, for n = `size`.
        degree: see `sizes`.
        size: see `degrees`.
        resamples: training sets for each.
        noise: standard deviation.
        networks: n, ascending -> runs on training sets of n samples that differ in the selection alone.
    """
    random = lab.random("samples")
    over_size = [polynomial_errors(n, degree, resamples, noise, random) for n in sizes]
    over_degree = [polynomial_errors(size, each, resamples, noise, random) for each in degrees]
    of_networks = [_network_errors(lab, runs) for runs in networks.values()]
    found = {
        "by_size": _columns(over_size),
        "by_degree": _columns(over_degree),
        "networks": _columns(of_networks),
    }
    polynomials = [*over_size, *over_degree]
    return {
        "off_the_sum": {
            "bias and variance": [
                abs(each["bias"] + each["variance"] - each["total"]) / each["total"]
                for each in (*polynomials, *of_networks)
            ],
            "modelling and estimation": [
                abs(each["modelling"] + each["estimation"] - each["total"]) / each["total"]
                for each in polynomials
            ],
        },
        "largest_step_of_the_variance": {
            name: np.diff(np.log(found[key]["variance"])).max()
            for name, key in (("polynomials", "by_size"), ("networks", "networks"))
        },
        "largest_step_of_the_modelling_error": np.diff(np.log(found["by_degree"]["modelling"])).max(),
        "least_step_of_the_estimation_error": np.diff(np.log(found["by_degree"]["estimation"])).min(),
        **found,
        "sizes": sizes,
        "degrees": degrees,
        "network_sizes": [int(n) for n in networks],
    }


def draw_bias_variance(seeds: Sequence[Measured], *, titles: Mapping[str, str]) -> dict[str, Figure]:
    """Draw errors over the size of the training set and the degree."""
    parts = {
        "by_size": ("bias", "variance", "total"),
        "by_degree": ("modelling", "estimation", "total"),
        "networks": ("bias", "variance", "total"),
    }
    words = {
        "bias": "bias\N{SUPERSCRIPT TWO}",
        "modelling": "modelling error",
        "estimation": "estimation error",
    }
    places = {"by_size": "sizes", "by_degree": "degrees", "networks": "network_sizes"}
    looks = {"bias": 0, "variance": 1, "total": 2, "modelling": 3, "estimation": 4}
    panels = []
    for name, keys in parts.items():
        values = across(seeds, name)
        series = [
            Series(words.get(key, key), seeds[0][places[name]], values[key], look=looks[key]) for key in keys
        ]
        x, log = ("degree", "y") if name == "by_degree" else ("training samples", "xy")
        panels.append(Panel(titles[name], x, "mean squared distance", series, log=log))
    return {"bias_variance": draw_panels(panels)}


def polynomial_errors(
    n: int, degree: int, resamples: int, noise: float, random: np.random.RandomState
) -> dict[str, float]:
    """Return the errors of polynomials that were fitted to samples of sin(pi x), means over `GRID`.

    Args:
        n: samples of a training set, drawn from the grid.
        degree: of the polynomials, below n.
        resamples: training sets.
        noise: standard deviation.
        random: where samples and noise come from.

    Returns:
        ``total``, ``bias``, ``variance``, ``modelling`` and ``estimation``: mean squared distances.
    """
    basis, truth = np.polynomial.legendre.legvander(GRID, degree), np.sin(np.pi * GRID)
    best = basis @ np.linalg.lstsq(basis, truth)[0]
    fits = []
    for _ in range(resamples):
        rows = random.randint(len(GRID), size=n)
        targets = truth[rows] + noise * random.standard_normal(n)
        fits.append(basis @ np.linalg.lstsq(basis[rows], targets)[0])
    predicted = np.array(fits)
    return {
        "total": float(((predicted - truth) ** 2).mean()),
        "bias": float(((predicted.mean(axis=0) - truth) ** 2).mean()),
        "variance": float(predicted.var(axis=0).mean()),
        "modelling": float(((best - truth) ** 2).mean()),
        "estimation": float(((predicted - best) ** 2).mean()),
    }


def _network_errors(lab: Lab, runs: Sequence[str]) -> dict[str, float]:
    """Return total, bias^2 and variance of probabilities on the test split, summed over classes."""
    data = [lab.data(run).test for run in runs]
    predicted = torch.stack(
        [probabilities(lab.network(run), split) for run, split in zip(runs, data, strict=True)]
    )
    truth = F.one_hot(data[0].targets, predicted.shape[2])
    mean = predicted.mean(dim=0)
    return {
        "total": float((predicted - truth).square().sum(dim=2).mean()),
        "bias": float((mean - truth).square().sum(dim=1).mean()),
        "variance": float((predicted - mean).square().sum(dim=2).mean()),
    }


def _columns(rows: Sequence[Mapping[str, float]]) -> dict[str, Array]:
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}
