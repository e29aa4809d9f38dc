import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from landscape_cli.architectures.layers import Normalization
from landscape_cli.architectures.resnet import ResNet


def network(*, skip: bool, depth: int = 14) -> tuple[ResNet, dict[str, Tensor]]:
    """Return a network in evaluation mode, with random normalization layers, and its state."""
    torch.manual_seed(0)
    model = ResNet(3, 10, Normalization("batch"), depth=depth, width=0.5, skip=skip).double().eval()
    state = model.state_dict()
    for tensor in state.values():
        if tensor.ndim == 1 and tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    return model, state


def normalized(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    mean, variance, scale, shift = (
        state[f"{name}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def outputs_by_hand(x: Tensor, state: dict[str, Tensor], *, skip: bool, n: int) -> Tensor:
    """As the papers write it: y = relu(B(x) + s(x)), or, without shortcuts, a plain chain of layers."""
    x = normalized(F.conv2d(x, state["stem.0.weight"], padding=1), state, "stem.1").clamp_min(0)
    for stage in range(3):
        for block in range(n):
            name = f"stages.{stage}.{block}"
            stride = 2 if stage > 0 and block == 0 else 1
            y = F.conv2d(x, state[f"{name}.conv1.weight"], stride=stride, padding=1)
            y = normalized(y, state, f"{name}.norm1").clamp_min(0)
            y = normalized(F.conv2d(y, state[f"{name}.conv2.weight"], padding=1), state, f"{name}.norm2")
            if skip and stride == 2:
                projected = F.conv2d(x, state[f"{name}.shortcut.0.weight"], stride=2)
                y = y + normalized(projected, state, f"{name}.shortcut.1")
            elif skip:
                y = y + x
            x = y.clamp_min(0)
    return x.mean(dim=(2, 3)) @ state["classifier.weight"].T + state["classifier.bias"]


@pytest.mark.parametrize("skip", [True, False])
def test_outputs_are_those_of_a_plain_twin(skip: bool) -> None:
    model, state = network(skip=skip)
    x = torch.randn(3, 3, 10, 9, dtype=torch.float64)
    torch.testing.assert_close(model(x), outputs_by_hand(x, state, skip=skip, n=2), rtol=1e-10, atol=1e-10)


def test_without_shortcuts_a_dead_block_stops_the_signal() -> None:
    x = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    for skip in (True, False):
        model, state = network(skip=skip)
        state["stages.1.1.norm2.weight"].zero_()
        outputs = model(x)
        assert (outputs[0] - outputs[1]).abs().max().gt(1e-6).item() == skip


def test_without_shortcuts_no_parameter_of_theirs_is_left() -> None:
    assert not any("shortcut" in name for name in network(skip=False)[1])
    projections = {name.split(".shortcut")[0] for name in network(skip=True)[1] if "shortcut" in name}
    assert projections == {"stages.1.0", "stages.2.0"}


def test_without_normalization_convolutions_have_biases() -> None:
    plain = ResNet(3, 10, Normalization("none"), depth=8, width=1, skip=True).state_dict()
    assert {name for name in plain if name.endswith("bias")} == {
        name.replace("weight", "bias") for name in plain if name.endswith("weight")
    }
    assert "stem.0.bias" not in network(skip=True)[1]
