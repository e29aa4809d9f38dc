"""Products with the Gauss-Newton matrix and with the empirical Fisher matrix of a mean loss."""

from typing import Any

import torch
from torch import Tensor

from landscape_cli.curvature.products import Apply, Operator, Vectors, inner
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, size_of, told


class GaussNewton(Operator):
    """The generalized Gauss-Newton matrix, the mean of J^T H_l J over samples.

    J is the derivative of a sample's outputs by the weights, H_l the Hessian of its loss by its outputs
    (Schraudolph 2002). It is the Hessian without the part that stems from the curvature of the network, and
    has no negative eigenvalues under a convex loss. For cross-entropy, and for squared errors up to a factor,
    it is Fisher's information matrix (Martens 2020, arXiv:1412.1193, section 9).

    J v is a derivative by u of (J^T u) v, which is linear in u: a product costs one pass through the graph of
    the gradient and one backward pass.
    """

    def _linearized(self, batch: Batch) -> Apply:
        inputs, targets = batch
        outputs = self._outputs(self.weights, inputs)
        if not isinstance(outputs, Tensor):
            raise LandscapeError(
                f"operator=ggn needs a network with one tensor of outputs, got {told(outputs)};"
                " say operator=hessian, or wrap the network so that it returns its logits alone"
            )
        at = outputs.detach().requires_grad_()
        scores = self.objective(at, targets)
        share = scores.losses * size_of(inputs) if scores.one_for_all else scores.losses.sum()
        slope = torch.zeros_like(at)
        if share.requires_grad:  # else it does not depend on the outputs
            (slope,) = torch.autograd.grad(share / self._count, at, create_graph=True)

        def bent(along: Tensor) -> Tensor:
            """Return H_l times a direction of the outputs, of all samples at once."""
            product = inner((slope,), [along])
            if product is None:  # or is linear in them
                return torch.zeros_like(along)
            (result,) = torch.autograd.grad(product, at, retain_graph=True)
            return result

        return self._between(outputs, bent)

    def _between(self, outputs: Tensor, middle: Any) -> Apply:
        """Return v -> J^T middle(J v), where J is the derivative of `outputs` by the weights."""
        weights = list(self.weights.values())
        along = torch.zeros_like(outputs, requires_grad=True)
        back = self._derivative(outputs, along)  # J^T u

        def apply(vectors: Vectors) -> Vectors:
            product = inner(back, vectors)
            if product is None:  # the outputs do not depend on these weights
                return [torch.zeros_like(weight) for weight in weights]
            (forward,) = torch.autograd.grad(product, along, retain_graph=True)
            return list(
                torch.autograd.grad(
                    outputs, weights, middle(forward), retain_graph=True, materialize_grads=True
                )
            )

        return apply


class Fisher(GaussNewton):
    """The empirical Fisher matrix, the mean of g g^T over samples, where g is a sample's own gradient.

    It takes the labels as they are, so it is not Fisher's information (that is `GaussNewton`); at a minimum
    it is the covariance of the gradients (Kunstner et al. 2019, arXiv:1905.12558).
    """

    def _linearized(self, batch: Batch) -> Apply:
        scores = self._scores(batch)
        if scores.one_for_all:
            raise LandscapeError(
                "operator=fisher needs the loss of each sample, and this loss gives their mean alone;"
                " say operator=ggn or hessian, or reduction='none'"
            )
        weights = scores.weights
        # of weighted losses w l the gradients are w g: divided by w once, what is left is w g g^T
        factor = 1 if weights is None else torch.where(weights > 0, 1 / weights, 0)
        return self._between(scores.losses, lambda along: along * factor / self._count)
