"""What is recorded of a network at the end of an epoch."""

from torch import nn

from landscape_cli.data.load import Split
from landscape_cli.errors import is_out_of_memory
from landscape_cli.evaluation.batches import automatic_size
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.gradients.full import gradient
from landscape_cli.progress import note_once
from landscape_cli.weights.arithmetic import norm, params_of

GRADIENT_SAMPLES = 2048


def measured(model: nn.Module, train: Split, test: Split, loss: str) -> dict[str, float]:
    """Return the losses and accuracies on both splits, in evaluation mode, and the norms.

    Args:
        model: left as it is.
        train: the training split, in the layout and on the device of the model.
        test: the test split, likewise.
        loss: its name.
    """
    size = automatic_size(train.inputs)
    while True:
        try:
            return _measured(model, train, test, loss, size)
        except (MemoryError, RuntimeError) as error:
            if size == 1 or not is_out_of_memory(error):
                raise
        size //= 2
        note_once(f"note: losses are measured in batches of {size}: the memory does not suffice for more")


def _measured(model: nn.Module, train: Split, test: Split, loss: str, size: int) -> dict[str, float]:
    on_train, on_test = (evaluate(model, split, loss, size) for split in (train, test))
    return {
        "train_loss": on_train.loss,
        "train_accuracy": on_train.accuracy,
        "test_loss": on_test.loss,
        "test_accuracy": on_test.accuracy,
        "weight_norm": weight_norm(model),
        "gradient_norm": gradient_norm(model, train, loss, size),
    }


def weight_norm(model: nn.Module) -> float:
    """Return the Euclidean norm of all parameters."""
    return norm(params_of(model))


def gradient_norm(model: nn.Module, split: Split, loss: str, at_most: int | None = None) -> float:
    """Return the Euclidean norm of the gradient of the mean loss at the model's weights, in evaluation mode.

    It is by the parameters that are trained. The mean is over the first 2,048 samples of the split: the exact
    full gradient for small data, an estimate for larger at a cost that does not grow. The model's own
    gradients are left alone.

    Args:
        model: left as it is.
        split: the samples.
        loss: its name.
        at_most: samples a pass.
    """
    first = min(len(split), GRADIENT_SAMPLES)
    size = automatic_size(split.inputs, graph=True)
    size = size if at_most is None else min(size, at_most)
    return norm(gradient(model, Split(split.inputs[:first], split.targets[:first]), loss, size))
