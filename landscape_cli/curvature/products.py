"""Products of vectors with matrices over a network's weights, exact and without the matrix: the Hessian."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, size_of
from landscape_cli.evaluation.evaluator import evaluate_samples
from landscape_cli.evaluation.losses import Objective, Scores
from landscape_cli.weights.selection import Params, selected

Vectors = list[Tensor]
"""One vector of weight space, parameter by parameter."""
Apply = Callable[[Vectors], Vectors]
"""v -> one batch's share of the matrix times v."""


class Operator(ABC):
    """A symmetric matrix over a network's weights, a sum of one share for each batch of samples.

    It is of the mean loss over all samples, in evaluation mode: running statistics are constants.

    Args:
        model: in evaluation mode, left as it is. Its weights may be changed in place; say `moved` then.
        parts: the samples, in the model's dtype, in batches of any size.
        objective: gives a loss for each sample, or one, the mean of the batch.
        params: by which parameters derivatives are taken, as `selected` names them. ``weights``: without
            biases and BatchNorm's factors, as in the code of Li et al. (2018).

    Attributes:
        weights: these parameters.
        size: how many numbers they are: rows of the matrix.

    Raises:
        LandscapeError: there are no such parameters, an operation of the network has no second derivative in
            torch, or the matrix needs more of the loss than it gives.
    """

    def __init__(self, model: nn.Module, parts: list[Batch], objective: Objective, params: Params) -> None:
        self.model, self.parts, self.objective = model, parts, objective
        # tensors of their own that lie in the memory of the model's: its flags stay what they are
        self.weights = {
            name: model.get_parameter(name).detach().requires_grad_() for name in selected(model, params)
        }
        self.size = sum(weight.numel() for weight in self.weights.values())
        run = evaluate_samples(lambda inputs: self._outputs({}, inputs), parts, objective)
        self._count = len(run.losses) if run.weights is None else float(run.weights.sum())
        self._kept: Apply | None = None
        self._check()

    def moved(self) -> None:
        """Take note that the model's weights have changed."""
        self._kept = None

    def product(self, vector: Array) -> Array:
        """Return the matrix times a vector, both (size,), with the parameters in the model's order."""
        return np.asarray(self.products(vector[None])[0])

    def products(self, vectors: Array) -> Array:
        """Return the matrix times each row of `vectors`, (k, size), as rows.

        What does not depend on the vectors is computed once for all of them. Where one batch holds all
        samples it stays for the next products at this point, too, and takes no more memory for that.
        """
        own = next(iter(self.weights.values()))
        rows = torch.from_numpy(vectors).to(own.device, own.dtype)
        total = torch.zeros_like(rows)
        # the fused kernels of attention have no second derivative
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            for batch in self.parts:
                self._add_share(batch, rows, total)
        return np.asarray(total.double().cpu().numpy())

    def _add_share(self, batch: Batch, rows: Tensor, total: Tensor) -> None:
        """Add one batch's share of the products; its graph is gone before the next one's is made."""
        apply = self._kept if self._kept is not None else self._linearized(batch)
        self._kept = apply if len(self.parts) == 1 else None
        for row, sum_ in zip(rows, total, strict=True):
            sum_ += torch.cat([one.flatten() for one in apply(self._pieces(row))])

    @abstractmethod
    def _linearized(self, batch: Batch) -> Apply:
        """Return the product with one batch's share of the matrix, at the weights as they are."""

    def _pieces(self, row: Tensor) -> Vectors:
        pieces = row.split([weight.numel() for weight in self.weights.values()])
        return [piece.view(weight.shape) for piece, weight in zip(pieces, self.weights.values(), strict=True)]

    def _check(self) -> None:
        """Refuse a network whose second derivatives torch lacks.

        A function marked as once differentiable stops no product: without this its share would be missing.
        """
        zeros = [torch.zeros_like(weight) for weight in self.weights.values()]
        reason = "a function is marked as once differentiable"
        try:
            with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
                names = _operations(self._gradient(self.parts[0]))  # a graph that is gone before the next
                self._linearized(self.parts[0])(zeros)
        except RuntimeError as error:
            if "not implemented" not in str(error):
                raise
            reason = str(error).splitlines()[0]
        else:
            if not any(name.endswith("Error") for name in names):
                return
        raise LandscapeError(f"the network's loss cannot be differentiated twice: {reason}")

    def _gradient(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return one batch's share of the gradient of the mean loss, with its graph."""
        scores = self._scores(batch)
        share = scores.losses * size_of(batch[0]) if scores.one_for_all else scores.losses.sum()
        return self._derivative(share / self._count)

    def _scores(self, batch: Batch) -> Scores:
        """Return the losses of a batch with their graph."""
        inputs, targets = batch
        return self.objective(self._outputs(self.weights, inputs), targets)

    def _derivative(self, of: Tensor, along: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return the derivative of a number, or of tensors times `along`, by the weights, with its graph."""
        weights = list(self.weights.values())
        if not of.requires_grad:  # it does not depend on these weights
            return tuple(torch.zeros_like(weight) for weight in weights)
        return torch.autograd.grad(
            of, weights, along, create_graph=True, retain_graph=True, materialize_grads=True
        )

    def _outputs(self, weights: Mapping[str, Tensor], inputs: Any) -> Any:
        """Return the outputs under `weights`, the model's own for the names that are missing."""
        named = dict(weights)
        if isinstance(inputs, Mapping):
            return functional_call(self.model, named, (), dict(inputs))
        return functional_call(
            self.model, named, tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
        )


class Hessian(Operator):
    """The matrix of second derivatives of a mean loss with respect to a network's weights.

    H v = d(g . v)/dw, where g is the gradient (Pearlmutter 1994, "Fast exact multiplication by the Hessian"),
    by two backward passes, the first of which all vectors share. Where the loss has kinks, as with ReLU, it
    is the Hessian of the smooth piece that the weights lie in.
    """

    def _linearized(self, batch: Batch) -> Apply:
        gradient, weights = self._gradient(batch), list(self.weights.values())

        def apply(vectors: Vectors) -> Vectors:
            along = inner(gradient, vectors)
            if along is None:  # the loss is linear in all weights
                return [torch.zeros_like(weight) for weight in weights]
            return list(torch.autograd.grad(along, weights, retain_graph=True, materialize_grads=True))

        return apply


def inner(ones: tuple[Tensor, ...], others: Vectors) -> Tensor | None:
    """Return the inner product, of those that have a graph; None: none has."""
    pairs = [pair for pair in zip(ones, others, strict=True) if pair[0].requires_grad]
    # one number to differentiate: to compare shapes of vectors torch imports SymPy, a third of a second
    return torch.stack([(one * other).sum() for one, other in pairs]).sum() if pairs else None


def _operations(tensors: tuple[Tensor, ...]) -> set[str]:
    """Return the names of the operations in the graphs of tensors."""
    found, waiting = set(), [tensor.grad_fn for tensor in tensors]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found.add(node)
            waiting += [following for following, _ in node.next_functions]
    return {node.name() for node in found}
