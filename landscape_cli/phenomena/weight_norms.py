"""Weight decay decides which batch size has the larger weights (Li et al. 2018, figure 2)."""

from itertools import product

import numpy as np
import torch

from landscape_cli import checkpoint
from landscape_cli.arrays import Array
from landscape_cli.phenomena.batch_size import SIZES, decays
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.runs import Run


def weight_norms(lab: Lab, *, decay: str, small_weight: float, note: str) -> Findings:
    """Measure how the weights grow without weight decay and shrink with it, for both batch sizes.

    Args:
        lab: has the runs ``wd0_small``, ``wd0_large``, ``wd_small``, ``wd_large``.
        decay: the weight decay of those that have one.
        small_weight: the magnitude below which a weight is called small.
        note: what is to be known of the claims with weight decay.
    """
    rows: list[Row] = []
    norms: dict[str, list[Array]] = {}
    weights: dict[str, list[Array]] = {}
    for name, seed in product(lab.scale.runs, lab.seeds):
        run = lab.run(name, seed)
        norm = np.array([row["weight_norm"] for row in run.metrics()])
        values = _weights(run)
        norms.setdefault(name, []).append(norm)
        weights.setdefault(name, []).append(values)
        rows.append(
            {
                "run": name,
                "seed": seed,
                "norm": norm[-1],
                "growing_epochs": float((np.diff(norm) > 0).mean()),
                "sd": float(values.std()),
                "small_weights": float((np.abs(values) < small_weight).mean()),
            }
        )

    def of(run: str, name: str) -> Array:
        return np.array([row[name] for row in rows if row["run"] == run])

    growing = np.minimum(of("wd0_small", "growing_epochs"), of("wd0_large", "growing_epochs"))
    claims = [
        Claim(
            "Without weight decay the norm of the weights grows (share of epochs, the lesser of both"
            " batch sizes)",
            growing.tolist(),
            ">=",
            0.9,
        ),
        Claim(
            "Without weight decay the small batch ends with the larger norm (small over large)",
            (of("wd0_small", "norm") / of("wd0_large", "norm")).tolist(),
            ">",
            1.0,
        ),
        Claim(
            "Without weight decay the small batch has more large weights (standard deviation, small over"
            " large)",
            (of("wd0_small", "sd") / of("wd0_large", "sd")).tolist(),
            ">",
            1.0,
        ),
        Claim(
            f"With weight decay {decay} the small batch ends with the smaller norm (small over large)",
            (of("wd_small", "norm") / of("wd_large", "norm")).tolist(),
            "<",
            1.0,
            note=note,
        ),
        Claim(
            f"With weight decay {decay} the small batch has more weights below {small_weight:g} in magnitude"
            " (share, small over large)",
            (of("wd_small", "small_weights") / of("wd_large", "small_weights")).tolist(),
            ">",
            1.0,
            note=note,
        ),
    ]
    panels = []
    for which, words in decays(decay).items():
        curves = [
            Series(text, np.arange(len(norms[f"{which}_{size}"][0])), norms[f"{which}_{size}"])
            for size, text in SIZES.items()
        ]
        panels.append(Panel(words, "epoch", "norm of all weights", curves))
    for which, words in decays(decay).items():
        pooled = np.concatenate([values for size in SIZES for values in weights[f"{which}_{size}"]])
        reach = float(np.quantile(np.abs(pooled), 0.995))
        edges = np.linspace(-reach, reach, 61)
        densities = [
            Series(
                text,
                (edges[1:] + edges[:-1]) / 2,
                [
                    np.histogram(one, edges)[0] / one.size / np.diff(edges)
                    for one in weights[f"{which}_{size}"]
                ],
                steps=True,
            )
            for size, text in SIZES.items()
        ]
        panels.append(Panel(words, "weight", "density (1 / unit weight)", densities, log="y"))
    return Findings(claims, {"weights": rows}, {"weights": draw_panels(panels)})


def _weights(run: Run) -> Array:
    """Return the last weights of a run that have more than one dimension, in one array."""
    saved = checkpoint.load(run.checkpoint_path(run.epoch("last")))["model"]
    kept = [tensor.flatten() for tensor in saved.values() if tensor.is_floating_point() and tensor.ndim > 1]
    return torch.cat(kept).double().numpy()
