"""The noise of the gradients of your own model's loss, from Python."""

from typing import Any

import torch
from torch import nn

from landscape_cli.api.computed import plain
from landscape_cli.api.options import with_options
from landscape_cli.curvature.noise import GradientNoise
from landscape_cli.curvature.noise_options import Options
from landscape_cli.evaluation.user_loss import Loss
from landscape_cli.evaluation.user_model import problem_of
from landscape_cli.keys import COUNT, require


@with_options(Options)
def noise(
    model: nn.Module,
    loss: Loss,
    train: Any,
    *,
    batch_size: int,
    device: str | torch.device = "auto",
    **options: Any,
) -> dict[str, float]:
    """Measure the noise in the gradients of batches at the model's weights, in evaluation mode.

    There BatchNorm's running statistics are constants, so that samples do not couple. The values are those of
    a row of `landscape noise`: ``"loss"``; ``"noise_scale"``, tr(Sigma) / |G|^2 in samples (McCandlish et al.
    2018, arXiv:1812.06162), and ``"hessian_noise_scale"``, tr(H Sigma) / G'HG; ``"tail_index"`` of all
    coordinates alike (Simsekli et al. 2019, arXiv:1901.06053) and ``"coordinate_tail_index"`` of each over
    draws, 2 where the noise is Gaussian; ``"kurtosis"`` and ``"coordinate_kurtosis"``, 3 where it is;
    ``"top_share"``, the part of |G|^2 in the eigenspace of the Hessian's k largest eigenvalues (Gur-Ari et
    al. 2018, arXiv:1812.04754). Standard errors end in ``"_error"``.

    Args:
        model: any module, twice differentiable; evaluated in a private copy.
        loss: as for `surface`.
        train: the samples of which the loss is the mean, as for `surface`.
        batch_size: samples of a batch.
        device: ``auto``, ``cpu``, ``cuda``, …
        options: OPTIONS

    Raises:
        LandscapeError: as for `surface`, or the loss cannot be differentiated twice.
    """
    require(COUNT.holds(batch_size), "batch_size", batch_size, COUNT.text)
    measured = Options(**plain(options))
    found = GradientNoise(problem_of(model, loss, train, None, str(device)), measured, batch_size).measure()
    return {name: value for name, value in found.items() if name != "top_overlap"}
