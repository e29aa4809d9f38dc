"""Grokking: networks generalize long after they fit their training data (Power et al. 2022)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.curvature.products import Hessian
from landscape_cli.curvature.quadrature import quadrature
from landscape_cli.evaluation.losses import objective
from landscape_cli.measures import first_at_least, spearman
from landscape_cli.measures.density import Quadrature
from landscape_cli.plots.draw import draw
from landscape_cli.plots.film import frames as film_frames
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, by_quantity

SPLITS = {"train": "training", "test": "test"}
CURVES = ("train_accuracy", "test_accuracy", "train_loss", "test_loss", "weight_norm")
STEPS_TO = "steps to an accuracy of {:.0%}"
SMOOTHED = 0.01  # of the widest spectrum's width: the Gaussians of its picture


def grokking(
    lab: Lab,
    *,
    main: str,
    undecayed: str,
    noncommutative: str,
    fractions: Mapping[str, float],
    reached: float,
    samples: int,
    lanczos: int,
    frames: int,
) -> Measured:
    """Measure when networks fit, when they generalize, and the landscape before and after that.

    Steps are counted up to the first row of metrics.csv with the accuracy. A test accuracy that is never
    reached counts as the last step: for comparisons with a run that reaches it, the least that it can be.

    Args:
        lab: has the runs; of `main` checkpoints are kept.
        main: the run that is looked at closely.
        undecayed: the same without weight decay.
        noncommutative: the same on an operation that does not commute.
        fractions: run -> share of all equations that it trains on, `main` among them.
        reached: the accuracy that counts as fitted, or as generalized.
        samples: training samples that the Hessian is of.
        lanczos: products for each spectrum.
        frames: checkpoints whose planes are drawn, first and last among them.
    """
    found = by_quantity({run: _curves(lab, run, reached) for run in lab.runs})
    fitted, generalized = found["fitted"], found["generalized"]
    loss = found["test_loss"][main]
    peak = int(np.argmax(loss))
    kept = lab.runs[main].epochs()
    at_peak = min(kept, key=lambda epoch: abs(epoch - found["epoch"][main][peak]))
    spectra = {
        word: _spectrum(lab, main, epoch, samples, lanczos)
        for word, epoch in {"before": at_peak, "after": kept[-1]}.items()
    }
    shown = [kept[round(place)] for place in np.linspace(0, len(kept) - 1, frames)]
    return {
        "delay": generalized[main] / fitted[main],
        "generalizes": {run: found["test_accuracy"][run][-1] for run in fractions},
        "fits": {run: found["train_accuracy"][run].max() for run in lab.runs},
        "fraction_order": spearman(
            np.array([*fractions.values()]), np.array([generalized[run] for run in fractions])
        ),
        "undecayed_over_decayed": generalized[undecayed] / generalized[main],
        "noncommutative_over_commutative": generalized[noncommutative] / generalized[main],
        "test_loss_rise": loss[peak] / loss[0],
        "test_loss_fall": loss[-1] / loss[peak],
        "sharpness_after_over_before": spectra["after"]["nodes"][0, -1] / spectra["before"]["nodes"][0, -1],
        **found,
        "spectrum": spectra,
        "before": at_peak,
        "frame": {str(epoch): lab.surface(main, f"epoch={epoch}") for epoch in shown},
    }


def _curves(lab: Lab, run: str, reached: float) -> Measured:
    metrics = lab.metrics(run)
    steps = metrics["step"]
    last = len(steps) - 1  # the row where it is never reached
    fitted, generalized = (
        float(steps[int(min(first_at_least(metrics[f"{split}_accuracy"], reached), last))])
        for split in SPLITS
    )
    return {
        "fitted": fitted,
        "generalized": generalized,
        "step": steps,
        "epoch": metrics["epoch"],
        **{name: metrics[name] for name in CURVES},
    }


def _spectrum(lab: Lab, run: str, epoch: int, samples: int, steps: int) -> Measured:
    """Return the spectrum of the Hessian of the training loss at a checkpoint, over the first samples."""
    train = lab.data(run).train
    parts = [(train.inputs[:samples], train.targets[:samples])]
    hessian = Hessian(lab.network(run, epoch), parts, objective(lab.loss(run)), "all")
    found = quadrature(hessian.products, hessian.size, steps, 1, lab.random("spectrum"))
    return {"nodes": found.nodes, "weights": found.weights}


def draw_grokking(
    seeds: Sequence[Measured],
    *,
    main: str,
    undecayed: str,
    names: Mapping[str, str],
    fractions: Mapping[str, float],
    reached: float,
) -> dict[str, Figure | list[Figure]]:
    """Draw accuracies and losses over steps, the delays of all runs, planes and spectra of the first seed."""
    first = seeds[0]
    planes = list(first["frame"].values())
    titles = [f"step {_step_of(first, main, int(epoch)):,.0f}" for epoch in first["frame"]]
    title = "Test loss on a filter-normalized plane through the weights, as training goes on"
    return {
        "curves": draw_panels(
            [
                _over_steps(seeds, [main, undecayed], names, "accuracy", "accuracy"),
                _over_steps(seeds, [main, undecayed], names, "loss", "cross-entropy (nats)"),
            ],
            title="Trained long beyond a perfect fit",
        ),
        "delays": draw_panels([_over_fractions(seeds, fractions, reached), _of_runs(seeds, names, reached)]),
        "planes": draw(planes, split="test", title=title, titles=titles),
        "film": film_frames(planes, kind="surface3d", split="test", title="Test loss", titles=titles),
        "spectra": draw_panels([_spectra(first, main)]),
    }


def _step_of(seed: Measured, run: str, epoch: int) -> float:
    return float(seed["step"][run][list(seed["epoch"][run]).index(epoch)])


def _over_steps(
    seeds: Sequence[Measured], runs: Sequence[str], names: Mapping[str, str], name: str, label: str
) -> Panel:
    """Return a panel of curves of both splits, one a seed."""
    curves = [
        Series(
            f"{names[run]}, {told}" if seed is seeds[0] else "",
            np.maximum(seed["step"][run], 1),
            seed[f"{split}_{name}"][run],
            look=2 * number + place,
        )
        for number, run in enumerate(runs)
        for place, (split, told) in enumerate(SPLITS.items())
        for seed in seeds
    ]
    return Panel(name.capitalize(), "step", label, curves, log="x" if name == "accuracy" else "xy")


def _over_fractions(seeds: Sequence[Measured], fractions: Mapping[str, float], reached: float) -> Panel:
    x = [*fractions.values()]
    curves = [
        Series(told, x, np.array([[seed[name][run] for run in fractions] for seed in seeds]), look=place)
        for place, (name, told) in enumerate({"fitted": "training", "generalized": "test"}.items())
    ]
    return Panel("Share of the equations", "share trained on", STEPS_TO.format(reached), curves, log="y")


def _of_runs(seeds: Sequence[Measured], names: Mapping[str, str], reached: float) -> Panel:
    places = np.arange(len(names))
    points = {
        told: (
            np.concatenate([places] * len(seeds)),
            np.concatenate([[seed[name][run] for run in names] for seed in seeds]),
        )
        for name, told in {"fitted": "training, each seed", "generalized": "test, each seed"}.items()
    }
    return Panel(
        "Decay and operation", "", STEPS_TO.format(reached), points=points, ticks=[*names.values()], log="y"
    )


def _spectra(seed: Measured, main: str) -> Panel:
    spectra = seed["spectrum"]
    ends = [float(each["nodes"][0, end]) for each in spectra.values() for end in (0, -1)]
    width = max(ends) - min(ends)
    places = np.linspace(min(ends) - 0.05 * width, max(ends) + 0.05 * width, 1000)
    last = _step_of(seed, main, int(seed["epoch"][main][-1]))
    titles = {
        "before": f"at its largest test loss, step {_step_of(seed, main, int(seed['before'])):,.0f}",
        "after": f"after generalization, step {last:,.0f}",
    }
    curves = [
        Series(titles[word], places, Quadrature(**each).smooth(places, SMOOTHED * width)[0])
        for word, each in spectra.items()
    ]
    return Panel(
        "Hessian of the training loss",
        "eigenvalue",
        "density",
        curves,
        log="y",
        limits=(1e-6 / width, 3 / (SMOOTHED * width)),
    )
