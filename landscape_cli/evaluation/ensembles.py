"""Predictions of several networks, averaged: an ensemble (Huang et al. 2017, arXiv:1704.00109)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from landscape_cli.data.load import Split
from landscape_cli.evaluation.batches import automatic_size, batches
from landscape_cli.evaluation.mode import evaluating


class Score(NamedTuple):
    """How well probabilities predict the classes of a split.

    Attributes:
        loss: the mean of -log p[target], in nats.
        error: the share of samples whose likeliest class is another.
    """

    loss: float
    error: float


def probabilities(model: nn.Module, split: Split, batch_size: int | None = None) -> Tensor:
    """Return softmax(outputs) of a split in evaluation mode, float64, of shape (n, classes), on its device.

    Args:
        model: left as it is, its modes included.
        split: the samples.
        batch_size: samples a pass; None: chosen.
    """
    with evaluating(model), torch.no_grad():
        parts = batches(split, batch_size or automatic_size(split.inputs))
        return torch.cat([model(inputs).double().softmax(dim=1) for inputs, _ in parts])


def score(predicted: Tensor, targets: Tensor) -> Score:
    """Return how well probabilities predict.

    Args:
        predicted: of shape (n, classes); an ensemble's are the mean of its members'.
        targets: class numbers, of shape (n,).
    """
    likelihood = predicted.gather(1, targets[:, None])
    wrong = predicted.argmax(dim=1) != targets
    return Score(float(-likelihood.log().mean()), float(wrong.double().mean()))
