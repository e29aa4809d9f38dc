"""Local entropy: what Entropy-SGD descends on, and how sharp it is where it ends (Chaudhari et al. 2017)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from landscape_cli.arrays import Array
from landscape_cli.measures import steps_to
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity
from landscape_cli.training.entropy_sgd import EntropySGD


def local_entropy(
    lab: Lab,
    *,
    pairs: Mapping[str, Sequence[str]],
    train_losses: Sequence[float],
    dimension: int,
    gammas: Sequence[float],
    walkers: int,
    walk: int,
    rate: float,
) -> Measured:
    """Compare a walk's mean with the local entropy of a quadratic, and networks at equal training losses.

    Args:
        lab: has the runs, with a checkpoint of every epoch.
        pairs: name -> the run of SGD and that of Entropy-SGD.
        train_losses: at which they are compared. Between the two checkpoints around each the logarithm of the
            largest eigenvalue, and the test loss, are interpolated in that of the training loss; what counts
            is the geometric mean over the losses.
        dimension: of the quadratic, whose curvatures are drawn between 0.1 and 1.
        gammas: scopes.
        walkers: of the walk, independent of each other.
        walk: its steps, of which the first quarter does not count.
        rate: its step size.
    """
    random = lab.random("quadratic")
    curvatures, place = random.uniform(0.1, 1.0, dimension), random.standard_normal(dimension)
    places = np.tile(place, (walkers, 1))
    walks = {
        f"{gamma:g}": moments_of_walk(curvatures, places, gamma, steps=walk, rate=rate, seed=lab.seed)
        for gamma in gammas
    }
    mean = {name: first for name, (first, _) in walks.items()}
    pull = {f"{gamma:g}": gamma + curvatures for gamma in gammas}
    variance = {name: 1 / (each * (1 - rate * each / 2)) for name, each in pull.items()}
    expected = {f"{gamma:g}": gamma / (gamma + curvatures) * place for gamma in gammas}
    networks = by_quantity({run: _at_losses(lab, run, train_losses) for run in lab.runs})

    def over(quantity: str) -> dict[str, float]:
        logs = {run: np.log(values).mean() for run, values in networks[quantity].items()}
        return {
            name: float(np.exp(logs[entropic] - logs[plain])) for name, (plain, entropic) in pairs.items()
        }

    return {
        "gradient_off": {
            name: np.linalg.norm(mean[name] - expected[name]) / np.linalg.norm(place - expected[name])
            for name in mean
        },
        "variance_off": {
            name: np.linalg.norm(walks[name][1] - each) / np.linalg.norm(each)
            for name, each in variance.items()
        },
        "curvature_entropy_over_sgd": over("curvature"),
        "test_loss_entropy_over_sgd": over("test_loss"),
        "quadratic": {"mean": mean, "expected": expected},
        "train_losses": list(train_losses),
        **networks,
    }


def moments_of_walk(
    curvatures: Array, places: Array, gamma: float, *, steps: int, rate: float, seed: int
) -> tuple[Array, Array]:
    """Return mean and variance of Entropy-SGD's walks on sum h x^2 / 2, at temperature 1, (d,) each.

    Those of the local entropy are gamma x / a and, of steps of this size, 1 / (a (1 - rate a / 2)), where
    a = gamma + h. The mean is the same at any temperature.

    Args:
        curvatures: h, (d,).
        places: where each walk begins and what draws it back, (walkers, d).
        gamma: the scope.
        steps: of a walk; the first quarter does not count.
        rate: its step size.
        seed: of its noise.
    """
    weight = nn.Parameter(torch.from_numpy(places).clone())
    options = {
        "inner_steps": steps + 1,
        "inner_lr": rate,
        "gamma": gamma,
        "scoping": 0.0,
        "noise": np.sqrt(2),
    }
    optimizer = EntropySGD([weight], **options, seed=seed)
    total, squares, counted = np.zeros(len(curvatures)), np.zeros(len(curvatures)), 0
    for step in range(steps):
        weight.grad = torch.from_numpy(curvatures) * weight.detach()
        optimizer.step()
        if step >= steps // 4:
            here = weight.detach().numpy()
            total, squares = total + here.mean(axis=0), squares + np.square(here).mean(axis=0)
            counted += 1
    mean = total / counted
    return mean, squares / counted - np.square(mean)


def _at_losses(lab: Lab, run: str, train_losses: Sequence[float]) -> Measured:
    """Return the Hessian's largest eigenvalue and the test loss at training losses; NaN if not reached."""
    metrics = lab.metrics(run)
    losses, epochs = metrics["train_loss"], metrics["epoch"].astype(int)
    sharpness: dict[int, float] = {}
    found = []
    for wanted in train_losses:
        after = steps_to(losses, wanted)
        if not 0 < after < len(losses):
            found.append((np.nan, np.nan))
            continue
        ends = [int(after), int(after) - 1]
        for end in ends:
            if end not in sharpness:
                spectrum = lab.spectrum(run, f"epoch={epochs[end]}", "method=lanczos", "k=1")
                sharpness[end] = float(spectrum.values["train/largest_eigenvalue"][0])
        place = np.log(wanted), np.log(losses[ends])
        logarithm = np.interp(*place, np.log([sharpness[end] for end in ends]))
        found.append((float(np.exp(logarithm)), float(np.interp(*place, metrics["test_loss"][ends]))))
    curvature, test_loss = np.transpose(found)
    return {"curvature": curvature, "test_loss": test_loss, "losses": losses}


def draw_local_entropy(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw means of walks over those of the local entropy, the losses, and eigenvalues at equal losses."""
    first = seeds[0]["quadratic"]
    points = {f"gamma = {name}": (first["expected"][name], mean) for name, mean in first["mean"].items()}
    reach = np.abs(np.concatenate([np.concatenate(both) for both in points.values()])).max()
    runs = list(across(seeds, "losses"))
    looks = {run: look for look, run in enumerate(runs, start=len(points))}
    panels = [
        Panel(
            "A quadratic",
            "mean of the local entropy",
            "mean of the walk, first seed",
            [Series("", [-reach, reach], [-reach, reach], look=6)],
            points=points,
        ),
        Panel(
            "Digits",
            "epoch",
            "training loss (nats)",
            [
                Series(run, np.arange(each.shape[-1]), each, look=looks[run])
                for run, each in across(seeds, "losses").items()
            ],
            log="y",
        ),
        Panel(
            "At equal training losses",
            "training loss (nats)",
            "largest eigenvalue of the Hessian",
            [
                Series(run, seeds[0]["train_losses"], each, look=looks[run])
                for run, each in across(seeds, "curvature").items()
            ],
            log="xy",
        ),
    ]
    return {"local_entropy": draw_panels(panels)}
