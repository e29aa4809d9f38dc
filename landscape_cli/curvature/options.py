"""How exactly the extreme eigenvalues of a Hessian are computed."""

from dataclasses import dataclass
from typing import Any

from landscape_cli.evaluation.options import check_params
from landscape_cli.keys import COUNT, NOT_NEGATIVE, Range, check, key

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
        " or patterns of names, 'layer4.*' or ['*.lora_A.*','*.lora_B.*']",
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
