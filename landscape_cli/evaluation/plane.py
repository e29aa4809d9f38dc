"""A plane, or a line, of weight space, and the loss at its points."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from landscape_cli.evaluation.batchnorm import recompute
from landscape_cli.evaluation.evaluator import Evaluation, Evaluator


class Plane:
    """The affine plane origin + x dx + y dy, or the line origin + x dx, and the loss on it.

    Args:
        evaluator: the network that moves.
        origin: the point at (0, 0).
        directions: "x", and for a plane "y"; a name that a direction lacks does not move.
        batchnorm_inputs: the training inputs, in parts, on which running statistics are estimated at each
            point; None: they are the origin's, moved along with the directions where these have entries for
            them.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        origin: Mapping[str, Tensor],
        directions: Mapping[str, Mapping[str, Tensor]],
        batchnorm_inputs: list[Any] | None = None,
    ) -> None:
        self.evaluator = evaluator
        self.origin = evaluator.beside(origin)
        self.directions: dict[str, Mapping[str, Tensor]] = {
            axis: evaluator.beside(direction) for axis, direction in directions.items()
        }
        self.batchnorm_inputs = batchnorm_inputs
        if batchnorm_inputs is not None:
            network = evaluator.network
            self.batchnorm_inputs = [network.prepared(part, plain=True) for part in batchnorm_inputs]

    def move(self, x: float, y: float = 0.0) -> None:
        """Let the evaluator stand at a point."""
        coordinates = {"x": x, "y": y}
        self.evaluator.move(
            self.origin, [(coordinates[axis], self.directions[axis]) for axis in self.directions]
        )
        self.estimate_statistics()

    def estimate_statistics(self) -> None:
        """Estimate running statistics where the evaluator stands, if that is asked for."""
        if self.batchnorm_inputs is not None:
            network, inputs = self.evaluator.network, self.batchnorm_inputs
            network.autograd(lambda: recompute(network.model, inputs))
            network.moved()

    def evaluate(self, x: float, y: float = 0.0) -> dict[str, Evaluation]:
        """Return the evaluation on each split at a point."""
        self.move(x, y)
        return {split: self.evaluator.evaluate(split) for split in self.evaluator.splits}
