"""How a network is trained, but for its optimizer and its schedule."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.options import LOSSES, PRECISIONS, check_params
from landscape_cli.keys import COUNT, NOT_NEGATIVE, POSITIVE, Range, check, key
from landscape_cli.training.batch_sizes import BatchSizes

BATCH = Range(
    "a positive whole number or full",
    lambda size: size == "full" or (isinstance(size, int) and not isinstance(size, bool) and size >= 1),
)
SEED = Range("a whole number from 0 to 2^63 - 1", lambda seed: 0 <= seed < 2**63)
EPOCHS_BETWEEN = Range(
    "a positive whole number or log",
    lambda every: every == "log" or (isinstance(every, int) and not isinstance(every, bool) and every >= 1),
)
MILESTONES = Range(
    "increasing whole numbers from 1 on",
    lambda epochs: (
        isinstance(epochs, list)
        and all(isinstance(epoch, int) and not isinstance(epoch, bool) for epoch in epochs)
        and all(before < after for before, after in pairwise([0, *epochs]))
    ),
)
ABOVE_ONE = Range("a number above 1", lambda value: 1 < value < math.inf)
FRACTION = Range("a fraction in (0, 1]", lambda value: 0 < value <= 1)
NOISE = Range(
    "[eta,gamma], a positive number and one of zero or more",
    lambda noise: (
        isinstance(noise, list)
        and len(noise) == 2
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in noise)
        and 0 < noise[0] < math.inf
        and 0 <= noise[1] < math.inf
    ),
)
GROUPS = ("activations", "gradients", "weights")
TRACKED = Range(
    f"a list of some of {', '.join(GROUPS)}",
    lambda groups: isinstance(groups, list) and all(group in GROUPS for group in groups),
)


@dataclass
class Recipe:
    """What is minimized, in which steps, until when.

    Raises:
        LandscapeError: a value is out of range, or two do not go together.
    """

    epochs: int = key(20, "passes over the training split", NOT_NEGATIVE)
    steps: int | None = key(
        None, "batches to train on, in place of epochs: the last pass ends where they are done", COUNT
    )
    seed: int = key(0, "what initial weights and the order of samples come from", SEED)
    batch_size: Any = key(128, "samples a step, or full: gradient descent", BATCH)
    grow_batch_at: Any = key(
        [],
        "epochs after which batches grow, say 30,60, in place of a falling learning rate (Smith et al. 2018)",
        MILESTONES,
    )
    grow_batch_by: float = key(
        5.0, "by what factor they grow at each of these; at most all samples are one batch", ABOVE_ONE
    )
    micro_batch: int | None = key(
        None,
        "samples a forward pass, of all processes together, when a batch does not fit the memory: gradients"
        " accumulate",
        COUNT,
    )
    loss: str = key(
        "cross_entropy",
        "cross_entropy; or, for classes (one-hot) and for floating-point targets, a sum over the outputs of a"
        " function of e = output - target: mse: e^2, l1: |e|, huber: e^2 / 2 up to |e| = 1, then |e| - 1/2;"
        " or, for targets of -1 and 1 (a class is 1 among -1), of d = max(0, 1 - output target): hinge: d,"
        " squared_hinge: d^2 / 2",
        choices=LOSSES,
    )
    augment: str = key(
        "none",
        "none; crop_flip: random crops padded by 4 pixels and horizontal flips; or shift: by a pixel at most",
    )
    params: Any = key(
        "all",
        "which parameters are trained, the others stay as they began: all, normalization (gains and offsets),"
        " last (layer), biases, weights (more than one dimension), or patterns of names,"
        " 'layer4.*' or ['*.lora_A.*','*.lora_B.*']; running statistics go on",
    )
    l1: float = key(
        0.0, "weight of the L1 penalty sum |w|; weight decay is optimizer.weight_decay", NOT_NEGATIVE
    )
    clip_grad_norm: float | None = key(None, "largest L2 norm of a step's gradient", POSITIVE)
    gradient_noise: Any = key(
        None,
        "[eta,gamma], say [0.01,0.55]: normal noise of the variance eta / (1 + t)^gamma, t the steps done, on"
        " every number of a step's gradient, after clipping (Neelakantan et al. 2015)",
        NOISE,
    )
    stop_at_train_accuracy: float | None = key(
        None, "end after the epoch that reaches this fraction", FRACTION
    )
    stop_at_test_accuracy: float | None = key(
        None, "likewise; of several, the first that is reached ends the training", FRACTION
    )
    evaluate_every: Any = key(
        1,
        "epochs between rows of metrics.csv, or log: ten for each power of ten; the first, the last and kept"
        " checkpoints have one too",
        EPOCHS_BETWEEN,
    )
    track: Any = key(
        [],
        "activations,gradients,weights, or some of these: means, variances and more of each convolution and"
        " linear layer, in layers.csv, at each row of metrics.csv",
        TRACKED,
    )
    precision: str = key("fp32", "fp32 or bf16 (autocast)", choices=PRECISIONS)
    compile: bool = key(False, "true: by torch.compile")
    checkpointing: bool = key(
        False,
        "true: keep few activations for the backward pass and compute the others again (activation"
        " checkpointing): less memory, one forward pass more, the same gradients",
    )
    sync_batchnorm: bool = key(
        False,
        "with several processes (torchrun), true: BatchNorm normalizes by the whole batch; false: by the"
        " process's share, and rank 0 keeps the running statistics. Each process draws its own dropout masks",
    )

    def batch_sizes(self, samples: int) -> BatchSizes:
        """Return how many samples each batch of a split of so many has."""
        first = samples if self.batch_size == "full" else self.batch_size
        return BatchSizes(samples, first, self.grow_batch_at, self.grow_batch_by)

    def passes(self, batches: BatchSizes) -> float:
        """Return the passes over a split with these batches; with `steps` the last is a part of one."""
        return self.epochs if self.steps is None else batches.epochs(self.steps)

    def __post_init__(self) -> None:
        """Check the ranges, and what does not go together."""
        if isinstance(self.track, str):
            self.track = [self.track]
        if not isinstance(self.grow_batch_at, list):
            self.grow_batch_at = [self.grow_batch_at]
        check(self)
        self.track = [group for group in GROUPS if group in self.track]
        if self.batch_size == "full" and self.grow_batch_at:
            raise LandscapeError(
                f"batch_size=full cannot grow at grow_batch_at={self.grow_batch_at}; choose a number"
            )
        if self.compile and self.checkpointing:
            raise LandscapeError(
                "compile=true chooses by itself what is computed again for the backward pass; leave out"
                " checkpointing=true"
            )
        check_params(self.params)
