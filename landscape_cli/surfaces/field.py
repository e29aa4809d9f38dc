"""What can be computed at the points of a grid, into a file: the loss, the eigenvalues of its Hessian."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import torch

from landscape_cli.arrays import Array, Index
from landscape_cli.evaluation.evaluator import Evaluation
from landscape_cli.store import Writer
from landscape_cli.weights.arithmetic import Vector
from landscape_cli.workers.processes import Values

Share = Callable[[str, bytes], None]
"""Name and value: lets the other processes `Obtain` it."""
Obtain = Callable[[str], bytes]


class Field(Protocol):
    """Values at the points of a line or a plane of weight space."""

    @property
    def kind(self) -> str:
        """What a person calls it: ``surface``, ``line``, ``hessian``."""

    @property
    def x(self) -> Array:
        """Coordinates, of shape (nx,)."""

    @property
    def y(self) -> Array | None:
        """Coordinates, of shape (ny,); None for a line."""

    @property
    def directions(self) -> Mapping[str, Vector]:
        """Name "x", and for a plane "y", to the direction."""

    @property
    def device(self) -> torch.device:
        """Where the work is done."""

    @property
    def fingerprint(self) -> str:
        """Of the data."""

    @property
    def same_loss(self) -> float:
        """By how much, relative, the loss of the same samples may differ between two machines."""

    @property
    def refinement(self) -> tuple[str, ...]:
        """Keys of the configuration that may differ from those under which a file was begun."""

    @property
    def advice(self) -> str:
        """What to add where it takes long."""

    def names(self) -> list[str]:
        """Return the datasets of values, such as ``train/loss``."""

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Return the further datasets that are filled in, with their shapes."""

    def attributes(self) -> dict[str, str]:
        """Return further attributes of a new file."""

    def enough_threads(self) -> AbstractContextManager[None]:
        """Return a context in which evaluations use no more threads than pay."""

    def first_batch(self) -> dict[str, list[float]]:
        """Return the size of the first batch of each split, and its loss.

        Raises:
            LandscapeError: the loss is random.
        """

    def losses_at(self, x: float, y: float) -> dict[str, Evaluation]:
        """Return the evaluation on each split at a point, in single precision, on all samples of the loss."""

    def to_do(self, writer: Writer) -> str | None:
        """Return what is to be computed, in words; None where the file has everything."""

    def rounds(self, writer: Writer, share: Share) -> Iterator[list[Index]]:
        """Yield the points, round after round: what a round has may depend on what was received before."""

    def evaluate(self, index: Index) -> Values:
        """Return the values at a grid point."""

    def helping(self, obtain: Obtain) -> Callable[[Index], Values]:
        """Return `evaluate` for a process that only helps, and may need what the leading one shares."""

    def receive(self, writer: Writer, index: Index, values: Values) -> None:
        """Put the values of a point into the file."""

    def finish(self, writer: Writer, new: list[Index]) -> None:
        """Fill in what follows from all points; tell what is to be known of the new ones."""
