"""Sizes of signals against the products of matrices by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.signals.sizes import sizes


def test_sizes_of_three_layers_by_hand() -> None:
    torch.manual_seed(0)
    one, two, three = (nn.Linear(a, b, bias=False).double() for a, b in ((4, 6), (6, 5), (5, 3)))
    network = nn.Sequential(one, nn.Tanh(), two, nn.ReLU(), three)
    inputs, above = torch.randn(7, 4, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)
    found = sizes(network, [network[1], network[3]], inputs, above)

    x, g = inputs.numpy(), above.numpy()
    first, second, third = (each.weight.detach().numpy() for each in (one, two, three))
    h = np.tanh(x @ first.T)
    z = h @ second.T
    below = g @ third  # by the ReLU's outputs
    by_h = (below * (z > 0)) @ second
    expected_up = [np.sqrt((h**2).mean()), np.sqrt((np.maximum(z, 0) ** 2).mean())]
    expected_down = [np.sqrt((by_h**2).mean()), np.sqrt((below**2).mean())]
    assert found.up.tolist() == pytest.approx(expected_up, rel=1e-12)
    assert found.down.tolist() == pytest.approx(expected_down, rel=1e-12)


def test_nothing_stays_hooked() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    sizes(network, [network[1]], torch.ones(1, 2), torch.ones(1, 2))
    assert not network[1]._forward_hooks
    with pytest.raises(RuntimeError):
        sizes(network, [network[1]], torch.ones(1, 3), torch.ones(1, 2))
    assert not network[1]._forward_hooks
