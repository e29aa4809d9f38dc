"""How many samples each batch of a training has, where that grows, and how long so many batches take.

A batch that grows in place of a learning rate that falls: Smith et al. 2018 (arXiv:1711.00489). This module
never imports torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class BatchSizes:
    """The batches of each pass over a training split.

    Attributes:
        samples: of the split.
        first: samples a batch of the first pass, at most all.
        milestones: the epochs after which batches grow, increasing, from 1 on.
        factor: by which they grow at each of these; rounded, and never beyond all samples.
    """

    samples: int
    first: int
    milestones: Sequence[int] = ()
    factor: float = 1.0

    def size(self, epoch: int) -> int:
        """Return the samples a batch of the pass that begins after so many epochs."""
        grown = sum(epoch >= milestone for milestone in self.milestones)
        return min(round(self.first * self.factor**grown), self.samples)

    def count(self, epoch: int) -> int:
        """Return the batches of that pass: those of `data.batches.parts_of`."""
        size = self.size(epoch)
        joined = size > 1 and self.samples > size and self.samples % size == 1
        return -(-self.samples // size) - joined

    def epochs(self, steps: int) -> float:
        """Return how many passes so many batches take; the last may be a part of one."""
        begun = 0
        for milestone in self.milestones:
            inside = (milestone - begun) * self.count(begun)
            if steps < inside:
                break
            steps, begun = steps - inside, milestone
        return begun + steps / self.count(begun)
