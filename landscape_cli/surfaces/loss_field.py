"""The loss, and accuracy, at the points of a grid: on all samples, on a subset, or on a calibrated subset."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property

import numpy as np
import torch

from landscape_cli.arrays import Array, Index
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, automatic_size, rebatched, size_of, tensors
from landscape_cli.evaluation.evaluator import Evaluation, Evaluator
from landscape_cli.evaluation.losses import Scores
from landscape_cli.evaluation.memory import enough_for
from landscape_cli.evaluation.options import Options
from landscape_cli.evaluation.plane import Plane
from landscape_cli.evaluation.problem import Problem, chosen, subset
from landscape_cli.progress import note
from landscape_cli.store import Writer
from landscape_cli.surfaces import precision_check, refinement
from landscape_cli.surfaces.calibration import Calibration, anchor_points
from landscape_cli.surfaces.field import Obtain, Share
from landscape_cli.weights.arithmetic import Vector, point_of
from landscape_cli.workers.processes import Values

# relative: by how much the loss of the same samples may differ between two machines
SAME = {"fp32": 1e-4, "bf16": 1e-2}


class LossField:
    """Index of a grid point -> its values: means over whole splits, over subsets, or over calibrated subsets.

    With anchors the surface begins with them: they are evaluated on the whole splits, and from the losses of
    the subset's samples there come the weights under which it is evaluated everywhere else.

    Args:
        problem: the network at (0, 0), its data and loss.
        directions: "x", and for a plane "y".
        x: coordinates.
        y: coordinates; None for a line.
        options: how exactly.
    """

    def __init__(
        self,
        problem: Problem,
        directions: Mapping[str, Vector],
        x: Array,
        y: Array | None,
        options: Options,
    ) -> None:
        self.problem, self.directions, self.options = problem, directions, options
        self.x, self.y = x, y
        self.kind = "line" if y is None else "surface"
        self.fingerprint = problem.fingerprint
        self.same_loss = SAME[options.precision]
        self.subsets = {}
        if options.samples is not None:
            self.subsets = {
                name: subset(parts, options.samples, options.seed, name)
                for name, parts in problem.splits.items()
            }
        parts = {
            name: chosen(whole, self.subsets[name]) if name in self.subsets else whole
            for name, whole in problem.splits.items()
        }
        example = tensors(next(iter(parts.values()))[0][0])[0]
        size = options.batch_size or automatic_size(example)
        self.splits = {name: rebatched(batches, size) for name, batches in parts.items()}
        self._whole = {name: rebatched(batches, size) for name, batches in problem.splits.items()}
        self.plane = self._plane(self.splits, options.precision)
        self._anchor_plane: Plane | None = None
        self.anchors: list[Index] = []
        if options.anchors is not None:
            self.anchors = anchor_points(self.shape, options.anchors)
            self._anchor_plane = self._plane(self._whole, options.precision)
        self.calibrations: dict[str, Calibration] = {}

    @property
    def device(self) -> torch.device:
        """Where the work is done."""
        return self.plane.evaluator.network.device

    @property
    def refinement(self) -> tuple[str, ...]:
        """Keys that may differ when a file is gone on with: for more points, or other memory."""
        return ("tolerance",) if self._first_scores.one_for_all else ("tolerance", "batch_size")

    @property
    def advice(self) -> str:
        """Which cheaper ways there are that the user has not taken."""
        ways = []
        if self.options.precision == "fp32":
            ways.append("precision=bf16")
        if self.options.samples is None:
            ways.append("samples=2000")
        if self.options.tolerance is None:
            ways.append("tolerance=0.02")
        return f"; {', '.join(ways)} would cost less, with an error that the file states" if ways else ""

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

    def attributes(self) -> dict[str, str]:
        """Return what the precision costs, measured against float64."""
        precision = self.options.precision
        if precision == "fp32":
            return {}
        checks = precision_check.measure(
            self.problem,
            self.splits,
            self.directions,
            precision_check.points_to_check(self.x, self.y),
            precision,
            recompute=self.options.batchnorm == "recompute",
        )
        worst = max(check.relative_error for check in checks)
        of = f"{len(checks)} points, {checks[0].samples} {checks[0].split} samples"
        note(f"{precision} is at most {worst:.2%} off float64 ({of})")
        return {"precision_check": json.dumps([dataclasses.asdict(check) for check in checks])}

    def enough_threads(self) -> AbstractContextManager[None]:
        """Return a context in which evaluations use no more threads than pay."""
        return self.plane.evaluator.enough_threads()

    def first_batch(self) -> dict[str, list[float]]:
        """Return the size of the first batch of each split, and its loss.

        Raises:
            LandscapeError: the loss is random.
        """
        return self.plane.evaluator.check_repeatable()

    def losses_at(self, x: float, y: float) -> dict[str, Evaluation]:
        """Return the evaluation on each whole split at a point, in single precision."""
        return self._exact_plane.evaluate(x, y)

    @cached_property
    def _exact_plane(self) -> Plane:
        if self.options.precision == "fp32" and not self.subsets:
            return self.plane
        return self._plane(self._whole, "fp32")

    def to_do(self, writer: Writer) -> str | None:
        """Return what is to be computed, in words; None where the file has everything."""
        if not self._wanted(writer):
            return None
        left = int((~writer.evaluated).sum())
        counts = {name: sum(size_of(inputs) for inputs, _ in parts) for name, parts in self.splits.items()}
        samples = " + ".join(f"{count:,} {name}" for name, count in counts.items())
        most = "" if self.options.tolerance is None else "at most "
        anchors = f", {len(self.anchors)} on all" if self.anchors else ""
        return f"{most}{left:,} points x {samples} samples{anchors}"

    def rounds(self, writer: Writer, share: Share) -> Iterator[list[Index]]:
        """Yield the anchors, and then what is wanted for as long as something is."""
        if self.anchors:
            yield [index for index in self.anchors if not writer.evaluated[index]]
            for split, (known, means) in self.calibrate_from(writer).items():
                share(split, np.vstack([known.T, means]).tobytes())
        while indices := self._wanted(writer):
            yield indices

    def helping(self, obtain: Obtain) -> Callable[[Index], Values]:
        """Return `evaluate` for a process that only helps, and obtains the calibration when it needs it."""

        def evaluate(index: Index) -> Values:
            if self.anchors and index not in self.anchors and not self.calibrations:
                for split in self.splits:
                    shared = np.frombuffer(obtain(split)).reshape(-1, len(self.anchors))
                    self.calibrate(split, shared[:-1].T, shared[-1])
            return self.evaluate(index)

        return evaluate

    def evaluate(self, index: Index) -> Values:
        """Return the values at a grid point."""
        place = [float(self.x[index[-1]])]
        if self.y is not None:
            place.append(float(self.y[index[0]]))
        if index in self.anchors:
            return self._at_anchor(place)
        self.plane.move(*place)
        return self.values_here()

    def values_here(self) -> Values:
        """Return the values where the evaluator of `plane` stands."""
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

    def finish(self, writer: Writer, new: list[Index]) -> None:
        """Interpolate what was not evaluated, and tell of losses that are not finite."""
        known = writer.array("interpolation_error")
        if self.options.tolerance is not None or np.isfinite(known).any():
            self._interpolate(writer)
        losses = writer.losses()
        count = int(np.any([np.isinf(values) for values in losses], axis=0).sum())
        if not count:
            return
        text = f"{count} of {losses[0].size} points have a loss that is not finite, stored as +inf"
        if any(name.endswith("running_var") for direction in self.directions.values() for name in direction):
            text += (
                "; extrapolated BatchNorm variances may be negative: batchnorm=recompute estimates them anew"
            )
        note(text)

    def _wanted(self, writer: Writer) -> list[Index]:
        return refinement.wanted(self.x, self.y, writer.losses(), writer.evaluated, self.options.tolerance)

    def _interpolate(self, writer: Writer) -> None:
        """Fill in what was not evaluated, and tell how far that may be off."""
        for name, values in writer.values.items():
            filled = refinement.interpolated(
                self.x, self.y, values, writer.evaluated, positive=not name.endswith("/accuracy")
            )
            writer.write_array(name, filled)
        errors = refinement.estimated_errors(self.x, self.y, writer.losses(), writer.evaluated)
        writer.write_array("interpolation_error", np.where(writer.evaluated, np.nan, errors))
        interpolated = errors[~writer.evaluated]
        if interpolated.size:
            note(
                f"{interpolated.size:,} of {errors.size:,} points interpolated; estimated error of log-loss:"
                f" {interpolated.mean():.2g} on average, at most {interpolated.max():.2g}"
            )

    def calibrate_from(self, writer: Writer) -> dict[str, tuple[Array, Array]]:
        """Calibrate each split by what a file has of the anchors; return that, as `calibrate` takes it."""
        found = {}
        for split in self.splits if self.anchors else ():
            loss = writer.values[f"{split}/loss"]
            means = np.array([loss[index] for index in self.anchors])
            found[split] = writer.array(f"anchors/{split}"), means
            self.calibrate(split, *found[split])
        return found

    def calibrate(self, split: str, losses: Array, means: Array) -> None:
        """Weight the subset of a split so that it agrees with the whole split at the anchors.

        Args:
            split: its name.
            losses: of the subset's samples at the anchors, of shape (anchors, n).
            means: of the whole split, of shape (anchors,).
        """
        self.calibrations[split] = Calibration(losses, means, self.problem.size(split))

    def _have_classes(self) -> bool:
        """Return whether there is an accuracy; refuse to estimate where samples' losses are not known.

        Raises:
            LandscapeError: the loss gives another number of losses than samples, of which a subset is wanted.
        """
        losses, correct, weights = self._first_scores
        if self.anchors and weights is not None:
            raise LandscapeError(
                f"anchors={self.options.anchors} is for losses of equal weights; leave it out: samples= alone"
                " takes weighted ones"
            )
        split, parts = next(iter(self.splits.items()))
        count = size_of(parts[0][0])
        if self.subsets and losses.shape != (count,):
            raise LandscapeError(
                f"samples={self.options.samples} needs the loss of each sample, of shape (n,); this loss"
                f" gives {tuple(losses.shape)} for {count} {split} samples: say reduction='none',"
                " and average over all dimensions but the first"
            )
        return correct is not None

    @cached_property
    def _first_scores(self) -> Scores:
        """What the first batch gives."""
        evaluator = self.plane.evaluator
        inputs, targets = next(iter(evaluator.splits.values()))[0]
        network = evaluator.network
        with enough_for(evaluator.batch_size):
            return network.autograd(lambda: self.problem.objective(network(inputs), targets))

    def _plane(self, splits: Mapping[str, list[Batch]], precision: str) -> Plane:
        evaluator = Evaluator(self.problem.model, splits, self.problem.objective, precision)
        recompute = self.options.batchnorm == "recompute"
        origin = point_of(evaluator.network.model)
        inputs = self.problem.batchnorm_inputs if recompute else None
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
