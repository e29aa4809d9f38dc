"""Small and large batches' minima in Keskar's box (Keskar et al. 2017, arXiv:1609.04836)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from landscape_cli.curvature.sharpness import sharpness
from landscape_cli.curvature.sharpness_options import SharpnessOptions
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.evaluation.problem import classifier
from landscape_cli.measures import spearman
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.training.stacked import shared, train_stacked
from landscape_cli.weights.arithmetic import norm, params_of, subtract

SMALL, LARGE = "small", "large"
PHI = "\N{GREEK SMALL LETTER PHI}"


def keskar_sharpness(
    lab: Lab,
    *,
    epsilons: Sequence[float],
    samples: int,
    epochs: Sequence[int],
    warm: Sequence[int],
    then: Mapping[str, Any],
) -> Measured:
    """Measure Keskar's sharpness of a small and a large batch's minimum, on the way, and after warm starts.

    Args:
        lab: the runs ``small`` and ``large``, of which the checkpoints of `epochs` and `warm` are kept.
        epsilons: of the box; the first one is that of all but the first claim.
        samples: of the training split, of which the loss is the mean.
        epochs: of the large batch's run, at which it is measured on the way; the small batch's is at the same
            shares of its own.
        warm: epochs of the small batch's run from which the large batch goes on.
        then: how it goes on: epochs, batch_size, optimizer.
    """
    both = {
        epsilon: lab.sharpness(
            [SMALL, LARGE], "measures=keskar,subspace", f"samples={samples}", f"epsilon={epsilon}"
        )
        for epsilon in epsilons
    }
    metrics = {run: lab.metrics(run) for run in (SMALL, LARGE)}
    accuracy = {
        split: {run: 100 * metrics[run][f"{split}_accuracy"][-1] for run in metrics}
        for split in ("train", "test")
    }
    start = params_of(lab.network(SMALL, "init"))
    distance = {run: norm(subtract(params_of(lab.network(run)), start)) for run in metrics}
    words = ["measures=keskar", f"samples={samples}", f"epsilon={epsilons[0]}"]
    path = {run: _on_the_way(lab, run, epochs, metrics, words) for run in metrics}
    warmed = _warm_started(lab, warm, then, epsilons[0], samples)
    phi = {epsilon: both[epsilon].numbers("keskar") for epsilon in epsilons}
    line = lab.interpolate(SMALL, LARGE, "alpha=[-1,2,25]")
    return {
        "phi_ratio": {f"{epsilon:g}": float(of[1] / of[0]) for epsilon, of in phi.items()},
        "subspace_ratio": {
            f"{epsilon:g}": float(np.divide(*both[epsilon].numbers("keskar_subspace")[::-1]))
            for epsilon in epsilons
        },
        "train_accuracy_gap": abs(accuracy["train"][SMALL] - accuracy["train"][LARGE]),
        "test_accuracy_gap": accuracy["test"][SMALL] - accuracy["test"][LARGE],
        "distance_ratio": distance[SMALL] / distance[LARGE],
        "rank_large": spearman(np.array(path[LARGE]["loss"]), np.array(path[LARGE]["phi"])),
        "rank_small": spearman(np.array(path[SMALL]["loss"]), np.array(path[SMALL]["phi"])),
        "warm_accuracy": warmed["accuracy"][-1] - accuracy["test"][LARGE],
        "warm_phi": warmed["phi"][-1] / phi[epsilons[0]][1],
        "phi": {
            run: [float(phi[epsilon][place]) for epsilon in epsilons] for place, run in enumerate(metrics)
        },
        "accuracy": accuracy,
        "path": path,
        "warm": {"epochs": list(warm), **warmed},
        "alpha": line.x,
        "line": {split: line.values[f"{split}/loss"] for split in ("train", "test")},
    }


def draw_keskar_sharpness(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the line between the minima, sharpness on the way to them, and after warm starts."""
    lines, paths, warm = (across(seeds, name) for name in ("line", "path", "warm"))
    panels = [
        Panel(
            "Between the minima",
            "\N{GREEK SMALL LETTER ALPHA} (0: small, 1: large)",
            "loss (nats)",
            [Series(f"{split} loss", seeds[0]["alpha"], lines[split]) for split in ("train", "test")],
            log="y",
        ),
        Panel(
            "On the way",
            "training loss (nats)",
            f"{PHI} (%)",
            points={
                names[run]: (paths[run]["loss"].ravel(), paths[run]["phi"].ravel()) for run in (SMALL, LARGE)
            },
            log="xy",
        ),
        Panel(
            "After a warm start",
            "epochs before",
            f"{PHI} (%)",
            [Series("", seeds[0]["warm"]["epochs"], warm["phi"])],
        ),
        Panel(
            "After a warm start",
            "epochs before",
            "test accuracy (%)",
            [Series("", seeds[0]["warm"]["epochs"], warm["accuracy"])],
        ),
    ]
    return {"sharpness": draw_panels(panels)}


def _on_the_way(
    lab: Lab, run: str, epochs: Sequence[int], metrics: Mapping[str, Any], words: Sequence[str]
) -> dict[str, list[float]]:
    """Return training loss and sharpness of checkpoints of a run at the same shares of its epochs."""
    share = metrics[run]["epoch"][-1] / metrics[LARGE]["epoch"][-1]
    tables = [lab.sharpness([run], *words, f"epoch={round(epoch * share)}") for epoch in epochs]
    return {
        "loss": [float(table.numbers("loss")[0]) for table in tables],
        "phi": [float(table.numbers("keskar")[0]) for table in tables],
    }


def _warm_started(
    lab: Lab, epochs: Sequence[int], then: Mapping[str, Any], epsilon: float, samples: int
) -> dict[str, list[float]]:
    """Return test accuracy (%) and sharpness where the large batch goes on from epochs of the small one."""
    data, loss = lab.data(SMALL), lab.loss(SMALL)
    models: list[nn.Module] = [lab.network(SMALL, epoch) for epoch in epochs]
    orders = [torch.Generator().manual_seed(lab.seed) for _ in models]
    inputs, targets = (shared(of, len(models)) for of in (data.train.inputs, data.train.targets))
    train_stacked(models, inputs, targets, loss=loss, orders=orders, **then)
    options = SharpnessOptions(measures=["keskar"], epsilon=epsilon, samples=samples)
    found = [sharpness(classifier(model, data, loss, ["train"]), options, "warm start") for model in models]
    return {
        "accuracy": [100 * evaluate(model, data.test, loss).accuracy for model in models],
        "phi": [each["keskar"] for each in found],
    }
