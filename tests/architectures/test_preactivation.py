import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_cli.architectures.layers import Normalization
from landscape_cli.architectures.preactivation import PreActivationNet, preactivation_resnet, wide_resnet


def outputs_by_hand(x: Tensor, state: dict[str, Tensor], *, blocks: int, kernels: list[int]) -> Tensor:
    """x + F(x), F a chain of (normalize, ReLU, convolve); where the shape changes, a projected ReLU."""

    def activated(x: Tensor, name: str) -> Tensor:
        mean, variance, scale, shift = (
            state[f"{name}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return ((x - mean) / (variance + 1e-5).sqrt() * scale + shift).clamp_min(0)

    x = F.conv2d(x, state["stem.weight"], padding=1)
    for stage in range(3):
        for block in range(blocks):
            name = f"stages.{stage}.{block}"
            stride = 2 if stage > 0 and block == 0 else 1
            y = activated(x, f"{name}.norms.0")
            shortcut = F.conv2d(y, state[f"{name}.projection.weight"], stride=stride) if block == 0 else x
            strided = False
            for index, kernel in enumerate(kernels):
                y = y if index == 0 else activated(y, f"{name}.norms.{index}")
                takes_stride = kernel == 3 and not strided
                strided |= takes_stride
                weight = state[f"{name}.convs.{index}.weight"]
                assert weight.shape[2:] == (kernel, kernel)
                y = F.conv2d(y, weight, stride=stride if takes_stride else 1, padding=kernel // 2)
            x = shortcut + y
    return activated(x, "norm").mean(dim=(2, 3)) @ state["classifier.weight"].T + state["classifier.bias"]


@pytest.mark.parametrize(("kernels", "blocks"), [([3, 3], 2), ([1, 3, 1], 2)])
def test_outputs_are_those_of_a_plain_twin(kernels: list[int], blocks: int) -> None:
    torch.manual_seed(0)
    normalization = Normalization("batch")
    if kernels == [3, 3]:
        model = wide_resnet(3, 10, normalization, depth=6 * blocks + 4, width=2, dropout=0.3)
    else:
        model = preactivation_resnet(3, 10, normalization, depth=9 * blocks + 2)
    model = model.double().eval()
    state = model.state_dict()
    for tensor in state.values():
        if tensor.ndim == 1 and tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    x = torch.randn(3, 3, 10, 9, dtype=torch.float64)
    expected = outputs_by_hand(x, state, blocks=blocks, kernels=kernels)
    torch.testing.assert_close(model(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["none", "batch", "layer", "group", "instance"])
def test_a_narrow_wide_network_trains_a_step(name: str) -> None:
    torch.manual_seed(0)
    model = wide_resnet(1, 10, Normalization(name), depth=10, width=1, dropout=0.3)  # type: ignore[arg-type]
    outputs = model(torch.randn(4, 1, 8, 8))
    F.cross_entropy(outputs, torch.arange(4)).backward()
    assert outputs.isfinite().all()
    assert all(
        parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters()
    )


def test_without_normalization_the_shortcut_carries_the_unrectified_input() -> None:
    torch.manual_seed(0)
    model = wide_resnet(1, 2, Normalization("none"), depth=16, width=1, dropout=0.0).double()
    block = model.stages[0][1]
    x = torch.randn(2, 16, 4, 4, dtype=torch.float64)
    kept = x.clone()
    with torch.no_grad():
        for convolution in block.convs:
            convolution.weight.zero_()
            convolution.bias.zero_()
    assert block(x).equal(kept)
    assert x.equal(kept)


def test_dropout_acts_in_training_between_the_convolutions_of_a_block() -> None:
    torch.manual_seed(0)
    model: PreActivationNet = wide_resnet(1, 2, Normalization("none"), depth=10, width=1, dropout=0.5)
    inputs: list[Tensor] = []
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.register_forward_hook(lambda module, args, output: inputs.append(output))
    x = torch.randn(2, 1, 8, 8)
    assert not model.train()(x).equal(model(x))
    assert len(inputs) == 2 * 3
    assert model.eval()(x).equal(model(x))
