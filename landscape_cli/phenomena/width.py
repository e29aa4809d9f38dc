"""One hidden layer, wider and wider: the test loss peaks where it just fits, and falls beyond."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from landscape_cli.analytic.least_squares import min_norm
from landscape_cli.architectures.build import build
from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.phenomena.parity import COSINE
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity
from landscape_cli.training import schedules
from landscape_cli.training.padded import padded, widened
from landscape_cli.training.stacked import losses_of, outputs_of, shared, train_stacked


def double_descent_fc(
    lab: Lab, *, run: str, widths: list[int], count: int, lr: float, epochs: int
) -> Measured:
    """Measure networks of one hidden layer and the squared loss, over their number P of parameters.

    Those with fewer than n K start from random weights, or, as in the paper, from the trained weights of the
    next smaller width and random ones for the units that are new.

    Args:
        lab: a run with the data; its network is not used.
        run: its name.
        widths: hidden units, ascending.
        count: networks of each width.
        lr: Adam's, of full batches; it falls to 0 by half a cosine.
        epochs: of these.
    """
    data = lab.data(run)
    numbers = np.array([sum(each.numel() for each in one_layer(lab, run, h).parameters()) for h in widths])
    share = numbers / (len(data.train) * data.classes)
    random = trained(lab, run, widths, count, "mse", lr, epochs)
    below = reused(
        lab, run, [h for h, each in zip(widths, share, strict=True) if each < 1], count, lr, epochs
    )
    both = {name: np.concatenate([each, random[name][len(each) :]]) for name, each in below.items()}
    found = by_quantity({"random": random, "reused": both})
    loss = found["test_loss"]
    return {
        "peak_at": {way: share[each.argmax()] for way, each in loss.items()},
        "last_over_peak": {way: each[-1] / each.max() for way, each in loss.items()},
        "before_over_peak": {way: each[: each.argmax() + 1].min() / each.max() for way, each in loss.items()},
        "train_loss_ratio": random["train_loss"][share >= 1].max() / random["train_loss"][0],
        "share": share,
        **found,
    }


def width_monotone_generalization(
    lab: Lab,
    *,
    run: str,
    widths: list[int],
    count: int,
    lr: float,
    epochs: int,
    dimension: int,
    samples: list[int],
    noise: float,
    draws: int,
) -> Measured:
    """Measure test errors over the width beyond a training error of 0, and least squares over the samples.

    Args:
        lab: as for `double_descent_fc`, as are the others.
        run: its name.
        widths: hidden units, ascending.
        count: networks of each width.
        lr: of Adam.
        epochs: of full batches.
        dimension: d of least squares.
        samples: numbers n of its equations, ascending; d among them.
        noise: standard deviation of its targets' noise; the true weights are a random unit vector.
        draws: of problems, whose median error is taken.
    """
    found = trained(lab, run, widths, count, "cross_entropy", lr, epochs)
    fitted = found["train_error"] == 0
    beyond = found["test_error"][fitted]
    error = least_squares(lab, dimension, samples, noise, draws)
    return {
        "largest_rise": float(np.diff(beyond).max(initial=-np.inf)),
        "gain": beyond[0] - beyond[-1] if len(beyond) else np.nan,
        "peak_off": abs(samples[error.argmax()] / dimension - 1),
        "widths": widths,
        "fitted_from": widths[int(fitted.argmax())] if fitted.any() else np.nan,
        "per_dimension": np.array(samples) / dimension,
        "least_squares": error,
        **found,
    }


def one_layer(lab: Lab, run: str, width: int) -> nn.Module:
    """Return a network of one hidden layer of ReLUs for a run's data, with torch's random weights."""
    data = lab.data(run)
    architecture = {"name": "mlp", "widths": [width], "activation": "relu"}
    return build(architecture, {"name": "none"}, data.input_shape, data.classes)


def trained(
    lab: Lab, run: str, widths: Sequence[int], count: int, loss: str, lr: float, epochs: int
) -> dict[str, Array]:
    """Train `count` networks of each width, all in one batch.

    Returns:
        ``train_loss``, ``train_error``, ``test_loss`` and ``test_error``, (widths,): means over the networks
        of a width, errors in percent.
    """
    data = lab.data(run)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        narrow = [one_layer(lab, run, width) for width in widths for _ in range(count)]
    device = data.train.inputs.device
    models = [each.to(device) for each in padded(narrow, narrow[-1])]
    train_stacked(
        models,
        shared(data.train.inputs, len(models)),
        shared(data.train.targets, len(models)),
        loss=loss,
        optimizer={"name": "adam", "lr": lr},
        epochs=epochs,
        rate=schedules.build(COSINE, epochs, 1),
    )
    found = {}
    for name, split in (("train", data.train), ("test", data.test)):
        losses, errors = evaluated(models, split, loss)
        found[f"{name}_loss"] = losses.reshape(len(widths), count).mean(axis=1)
        found[f"{name}_error"] = errors.reshape(len(widths), count).mean(axis=1)
    return found


def reused(lab: Lab, run: str, widths: Sequence[int], count: int, lr: float, epochs: int) -> dict[str, Array]:
    """Train `count` networks of each width by the squared loss, one width after the other.

    Each but the first starts from what the one before has become, its further units from random weights.

    Returns:
        As `trained`.
    """
    data, rows = lab.data(run), []
    device = data.train.inputs.device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lab.seed)
        fresh = [[one_layer(lab, run, width).to(device) for _ in range(count)] for width in widths]
    models = fresh[0]
    for start in fresh:
        models = [widened(*pair) for pair in zip(models, start, strict=True)]
        train_stacked(
            models,
            shared(data.train.inputs, count),
            shared(data.train.targets, count),
            loss="mse",
            optimizer={"name": "adam", "lr": lr},
            epochs=epochs,
            rate=schedules.build(COSINE, epochs, 1),
        )
        rows.append(
            {
                f"{name}_{quantity}": values.mean()
                for name, split in (("train", data.train), ("test", data.test))
                for quantity, values in zip(("loss", "error"), evaluated(models, split, "mse"), strict=True)
            }
        )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def evaluated(models: Sequence[nn.Module], split: Split, loss: str) -> tuple[Array, Array]:
    """Return each network's mean loss, and the share of samples it gets wrong in percent, (K,)."""
    outputs = outputs_of(models, split.inputs)
    losses = losses_of(loss, outputs, shared(split.targets, len(models))).mean(dim=1)
    wrong = (outputs.argmax(dim=2) != split.targets).double().mean(dim=1)
    return losses.double().cpu().numpy(), 100 * wrong.cpu().numpy()


def least_squares(lab: Lab, dimension: int, samples: Sequence[int], noise: float, draws: int) -> Array:
    """Return the median squared distance of the least-norm solution from the true weights, (len(samples),).

    This is the test error of standard normal inputs, without the noise of the test targets.
    """
    random = lab.random("least squares")
    distances = np.empty((draws, len(samples)))
    for row in distances:
        truth = random.standard_normal(dimension)
        truth /= np.linalg.norm(truth)
        for place, n in enumerate(samples):
            inputs = random.standard_normal((n, dimension))
            targets = inputs @ truth + noise * random.standard_normal(n)
            row[place] = np.square(min_norm(inputs, targets[:, None])[:, 0] - truth).sum()
    return np.asarray(np.median(distances, axis=0))


def draw_double_descent_fc(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw losses and errors over the number of parameters, by what the networks started from."""

    def panel(title: str, y: str, quantity: str, log: str = "x") -> Panel:
        found = across(seeds, quantity)
        curves = [Series(label, seeds[0]["share"], found[way]) for way, label in names.items()]
        return Panel(title, "parameters P over n K", y, curves, log=log, marks={"P = n K": 1.0})

    return {
        "double_descent": draw_panels(
            [
                panel("Test", "squared loss", "test_loss", "xy"),
                panel("Test", "error (%)", "test_error"),
                panel("Training", "squared loss", "train_loss", "xy"),
            ]
        )
    }


def draw_width_monotone_generalization(
    seeds: Sequence[Measured], *, names: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw the errors over the width, and that of least squares over the samples."""
    curves = [
        Series(label, seeds[0]["widths"], across(seeds, f"{split}_error")) for split, label in names.items()
    ]
    squares = Series("", seeds[0]["per_dimension"], across(seeds, "least_squares"), look=2)
    return {
        "width": draw_panels([Panel("", "hidden units", "error (%)", curves, log="x")]),
        "least_squares": draw_panels(
            [
                Panel(
                    "",
                    "samples n over d",
                    "squared distance from the truth",
                    [squares],
                    log="y",
                    marks={"n = d": 1.0},
                )
            ]
        ),
    }
