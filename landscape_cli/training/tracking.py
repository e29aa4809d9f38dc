"""What `track=` records of each layer at each row of metrics.csv."""

from collections.abc import Callable, Collection

from torch import Tensor, nn

from landscape_cli.data.load import Split
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import automatic_size
from landscape_cli.runs import Measurement
from landscape_cli.signals.layers import Statistics, activations, gradients, layers_of, weights, weights_of

SAMPLES = 512  # of the training split, the first ones
PREFIX = {"activations": "activation", "gradients": "gradient", "weights": "weight"}


class Tracker:
    """Measures the layers of a network in evaluation mode, on the same samples each time.

    Args:
        groups: some of ``activations``, ``gradients``, ``weights``.
        model: which trains.

    Raises:
        LandscapeError: it has no convolution and no linear layer.
    """

    def __init__(self, groups: Collection[str], model: nn.Module) -> None:
        self._groups, self._model, self._layers = groups, model, layers_of(model)
        if not self._layers:
            raise LandscapeError(
                f"track= is of convolutions and linear layers, and {type(model).__name__} has none;"
                " leave it out"
            )
        self._before: dict[str, Tensor] | None = None  # the weights when they were last measured,
        self._step: int | None = None  # after this step; None: before the checkpoint gone on from

    def measure(self, step: int, train: Split, loss: str) -> list[Measurement]:
        """Return what is measured after a step; of weights also how far they moved since the last time."""
        first = Split(train.inputs[:SAMPLES], train.targets[:SAMPLES])
        size = automatic_size(first.inputs, graph=True)
        ways: dict[str, Callable[[], Statistics]] = {
            "activations": lambda: activations(self._model, self._layers, first.inputs, size),
            "gradients": lambda: gradients(self._model, self._layers, first, loss, size),
            "weights": lambda: self._weights(step),
        }
        return [
            (layer, f"{PREFIX[group]}_{name}", value)
            for group in self._groups
            for layer, found in ways[group]().items()
            for name, value in found.items()
        ]

    def _weights(self, step: int) -> Statistics:
        now = {name: weight.clone() for name, weight in weights_of(self._layers).items()}
        found = weights(now, self._before)
        self._before, self._step = now, step
        return found

    def kept(self, step: int) -> dict[str, Tensor] | None:
        """Return the weights when they were last measured, for a checkpoint after `step`; None: its own."""
        return None if step == self._step else self._before

    def restore(self, step: int, kept: dict[str, Tensor] | None) -> None:
        """Go on from what a checkpoint after `step` kept; the network has its weights."""
        now = weights_of(self._layers)
        self._step = step if kept is None else None
        self._before = {name: (kept or now)[name].to(weight, copy=True) for name, weight in now.items()}
