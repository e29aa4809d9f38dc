"""Optimizers compared: the same network, from the same initial weights, by different rules."""

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab

PLAIN, ADAPTIVE = "SGD", "Adam"
"""The runs that the others are compared with: plain gradient descent, and Adam."""


def fmnist_optimizer_comparison(lab: Lab) -> Findings:
    """Compare the learning curves of gradient descent with and without momentum, and of Adam.

    The runs are called ``SGD``, ``Adam`` and whatever the ones with momentum are called.
    """
    names = list(lab.scale.runs)
    train_loss = {name: _curves(lab, name, "train_loss") for name in names}
    rows: list[Row] = []
    for name in names:
        for seed in lab.seeds:
            metrics = lab.run(name, seed).metrics()
            rows.append(
                {
                    "optimizer": name,
                    "seed": seed,
                    "initial_train_loss": metrics[0]["train_loss"],
                    **{key: metrics[-1][key] for key in MEASURED},
                    "seconds": sum(row["seconds"] for row in metrics[1:]),
                    "seconds_per_epoch": float(np.median([row["seconds"] for row in metrics[1:]])),
                }
            )
    finals = {name: curves[:, -1] for name, curves in train_loss.items()}
    initial = np.stack([curves[:, 0] for curves in train_loss.values()])
    claims = [
        Claim(
            "All optimizers start at the same weights: their initial losses are equal",
            list(np.ptp(initial, axis=0)),
            "<=",
            0.0,
            identity=True,
        ),
        Claim(
            "Every optimizer lowers the training loss: the largest of the ratios of final to initial loss",
            list(np.stack(list(finals.values())).max(axis=0) / initial[0]),
            "<",
            1.0,
        ),
        Claim(
            f"Adam ends at a training loss no higher than plain SGD's: {ADAPTIVE} minus {PLAIN}",
            list(finals[ADAPTIVE] - finals[PLAIN]),
            "<=",
            0.0,
        ),
    ]
    claims += [
        Claim(
            f"The training loss under {name} differs from that under plain SGD by more than seeds do: mean "
            "over epochs of the difference, over the mean standard deviation of SGD's curves",
            list(in_seed_noise(train_loss[name], train_loss[PLAIN])),
            ">",
            1.0,
        )
        for name in names
        if name not in (PLAIN, ADAPTIVE)
    ]
    return Findings(claims, {"optimizers": rows}, {"learning_curves": draw_panels(_panels(lab, names))})


MEASURED = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")


def in_seed_noise(curves: Array, reference: Array) -> Array:
    """Return how far curves lie from those of a reference, in units of the reference's spread over seeds.

    That is mean_t |a_st - b_st| / mean_t sd_s(b_st), the epoch t = 0, where both are the same, left out.

    Args:
        curves: a, (seeds, epochs + 1).
        reference: b, likewise.

    Returns:
        One number a seed, (seeds,); NaN where there is a single seed, and so no spread.
    """
    if len(reference) < 2:
        return np.full(len(curves), np.nan)
    spread = reference[:, 1:].std(axis=0, ddof=1).mean()
    return np.asarray(np.abs(curves - reference)[:, 1:].mean(axis=1) / spread)


def _curves(lab: Lab, name: str, key: str) -> Array:
    """Return a metric of a run, (seeds, epochs + 1)."""
    return np.array([[row[key] for row in lab.run(name, seed).metrics()] for seed in lab.seeds])


def _panels(lab: Lab, names: list[str]) -> list[Panel]:
    """Return the notebook's panels: loss and accuracy, also over time, which evaluations take a part of."""
    seconds = {name: _curves(lab, name, "seconds") for name in names}
    elapsed = {
        name: np.cumsum(np.pad(each[:, 1:], ((0, 0), (1, 0))), axis=1) for name, each in seconds.items()
    }

    def panel(title: str, key: str, unit: str, by_time: bool = False) -> Panel:
        scale = 100.0 if key.endswith("accuracy") else 1.0
        series = []
        for name in names:
            values = scale * _curves(lab, name, key)
            x = elapsed[name].mean(axis=0) if by_time else np.arange(values.shape[1])
            series.append(Series(name, x, values))
        log = "" if key.endswith("accuracy") else "y"
        return Panel(
            title,
            "time (s)" if by_time else "epoch",
            unit,
            series=series,
            log=log,
        )

    loss, accuracy = "cross-entropy (nats)", "accuracy (%)"
    return [
        panel("Training loss", "train_loss", loss),
        panel("Test loss", "test_loss", loss),
        panel("Training loss over time", "train_loss", loss, by_time=True),
        panel("Training accuracy", "train_accuracy", accuracy),
        panel("Test accuracy", "test_accuracy", accuracy),
        panel("Test accuracy over time", "test_accuracy", accuracy, by_time=True),
    ]
