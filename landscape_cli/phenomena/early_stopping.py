"""Training that is cut short does what weight decay does (Bishop and Bishop 2024, chapter 9)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.weights.arithmetic import params_of


def early_stopping_equals_decay(
    lab: Lab,
    *,
    curvatures: Sequence[float],
    rate: float,
    steps: Sequence[int],
    linear: str,
    epochs: Sequence[int],
    network: str,
) -> Measured:
    """Measure how near gradient descent from 0 is, after s steps, to the minimum with decay 1 / (eta s).

    On 1/2 (w - w*)^T H (w - w*), along an eigenvector of H with curvature h, it has come to
    (1 - (1 - eta h)^s) w*; the minimum with lambda/2 |w|^2 has h / (h + lambda) w* there.

    Args:
        lab: has the runs.
        curvatures: of the quadratic; its eigenvectors are a random rotation.
        rate: eta on the quadratic.
        steps: numbers s on the quadratic, ascending.
        linear: the run of a linear model on the squared error: full gradient steps from 0, no momentum.
        epochs: of its kept checkpoints: numbers s.
        network: the run that overfits; its test split stands for validation data.
    """
    random, h = lab.random("quadratic"), np.array(curvatures, dtype=float)
    basis = np.linalg.qr(random.standard_normal((len(h), len(h))))[0]
    hessian, minimum = basis * h @ basis.T, basis @ np.sign(random.standard_normal(len(h)))
    weights, path = np.zeros(len(h)), []
    for step in range(1, steps[-1] + 1):
        weights = weights - rate * hessian @ (weights - minimum)
        if step in steps:
            path.append(weights)
    decays = [1 / (rate * step) for step in steps]
    with_decay = [np.linalg.solve(hessian + decay * np.eye(len(h)), hessian @ minimum) for decay in decays]
    reached, kept = (np.stack(each) @ basis / (basis.T @ minimum) for each in (path, with_decay))

    learning_rate = float(lab.runs[linear].config["optimizer"]["lr"])
    linear_decays = [1 / (learning_rate * epoch) for epoch in epochs]
    trained = [_weights(lab, linear, epoch) for epoch in epochs]
    cosines = {
        "quadratic": [_cosine(*pair) for pair in zip(path, with_decay, strict=True)],
        "digits": [
            _cosine(*pair) for pair in zip(trained, ridge(lab.data(linear).train, linear_decays), strict=True)
        ],
    }
    columns = lab.metrics(network)
    best = int(np.argmin(columns["test_loss"]))
    return {
        "off_the_closed_form": np.abs(reached - (1 - (1 - rate * h) ** np.array(steps)[:, None])).max(),
        "least_cosine": {name: min(each) for name, each in cosines.items()},
        "best_over_last_epoch": best / (len(columns["test_loss"]) - 1),
        "norm_ratio": columns["weight_norm"][best] / columns["weight_norm"][-1],
        "best_epoch": best,
        "best_loss": columns["test_loss"][best],
        "decay": {"quadratic": decays, "digits": linear_decays},
        "cosine": cosines,
        "reached": {"gradient descent": reached, "weight decay": kept},
        "loss": {split: columns[f"{split}_loss"] for split in ("train", "test")},
    }


def draw_early_stopping_equals_decay(
    seeds: Sequence[Measured], *, names: dict[str, str]
) -> dict[str, Figure]:
    """Draw both paths in the plane of two curvatures, the angle between them, and the network's losses."""
    reached, cosines, losses = (across(seeds, name) for name in ("reached", "cosine", "loss"))
    middle = reached["weight decay"].shape[2] // 2
    paths = Panel(
        "Part of w* reached on a quadratic",
        "along the largest curvature",
        "along a middle curvature",
        [Series(name, each[0][:, -1], each[0][:, middle]) for name, each in reached.items()],
    )
    angles = Panel(
        "Both paths at decay 1/(\N{GREEK SMALL LETTER ETA}s)",
        "weight decay",
        "cosine of their weights",
        [
            Series(names[name], seeds[0]["decay"][name], each, look=2 + number)
            for number, (name, each) in enumerate(cosines.items())
        ],
        log="x",
        level=0.95,
    )
    epochs = np.arange(losses["train"].shape[1])
    curves = Panel(
        "A network that overfits",
        "epoch",
        "loss (cross-entropy, nats)",
        [
            Series(f"{words} loss", epochs, losses[split], look=4 + number)
            for number, (split, words) in enumerate((("train", "training"), ("test", "validation")))
        ],
        points={
            "least validation loss": (
                [seed["best_epoch"] for seed in seeds],
                [seed["best_loss"] for seed in seeds],
            )
        },
        log="y",
    )
    return {"early_stopping": draw_panels([paths, angles, curves])}


def ridge(split: Split, decays: Sequence[float]) -> list[Array]:
    """Return the minima of 1/n sum |W x + b - y|^2 + lambda/2 (|W|^2 + |b|^2), y one-hot.

    Args:
        split: of n samples; inputs are flattened.
        decays: values of lambda.

    Returns:
        For each a matrix of shape (classes, features + 1), b last.
    """
    inputs, targets = split.inputs.flatten(1).cpu().double().numpy(), split.targets.cpu().numpy()
    x = np.hstack([inputs, np.ones((len(inputs), 1))])
    y = np.eye(targets.max() + 1)[targets]
    hessian, slope = 2 * x.T @ x / len(x), 2 * x.T @ y / len(x)
    return [np.linalg.solve(hessian + decay * np.eye(x.shape[1]), slope).T for decay in decays]


def _weights(lab: Lab, run: str, epoch: int) -> Array:
    """Return a linear model's weights with its biases as last column, of shape (classes, features + 1)."""
    weight, bias = (part.cpu().double().numpy() for part in params_of(lab.network(run, epoch)).values())
    return np.hstack([weight, bias[:, None]])


def _cosine(one: Array, other: Array) -> float:
    return float((one * other).sum() / (np.linalg.norm(one) * np.linalg.norm(other)))
