"""All stationary points of a function of which they are known, and of one where they are not isolated."""

from itertools import pairwise

import torch

from landscape_cli.analytic.critical import seek
from landscape_cli.analytic.factorizations import matrix_factorization
from landscape_cli.analytic.function import differentiated

RANDOM = torch.Generator().manual_seed(3)


def test_every_stationary_point_of_a_matrix_factorization_is_found() -> None:
    function = matrix_factorization([5.0, 3.0, 1.0])
    start = 4 * torch.rand(200, 3, generator=RANDOM, dtype=torch.float64) - 2
    found = seek(function, start, 60)
    there = found[function.gradient(found).norm(dim=-1) < 1e-10]
    places = torch.diag(torch.tensor([5.0, 3.0, 1.0], dtype=torch.float64).sqrt())
    expected = torch.cat([places, -places, torch.zeros(1, 3)])
    apart = torch.cdist(expected, there)
    assert len(there) > 150
    assert float(apart.amin(0).max()) < 1e-8  # each is one of them
    assert float(apart.amin(1).max()) < 1e-8  # and none is missing


def test_the_gradient_never_grows_and_a_circle_of_minima_is_reached_at_once() -> None:
    ring = differentiated(lambda x: (x.square().sum(-1) - 1).square(), ((-2.0, 2.0),) * 2, (0.5, 0.5), 0.1)
    start = torch.tensor([[0.9, 0.3], [-0.2, 1.3], [0.1, 0.05]], dtype=torch.float64)
    lengths = [ring.gradient(seek(ring, start, steps)).norm(dim=-1) for steps in range(13)]
    assert all(bool((after <= before).all()) for before, after in pairwise(lengths))
    assert float(lengths[-1].max()) < 1e-12
    radius = seek(ring, start, 12).norm(dim=-1)
    torch.testing.assert_close(radius, torch.tensor([1.0, 1.0, 0.0]).double(), rtol=0, atol=1e-8)
