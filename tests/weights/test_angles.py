"""Angles beside closed forms, and the mean square of many."""

import math

import numpy as np
import pytest
import torch

from landscape_cli.weights.angles import cosine, effective_dimension, rank
from landscape_cli.weights.directions import random


def _pair(params: dict[str, torch.Tensor], seed: int) -> list[dict[str, torch.Tensor]]:
    return [random(params, norm="layer", ignore="none", seed=seed, axis=axis) for axis in "xy"]


def test_effective_dimension_is_the_inverse_mean_square_cosine() -> None:
    params = {"a": torch.full((60,), 0.2), "b": torch.full((4,), 2.0), "c": torch.ones(5, 3)}
    assert effective_dimension(params, "none") == 79
    squares = [cosine(*_pair(params, seed)) ** 2 for seed in range(400)]
    expected = 1 / effective_dimension(params, "layer")
    error = np.std(squares) / len(squares) ** 0.5
    assert abs(np.mean(squares) - expected) < 4 * error
    assert abs(np.mean(squares) - 1 / 79) > 10 * error  # it is not the number of parameters


def test_the_effective_dimension_of_filters_is_not_known() -> None:
    with pytest.raises(ValueError, match="norms none and layer, not 'filter'"):
        effective_dimension({"a": torch.ones(3, 2)}, "filter")


def test_rank_and_cosine() -> None:
    one, other = {"w": torch.tensor([3.0, 0.0, 4.0])}, {"w": torch.tensor([0.0, 2.0, 0.0])}
    assert (rank([one, other]), cosine(one, other)) == (2, 0.0)
    same = {"w": -2 * one["w"]}
    assert rank([one, same]) == 1
    assert cosine(one, same) == pytest.approx(-1.0)  # the notebook's fallback
    assert rank([one, other, {"w": one["w"] + other["w"]}]) == 2


def test_the_cosine_is_that_of_entries_one_by_one() -> None:
    torch.manual_seed(0)
    one, other = ({"a": torch.randn(4, 3), "b": torch.randn(5)} for _ in range(2))
    pairs = [
        (float(x), float(y))
        for name in one
        for x, y in zip(one[name].flatten(), other[name].flatten(), strict=True)
    ]
    product = math.fsum(x * y for x, y in pairs)
    lengths = math.sqrt(math.fsum(x * x for x, _ in pairs)) * math.sqrt(math.fsum(y * y for _, y in pairs))
    assert cosine(one, other) == pytest.approx(product / lengths, rel=1e-12)
