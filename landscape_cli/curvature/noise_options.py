"""What is measured of the noise of a gradient, and on what."""

from dataclasses import dataclass
from typing import Any

from landscape_cli.errors import unknown
from landscape_cli.evaluation.options import check_params
from landscape_cli.keys import COUNT, NOT_NEGATIVE, Range, check, key, require

MEASURES = {
    "noise_scale": ("noise_scale", "noise_scale_error"),
    "hessian_noise_scale": ("hessian_noise_scale", "hessian_noise_scale_error"),
    "tails": (
        *("tail_index", "tail_index_error", "coordinate_tail_index", "coordinate_tail_index_error"),
        *("kurtosis", "kurtosis_error", "coordinate_kurtosis", "coordinate_kurtosis_error"),
    ),
    "eigenspace": ("top_share", "top_overlap"),
}
"""What can be measured -> the columns that it fills."""

SEVERAL = Range("a whole number of four or more", lambda value: value >= 4)


@dataclass
class Options:
    """Of which gradients, and how many.

    Raises:
        LandscapeError: a value is out of range.
    """

    measures: Any = key(
        list(MEASURES),
        "some of noise_scale (tr Sigma / |G|^2), hessian_noise_scale (tr H Sigma / G'HG, a product with the"
        " Hessian a draw), tails (tail index and kurtosis, of all coordinates alike and of each over draws),"
        " eigenspace (the gradient's share in that of the k largest eigenvalues of the Hessian, and its"
        " overlap with that of the epoch before)",
    )
    samples: int | None = key(
        None,
        "the loss is the mean over this many samples (class-balanced, those of `surface`), of which batches"
        " are drawn; null: all",
        COUNT,
    )
    draws: int = key(100, "batches, of samples drawn with replacement", SEVERAL)
    k: int = key(10, "eigenvectors: as many as there are classes, say", COUNT)
    params: Any = key(
        "all",
        "gradients by these: all, weights (more than one dimension), trainable, or patterns of names,"
        " 'layer4.*' or ['*.lora_A.*','*.lora_B.*']",
    )
    seed: int = key(0, "of the choice of samples, of batches, and of the first vector", NOT_NEGATIVE)

    def __post_init__(self) -> None:
        """Check the ranges."""
        names = self.measures if isinstance(self.measures, list | tuple) else [self.measures]
        require(len(names) >= 1, "measures", names, f"one or several of {', '.join(MEASURES)}")
        for name in names:
            if name not in MEASURES:
                raise unknown("measures", name, MEASURES)
        self.measures = [name for name in MEASURES if name in names]
        check(self)
        check_params(self.params)

    @property
    def columns(self) -> list[str]:
        """The names of the values, in the order of a table."""
        return ["loss", *(column for name in self.measures for column in MEASURES[name])]
