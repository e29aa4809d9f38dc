"""Units and offsets of inputs in least squares, and normalizing them (Bishop and Bishop 2024, 7.4.1)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.data.normalize import moments, standardize
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across


def unnormalized_features(
    lab: Lab,
    *,
    scales: list[float],
    spread: float,
    noise: float,
    samples: int,
    excess: float,
    limit: int,
    longest: float,
) -> Measured:
    """Measure gradient descent on least squares of features of very different sizes, and standardized.

    The loss is the mean of (w x - y)^2, the start w = 0, the learning rate one over the largest curvature.

    Args:
        lab: of no runs.
        scales: a feature is its scale times N(1, spread^2), positive as counts and lengths are.
        spread: see there.
        noise: standard deviation in the targets, to which each feature adds one on average.
        samples: how many.
        excess: part of the initial excess loss, to which steps are counted.
        limit: steps after which the excess is told.
        longest: steps in the picture.
    """
    random = lab.random("features")
    relative = 1 + spread * random.standard_normal((samples, len(scales)))
    targets = relative.sum(1) + noise * random.standard_normal(samples)
    raw = relative * np.array(scales)
    features = {"raw": (raw, targets), "standardized": (standardized(raw), targets - targets.mean())}
    modes = {name: curvatures_and_excess(*each) for name, each in features.items()}
    condition = {name: float(curvature.max() / curvature.min()) for name, (curvature, _) in modes.items()}
    steps = {name: steps_to(*each, excess) for name, each in modes.items()}
    shown = np.unique(np.geomspace(1, longest, 200).round())
    return {
        "condition_ratio": condition["raw"] / condition["standardized"],
        "steps_ratio": steps["standardized"] / steps["raw"],
        "raw_excess_at_limit": float(excess_after(*modes["raw"], np.array([limit]))[0]),
        "condition": condition,
        "steps": {name: float(count) for name, count in steps.items()},
        "shown": shown,
        "excess": {name: excess_after(*each, shown) for name, each in modes.items()},
    }


def standardized(features: Array) -> Array:
    """Return features (n, d) with mean 0 and variance 1 over the samples."""
    mean, deviation = moments(features)
    return (features - mean) / deviation


def curvatures_and_excess(features: Array, targets: Array) -> tuple[Array, Array]:
    """Return the eigenvalues h of the Hessian 2 X^T X / n, (d,), and the excess loss along each at w = 0.

    Args:
        features: X, (n, d), of independent columns.
        targets: (n,).
    """
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    return 2 * singular**2 / len(features), np.square(left.T @ targets) / len(features)


def excess_after(curvature: Array, excess: Array, steps: Array) -> Array:
    """Return the excess loss over the initial one after steps of gradient descent, (k,), in closed form.

    It is sum_i (1 - h_i / h_max)^(2 t) E_i over sum_i E_i, t >= 1.

    Args:
        curvature: h, (d,).
        excess: E, (d,).
        steps: t, (k,).
    """
    with np.errstate(divide="ignore"):  # the steepest direction is done in a step: log 0
        slow = np.log1p(-curvature / curvature.max())
    return np.asarray(np.exp(2 * np.multiply.outer(steps, slow)) @ excess / excess.sum())


def steps_to(curvature: Array, excess: Array, part: float) -> int:
    """Return the first step t >= 1 after which no more than a part of the initial excess is left."""
    low, high = 0, 1
    while excess_after(curvature, excess, np.array([high]))[0] > part:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if excess_after(curvature, excess, np.array([middle]))[0] > part:
            low = middle
        else:
            high = middle
    return high


def input_normalization(lab: Lab, *, run: str, samples: int) -> Measured:
    """Measure the moments of normalized features, and the Hessian of least squares before and after.

    The mean and the deviation are those of the training samples alone. Features that never change among them
    have no curvature: they are left out of the Hessian, which has a constant feature for the offset.

    Args:
        lab: a run with data that are not normalized; its network is not used.
        run: its name.
        samples: drawn of the training split, without replacement.
    """
    data = lab.data(run)
    rows = lab.random("samples").permutation(len(data.train))[:samples]
    train = data.train.inputs[torch.from_numpy(rows).to(data.train.inputs.device)].flatten(1).cpu().numpy()
    test = data.test.inputs.flatten(1).cpu().numpy()
    mean, deviation = moments(train)
    raw = {"train": train.astype(np.float64), "test": test.astype(np.float64)}
    normalized = {
        name: standardize(each, mean, deviation, torch.device("cpu")).double().numpy()
        for name, each in raw.items()
    }
    changing = np.ptp(train, axis=0) > 0
    spectra = {
        "raw": _spectrum(raw["train"][:, changing]),
        "normalized": _spectrum(normalized["train"][:, changing]),
    }
    condition = {name: float(each[0] / each[-1]) for name, each in spectra.items()}
    return {
        "mean": np.abs(normalized["train"].mean(0)).max(),
        "variance_off_one": np.abs(normalized["train"][:, changing].var(0) - 1).max(),
        "constant_off_zero": np.abs(normalized["train"][:, ~changing]).max(initial=0.0),
        "constant_features": int((~changing).sum()),
        "test_mean": np.abs(normalized["test"].mean(0)).max(),
        "condition_ratio": condition["raw"] / condition["normalized"],
        "condition": condition,
        "spectrum": spectra,
    }


def _spectrum(features: Array) -> Array:
    """Return the eigenvalues of 2 X^T X / n, descending, X with a column of ones."""
    rows = np.column_stack([features, np.ones(len(features))])
    return np.asarray(2 * np.linalg.svd(rows, compute_uv=False) ** 2 / len(rows))


def draw_unnormalized_features(
    seeds: Sequence[Measured], *, names: Mapping[str, str], excess: float
) -> dict[str, Figure]:
    """Draw the excess loss over the steps of gradient descent."""
    left = across(seeds, "excess")
    curves = [Series(label, seeds[0]["shown"], left[name]) for name, label in names.items()]
    panel = Panel("", "steps", "excess loss / initial", curves, log="xy", limits=(1e-9, 2), level=excess)
    return {"steps": draw_panels([panel])}


def draw_input_normalization(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the eigenvalues of the Hessian before and after, of the first seed."""
    curves = [
        Series(label, np.arange(1, 1 + len(seeds[0]["spectrum"][name])), seeds[0]["spectrum"][name])
        for name, label in names.items()
    ]
    return {"spectrum": draw_panels([Panel("", "rank", "eigenvalue of the Hessian", curves, log="y")])}
