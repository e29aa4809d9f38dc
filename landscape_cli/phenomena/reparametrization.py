"""Sharp minima that compute the same as flat ones: the rescaling of two layers (Dinh et al. 2017)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from landscape_cli.arrays import Array
from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.curvature.sharpness import sharpness
from landscape_cli.curvature.sharpness_options import SharpnessOptions
from landscape_cli.evaluation.problem import classifier
from landscape_cli.evaluation.rescaling import rescaled
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity

RUN = "mlp"
MEASURES = ("eigenvalue", "keskar", "radius")


def dinh_reparametrization(lab: Lab, *, factors: Sequence[float], factor: float) -> Measured:
    """Measure a network of two layers and its twins T_a: (theta_1, theta_2) -> (a theta_1, theta_2 / a).

    All in float64. For one twin the whole Hessian is written out, beside the network's own H: it is D H D,
    D = 1 / a for the first layer's weights and biases, a for the second's weights and 1 for its biases.

    Args:
        lab: the run of a network with one hidden layer of ReLU.
        factors: a of the twins that are drawn.
        factor: a of the twin of which the claims are.
    """
    model, data, loss = lab.network(RUN).double(), lab.data(RUN), lab.loss(RUN)
    inputs = {"train": data.train.inputs.double(), "test": data.test.inputs.double()}
    outputs = {split: _outputs(model, of) for split, of in inputs.items()}
    own = dense_hessian(*objective_at(model, data.train, loss))

    def measured(a: float) -> Measured:
        twin = rescaled(model, a)
        there = {split: _outputs(twin, of) for split, of in inputs.items()}
        hits = [(of["test"].argmax(dim=1) == data.test.targets).double().mean() for of in (outputs, there)]
        options = SharpnessOptions(measures=list(MEASURES), precision="fp64", tolerance=1e-3)
        found = sharpness(classifier(twin, data, loss, ["train"]), options, f"twin of {a:g}")
        return {
            "change_of_an_output": max(float((there[key] - outputs[key]).abs().max()) for key in inputs),
            "change_of_accuracy": float((hits[1] - hits[0]).abs()),
            "largest": found["largest_eigenvalue"],
            **{name: found[name] for name in ("keskar", "radius", "normalized_radius")},
        }

    twins = {a: measured(a) for a in dict.fromkeys([1.0, *factors, factor])}
    matrix = dense_hessian(*objective_at(rescaled(model, factor), data.train, loss))
    multipliers = _multipliers(model, factor)
    expected = multipliers[:, None] * own * multipliers
    layers = [multipliers == of for of in (1 / factor, factor)]
    blocks = [float(np.linalg.eigvalsh(own[np.ix_(part, part)])[-1]) for part in layers]
    plain, twin = twins[1.0], twins[factor]
    drawn = by_quantity({f"{a:g}": twins[a] for a in factors})
    ratios = {a: each["keskar"] / plain["keskar"] for a, each in twins.items()}
    return {
        "change_of_an_output": [each["change_of_an_output"] for each in twins.values()],
        "change_of_accuracy": [each["change_of_accuracy"] for each in twins.values()],
        "off_the_formula": float(np.linalg.norm(matrix - expected) / np.linalg.norm(matrix)),
        "eigenvalue_over_bound": twin["largest"] / (factor**2 * blocks[1]),
        "growth": twin["largest"] / plain["largest"],
        "keskar_apart": max(ratios[factor], 1 / ratios[factor]),
        "keskar_of_the_farthest": ratios[max(factors)],
        "radius_off_one": abs(twin["normalized_radius"] / plain["normalized_radius"] - 1),
        "raw_radius_apart": plain["radius"] / twin["radius"],
        "factor": list(factors),
        "blocks": blocks,
        **{
            f"{name}_by_factor": list(drawn[name].values())
            for name in ("largest", "keskar", "radius", "normalized_radius")
        },
    }


def draw_dinh_reparametrization(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the largest eigenvalue, Keskar's sharpness and the radius of the twins over the factor."""
    factors, blocks = np.asarray(seeds[0]["factor"]), across(seeds, "blocks")
    bound = np.maximum(blocks[:, :1] / factors**2, blocks[:, 1:] * factors**2)
    radii = [across(seeds, f"{name}_by_factor") for name in ("radius", "normalized_radius")]
    one = int(np.flatnonzero(factors == 1)[0])
    panels = [
        Panel(
            "Hessian",
            "factor of the first layer",
            "largest eigenvalue",
            [
                Series(names["largest"], factors, across(seeds, "largest_by_factor")),
                Series(names["bound"], factors, bound),
            ],
            log="xy",
        ),
        Panel(
            "Keskar's sharpness",
            "factor of the first layer",
            "\N{GREEK SMALL LETTER PHI} (%)",
            [Series("", factors, across(seeds, "keskar_by_factor"))],
            log="xy",
        ),
        Panel(
            "radius",
            "factor of the first layer",
            "radius / that of the network",
            [
                Series(names[name], factors, radius / radius[:, [one]], look=2 + place)
                for place, (name, radius) in enumerate(zip(("raw", "normalized"), radii, strict=True))
            ],
            log="x",
        ),
    ]
    return {"twins": draw_panels(panels, title="Twins that compute the same function")}


def _outputs(model: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(inputs)  # type: ignore[no-any-return]


def _multipliers(model: nn.Module, a: float) -> Array:
    """Return the diagonal of D, (p,): by which each entry of the gradient is multiplied in the twin."""
    of = zip((1 / a, 1 / a, a, 1.0), model.parameters(), strict=True)  # weights and biases of two layers
    return np.concatenate([np.full(weight.numel(), by) for by, weight in of])
