"""Running statistics estimated anew, beside hooks in float64."""

import torch
from torch import nn

import cases
from landscape_cli.evaluation.batchnorm import BATCH, layers, recompute


def test_recomputed_statistics_are_the_weighted_averages_over_batches() -> None:
    """The twin follows each layer's input with hooks, in float64, batch by batch."""
    inputs = torch.randn(BATCH + 188, 2, 8, 8)
    model = cases.NETWORKS["resnet-batch"]()
    twin, doubled = cases.double(model, inputs)
    recompute(model, [inputs])

    means: dict[nn.Module, list[tuple[int, torch.Tensor, torch.Tensor]]] = {
        layer: [] for layer in layers(twin)
    }
    for layer in means:
        layer.train()

        def note(module: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            values = arguments[0].transpose(0, 1).flatten(1)  # (channels, everything else)
            means[module].append((len(arguments[0]), values.mean(1), values.var(1, unbiased=True)))

        layer.register_forward_pre_hook(note)
    for module in twin.modules():
        if module not in means:
            module.training = False
    with torch.no_grad():
        for batch in doubled.split(BATCH):
            twin(batch)
    n = len(inputs)
    for measured, (layer, seen) in zip(layers(model), means.items(), strict=True):
        assert len(seen) == 2
        mean, var = (sum(size * parts[i] for size, *parts in seen) / n for i in (0, 1))
        torch.testing.assert_close(measured.running_mean.double(), mean, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(measured.running_var.double(), var, rtol=1e-4, atol=1e-6)
        assert layer.momentum == measured.momentum == 0.1
        assert not measured.training
