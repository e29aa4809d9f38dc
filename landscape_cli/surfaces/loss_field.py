"""The values of a surface at the points of its grid, as its configuration wants them."""

from collections.abc import Mapping

import numpy as np
import torch

from landscape_cli.arrays import Array, Index
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, automatic_size, rebatched, size_of, tensors
from landscape_cli.evaluation.evaluator import Evaluation, Evaluator
from landscape_cli.evaluation.plane import Plane
from landscape_cli.evaluation.problem import Subject, chosen, subset
from landscape_cli.schemas import EvaluationConfig
from landscape_cli.store import Writer
from landscape_cli.surfaces.calibration import Calibration, anchor_points
from landscape_cli.weights.arithmetic import Vector, point_of
from landscape_cli.workers.processes import Values


class Points:
    """Index of a grid point -> its values: means over whole splits, over subsets, or over calibrated subsets.

    With anchors the surface begins with them: they are evaluated on the whole splits, and from the losses of
    the subset's samples there come the weights under which it is evaluated everywhere else.

    Args:
        config: the command's.
        subject: the network at (0, 0), its data and loss.
        directions: "x", and for a plane "y".
        x: coordinates.
        y: coordinates; None for a line.
    """

    def __init__(
        self,
        config: EvaluationConfig,
        subject: Subject,
        directions: Mapping[str, Vector],
        x: Array,
        y: Array | None,
    ) -> None:
        self.config, self.subject, self.directions = config, subject, directions
        self.x, self.y = x, y
        self.subsets = {}
        if config.samples is not None:
            self.subsets = {
                name: subset(parts, config.samples, config.seed, name)
                for name, parts in subject.splits.items()
            }
        parts = {
            name: chosen(whole, self.subsets[name]) if name in self.subsets else whole
            for name, whole in subject.splits.items()
        }
        example = tensors(next(iter(parts.values()))[0][0])[0]
        size = config.batch_size or automatic_size(example)
        self.splits = {name: rebatched(batches, size) for name, batches in parts.items()}
        self._whole = {name: rebatched(batches, size) for name, batches in subject.splits.items()}
        self.plane = self._plane(self.splits, config.precision)
        self._anchor_plane: Plane | None = None
        self.anchors: list[Index] = []
        if config.anchors is not None:
            self.anchors = anchor_points(self.shape, config.anchors)
            self._anchor_plane = self._plane(self._whole, config.precision)
        self.calibrations: dict[str, Calibration] = {}

    @property
    def device(self) -> torch.device:
        """Where the work is done."""
        return self.plane.evaluator.network.device

    def told_samples(self) -> str:
        """Return on how many samples a point is evaluated."""
        counts = {name: sum(size_of(inputs) for inputs, _ in parts) for name, parts in self.splits.items()}
        told = " + ".join(f"{count:,} {name}" for name, count in counts.items())
        return f"{told} samples" + (f", {len(self.anchors)} on all" if self.anchors else "")

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid's."""
        return (len(self.x),) if self.y is None else (len(self.y), len(self.x))

    def names(self) -> list[str]:
        """Return the datasets of values."""
        values = ["loss"] + (["accuracy"] if self._have_classes() else [])
        values += ["loss_stderr"] if self.subsets else []
        return [f"{split}/{value}" for split in self.splits for value in values]

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Return the further datasets, with their shapes: the subset's losses at the anchors."""
        if not self.anchors:
            return {}
        return {
            f"anchors/{name}": (len(self.anchors), len(indices)) for name, indices in self.subsets.items()
        }

    def exact_plane(self) -> Plane:
        """Return the plane on the whole splits in single precision."""
        if self.config.precision == "fp32" and not self.subsets:
            return self.plane
        return self._plane(self._whole, "fp32")

    def evaluate(self, index: Index) -> Values:
        """Return the values at a grid point."""
        place = [float(self.x[index[-1]])]
        if self.y is not None:
            place.append(float(self.y[index[0]]))
        if index in self.anchors:
            return self._at_anchor(place)
        self.plane.move(*place)
        values: Values = {}
        for split in self.splits:
            samples = self.plane.evaluator.samples(split)
            if split in self.calibrations:
                correct = None if samples.correct is None else samples.correct.cpu().numpy()
                mean = self.calibrations[split].mean(samples.losses.cpu().numpy(), correct)
            else:
                mean = samples.mean()
            values |= self._values(split, mean)
        return values

    def receive(self, writer: Writer, index: Index, values: Values) -> None:
        """Put the values of a point into the file."""
        numbers = {}
        for name, value in values.items():
            if isinstance(value, list):
                writer.write_row(name, self.anchors.index(index), np.asarray(value))
            else:
                numbers[name] = value
        writer.write_point(index, numbers)

    def calibrate(self, split: str, losses: Array, means: Array) -> None:
        """Weight the subset of a split so that it agrees with the whole split at the anchors.

        Args:
            split: its name.
            losses: of the subset's samples at the anchors, of shape (anchors, n).
            means: of the whole split, of shape (anchors,).
        """
        self.calibrations[split] = Calibration(losses, means, self.subject.size(split))

    def _have_classes(self) -> bool:
        """Return whether there is an accuracy; refuse to estimate where samples' losses are not known.

        Raises:
            LandscapeError: the loss gives another number of losses than samples, of which a subset is wanted.
        """
        evaluator = self.plane.evaluator
        split, parts = next(iter(evaluator.splits.items()))
        inputs, targets = parts[0]
        losses, correct = self.subject.objective(evaluator.network(inputs), targets)
        if self.subsets and losses.shape != (size_of(inputs),):
            raise LandscapeError(
                f"samples={self.config.samples} needs the loss of each sample, of shape (n,); this loss gives"
                f" {tuple(losses.shape)} for {size_of(inputs)} {split} samples: say reduction='none', and"
                " average over all dimensions but the first"
            )
        return correct is not None

    def _plane(self, splits: Mapping[str, list[Batch]], precision: str) -> Plane:
        evaluator = Evaluator(self.subject.model, splits, self.subject.objective, precision)
        recompute = self.config.batchnorm == "recompute"
        origin = point_of(evaluator.network.model)
        inputs = self.subject.batchnorm_inputs if recompute else None
        return Plane(evaluator, origin, self.directions, inputs)

    def _at_anchor(self, place: list[float]) -> Values:
        """Return the values on the whole splits, and the losses of the subsets' samples."""
        assert self._anchor_plane is not None
        self._anchor_plane.move(*place)
        values: Values = {}
        for split, indices in self.subsets.items():
            samples = self._anchor_plane.evaluator.samples(split)
            mean = samples.mean()
            values |= self._values(split, Evaluation(mean.loss, mean.accuracy, 0.0))
            values[f"anchors/{split}"] = samples.losses[indices.to(samples.losses.device)].tolist()
        return values

    def _values(self, split: str, mean: Evaluation) -> Values:
        values: Values = {f"{split}/loss": mean.loss}
        if mean.accuracy == mean.accuracy:
            values[f"{split}/accuracy"] = mean.accuracy
        if self.subsets:
            values[f"{split}/loss_stderr"] = mean.loss_stderr
        return values
