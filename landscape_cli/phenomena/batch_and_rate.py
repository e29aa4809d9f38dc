"""Batch size and learning rate: what their ratio decides, batches that grow, and large batches by LARS."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.gradients.minibatch import sample_gradients
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

LOSS = "training loss (nats)"
ACCURACY = "test_accuracy"


def eta_over_batch_three_factors(
    lab: Lab,
    *,
    groups: Mapping[str, Sequence[str]],
    samples: int,
    few: int,
    batches: Sequence[int],
    draws: int,
) -> Measured:
    """Compare networks of equal and of different learning rate over batch size, and batches' noise by size.

    Args:
        lab: has the runs.
        groups: name of a ratio -> the runs that have it, from the smallest ratio to the largest.
        samples: whose gradients, at the last weights of the first run, are the noise's population.
        few: of these, all of whose batches without replacement are made.
        batches: sizes of those that are drawn with replacement.
        draws: of each size.
    """
    runs = {name: {run: _ending(lab, run) for run in members} for name, members in groups.items()}
    first = next(iter(lab.runs))
    train = lab.data(first).train
    some = Split(train.inputs[:samples], train.targets[:samples])
    gradients = sample_gradients(lab.network(first), some, lab.loss(first))
    noise = drawn_noise(gradients, batches, draws, lab.random("batches"))
    spread: dict[str, float] = {}
    for quantity in ("log_curvature", ACCURACY):
        values = [[ending[quantity] for ending in members.values()] for members in runs.values()]
        means = [float(np.mean(each)) for each in values]
        spread[quantity] = float(np.mean([np.ptp(each) for each in values]) / np.ptp(means))
    log = {
        name: float(np.mean([ending["log_curvature"] for ending in members.values()]))
        for name, members in runs.items()
    }
    return {
        "within_over_across": spread,
        "curvature_falls": {f"{b} over {a}": math.exp(log[b] - log[a]) for a, b in pairwise(groups)},
        "slope_off": abs(float(np.polyfit(np.log(batches), np.log(noise), 1)[0]) + 1),
        "trace_off": largest_error_of_the_trace(gradients[:few]),
        "batches": list(batches),
        "noise": noise,
        "variance": float(_variance(gradients)),
        "endings": runs,
    }


def drawn_noise(gradients: Array, batches: Sequence[int], draws: int, random: np.random.RandomState) -> Array:
    """Return the mean squared distance of a batch's gradient from that of all samples, for each size.

    Args:
        gradients: of the samples, (n, p).
        batches: sizes; the samples of a batch are drawn with replacement.
        draws: batches of each size.
        random: what they are drawn by.
    """
    centred = gradients - gradients.mean(axis=0)
    products = centred @ centred.T  # |mean of rows|^2 is a mean of these, whatever p
    noise = np.zeros(len(batches))
    for number, size in enumerate(batches):
        for _ in range(draws):
            rows = random.randint(len(centred), size=size)
            noise[number] += products[np.ix_(rows, rows)].mean() / draws
    return noise


def largest_error_of_the_trace(gradients: Array) -> float:
    """Return how far, relatively, the mean over all batches without replacement is from its formula, at most.

    Of n samples with the variance s^2 = sum |g_i - g|^2 / n a batch of S has the trace
    s^2 / S (n - S) / (n - 1).
    """
    n, errors = len(gradients), []
    centred = gradients - gradients.mean(axis=0)
    for size in range(1, n):
        rows = [list(batch) for batch in combinations(range(n), size)]
        trace = np.mean([np.square(centred[batch].mean(axis=0)).sum() for batch in rows])
        expected = _variance(gradients) / size * (n - size) / (n - 1)
        errors.append(abs(trace / expected - 1))
    return float(max(errors))


def _variance(gradients: Array) -> float:
    return float(np.square(gradients - gradients.mean(axis=0)).sum(axis=1).mean())


def _ending(lab: Lab, run: str) -> dict[str, float]:
    """Return where a run ended."""
    metrics, config = lab.metrics(run), lab.runs[run].config
    spectrum = lab.spectrum(run, "method=lanczos", "k=1")
    return {
        "log_curvature": math.log(spectrum.values["train/largest_eigenvalue"][0]),
        ACCURACY: float(metrics[ACCURACY][-1]),
        "train_loss": float(metrics["train_loss"][-1]),
        "batch_size": int(config["batch_size"]),
        "ratio": float(config["optimizer"]["lr"]) / int(config["batch_size"]),
    }


def draw_eta_over_batch_three_factors(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the ends over the ratio, a marker a batch size, and the noise over the batch size."""
    by_size: dict[str, dict[str, list[float]]] = {}
    for seed in seeds:
        for members in seed["endings"].values():
            for ending in members.values():
                kept = by_size.setdefault(
                    f"batch {ending['batch_size']}", {"ratio": [], "curvature": [], "accuracy": []}
                )
                kept["ratio"].append(float(ending["ratio"]))
                kept["curvature"].append(math.exp(ending["log_curvature"]))
                kept["accuracy"].append(100 * float(ending[ACCURACY]))
    batches, variance = np.asarray(seeds[0]["batches"]), float(np.mean(across(seeds, "variance")))
    ends = {name: {key: np.array(values) for key, values in kept.items()} for name, kept in by_size.items()}
    panels = [
        Panel(
            "Where training ended",
            "learning rate / batch size",
            words,
            points={name: (kept["ratio"], kept[key]) for name, kept in ends.items()},
            log=log,
        )
        for words, key, log in (
            ("largest eigenvalue of the Hessian", "curvature", "xy"),
            ("test accuracy (%)", "accuracy", "x"),
        )
    ]
    noise = [
        Series("measured", batches, across(seeds, "noise"), look=4),
        Series("trace / batch size", batches, variance / batches, look=6),
    ]
    panels.append(Panel("Noise of a batch's gradient", "batch size", "squared distance", noise, log="xy"))
    return {"factors": draw_panels(panels)}


def increase_batch_instead_of_lr_decay(lab: Lab, *, decaying: str, growing: str, constant: str) -> Measured:
    """Compare a learning rate that falls at milestones with batches that grow there.

    Args:
        lab: has the runs.
        decaying: the run whose learning rate falls.
        growing: that whose batches grow by as much.
        constant: that with neither.
    """
    metrics = {run: lab.metrics(run) for run in (decaying, growing, constant)}
    losses = {run: columns["train_loss"] for run, columns in metrics.items()}
    steps = {run: columns["step"] for run, columns in metrics.items()}

    def apart(run: str) -> float:
        return float(np.abs(losses[run] / losses[decaying] - 1).max())

    return {
        "apart": apart(growing),
        "constant_apart": apart(constant),
        "updates_over": float(steps[growing][-1] / steps[decaying][-1]),
        "test_accuracy_gap": float(
            abs(metrics[growing][ACCURACY][-1] - metrics[decaying][ACCURACY][-1]) * 100
        ),
        "losses": losses,
        "steps": steps,
    }


def draw_increase_batch_instead_of_lr_decay(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the training losses over epochs and over updates."""
    losses, steps = across(seeds, "losses"), across(seeds, "steps")
    by_epoch = [Series(run, np.arange(each.shape[-1]), each) for run, each in losses.items()]
    by_step = [Series(run, steps[run][0], each) for run, each in losses.items()]
    panels = [
        Panel("Over passes", "epoch", LOSS, by_epoch, log="y"),
        Panel("Over updates", "update", LOSS, by_step, log="y"),
    ]
    return {"losses": draw_panels(panels)}


def large_batch_imagenet_context(
    lab: Lab, *, runs: Mapping[str, Sequence[str]], operations: float, fastest: float, days: float
) -> Measured:
    """Compare SGD and LARS at a batch and rate some times as large; tell what training on ImageNet takes.

    Args:
        lab: has the runs.
        runs: optimizer -> its runs, from the base batch and learning rate on, the last k times both.
        operations: of 90 epochs of ResNet-50 on ImageNet, in single precision.
        fastest: operations per second of the fastest computer then.
        days: that one GPU took.
    """
    metrics = {run: lab.metrics(run)["train_loss"] for members in runs.values() for run in members}
    losses = {run: np.where(np.isfinite(loss), loss, np.inf) for run, loss in metrics.items()}
    largest = {name: losses[members[-1]] for name, members in runs.items()}
    return {
        "highest_over_initial": {name: float(loss.max() / loss[0]) for name, loss in largest.items()},
        "final_over_initial": {name: float(loss[-1] / loss[0]) for name, loss in largest.items()},
        "ideal_seconds": operations / fastest,
        "gpu_operations_per_second": operations / (days * 24 * 3600),
        "epochs": {run: len(loss) for run, loss in losses.items()},
        "final": {name: np.array([losses[run][-1] for run in members]) for name, members in runs.items()},
        "factors": {
            name: np.array([lab.runs[run].config["batch_size"] for run in members])
            / lab.runs[members[0]].config["batch_size"]
            for name, members in runs.items()
        },
    }


def draw_large_batch_imagenet_context(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the final loss over the factor on batch size and learning rate."""
    final, factors = across(seeds, "final"), across(seeds, "factors")
    curves = [Series(name, factors[name][0], np.minimum(each, 10.0)) for name, each in final.items()]
    return {
        "lars": draw_panels(
            [
                Panel(
                    "Batch and learning rate k times as large",
                    "k",
                    "final training loss (nats)",
                    curves,
                    log="xy",
                    level=math.log(10),
                )
            ]
        )
    }
