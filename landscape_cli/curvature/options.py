"""How exactly the extreme eigenvalues of a Hessian are computed."""

from dataclasses import dataclass
from typing import Any

from landscape_cli.evaluation.options import check_params
from landscape_cli.keys import COUNT, NOT_NEGATIVE, Range, check, key

OPERATORS = ("hessian", "ggn", "fisher")
TWO = Range("two or more", lambda value: value >= 2)
FRACTION = Range("a number between 0 and 1", lambda value: 0 < value < 1)


@dataclass
class Options:
    """Of which matrix, and to which tolerance.

    Raises:
        LandscapeError: a value is out of range.
    """

    samples: int | None = key(
        None,
        "the loss is the mean over this many samples (class-balanced, those of `surface`); null: all",
        COUNT,
    )
    params: Any = key(
        "weights",
        "derivatives by these: weights (more than one dimension, as Li et al.'s code has it), all, trainable,"
        " biases, normalization, last, or patterns of names, 'layer4.*' or ['*.lora_A.*','*.lora_B.*']",
    )
    tolerance: float = key(
        0.01, "relative, of the eigenvalues: ||Hv - lambda v|| over |lambda| + max |lambda| / 10", FRACTION
    )
    precision: str = key("fp32", "fp32 or fp64", choices=("fp32", "fp64"))
    batch_size: int | None = key(None, "samples a pass; null: chosen", COUNT)
    seed: int = key(
        0, "of the choice of samples, and of the vectors from which eigenvectors are sought", NOT_NEGATIVE
    )

    def __post_init__(self) -> None:
        """Check the ranges."""
        check(self)
        check_params(self.params)


METHODS = {
    "dense": "all eigenvalues of the matrix, written out in float64",
    "lanczos": "the k largest and smallest, with residuals",
    "slq": "the density by stochastic Lanczos quadrature, trace and Frobenius norm, with standard errors",
}
DENSE = 2000  # weights up to which method=auto writes the matrix out
PAIRS = 400  # eigenpairs by Lanczos' method, at most
LARGEST = 20_000  # weights of a matrix that may be written out: 3 GiB


@dataclass
class SpectrumOptions(Options):
    """Of which matrix, by which method, and how exactly."""

    operator: str = key(
        "hessian",
        "hessian; ggn, the generalized Gauss-Newton matrix (of cross-entropy: Fisher's information); fisher,"
        " the empirical Fisher matrix",
        choices=OPERATORS,
    )
    method: str = key(
        "auto",
        "dense (all eigenvalues, float64), lanczos (the k largest and smallest), slq (density, trace,"
        f" Frobenius norm); auto: dense up to {DENSE:,} weights, else lanczos and slq",
        choices=("auto", *METHODS),
    )
    params: Any = key(
        "all",
        "as for `hessian`, whose default is weights: all, weights, trainable, biases, normalization, last,"
        " or patterns",
    )
    tolerance: float = key(
        0.001, "of lanczos, relative: ||Hv - lambda v|| over |lambda| + max |lambda| / 10", FRACTION
    )
    k: int = key(10, "of lanczos: how many at each end; of ggn and fisher the largest alone", COUNT)
    probes: int = key(10, "random vectors that density, trace and norm are averaged over", TWO)
    steps: int = key(80, "of slq: products a random vector", COUNT)
