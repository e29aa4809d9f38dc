"""A batch in parts: its gradient beside differences of the loss, what is stored beside a count by hand."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.testing import assert_allclose
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from landscape_cli.data.streams import stream
from landscape_cli.gradients.parts import (
    CLASSES,
    activations,
    distance,
    mean_gradient,
    parts,
    random_batch,
    random_network,
)
from landscape_cli.gradients.stored import stored_activations

SAMPLES, WIDTH, DEPTH = 7, 5, 3


@pytest.mark.parametrize("normalized", [False, True])
def test_the_gradient_is_the_slope_of_the_loss(normalized: bool) -> None:
    inputs, targets = random_batch(stream(0, "samples"), SAMPLES, WIDTH)
    network = random_network(stream(0, "weights"), WIDTH, DEPTH, normalized=normalized)
    gradient = mean_gradient(network, (inputs, targets))
    weights = parameters_to_vector(network.parameters()).detach()
    direction = torch.from_numpy(stream(0, "direction").standard_normal(len(weights)))

    def loss(along: float) -> float:
        vector_to_parameters(weights + along * direction, network.parameters())
        return F.cross_entropy(network(inputs), targets).item()

    slope = (loss(1e-6) - loss(-1e-6)) / 2e-6
    assert float(gradient @ direction) == pytest.approx(slope, rel=1e-6)


def test_the_same_numbers_make_the_same_network() -> None:
    one, other, third = (random_network(stream(seed, "weights"), 40, 2) for seed in (1, 1, 2))
    vectors = [parameters_to_vector(each.parameters()) for each in (one, other, third)]
    assert torch.equal(vectors[0], vectors[1])
    assert not torch.equal(vectors[0], vectors[2])
    first = next(layer for layer in one if isinstance(layer, nn.Linear))
    assert first.weight.std().item() == pytest.approx(np.sqrt(2 / 40), rel=0.1)
    assert first.weight.dtype == torch.float64


def test_parts_are_consecutive() -> None:
    inputs, targets = random_batch(stream(0, "samples"), SAMPLES, WIDTH)
    cut = parts((inputs, targets), [2, 1, 3])
    assert [len(part[1]) for part in cut] == [2, 1, 3]
    assert torch.equal(torch.cat([part[0] for part in cut]), inputs[:6])
    assert torch.equal(torch.cat([part[1] for part in cut]), targets[:6])


def test_what_a_network_stores_by_hand() -> None:
    """The outputs of each ReLU, the logarithms of the softmax, and one number: the mean's weight."""
    batch = random_batch(stream(0, "samples"), SAMPLES, WIDTH)
    network = random_network(stream(0, "weights"), WIDTH, DEPTH)
    assert activations(network, batch) == SAMPLES * (WIDTH * DEPTH + CLASSES) + 1


def test_what_is_stored_twice_counts_once_and_what_is_known_not_at_all() -> None:
    weights = torch.ones(4, requires_grad=True)

    def product() -> torch.Tensor:
        middle = weights.exp()  # keeps its result
        return (middle * middle.detach() * weights).sum()

    assert stored_activations(product, [weights]) == 4 + 4  # the exponential, and its square
    assert stored_activations(product, []) == 4 + 4 + 4


def test_distance_is_relative() -> None:
    assert_allclose(distance(torch.tensor([3.0, 5.0]), torch.tensor([3.0, 4.0])), 1 / 5)
