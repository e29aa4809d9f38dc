"""The whole Hessian of a mean loss, written out: for networks of some thousand weights."""

import copy
import math
from collections.abc import Callable

import numpy as np
from torch import Tensor, nn
from torch.func import functional_call, grad, jacrev
from torch.nn.utils import parameters_to_vector

from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.evaluation.losses import per_sample_loss

CHUNK = 64  # rows of the Hessian at a time: bounds the memory


def objective_at(
    model: nn.Module, split: Split, loss: str, weight_decay: float = 0.0
) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """Return the mean loss as a function of the flat vector of weights, float64, and where the model is.

    It is that of all samples at once, in evaluation mode: running statistics are constants.

    Args:
        model: left as it is.
        split: the samples, on the model's device.
        loss: its name.
        weight_decay: of which half, times the weights' squared norm, is added to the loss: what torch's SGD
            with this weight decay minimizes.

    Returns:
        The function, of a vector of shape (p,) with the parameters in the model's order, and the vector of
        the model's own.
    """
    twin = copy.deepcopy(model).double().eval()
    shapes = {name: parameter.shape for name, parameter in twin.named_parameters()}
    point = parameters_to_vector(twin.parameters()).detach()
    inputs, targets = split.inputs.double(), split.targets

    def objective(vector: Tensor) -> Tensor:
        parts = vector.split([math.prod(shape) for shape in shapes.values()])
        values = {
            name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)
        }
        mean = per_sample_loss(loss, functional_call(twin, values, (inputs,)), targets).mean()
        return mean + weight_decay / 2 * vector.square().sum() if weight_decay else mean

    return objective, point


def dense_hessian(objective: Callable[[Tensor], Tensor], point: Tensor) -> Array:
    """Return the matrix of second derivatives of a function at a point, symmetrized.

    Args:
        objective: of a vector of shape (p,), a number; made of operations that torch differentiates twice.
        point: of shape (p,).

    Returns:
        Of shape (p, p), in the point's precision.
    """
    rows: Tensor = jacrev(grad(objective), chunk_size=CHUNK)(point)
    return np.asarray((rows + rows.T).cpu() / 2)
