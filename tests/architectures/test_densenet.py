import torch
import torch.nn.functional as F
from torch import Tensor

from landscape_cli.architectures.densenet import DenseNet
from landscape_cli.architectures.layers import Normalization

BLOCKS = (2, 3, 1)


def outputs_by_hand(x: Tensor, state: dict[str, Tensor]) -> Tensor:
    """Each layer sees all maps made before it in its block (Huang et al. 2017, equation 2)."""

    def activated(x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(dim=(1, 2, 3), keepdim=True)
        x = centred / (centred.square().mean(dim=(1, 2, 3), keepdim=True) + 1e-5).sqrt()
        return (x * state[f"{name}.weight"][:, None, None] + state[f"{name}.bias"][:, None, None]).clamp_min(
            0
        )

    x = F.conv2d(x, state["stem.weight"], padding=1)
    for index, layers in enumerate(BLOCKS):
        if index > 0:
            name = f"blocks.{2 * index - 1}"
            x = F.conv2d(activated(x, f"{name}.norm"), state[f"{name}.conv.weight"])
            height, width = x.shape[2] // 2, x.shape[3] // 2
            x = (
                x[:, :, : 2 * height, : 2 * width]
                .unflatten(3, (width, 2))
                .unflatten(2, (height, 2))
                .mean(dim=(3, 5))
            )
        made = [x]
        for layer in range(layers):
            name = f"blocks.{2 * index}.{layer}"
            y = F.conv2d(activated(torch.cat(made, dim=1), f"{name}.norm1"), state[f"{name}.conv1.weight"])
            made.append(F.conv2d(activated(y, f"{name}.norm2"), state[f"{name}.conv2.weight"], padding=1))
        x = torch.cat(made, dim=1)
    return activated(x, "norm").mean(dim=(2, 3)) @ state["classifier.weight"].T + state["classifier.bias"]


def test_outputs_are_those_of_a_plain_twin() -> None:
    torch.manual_seed(0)
    model = DenseNet((3, 9, 8), 10, Normalization("layer"), blocks=BLOCKS, growth=4, reduction=0.5).double()
    state = model.state_dict()
    for tensor in state.values():
        if tensor.ndim == 1:
            tensor.uniform_(0.5, 1.5)
    x = torch.randn(3, 3, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(model(x), outputs_by_hand(x, state), rtol=1e-10, atol=1e-10)


def test_inputs_are_not_changed_in_place() -> None:
    torch.manual_seed(0)
    model = DenseNet((1, 8, 8), 2, Normalization("none"), blocks=(1,), growth=2, reduction=0.5)
    layer = model.blocks[0][0]
    x = torch.randn(2, 4, 8, 8)
    kept = x.clone()
    assert layer(x)[:, :4].equal(kept)
    assert x.equal(kept)
