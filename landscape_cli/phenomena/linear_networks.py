"""Deep linear networks: no bad minima, but from three layers on not all saddles strict (Kawaguchi 2016)."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from matplotlib.figure import Figure

from landscape_cli.analytic.arrival import arrive
from landscape_cli.analytic.networks import linear_chain, linear_network
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

SMALLEST = 1e-17  # shown in place of a loss of 0


def deep_linear_networks(
    lab: Lab,
    *,
    depths: list[int],
    starts: int,
    steps: int,
    lr: float,
    reached: float,
    samples: int,
    inputs: int,
    outputs: int,
    widths: dict[str, list[int]],
    network_starts: int,
    network_steps: int,
    network_lr: float,
) -> Measured:
    """Descend on (w_1 ... w_L - 1)^2 / 2 by gradient descent, and on the loss of deep linear networks.

    What the least loss of a network is follows from least squares of bounded rank in closed form. Its descent
    has a momentum of 0.9.

    Args:
        lab: has the random numbers.
        depths: L, of the chains; 2 among them.
        starts: of each chain, standard normal.
        steps: of descent.
        lr: step size.
        reached: the loss below which a chain has got to a global minimum.
        samples: of normal data that the networks fit: outputs are a random linear map of inputs, and noise.
        inputs: their dimension.
        outputs: theirs.
        widths: name -> widths of a network's hidden layers.
        network_starts: of each network, normal weights of variance 1 / (width before them).
        network_steps: of descent.
        network_lr: step size.
    """
    slopes, curvatures, shares, losses = {}, {}, {}, {}
    for depth in depths:
        chain, origin = linear_chain(depth), torch.zeros(1, depth, dtype=torch.float64)
        slopes[str(depth)] = float(chain.gradient(origin).abs().max())
        curvatures[str(depth)] = torch.linalg.eigvalsh(chain.hessian(origin))[0].numpy()
        start = torch.from_numpy(lab.random(f"chain, {depth}").standard_normal((starts, depth)))
        path = arrive(chain, start, "gd", {"lr": lr}, steps)
        shares[str(depth)] = (path.loss[:, -1] < reached).mean()
        losses[str(depth)] = {"steps": path.steps, "worst": path.loss.max(axis=0)}
    x = lab.random("inputs").standard_normal((samples, inputs))
    noise = lab.random("noise").standard_normal((samples, outputs))
    y = x @ lab.random("map").standard_normal((inputs, outputs)) / inputs**0.5 + noise
    excess = {}
    for name, hidden in widths.items():
        network = linear_network(torch.from_numpy(x), torch.from_numpy(y), hidden)
        sizes = [inputs, *hidden, outputs]
        scale = np.concatenate([np.full(one * other, one**-0.5) for one, other in pairwise(sizes)])
        weights = lab.random(f"weights, {name}").standard_normal((network_starts, network.dimension)) * scale
        options = {"lr": network_lr, "momentum": 0.9}
        path = arrive(network, torch.from_numpy(weights), "heavy_ball", options, network_steps)
        assert network.lowest is not None
        excess[name] = {"steps": path.steps, "of_each": path.loss / network.lowest - 1}
    return {
        "gradient_at_0": slopes,
        "largest_curvature_at_0_beyond_depth_2": {
            depth: np.abs(values).max() for depth, values in curvatures.items() if depth != "2"
        },
        "off_minus_one_at_depth_2": abs(curvatures["2"].min() + 1),
        "reached": shares,
        "excess": {name: each["of_each"][:, -1].max() for name, each in excess.items()},
        "chains": losses,
        "networks": {
            name: {"steps": each["steps"], "worst": each["of_each"].max(axis=0)}
            for name, each in excess.items()
        },
    }


def draw_deep_linear_networks(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the descents of chains, and of networks to the least loss."""
    chains, networks = across(seeds, "chains"), across(seeds, "networks")
    panels = [
        Panel(
            "Chains (w\u2081w\u2082\u2026 \u2212 1)\N{SUPERSCRIPT TWO}/2",
            "steps",
            "loss, worst start",
            [
                Series(f"{depth} layers", each["steps"][0], np.maximum(each["worst"], SMALLEST))
                for depth, each in chains.items()
            ],
            log="y",
        ),
        Panel(
            "Networks",
            "steps",
            "excess over the least loss, worst start",
            [
                Series(name, each["steps"][0], np.maximum(each["worst"], SMALLEST), look=len(chains) + number)
                for number, (name, each) in enumerate(networks.items())
            ],
            log="y",
            level=1e-4,
        ),
    ]
    return {"descent": draw_panels(panels)}
