"""The loss on the plane of a path, and along the path itself: how far the plane can be trusted."""

from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor

from landscape_cli.arrays import Array, Index
from landscape_cli.evaluation.options import Options
from landscape_cli.evaluation.problem import Problem
from landscape_cli.progress import bar
from landscape_cli.store import Trajectory, Writer
from landscape_cli.store.trajectory import ALONG
from landscape_cli.surfaces.loss_field import LossField
from landscape_cli.weights.arithmetic import Vector


class PathField(LossField):
    """A `LossField` on the plane of a path that also evaluates the path's points, and those below them.

    At each checkpoint the loss is evaluated twice, on the same samples and in the same way as the plane: at
    the checkpoint's own weights, and on the plane at its projection, exactly and not between grid points.
    Running statistics are the checkpoint's own there and the plane's here, or estimated at both.

    Args:
        problem: the network at (0, 0), the path's end, its data and loss.
        directions: "x" and "y".
        x: coordinates.
        y: coordinates.
        options: how exactly.
        path: the checkpoints on the plane.
        weights: number of a checkpoint -> its tensors by name; read when they are needed.
    """

    def __init__(
        self,
        problem: Problem,
        directions: Mapping[str, Vector],
        x: Array,
        y: Array,
        options: Options,
        path: Trajectory,
        weights: Callable[[int], Mapping[str, Tensor]],
    ) -> None:
        super().__init__(problem, directions, x, y, options)
        self.path, self.weights = path, weights

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Return the further datasets, with their shapes: values at each checkpoint and below it."""
        count = len(self.path.epoch)
        along = {f"trajectory/{place}/{name}": (count,) for place in ALONG for name in self._names()}
        return {**super().arrays(), **along}

    def finish(self, writer: Writer, new: list[Index]) -> None:
        """Evaluate what is left of the path, after the plane."""
        super().finish(writer, new)
        names = [f"trajectory/{place}/{name}" for place in ALONG for name in self._names()]
        left = np.flatnonzero(np.any([np.isnan(writer.array(name)) for name in names], axis=0)).tolist()
        if not left:
            return
        self.calibrate_from(writer)
        count = len(self.path.epoch)
        with bar(count, "path", "checkpoints", initial=count - len(left)) as progress:
            for number in left:
                for place, move in (("path", self._to_checkpoint), ("plane", self._below_checkpoint)):
                    move(number)
                    for name, value in self.values_here().items():
                        if name in self._names_in_file():
                            dataset = f"trajectory/{place}/{self._names_in_file()[name]}"
                            writer.write_row(dataset, number, np.asarray(_storable(value)))
                progress.update()

    def _names(self) -> list[str]:
        return list(self._names_in_file().values())

    def _names_in_file(self) -> dict[str, str]:
        """Return name of a value on the plane -> its name along the path: ``train/loss``, ``train_loss``."""
        return {name: name.replace("/", "_") for name in self.names() if not name.endswith("_stderr")}

    def _to_checkpoint(self, number: int) -> None:
        evaluator, state = self.plane.evaluator, self.weights(number)
        there = {name: state.get(name, own) for name, own in self.plane.origin.items()}
        evaluator.move(evaluator.beside(there), [])
        self.plane.estimate_statistics()

    def _below_checkpoint(self, number: int) -> None:
        self.plane.move(float(self.path.x[number]), float(self.path.y[number]))


def _storable(value: object) -> float:
    number = float(value)  # type: ignore[arg-type]
    return number if np.isfinite(number) else float("inf")
