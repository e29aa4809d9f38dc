"""Models that fit their training data exactly: double descent, and what is said of it in closed form."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.analytic.least_squares import fourier, min_norm, ridge
from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.measures import relative_distance
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

SHOWN = 10  # samples in the picture of a network that fits them


def double_descent_rff(
    lab: Lab,
    *,
    run: str,
    shares: list[float],
    width: float,
    penalty: float,
    points: int,
    noise: float,
) -> Measured:
    """Measure least squares of least norm on random Fourier features, over their number N.

    Args:
        lab: a run with the data; its network is not used.
        run: its name.
        shares: N as multiples of the number n of training samples, ascending; 1 among them.
        width: of the Gaussian kernel that the features approximate, in units of sqrt(d).
        penalty: of ridge regression, which is measured beside it, in units of the largest eigenvalue of the
            kernel's matrix.
        points: samples of a function of one variable, to be seen with fits by random ReLUs.
        noise: standard deviation of theirs.
    """
    data, random = lab.data(run), lab.random("features")
    (train, labels), (test, test_labels) = (_rows(split) for split in (data.train, data.test))
    n, dimension = train.shape
    targets = np.eye(data.classes)[labels]
    counts = [round(share * n) for share in shares]
    frequencies = random.standard_normal((max(counts), dimension)) / (width * np.sqrt(dimension))
    phases = random.uniform(0, 2 * np.pi, max(counts))
    rows: dict[str, list[float]] = {
        name: [] for name in ("test_error", "train_error", "norm", "test_loss", "ridge_error")
    }
    for count in counts:
        on_train, on_test = (fourier(each, frequencies[:count], phases[:count]) for each in (train, test))
        weights = min_norm(on_train, targets)
        largest = float(np.linalg.norm(on_train, 2)) ** 2
        shrunk = ridge(on_train, targets, penalty * largest)
        rows["test_error"].append(_error(on_test @ weights, test_labels))
        rows["train_error"].append(_error(on_train @ weights, labels))
        rows["ridge_error"].append(_error(on_test @ shrunk, test_labels))
        rows["norm"].append(float(np.linalg.norm(weights)))
        rows["test_loss"].append(
            float(np.square(on_test @ weights - np.eye(data.classes)[test_labels]).sum(1).mean())
        )
    found = {name: np.array(values) for name, values in rows.items()}
    numbers = np.array(counts)
    error, norm, before = found["test_error"], found["norm"], numbers < n
    return {
        "peak_off": abs(numbers[error.argmax()] / n - 1),
        "last_over_peak": error[-1] / error.max(),
        "last_minus_best_before": error[-1] - error[before].min(),
        "norm_peak_off": abs(numbers[norm.argmax()] / n - 1),
        "last_norm_over_peak": norm[-1] / norm.max(),
        "train_error_beyond": found["train_error"][~before],
        "ridge_over_peak": found["ridge_error"].max() / error.max(),
        **found,
        "share": numbers / n,
        "line": _on_a_line(lab, shares, points, noise),
    }


def _on_a_line(lab: Lab, shares: list[float], points: int, noise: float) -> Measured:
    """Return least-norm fits of noisy samples of sin(2 pi x), (shares, places), with N = share * points.

    The features are max(0, s (x - b)), s = -1 or 1 and b uniform in [-1, 1]: on a line those of a Gaussian
    kernel fit neighbours of unlike values by values of thousands between them, however many there are.
    """
    random = lab.random("line")
    x = np.linspace(-1, 1, points)
    y = np.sin(2 * np.pi * x) + noise * random.standard_normal(points)
    places = np.linspace(-1, 1, 201)
    counts = [max(1, round(share * points)) for share in shares]
    sides, kinks = random.choice([-1.0, 1.0], max(counts)), random.uniform(-1, 1, max(counts))

    def features(where: Array, count: int) -> Array:
        return np.maximum(sides[:count] * (where[:, None] - kinks[:count]), 0)

    fits = [features(places, count) @ min_norm(features(x, count), y[:, None]) for count in counts]
    return {"x": x, "y": y, "places": places, "fit": np.array(fits)[..., 0], "count": np.array(counts)}


def _rows(split: Split) -> tuple[Array, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    return split.inputs.flatten(1).double().cpu().numpy(), split.targets.cpu().numpy()


def _error(outputs: Array, labels: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    """Return the share of samples whose largest output is not the label's, in percent."""
    return float(100 * (outputs.argmax(1) != labels).mean())


def min_norm_sgd(
    lab: Lab, *, samples: int, dimension: int, steps: int, rate: float, start: float
) -> Measured:
    """Measure where SGD ends on least squares with more unknowns than samples.

    Args:
        lab: of no runs.
        samples: n.
        dimension: d > n.
        steps: of one sample each.
        rate: the learning rate times the largest |x|^2.
        start: standard deviation of another start than zero.
    """
    random = lab.random("problem")
    inputs, targets = random.standard_normal((samples, dimension)), random.standard_normal(samples)
    closest = inputs.T @ np.linalg.solve(inputs @ inputs.T, targets)
    elsewhere = start * random.standard_normal(dimension)
    across_rows = inputs.T @ np.linalg.solve(inputs @ inputs.T, inputs @ elsewhere)
    step = rate / float(np.square(inputs).sum(1).max())
    order = lab.random("order").randint(samples, size=steps)
    ends, paths = {}, {}
    for name, begin in (("zero", np.zeros(dimension)), ("elsewhere", elsewhere)):
        weights, path = begin.copy(), []
        for number, row in enumerate(order):
            if number % samples == 0:
                path.append(np.linalg.norm(weights - closest) / np.linalg.norm(closest))
            weights -= step * (inputs[row] @ weights - targets[row]) * inputs[row]
        ends[name], paths[name] = weights, np.array(path)
    return {
        "off_min_norm": relative_distance(ends["zero"], closest),
        "off_fit": {
            name: float(np.abs(inputs @ end - targets).max() / np.abs(targets).max())
            for name, end in ends.items()
        },
        "elsewhere_off_min_norm": relative_distance(ends["elsewhere"], closest),
        "elsewhere_off_projection": relative_distance(ends["elsewhere"], closest + elsewhere - across_rows),
        "distance": paths,
        "passes": np.arange(len(paths["zero"])),
    }


def finite_sample_expressivity(lab: Lab, *, samples: int, dimension: int) -> Measured:
    """Build a network of two layers and 2 n + d weights that fits n points (Zhang et al. 2017, theorem 1).

    c(x) = sum_j w_j max(<a, x> - b_j, 0) with b_1 < <a, x_1> < b_2 < <a, x_2> < ...: the matrix of the hidden
    units over the samples is lower triangular.

    Args:
        lab: of no runs.
        samples: n.
        dimension: d.
    """
    random = lab.random("points")
    inputs, labels = random.standard_normal((samples, dimension)), random.choice([-1.0, 1.0], samples)
    direction = random.standard_normal(dimension)
    direction /= np.linalg.norm(direction)
    order = np.argsort(inputs @ direction)
    along = (inputs @ direction)[order]
    middle = (along[:-1] + along[1:]) / 2
    biases = np.concatenate([[along[0] - (along[1] - along[0]) / 2], middle])
    hidden = np.maximum(along[:, None] - biases, 0)
    weights = np.linalg.solve(hidden, labels[order])
    fitted = np.maximum(inputs @ direction[:, None] - biases, 0) @ weights
    line = np.linspace(along[0] - 0.3, along[SHOWN], 2001)
    return {
        "above_the_diagonal": np.abs(np.triu(hidden, 1)).max(),
        "smallest_on_the_diagonal": np.diag(hidden).min(),
        "off": np.abs(fitted - labels).max(),
        "weights_off": len(weights) + len(biases) + len(direction) - (2 * samples + dimension),
        "line": line,
        "function": np.maximum(line[:, None] - biases, 0) @ weights,
        "along": along[:SHOWN],
        "labels": labels[order][:SHOWN],
    }


def draw_double_descent_rff(
    seeds: Sequence[Measured], *, names: Mapping[str, str]
) -> dict[str, Figure | list[Figure]]:
    """Draw errors and the norm of the weights over the number of features; and fits as that grows, a film."""
    share = seeds[0]["share"]

    def panel(title: str, y: str, *quantities: str, log: str = "x") -> Panel:
        curves = [
            Series(names[each], share, across(seeds, each), look=list(names).index(each))
            for each in quantities
        ]
        return Panel(title, "features N, of the samples n", y, curves, log=log, marks={"N = n": 1.0})

    panels = [
        panel("Test error", "error (%)", "test_error", "ridge_error"),
        panel("Training error", "error (%)", "train_error"),
        panel("Weights", "norm", "norm", log="xy"),
    ]
    return {"double_descent": draw_panels(panels), "film": _film(seeds)}


def _film(seeds: Sequence[Measured]) -> list[Figure]:
    """Return a picture a number of features: the fits on a line, and the test errors up to there."""
    share, errors, line = seeds[0]["share"], across(seeds, "test_error"), seeds[0]["line"]
    (left, right), top = (share[0], share[-1]), 1.1 * float(np.mean(errors, axis=0).max())

    def shown(place: int) -> Figure:
        count = int(line["count"][place])
        fit = Panel(
            f"{len(line['x'])} samples, {count} random ReLUs",
            "x",
            "y",
            [Series("fit of the least norm", line["places"], line["fit"][place])],
            points={"samples": (line["x"], line["y"])},
            limits=(-3.0, 3.0),
        )
        curve = Panel(
            f"Digits, N = {share[place]:.3g} n",
            "features N, of the samples n",
            "test error (%)",
            [
                Series("", [left, right], [top, top], look=7),  # the width of the whole curve
                Series("mean over the seeds", share[: place + 1], errors[:, : place + 1], look=1),
            ],
            log="x",
            limits=(0.0, top),
            marks={"N = n": 1.0},
        )
        return draw_panels([fit, curve])

    return [shown(place) for place in range(len(share))]


def draw_min_norm_sgd(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the distance from the solution of the least norm."""
    passes = seeds[0]["passes"]
    curves = [Series(label, passes, across(seeds, f"distance/{name}")) for name, label in names.items()]
    y = "distance from the least norm's (relative)"
    return {"distance": draw_panels([Panel("", "passes over the samples", y, curves, log="y")])}


def draw_finite_sample_expressivity(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the function of one seed along its direction, and the labels."""
    seed = seeds[0]
    panel = Panel(
        "Two layers that fit random labels, the first ones",
        "<a, x>",
        "output",
        [Series("network", seed["line"], seed["function"])],
        points={"labels": (seed["along"], seed["labels"])},
        limits=(-4.0, 4.0),
    )
    return {"function": draw_panels([panel])}
