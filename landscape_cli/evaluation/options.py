"""How exactly a loss is evaluated at the points of a surface: one set of options for shell and Python."""

from dataclasses import dataclass
from typing import Any

from landscape_cli.errors import LandscapeError
from landscape_cli.keys import COUNT, NOT_NEGATIVE, POSITIVE, check, key, require

LOSSES = ("cross_entropy", "mse", "l1", "huber", "hinge", "squared_hinge")
HINGES = ("hinge", "squared_hinge")  # of targets -1 and 1
PRECISIONS = ("fp32", "bf16")
BATCHNORM = ("interpolate", "recompute", "keep")


def check_params(params: Any) -> None:
    """Refuse what cannot name parameters.

    Raises:
        LandscapeError: it is no word and no list of words.
    """
    words = params if isinstance(params, list | tuple) else [params]
    holds = bool(words) and all(isinstance(word, str) and word for word in words)
    require(holds, "params", params, "a word such as all or weights, or patterns of names")


@dataclass
class Options:
    """What an evaluation costs, and how exact it is; the defaults are exact.

    Raises:
        LandscapeError: a value is out of range, or two do not go together.
    """

    samples: int | None = key(
        None,
        "evaluate on this many samples of each split (class-balanced where there are classes, the same at all"
        " points); null: all",
        COUNT,
    )
    anchors: int | None = key(
        None,
        "with samples: this many points an axis are evaluated on all samples, and weight the subset",
        COUNT,
    )
    tolerance: float | None = key(
        None,
        "interpolate what varies little: the largest estimated error of log-loss, say 0.02; null: nothing",
        POSITIVE,
    )
    precision: str = key(
        "fp32",
        "fp32, or bf16: about half the time; its error against float64 is measured and stored",
        choices=PRECISIONS,
    )
    batch_size: int | None = key(None, "samples a forward pass; null: chosen", COUNT)
    batchnorm: str = key(
        "interpolate",
        "what becomes of BatchNorm's running statistics on the way to another solution: interpolate, keep,"
        " or recompute (on the training split, at each point)",
        choices=BATCHNORM,
    )
    params: Any = key(
        "all",
        "which parameters move, the others stay: all, trainable, weights (more than one dimension), biases,"
        " normalization, last (layer), or patterns of names, 'layer4.*' or ['*.lora_A.*','*.lora_B.*']",
    )
    seed: int = key(0, "of the choice of samples", NOT_NEGATIVE)

    def __post_init__(self) -> None:
        """Check the ranges."""
        check(self)
        check_params(self.params)
        if self.anchors is not None and self.samples is None:
            raise LandscapeError(f"anchors={self.anchors} is for a subset of the samples; say samples= too")
