"""Where a descent ends is where its path does."""

import numpy as np
import pytest
import torch

from landscape_cli.analytic.arrival import arrive
from landscape_cli.analytic.catalogue import build
from landscape_cli.analytic.descent import descend

START = torch.tensor([[1.0, 1.5], [-0.5, 0.7]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "options"),
    [("heavy_ball", {"lr": 1e-3, "momentum": 0.9}), ("noisy_gd", {"lr": 1e-3, "noise": 1e-4})],
)
def test_the_end_is_that_of_the_path(name: str, options: dict[str, float]) -> None:
    function = build({"name": "beale"})
    path = descend(function, START, name, options, steps=20, seed=3)
    arrival = arrive(function, START, name, options, steps=20, seed=3, looks=5)
    assert arrival.steps.tolist() == [0, 5, 10, 15, 20]
    np.testing.assert_array_equal(arrival.loss, path.loss[:, ::5])
    np.testing.assert_array_equal(arrival.points, path.points[:, -1])
