"""Products of vectors with the Hessian of a mean loss, exact and without the matrix."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, size_of
from landscape_cli.evaluation.evaluator import evaluate_samples
from landscape_cli.evaluation.losses import Objective
from landscape_cli.weights.selection import Params, selected


class Hessian:
    """The matrix of second derivatives of a mean loss with respect to a network's weights, as an operator.

    H v = d(g . v)/dw, where g is the gradient (Pearlmutter 1994, "Fast exact multiplication by the Hessian"),
    by two backward passes. It is that of the mean over all samples, batch by batch, in evaluation mode:
    running statistics are constants. Where the loss has kinks, as with ReLU, it is the Hessian of the smooth
    piece that the weights lie in.

    Args:
        model: in evaluation mode, left as it is. Its weights may be changed in place; say `moved` then.
        parts: the samples, in the model's dtype, in batches of any size.
        objective: gives a loss for each sample, or one, the mean of the batch.
        params: by which parameters derivatives are taken, as `selected` names them. ``weights``: without
            biases and BatchNorm's factors, as in the code of Li et al. (2018).

    Raises:
        LandscapeError: there are no such parameters, or an operation of the network has no second derivative
            in torch.
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
        self._kept: tuple[Tensor, ...] | None = None
        self._check()

    def moved(self) -> None:
        """Take note that the model's weights have changed."""
        self._kept = None

    def product(self, vector: Array) -> Array:
        """Return H v, both of shape (size,), with the parameters in the model's order."""
        own = next(iter(self.weights.values()))
        flat = torch.from_numpy(vector).to(own.device, own.dtype)
        pieces = flat.split([weight.numel() for weight in self.weights.values()])
        vectors = [
            piece.view(weight.shape) for piece, weight in zip(pieces, self.weights.values(), strict=True)
        ]
        total = torch.zeros_like(flat)
        # the fused kernels of attention have no second derivative
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            for batch in self.parts:
                total += self._product(batch, vectors)
        return total.double().cpu().numpy()

    def _check(self) -> None:
        """Refuse a network whose second derivatives torch lacks.

        A function marked as once differentiable stops no product: without this its share would be missing.
        """
        zeros = [torch.zeros_like(weight) for weight in self.weights.values()]
        reason = "a function is marked as once differentiable"
        try:
            with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
                gradient = self._gradient(self.parts[0])
                self._product(self.parts[0], zeros)
        except RuntimeError as error:
            if "not implemented" not in str(error):
                raise
            reason = str(error).splitlines()[0]
        else:
            if not any(name.endswith("Error") for name in _operations(gradient)):
                return
        raise LandscapeError(f"the network's loss cannot be differentiated twice: {reason}")

    def _product(self, batch: Batch, vectors: list[Tensor]) -> Tensor:
        """Return one batch's share of H v.

        Where that batch is all there are, the graph of the gradient stays for the next product at this point,
        which then takes half as long and no more memory.
        """
        alone = len(self.parts) == 1
        gradient = self._kept if self._kept is not None else self._gradient(batch)
        if alone:
            self._kept = gradient
        pairs = [pair for pair in zip(gradient, vectors, strict=True) if pair[0].requires_grad]
        weights = list(self.weights.values())
        if not pairs:  # the loss is linear in all weights
            return torch.zeros(self.size, dtype=weights[0].dtype, device=weights[0].device)
        # one number to differentiate: to compare shapes of vectors torch imports SymPy, a third of a second
        along = torch.stack([(one * other).sum() for one, other in pairs]).sum()
        products = torch.autograd.grad(along, weights, retain_graph=alone, materialize_grads=True)
        return torch.cat([product.flatten() for product in products])

    def _gradient(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return one batch's share of the gradient of the mean loss, with its graph."""
        inputs, targets = batch
        scores = self.objective(self._outputs(self.weights, inputs), targets)
        share = scores.losses * size_of(inputs) if scores.one_for_all else scores.losses.sum()
        if not share.requires_grad:  # the loss does not depend on these weights
            return tuple(torch.zeros_like(weight) for weight in self.weights.values())
        return torch.autograd.grad(
            share / self._count, list(self.weights.values()), create_graph=True, materialize_grads=True
        )

    def _outputs(self, weights: Mapping[str, Tensor], inputs: Any) -> Any:
        """Return the outputs under `weights`, the model's own for the names that are missing."""
        named = dict(weights)
        if isinstance(inputs, Mapping):
            return functional_call(self.model, named, (), dict(inputs))
        return functional_call(
            self.model, named, tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
        )


def _operations(tensors: tuple[Tensor, ...]) -> set[str]:
    """Return the names of the operations in the graphs of tensors."""
    found, waiting = set(), [tensor.grad_fn for tensor in tensors]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found.add(node)
            waiting += [following for following, _ in node.next_functions]
    return {node.name() for node in found}
