"""Small and large batches: whose valley is wider, and who generalizes (Li et al. 2018, arXiv:1712.09913)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.measures import line_radius, loss_at, ratio, spearman, valley_radius
from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

Pairs = Mapping[str, Sequence[str]]
"""Name -> the runs of a small and of a large batch that differ in nothing else."""
LOSS = "train/loss"
SIZES = ("small batch", "large batch")


def vgg9_sb_lb_interpolation(lab: Lab, *, pairs: Pairs, rise: float) -> Measured:
    """Measure the straight line from the small-batch to the large-batch solution of each pair (figure 2).

    The width of a valley is that of the interval around its end in which the loss is below L(end) + rise,
    as a share of the distance between the solutions.

    Args:
        lab: has the runs.
        pairs: of runs.
        rise: in nats.
    """
    lines = {name: lab.interpolate(*runs) for name, runs in pairs.items()}
    widths = {
        name: [
            2 * line_radius(line.x - end, line.values[LOSS], loss_at(line.x, line.values[LOSS], end) + rise)
            for end in (0.0, 1.0)
        ]
        for name, line in lines.items()
    }
    errors = {name: _test_errors(lab, runs) for name, runs in pairs.items()}
    return {
        "width": widths,
        "width_ratio": {name: ratio(*both) for name, both in widths.items()},
        "test_error": errors,
        "test_error_gap": {name: large - small for name, (small, large) in errors.items()},
        "alpha": {name: line.x for name, line in lines.items()},
        "loss": {
            name: {split: line.values[f"{split}/loss"] for split in ("train", "test")}
            for name, line in lines.items()
        },
    }


def draw_vgg9_sb_lb_interpolation(
    seeds: Sequence[Measured], *, names: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw the losses along the lines."""
    errors, losses = across(seeds, "test_error"), across(seeds, "loss")
    panels = [
        Panel(
            words,
            "\N{GREEK SMALL LETTER ALPHA} (0 = small batch, 1 = large batch)",
            "loss (cross-entropy, nats)",
            series=[
                Series(f"{word} loss", seeds[0]["alpha"][name], losses[name][split])
                for split, word in (("train", "training"), ("test", "test"))
            ],
            log="y",
            marks={f"{error:.2f} %": end for end, error in enumerate(errors[name].mean(axis=0))},
        )
        for name, words in names.items()
    ]
    title = "From a small-batch to a large-batch solution (test errors above the ends)"
    return {"interpolation": draw_panels(panels, title=title)}


def weight_norm_and_histograms(lab: Lab, *, pairs: Pairs, small_weight: float) -> Measured:
    """Measure how the weights grow without weight decay and shrink with it (figure 2 b, c, e, f).

    Args:
        lab: has the runs.
        pairs: of runs.
        small_weight: the magnitude below which a weight is called small.
    """
    runs = [run for pair in pairs.values() for run in pair]
    norms = {run: lab.metrics(run)["weight_norm"] for run in runs}
    weights = {run: _weights(lab, run) for run in runs}

    def small_over_large(values: Mapping[str, float]) -> dict[str, float]:
        return {name: values[small] / values[large] for name, (small, large) in pairs.items()}

    growing = {run: float((np.diff(norm) > 0).mean()) for run, norm in norms.items()}
    small = {run: float((np.abs(each) < small_weight).mean()) for run, each in weights.items()}
    return {
        "growing_epochs": {name: min(growing[run] for run in pair) for name, pair in pairs.items()},
        "norm_ratio": small_over_large({run: norm[-1] for run, norm in norms.items()}),
        "sd_ratio": small_over_large({run: each.std() for run, each in weights.items()}),
        "small_weights_ratio": small_over_large(small),
        "norm": {name: [norms[run] for run in pair] for name, pair in pairs.items()},
        "weights": {
            name: np.array([weights[run] for run in pair], np.float32) for name, pair in pairs.items()
        },
    }


def draw_weight_norm_and_histograms(
    seeds: Sequence[Measured], *, names: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw the norms over epochs, and histograms of the last weights."""
    norms, weights = across(seeds, "norm"), across(seeds, "weights")  # (seeds, 2, epochs), (seeds, 2, p)
    panels = []
    for name, words in names.items():
        curves = [
            Series(size, np.arange(norms[name].shape[2]), norms[name][:, number])
            for number, size in enumerate(SIZES)
        ]
        panels.append(Panel(words, "epoch", "norm of all weights", curves))
    for name, words in names.items():
        drawn = weights[name].astype(float)
        reach = float(np.quantile(np.abs(drawn), 0.995))
        edges = np.linspace(-reach, reach, 61)
        densities = [
            Series(
                size,
                (edges[1:] + edges[:-1]) / 2,
                [np.histogram(one, edges)[0] / one.size / np.diff(edges) for one in drawn[:, number]],
                steps=True,
            )
            for number, size in enumerate(SIZES)
        ]
        panels.append(Panel(words, "weight", "density (1 / unit weight)", densities, log="y"))
    return {"weights": draw_panels(panels)}


def batch_wd_optimizer_grid(
    lab: Lab, *, pairs: Pairs, rise: float, directions: int, line: Sequence[str], plane: Sequence[str]
) -> Measured:
    """Measure {SGD, Adam} x {0, 5e-4} x {small, large batch}: radius of the valley, test error (figure 3).

    Args:
        lab: has the runs.
        pairs: of runs, a pair a cell.
        rise: in nats; the radius is where the loss has risen by it.
        directions: random ones, filter-normalized.
        line: words of `landscape surface` for the lines.
        plane: words of `landscape surface` for the planes of the picture.
    """
    runs = [run for pair in pairs.values() for run in pair]
    x, losses, radii = _valleys(lab, runs, rise, directions, line)
    errors = dict(zip(runs, _test_errors(lab, runs), strict=True))
    return {
        "radius": radii,
        "test_error": errors,
        "radius_ratio": {name: ratio(radii[small], radii[large]) for name, (small, large) in pairs.items()},
        "test_error_gap": {name: errors[large] - errors[small] for name, (small, large) in pairs.items()},
        "correlation": _correlation(radii, errors),
        "x": x,
        "loss": {name: [losses[run].mean(axis=0) for run in pair] for name, pair in pairs.items()},
        "plane": {run: lab.surface(run, *plane) for run in runs},
    }


def draw_batch_wd_optimizer_grid(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the mean loss over directions, and the first seed's planes."""
    losses, errors = across(seeds, "loss"), across(seeds, "test_error")
    panels = [
        Panel(
            words.replace(", ", ",\n"),
            "step along filter-normalized directions",
            "training loss (cross-entropy, nats)",
            [Series(size, seeds[0]["x"], losses[name][:, number]) for number, size in enumerate(SIZES)],
            log="y",
        )
        for name, words in names.items()
    ]
    runs, half = list(errors), len(names)
    ordered = [run for number in range(2) for run in runs[number::2]]  # the small batches, then the large
    titles = [
        f"{list(names.values())[place % half].replace('weight ', '')},\n"
        f"{SIZES[place // half]}: {errors[run].mean():.2f} %"
        for place, run in enumerate(ordered)
    ]
    return {
        "lines": draw_panels(panels, title="Mean over directions; bands: one standard deviation over seeds"),
        "planes": draw(
            [seeds[0]["plane"][run] for run in ordered],
            kind="contour",
            title="Training loss around the trained weights, and the mean test error",
            titles=titles,
        ),
    }


def landscape_vs_error_correlation(
    lab: Lab, *, batches: Mapping[str, int], rise: float, directions: int, line: Sequence[str]
) -> Measured:
    """Measure the radius of the filter-normalized valley and the test error of every run (section 7).

    Args:
        lab: has the runs.
        batches: run -> batch size, ascending, of those runs that differ in nothing else.
        rise: in nats; the radius is where the loss has risen by it.
        directions: random ones, filter-normalized.
        line: words of `landscape surface`.
    """
    _, _, radii = _valleys(lab, list(lab.runs), rise, directions, line)
    errors = dict(zip(lab.runs, _test_errors(lab, list(lab.runs)), strict=True))
    by_batch = [radii[run] for run in batches]
    return {
        "correlation": _correlation(radii, errors),
        "flattest_off_the_best": errors[max(radii, key=radii.__getitem__)] - min(errors.values()),
        "largest_step": np.diff(by_batch).max(),
        "radius": radii,
        "test_error": errors,
        "batches": list(batches.values()),
        "by_batch": by_batch,
    }


def draw_landscape_vs_error_correlation(seeds: Sequence[Measured], *, level: str) -> dict[str, Figure]:
    """Draw test error over radius, and radius over batch size."""
    radius = f"radius of the valley at {level} (steps)"
    dots = {
        f"seed {seed['seed']}": ([*seed["radius"].values()], [*seed["test_error"].values()]) for seed in seeds
    }
    widths = Series("mean over seeds", seeds[0]["batches"], across(seeds, "by_batch"))
    return {
        "correlation": draw_panels(
            [
                Panel("every network", radius, "test error (%)", points=dots),
                Panel("SGD, weight decay 5e-4", "batch size", radius, [widths], log="x"),
            ]
        )
    }


def _valleys(
    lab: Lab, runs: Sequence[str], rise: float, directions: int, words: Sequence[str]
) -> tuple[Array, dict[str, Array], dict[str, float]]:
    """Return x (n,), and for each run the losses (directions, n) of random lines, and its radius."""
    losses, radii, x = {}, {}, np.zeros(0)
    for run in runs:
        lines = [lab.surface(run, "y=null", *words, f"direction.seed={seed}") for seed in range(directions)]
        x, losses[run] = lines[0].x, np.stack([line.values[LOSS] for line in lines])
        radii[run] = valley_radius([(x, loss) for loss in losses[run]], rise)
    return x, losses, radii


def _correlation(radii: Mapping[str, float], errors: Mapping[str, float]) -> float:
    """Return Spearman's rho of 1 / radius and test error."""
    return spearman(1 / np.array([*radii.values()]), np.array([*errors.values()]))


def _test_errors(lab: Lab, runs: Sequence[str]) -> list[float]:
    """Return the test errors of the runs' last epochs, in percent."""
    return [float(100 * (1 - lab.metrics(run)["test_accuracy"][-1])) for run in runs]


def _weights(lab: Lab, run: str) -> Array:
    """Return the last weights of a run that have more than one dimension, in one array."""
    weights = [weight.flatten() for weight in lab.network(run).parameters() if weight.ndim > 1]
    return np.concatenate([weight.detach().cpu().double().numpy() for weight in weights])
