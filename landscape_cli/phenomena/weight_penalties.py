"""Penalties on the weights: of their squares, and of their magnitudes (Bishop and Bishop 2024, chapter 9).

The quadratics are 1/2 (w - w*)^T H (w - w*), with the eigenvalues h_i of H as curvatures.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.weights.arithmetic import norm, params_of, subtract

LAMBDA = "\N{GREEK SMALL LETTER LAMDA}"
Optimizer = Callable[[list[Tensor]], torch.optim.Optimizer]


def l2_weight_decay(
    lab: Lab,
    *,
    curvatures: Sequence[float],
    decays: Sequence[float],
    rate: float,
    steps: int,
    ascending: Sequence[str],
    pair: Sequence[str],
) -> Measured:
    """Measure which part of the weights the penalty lambda/2 |w|^2 leaves on a quadratic, and in networks.

    Its gradient is lambda w. Along an eigenvector of H with curvature h the minimum moves from w* to
    h / (h + lambda) w*.

    Args:
        lab: has the runs.
        curvatures: of the quadratic, ascending; its eigenvectors are a random rotation.
        decays: values of lambda.
        rate: learning rate of torch's optimizers on the quadratic.
        steps: of them, from 0; enough to arrive.
        ascending: runs that differ in lambda alone, in the order of it.
        pair: the runs of Adam with the penalty in the loss, and of AdamW, with the same lambda.
    """
    random, h = lab.random("quadratic"), np.array(curvatures, dtype=float)
    basis = np.linalg.qr(random.standard_normal((len(h), len(h))))[0]
    hessian, minimum = basis * h @ basis.T, basis @ np.sign(random.standard_normal(len(h)))

    def end(optimizer: Optimizer) -> Array:
        return list(_descent(hessian, minimum, steps, optimizer))[-1]

    kept, sgd = {}, []
    for decay in decays:
        coupled = end(lambda w, decay=decay: torch.optim.SGD(w, lr=rate, weight_decay=decay))  # type: ignore[misc]
        kept[f"{decay:g}"] = (basis.T @ coupled) / (basis.T @ minimum)
        decoupled = np.zeros(len(h))
        for _ in range(steps):
            decoupled = (1 - rate * decay) * decoupled - rate * hessian @ (decoupled - minimum)
        sgd.append(_apart(decoupled, coupled))
    with_loss, beside = (
        end(lambda w, kind=kind: kind(w, lr=rate, weight_decay=decays[-1]))  # type: ignore[misc]
        for kind in (torch.optim.Adam, torch.optim.AdamW)
    )
    norms = {run: lab.metrics(run)["weight_norm"] for run in ascending}
    last = np.array([norms[run][-1] for run in ascending])
    adam, adamw = (params_of(lab.network(run)) for run in pair)
    return {
        "off_the_shrinkage": [np.abs(kept[f"{decay:g}"] - h / (h + decay)).max() for decay in decays],
        "least_gain_with_curvature": [np.diff(each).min() for each in kept.values()],
        "sgd_apart": sgd,
        "adam_apart": {
            "quadratic": _apart(beside, with_loss),
            "digits": norm(subtract(adamw, adam)) / norm(adam),
        },
        "largest_step_of_the_norm": (np.diff(last) / last[:-1]).max(),
        "curvatures": h,
        "kept": kept,
        "norm": norms,
        "last_norm": last,
        "final_loss": {run: lab.metrics(run)["train_loss"][-1] for run in lab.runs},
    }


def draw_l2_weight_decay(seeds: Sequence[Measured], *, label: str) -> dict[str, Figure]:
    """Draw the part of each component that is left, and the norms of the networks over epochs."""
    curvatures, kept, norms = seeds[0]["curvatures"], across(seeds, "kept"), across(seeds, "norm")
    parts = [Series(f"{LAMBDA} = {decay}", curvatures, each) for decay, each in kept.items()]
    curves = [Series(run, np.arange(each.shape[1]), each) for run, each in norms.items()]
    quadratic = Panel(
        "Minimum of a quadratic", "curvature h", "part of the weight that is left", parts, log="x"
    )
    return {
        "shrinkage": draw_panels([quadratic]),
        "norms": draw_panels([Panel(label, "epoch", "norm of all weights", curves)]),
    }


def l1_sparsity(
    lab: Lab,
    *,
    curvatures: Sequence[float],
    penalty: float,
    rate: float,
    steps: int,
    small_weight: float,
    l1: Sequence[str],
    l2: Sequence[str],
) -> Measured:
    """Measure the zeros that lambda |w|_1 makes, and small weights of networks beside those of weight decay.

    Its subgradient is lambda sign(w). On a quadratic along the axes the minimum moves from w* to
    sign(w*) max(|w*| - lambda / h, 0). Where the lecture writes lambda/2 |w|_1, the threshold is
    lambda / (2 h): both are measured.

    Args:
        lab: has the runs.
        curvatures: h of the quadratic, along the axes.
        penalty: lambda.
        rate: learning rate on the quadratic.
        steps: of the proximal method w <- S(w - rate gradient, rate lambda), where S(w, t) is
            sign(w) max(|w| - t, 0) (Daubechies et al. 2004), and of the subgradient method; enough for the
            first to arrive.
        small_weight: the magnitude below which a weight is called small.
        l1: runs with the penalty of magnitudes.
        l2: runs with weight decay, whose training losses include those of `l1`.
    """
    h = np.array(curvatures, dtype=float)
    minimum = lab.random("quadratic").standard_normal(len(h))
    off, minima, zeros = {}, {}, {}
    for name, factor in (("lambda", penalty), ("half", penalty / 2)):
        proximal, subgradient = np.zeros(len(h)), np.zeros(len(h))
        for _ in range(steps):
            proximal = _soft(proximal - rate * h * (proximal - minimum), rate * factor)
            subgradient = subgradient - rate * (h * (subgradient - minimum) + factor * np.sign(subgradient))
        expected = _soft(minimum, factor / h)
        minima[name], off[name] = proximal, np.abs(proximal - expected).max()
        zeros[name] = {
            "proximal": int((proximal == 0).sum()),
            "proximal_off": abs(int((proximal == 0).sum()) - int((expected == 0).sum())),
            "subgradient": int((subgradient == 0).sum()),
        }
    losses = {run: lab.metrics(run)["train_loss"][-1] for run in (*l1, *l2)}
    shares = {run: _share_of_small(lab, run, small_weight) for run in (*l1, *l2)}
    order = sorted(l2, key=losses.__getitem__)
    of_l2 = [losses[run] for run in order], [shares[run] for run in order]
    return {
        "proximal_off_the_minimum": off,
        "zeros": zeros,
        "excess": {
            run: shares[run] - np.interp(np.log(losses[run]), np.log(of_l2[0]), of_l2[1], np.nan, np.nan)
            for run in l1
        },
        "w_star": minimum,
        "threshold": penalty / h,
        "minima": minima,
        "l1": {"loss": [losses[run] for run in l1], "share": [shares[run] for run in l1]},
        "l2": {"loss": of_l2[0], "share": of_l2[1]},
    }


def draw_l1_sparsity(seeds: Sequence[Measured], *, label: str) -> dict[str, Figure]:
    """Draw the minimum with the penalty over that without, and the share of small weights over the loss."""
    threshold = across(seeds, "threshold").ravel()
    before = across(seeds, "w_star").ravel() / threshold
    x = np.linspace(-1.05, 1.05, 401) * np.abs(before).max()
    penalties = {"lambda": (f"{LAMBDA} |w|", 1.0), "half": (f"{LAMBDA}/2 |w| (lecture)", 0.5)}
    quadratic = Panel(
        "Minimum of a quadratic",
        f"without penalty (in {LAMBDA}/h)",
        f"with penalty (in {LAMBDA}/h)",
        [Series(f"closed form, {words}", x, _soft(x, part)) for words, part in penalties.values()],
        points={
            f"proximal steps, {words}": (before, across(seeds, f"minima/{name}").ravel() / threshold)
            for name, (words, _) in penalties.items()
        },
    )
    networks = Panel(
        label,
        "training loss (cross-entropy, nats)",
        "share of small weights (%)",
        points={
            words: (across(seeds, f"{kind}/loss").ravel(), 100 * across(seeds, f"{kind}/share").ravel())
            for kind, words in (("l1", "L1 penalty"), ("l2", "weight decay"))
        },
    )
    return {"minimum": draw_panels([quadratic]), "small_weights": draw_panels([networks])}


def _descent(hessian: Array, minimum: Array, steps: int, optimizer: Optimizer) -> Iterator[Array]:
    """Yield the weights after each step from 0 on 1/2 (w - w*)^T H (w - w*)."""
    weights = torch.zeros(len(minimum), dtype=torch.float64, requires_grad=True)
    curvature, centre, rule = torch.tensor(hessian), torch.tensor(minimum), optimizer([weights])
    for _ in range(steps):
        weights.grad = (curvature @ (weights - centre)).detach()
        rule.step()
        yield weights.detach().numpy().copy()


def _apart(one: Array, other: Array) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def _soft(weights: Array, threshold: Array | float) -> Array:
    """Return sign(w) max(|w| - t, 0)."""
    return np.asarray(np.sign(weights) * np.maximum(np.abs(weights) - threshold, 0.0))


def _share_of_small(lab: Lab, run: str, small: float) -> float:
    """Return the share of a run's last weights below `small` in magnitude."""
    parts = params_of(lab.network(run)).values()
    return sum(int((part.abs() < small).sum()) for part in parts) / sum(part.numel() for part in parts)
