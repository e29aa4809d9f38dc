"""A loss as a caller gives it, in the form in which the engine takes it."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.evaluation.batches import told
from landscape_cli.evaluation.losses import Objective, Scores, is_correct, objective
from landscape_cli.evaluation.options import LOSSES

CLASSES_ALONE = "cross_entropy"

Loss = str | Callable[[Any, Any], Tensor | tuple[Tensor, Tensor]]


def objective_of(loss: Loss) -> Objective:
    """Return the objective that a caller's loss is.

    Accuracy is counted where targets are class numbers (n,) and outputs are of shape (n, classes). A loss
    that is a module is copied; its tensors, class weights for example, go where the outputs are.

    torch's `CrossEntropyLoss` and `NLLLoss` have a mean in which class c weighs ``weight[c]`` and
    ``ignore_index`` nothing: sum w l / sum w over the whole split, whatever its batches. A function may
    return losses and their weights, of the same shape.

    Raises:
        LandscapeError: a name that is none of a loss, or a loss of torch with ``reduction="sum"``; or, when
            called, a result that is no tensor, weights of another shape, or outputs and targets for which the
            loss of that name is not meant.
    """
    if isinstance(loss, str):
        return _named(loss)
    if getattr(loss, "reduction", None) == "sum":
        raise LandscapeError(
            f"{type(loss).__name__}(reduction='sum') is no mean over samples; say reduction='none' or 'mean'"
        )
    own = copy.deepcopy(loss) if isinstance(loss, nn.Module) else loss
    counting = type(own) in (nn.CrossEntropyLoss, nn.NLLLoss)
    if counting:
        own.reduction = "none"  # type: ignore[union-attr]

    def evaluate(outputs: Any, targets: Any) -> Scores:
        if isinstance(own, nn.Module) and isinstance(outputs, Tensor) and outputs.is_floating_point():
            with torch.inference_mode(False):  # or its tensors could never take part in a gradient
                own.to(outputs)
        returned = own(outputs, targets)
        values, weights = returned if _is_pair(returned) else (returned, None)
        if not isinstance(values, Tensor):
            raise LandscapeError(f"the loss must return a tensor, got a {type(values).__name__}")
        if weights is not None:
            if not isinstance(weights, Tensor) or weights.shape != values.shape:
                raise LandscapeError(
                    f"the weights of losses {told(values)} must be a tensor of that shape, got"
                    f" {told(weights)}"
                )
            values = torch.where(weights == 0, 0.0, values * weights)
        elif counting and not targets.is_floating_point():  # or they are probabilities, which weigh 1
            weights = _weights(own, targets)
        if values.ndim > 1 and values.numel() == len(values):  # (n, 1), as of a regression
            values, weights = values.flatten(), None if weights is None else weights.flatten()
        if not _are_classes(outputs, targets):
            return Scores(values, None, weights)
        correct = is_correct(outputs, targets)
        if counting:
            correct = correct[targets != own.ignore_index]  # type: ignore[union-attr]
        return Scores(values, correct, weights)

    return evaluate


def _is_pair(returned: Any) -> bool:
    return isinstance(returned, tuple) and len(returned) == 2


def _named(loss: str) -> Objective:
    if loss not in LOSSES:
        raise unknown("loss", loss, LOSSES)
    named = objective(loss)

    def of_classes(outputs: Any, targets: Any) -> Scores:
        if not _are_classes(outputs, targets) and not (
            loss != CLASSES_ALONE and _are_numbers(outputs, targets)
        ):
            numbers = "" if loss == CLASSES_ALONE else ", or numbers (n,) or (n, d) for outputs (n, d)"
            raise LandscapeError(
                f"the loss {loss!r} is for outputs of shape (n, classes) and class numbers of shape (n,)"
                f"{numbers}, got {told(outputs)} and {told(targets)}; give a function of the two instead,"
                " such as torch.nn.MSELoss(reduction='none')"
            )
        return named(outputs, targets)

    return of_classes


def _weights(loss: Any, targets: Tensor) -> Tensor | None:
    """Return what each target weighs in the mean of torch's loss; None where all weigh 1."""
    counts: Tensor = targets != loss.ignore_index
    if loss.weight is None:
        return None if bool(counts.all()) else counts.to(torch.get_default_dtype())
    return torch.where(counts, loss.weight[torch.where(counts, targets, 0)], 0.0)


def _are_classes(outputs: Any, targets: Any) -> bool:
    return (
        isinstance(outputs, Tensor)
        and isinstance(targets, Tensor)
        and outputs.ndim == 2
        and outputs.shape[1] > 1
        and targets.shape == outputs.shape[:1]
        and not targets.is_floating_point()
    )


def _are_numbers(outputs: Any, targets: Any) -> bool:
    """Return whether these are of a regression: (n, d) and (n, d), or (n, 1) and (n,)."""
    if not isinstance(outputs, Tensor) or not isinstance(targets, Tensor) or outputs.ndim != 2:
        return False
    return targets.is_floating_point() and outputs.shape in (targets.shape, (*targets.shape, 1))
