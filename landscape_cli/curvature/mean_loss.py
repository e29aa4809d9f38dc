"""A network's mean loss as a function of the flat vector of its weights, with its gradient and Hessian."""

import copy
from glob import escape

import numpy as np
import torch
from torch import nn

from landscape_cli.arrays import Array
from landscape_cli.curvature.products import Hessian
from landscape_cli.evaluation.batches import Batch, call, tensors
from landscape_cli.evaluation.evaluator import evaluate_samples
from landscape_cli.evaluation.losses import Objective
from landscape_cli.gradients.mean import mean_gradient
from landscape_cli.weights.arithmetic import Vector
from landscape_cli.weights.selection import Params, selected


class MeanLoss:
    """The mean loss over samples at any weights, in evaluation mode: running statistics are constants.

    It works on a private copy of the network, in that one's precision; vectors are float64, of shape (size,),
    with the parameters in the model's order.

    Args:
        model: left as it is.
        parts: the samples, in the model's dtype, in batches of any size; the copy goes where they are.
        objective: gives a loss for each sample, or one, the mean of the batch.
        params: which parameters the vector is of, as `selected` names them; the others stay.

    Attributes:
        origin: the model's own weights, by parameter name.
        point: the same, flat.

    Raises:
        LandscapeError: there are no such parameters.
    """

    def __init__(self, model: nn.Module, parts: list[Batch], objective: Objective, params: Params) -> None:
        names = selected(model, params)  # of the caller's model: in the copy nothing is trainable
        device = tensors(parts[0][0])[0].device
        self.model = copy.deepcopy(model).to(device).eval().requires_grad_(False)
        self.parts, self.objective = parts, objective
        self._weights = {name: self.model.get_parameter(name).requires_grad_() for name in names}
        self.origin: Vector = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self.point = self.flat(self.origin)

    def flat(self, vector: Vector) -> Array:
        """Return a vector by parameter names as a flat one; names of other parameters are left out."""
        pieces = [vector[name].detach().double().cpu().flatten() for name in self._weights]
        return np.asarray(torch.cat(pieces).numpy(), dtype=np.float64)

    def value(self, point: Array) -> float:
        """Return the loss at a point; infinite where it is not finite."""
        self._move(point)
        with torch.no_grad():
            run = evaluate_samples(lambda inputs: call(self.model, inputs), self.parts, self.objective)
        loss = run.mean().loss
        return loss if np.isfinite(loss) else np.inf

    def with_gradient(self, point: Array) -> tuple[float, Array]:
        """Return the loss at a point and its gradient, (size,).

        Raises:
            FloatingPointError: one of them is not finite.
        """
        self._move(point)
        loss, found = mean_gradient(self.model, self.parts, self.objective, list(self._weights.values()))
        gradient = self.flat(dict(zip(self._weights, found, strict=True)))
        if not np.isfinite(loss) or not np.isfinite(gradient).all():
            raise FloatingPointError("the loss or its gradient is not finite")
        return loss, gradient

    def hessian(self) -> Hessian:
        """Return the Hessian at the model's own weights; it holds until the next loss elsewhere.

        Raises:
            LandscapeError: the loss cannot be differentiated twice.
        """
        self._move(self.point)
        return Hessian(self.model, self.parts, self.objective, [escape(name) for name in self._weights])

    def filter_scales(self) -> Array:
        """Return s, (size,): of each weight the root mean square of its filter, ||w_f|| / sqrt(n_f).

        A filter is a slice along dim 0 of a parameter with more than one dimension; each entry of another
        parameter is one of its own. Coordinates u with weights w + s u are those in which the normalized
        measures are taken: multiplying a layer by c > 0 and dividing another by it, as ReLU allows, or a
        filter before BatchNorm, changes no function of u. A vector s z of normal z is, but for its exact
        norms, a random direction with the filter normalization of Li et al. (2018, arXiv:1712.09913); Kwon
        et al. (2021, arXiv:2102.11600) normalize sharpness filter by filter likewise.
        """
        scales = {}
        for name, weight in self.origin.items():
            rows = weight.double().reshape(len(weight) if weight.ndim else 1, -1)
            scales[name] = (
                rows.square().mean(dim=1, keepdim=True).sqrt().expand_as(rows).reshape(weight.shape)
            )
        return self.flat(scales)

    def _move(self, point: Array) -> None:
        sizes = [weight.numel() for weight in self._weights.values()]
        own = next(iter(self._weights.values()))
        pieces = torch.from_numpy(np.ascontiguousarray(point)).to(own.device, own.dtype).split(sizes)
        with torch.no_grad():
            for weight, piece in zip(self._weights.values(), pieces, strict=True):
                weight.copy_(piece.view_as(weight))
