"""First steps beside the kept path of the same descent."""

import math

import torch

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.first_steps import first_steps
from landscape_cli.analytic.quadratics import quadratic

FUNCTION = quadratic(torch.tensor([1.0, -0.5]))
START = torch.tensor([[1.0, 0.1], [1.0, 1e-3], [1.0, 0.0], [0.0, 3.0]], dtype=torch.float64)


def far(points: torch.Tensor) -> torch.Tensor:
    return points[..., 1].abs() > 1


def test_they_are_those_of_the_path() -> None:
    for name, options in (("gd", {"lr": 0.3}), ("noisy_gd", {"lr": 0.3, "noise": 1e-6})):
        path = descend(FUNCTION, START, name, options, steps=100, seed=4)
        reached = far(torch.from_numpy(path.points)).numpy()
        expected = [float(row.argmax()) if row.any() else math.inf for row in reached]
        found = first_steps(FUNCTION, START, name, options, far, most=100, seed=4)
        assert found.tolist() == expected
        assert found[3] == 0
    assert math.isfinite(found[2])  # noise moves it off the manifold on which gradient descent stays


def test_what_takes_longer_is_infinite() -> None:
    assert first_steps(FUNCTION, START, "gd", {"lr": 0.3}, far, most=20, seed=0).tolist() == [
        *[17.0, math.inf],
        *[math.inf, 0.0],
    ]
