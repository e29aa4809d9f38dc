"""All measures of how sharp the minimum is that a network's weights lie in, raw and normalized.

The normalized ones are in coordinates u with weights w + s u, where s is the root mean square of each
weight's filter (`MeanLoss.filter_scales`): they do not change when a layer is multiplied by c > 0 and another
divided by it, as ReLU allows, or a filter before BatchNorm is, while the raw ones can be made as large or
small as one likes so (Dinh et al. 2017, arXiv:1703.04933). They do change when a single unit is, for what
leaves it is a part of many filters; but for its constant, ASAM's scale |w| follows that, too. Two of them
are known by other names: the largest eigenvalue of S H S, S = diag(s), is the normalized sharpness of Tsuzuku
et al. (2020, arXiv:1901.04653) but for its choice of s; its trace is the mean curvature along
filter-normalized directions, and the part of one filter by itself of the relative flatness of Petzka et al.
(2021, arXiv:2001.00939).
"""

from collections.abc import Callable, Mapping

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.curvature.ball import ETA, rise_in_ball
from landscape_cli.curvature.box import keskar, random_columns
from landscape_cli.curvature.lanczos import eigenpairs
from landscape_cli.curvature.mean_loss import MeanLoss
from landscape_cli.curvature.noisy_weights import expected_rise
from landscape_cli.curvature.problem import to_differentiate
from landscape_cli.curvature.products import Hessian
from landscape_cli.curvature.sharpness_options import SharpnessOptions
from landscape_cli.curvature.trace import moments
from landscape_cli.curvature.valley import radius
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import size_of
from landscape_cli.evaluation.memory import enough_for
from landscape_cli.evaluation.problem import Problem, subset
from landscape_cli.measures.estimates import standard_error
from landscape_cli.progress import bar
from landscape_cli.store.sharpness import LOSS, MEASURES, with_errors
from landscape_cli.weights import directions
from landscape_cli.weights.selection import selected

SUBSPACES = 3  # random ones, of which Keskar's sharpness is the mean; 800 bytes a weight each
STARTS, STEPS = 3, 10  # of the ascents in a ball: more steps raised it by less than 1 % on trained networks

Values = dict[str, float]
"""Column -> its value."""
Products = Callable[[Array], Array]
"""Vectors as rows, (k, size) -> a matrix times each, as rows."""


def sharpness(problem: Problem, options: SharpnessOptions, description: str = "sharpness") -> Values:
    """Return the loss of a network and how sharp its minimum is, by the columns of the chosen measures.

    A measure is infinite where the loss is not finite within its reach.

    Args:
        problem: the network, its data and loss; of one split.
        options: which measures, and of what size.
        description: of the progress bar.

    Raises:
        LandscapeError: as `check`, or the loss is not finite, or cannot be differentiated twice.
    """
    check(problem, options)
    split, model, parts = to_differentiate(
        problem,
        samples=options.samples,
        seed=options.seed,
        precision=options.precision,
        batch_size=options.batch_size,
    )
    with enough_for(max(size_of(inputs) for inputs, _ in parts)):
        loss = MeanLoss(model, parts, problem.objective, options.params)
        found = {LOSS: loss.value(loss.point)}
        if not np.isfinite(found[LOSS]):
            raise LandscapeError(f"the {split} loss is not finite; choose another epoch, or another run")
        with bar(len(options.measures), description, "measures") as progress:
            for name in options.measures:
                values = _MEASURED[name](loss, options)
                found |= {column: values[column] for column in with_errors(name)}
                progress.update()
    return found


def check(problem: Problem, options: SharpnessOptions) -> None:
    """Refuse what the measures cannot be taken of, before the work starts.

    Raises:
        LandscapeError: there are no such parameters or samples; or nothing along which to find a radius.
    """
    names = selected(problem.model, options.params)
    ((split, parts),) = problem.splits.items()
    if options.samples is not None:
        subset(parts, options.samples, options.seed, split)
    if "radius" in options.measures and all(problem.model.get_parameter(name).ndim <= 1 for name in names):
        raise LandscapeError(
            f"a radius is along directions that leave parameters with one dimension alone, and params="
            f"{options.params} has no others; leave radius out of measures="
        )


def _eigenvalue(loss: MeanLoss, options: SharpnessOptions) -> Values:
    values: Values = {}
    hessian = loss.hessian()
    for column, scales in zip(MEASURES["eigenvalue"], _scales(loss), strict=True):
        products, random = _scaled(hessian, scales), stream(options.seed, column)
        try:
            top, error = _largest(products, hessian.size, options.tolerance, random)
        except FloatingPointError:
            top, error = np.inf, np.inf
        values |= {column: top, f"{column}_error": error}
    return values


def _trace(loss: MeanLoss, options: SharpnessOptions) -> Values:
    values: Values = {}
    hessian = loss.hessian()
    for column, scales in zip(MEASURES["trace"], _scales(loss), strict=True):
        products, random = _scaled(hessian, scales), stream(options.seed, column)
        try:
            found = moments(products, hessian.size, options.probes, random)
            values |= {column: found.trace, f"{column}_error": found.trace_error}
        except FloatingPointError:
            values |= {column: np.inf, f"{column}_error": np.inf}
    return values


def _keskar(loss: MeanLoss, options: SharpnessOptions) -> Values:
    random = stream(options.seed, "keskar")
    found = keskar(loss.with_gradient, loss.point, options.epsilon, random)
    return {"keskar": found.phi, "keskar_error": found.apart}


def _subspace(loss: MeanLoss, options: SharpnessOptions) -> Values:
    random, phis = stream(options.seed, "subspace"), []
    for _ in range(SUBSPACES):
        columns = random_columns(len(loss.point), random)
        phis.append(keskar(loss.with_gradient, loss.point, options.epsilon, random, columns).phi)
    if not np.isfinite(phis).all():
        return {"keskar_subspace": np.inf, "keskar_subspace_error": np.inf}
    error = float(standard_error(phis))
    return {"keskar_subspace": float(np.mean(phis)), "keskar_subspace_error": error}


def _sam(loss: MeanLoss, options: SharpnessOptions) -> Values:
    raw, normalized, first_order = MEASURES["sam"]
    values = _ball(loss, options, raw, options.rho, 1.0)
    values |= _ball(loss, options, normalized, options.normalized_rho, loss.filter_scales())
    return values | {first_order: values[f"{raw}_first_order"]}


def _asam(loss: MeanLoss, options: SharpnessOptions) -> Values:
    return _ball(loss, options, "asam", options.normalized_rho, np.abs(loss.point) + ETA)


def _ball(
    loss: MeanLoss, options: SharpnessOptions, column: str, rho: float, scales: Array | float
) -> Values:
    random = stream(options.seed, column)
    found = rise_in_ball(
        loss.with_gradient, loss.point, rho, scales, starts=STARTS, steps=STEPS, random=random
    )
    return {
        column: found.highest,
        f"{column}_error": found.apart,
        f"{column}_first_order": found.first_order,
    }


def _noise(loss: MeanLoss, options: SharpnessOptions) -> Values:
    values: Values = {}
    sigmas = (options.sigma, options.normalized_sigma)
    for column, sigma, scales in zip(MEASURES["noise"], sigmas, _scales(loss), strict=True):
        random = stream(options.seed, column)
        mean, error = expected_rise(loss.value, loss.point, sigma, scales, pairs=options.draws, random=random)
        values |= {column: mean, f"{column}_error": error}
    return values


def _radius(loss: MeanLoss, options: SharpnessOptions) -> Values:
    values: Values = {}
    for column, norm in zip(MEASURES["radius"], ("none", "filter"), strict=True):
        lines = [
            loss.flat(directions.random(loss.origin, norm=norm, ignore="biasbn", seed=int(seed), axis="x"))
            for seed in stream(options.seed, "radius").randint(2**31, size=options.directions)
        ]
        unit = 1.0
        if norm == "none":  # lengths are looked for in multiples of that of the weights
            unit = float(np.linalg.norm(loss.point))
            lines = [unit / np.linalg.norm(line) * line for line in lines]
        mean, error = radius(loss.value, loss.point, lines, options.rise)
        values |= {column: unit * mean, f"{column}_error": unit * error}
    return values


_MEASURED: Mapping[str, Callable[[MeanLoss, SharpnessOptions], Values]] = {
    "eigenvalue": _eigenvalue,
    "trace": _trace,
    "keskar": _keskar,
    "subspace": _subspace,
    "sam": _sam,
    "asam": _asam,
    "noise": _noise,
    "radius": _radius,
}


def _scales(loss: MeanLoss) -> tuple[Array, Array]:
    """Return s of the raw measures, ones, and of the normalized ones."""
    return np.ones(len(loss.point)), loss.filter_scales()


def _scaled(hessian: Hessian, scales: Array) -> Products:
    """Return rows v -> S H S v, S = diag(scales); it raises FloatingPointError where one is not finite."""

    def products(rows: Array) -> Array:
        found = scales * hessian.products(scales * rows)
        if not np.isfinite(found).all():
            raise FloatingPointError("a product with the Hessian is not finite")
        return np.asarray(found)

    return products


def _largest(
    products: Products, size: int, tolerance: float, random: np.random.RandomState
) -> tuple[float, float]:
    """Return the largest eigenvalue, and ||A v - lambda v||: so close to it there is one."""
    pairs = eigenpairs(lambda v: products(v[None])[0], size, 1, 0, random, tolerance=tolerance)
    top, vector = float(pairs.values[0]), pairs.vectors[:1]
    return top, float(np.linalg.norm(products(vector) - top * vector))
