"""Which measures of sharpness, of which loss, at which size: one set of options for shell and Python."""

from dataclasses import dataclass
from typing import Any

from landscape_cli.curvature.options import FRACTION, TWO
from landscape_cli.errors import unknown
from landscape_cli.evaluation.options import check_params
from landscape_cli.keys import COUNT, NOT_NEGATIVE, POSITIVE, check, key, require

# of `store.sharpness`, which takes long to import
MEASURES = ("eigenvalue", "trace", "keskar", "subspace", "sam", "asam", "noise", "radius")


@dataclass
class SharpnessOptions:
    """The defaults are those of the papers where these have one.

    Raises:
        LandscapeError: a value is out of range, or no such measure.
    """

    measures: Any = key(
        None,
        f"some of {', '.join(MEASURES)}; null: all. Raw and normalized: by the root mean square of each"
        " filter's weights",
    )
    samples: int | None = key(
        None,
        "the loss is the mean over this many samples (class-balanced, those of `surface`); null: all",
        COUNT,
    )
    params: Any = key(
        "all", "which parameters move: all, weights (more than one dimension), or patterns of names"
    )
    epsilon: float = key(
        1e-3, "of Keskar's box, epsilon (|w| + 1) to each side; the paper's, beside 5e-4", POSITIVE
    )
    rho: float = key(0.05, "radius of SAM's ball", POSITIVE)
    normalized_rho: float = key(
        0.5, "that of ASAM's ball, in units of each weight, and of the normalized one of sam", POSITIVE
    )
    sigma: float = key(0.01, "standard deviation of the noise on the weights", POSITIVE)
    normalized_sigma: float = key(0.1, "that of the normalized one, in units of each filter", POSITIVE)
    rise: float = key(0.5, "the radius is where the loss has risen by so much", POSITIVE)
    directions: int = key(5, "of radius: how many random ones, followed to both sides", TWO)
    draws: int = key(50, "of noise: how many, each with its opposite", TWO)
    probes: int = key(10, "of trace: a third of the products with the Hessian", TWO)
    tolerance: float = key(0.01, "relative, of the eigenvalues, as for `hessian`", FRACTION)
    precision: str = key("fp32", "fp32 or fp64", choices=("fp32", "fp64"))
    batch_size: int | None = key(None, "samples a pass; null: chosen", COUNT)
    seed: int = key(0, "of the samples, and of all that is drawn", NOT_NEGATIVE)

    def __post_init__(self) -> None:
        """Check the ranges; null measures become all."""
        check(self)
        check_params(self.params)
        chosen = list(MEASURES) if self.measures is None else self.measures
        self.measures = [chosen] if isinstance(chosen, str) else list(chosen)
        for name in self.measures:
            if name not in MEASURES:
                raise unknown("measure", name, MEASURES)
        distinct = len(self.measures) == len(set(self.measures)) > 0
        require(distinct, "measures", self.measures, f"some of {', '.join(MEASURES)}, each once")
