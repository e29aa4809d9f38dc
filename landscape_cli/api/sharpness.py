"""How sharp the minimum of your own model is, from Python."""

from typing import Any

import torch
from torch import nn

from landscape_cli.api.computed import plain
from landscape_cli.api.options import with_options
from landscape_cli.curvature import sharpness as curvature
from landscape_cli.curvature.sharpness_options import SharpnessOptions
from landscape_cli.evaluation.user_loss import Loss
from landscape_cli.evaluation.user_model import problem_of


@with_options(SharpnessOptions)
def sharpness(
    model: nn.Module, loss: Loss, train: Any, *, device: str | torch.device = "auto", **options: Any
) -> dict[str, float]:
    """Measure how sharp the minimum is that a model's weights lie in, raw and relative to its filters.

    The result has ``loss``, and for each measure its columns and their errors, as `landscape sharpness` has:
    ``largest_eigenvalue`` and ``trace`` of the Hessian; ``keskar``, the maximum in a box relative to the
    loss, in percent, and ``keskar_subspace``, the same in random subspaces; ``sam`` and ``asam``, the rise of
    the loss in their balls; ``expected_rise`` under noise on the weights; ``radius``, the distance at which
    it has risen by `rise`. ``pandas.DataFrame([sharpness(…), sharpness(…)])`` is a table of several models.

    Args:
        model: any module; evaluated in evaluation mode, in a private copy.
        loss: as for `surface`.
        train: the samples of which the loss is the mean, as for `surface`.
        device: ``auto``, ``cpu``, ``cuda``, …
        options: OPTIONS

    Raises:
        LandscapeError: as for `surface`, or the loss cannot be differentiated twice.
    """
    chosen = SharpnessOptions(**plain(options))
    return curvature.sharpness(problem_of(model, loss, train, None, str(device)), chosen)
