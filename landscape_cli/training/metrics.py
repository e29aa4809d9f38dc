"""What is recorded of a network at the end of an epoch."""

from torch import nn

from landscape_cli.data.load import Split
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.gradients.full import gradient
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
    on_train, on_test = (evaluate(model, split, loss) for split in (train, test))
    return {
        "train_loss": on_train.loss,
        "train_accuracy": on_train.accuracy,
        "test_loss": on_test.loss,
        "test_accuracy": on_test.accuracy,
        "weight_norm": weight_norm(model),
        "gradient_norm": gradient_norm(model, train, loss),
    }


def weight_norm(model: nn.Module) -> float:
    """Return the Euclidean norm of all parameters."""
    return norm(params_of(model))


def gradient_norm(model: nn.Module, split: Split, loss: str) -> float:
    """Return the Euclidean norm of the gradient of the mean loss at the model's weights, in evaluation mode.

    The mean is over the first 2,048 samples of the split: the exact full gradient for small data, an estimate
    for larger at a cost that does not grow. The model's own gradients are left alone.
    """
    first = min(len(split), GRADIENT_SAMPLES)
    return norm(gradient(model, Split(split.inputs[:first], split.targets[:first]), loss))
