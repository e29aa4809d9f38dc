"""The transformer against a slow twin, head by head and token by token."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from landscape_cli.architectures.build import build
from landscape_cli.architectures.transformer import Transformer
from landscape_cli.curvature.products import Hessian
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.losses import objective

CONF = Path(__file__).parents[2] / "conf/architecture/transformer.yaml"


def made(normalization: str = "layer", vocabulary: int = 9, classes: int = 7, **changes: Any) -> nn.Module:
    options: Any = OmegaConf.to_container(OmegaConf.load(CONF))
    small = {"layers": 2, "width": 8, "heads": 2, **changes}
    torch.manual_seed(0)
    return build(options | small, {"name": normalization}, (4,), classes, vocabulary)


def twin(model: nn.Module, tokens: list[int]) -> Tensor:
    """Return the outputs of one sample, in float64, from the formulas."""
    weights = {name: tensor.double() for name, tensor in model.state_dict().items()}
    width, heads = weights["embedding.weight"].shape[1], 2
    size = width // heads

    def position(place: int) -> Tensor:
        angles = [place / 10000 ** (2 * pair / width) for pair in range(width // 2)]
        return torch.tensor([f(angle) for angle in angles for f in (math.sin, math.cos)], dtype=torch.float64)

    def normed(vector: Tensor, name: str) -> Tensor:
        if f"{name}.weight" not in weights:
            return vector
        centred = vector - vector.mean()
        scaled = centred / (centred.square().mean() + 1e-5).sqrt()
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    vectors = [weights["embedding.weight"][token] + position(place) for place, token in enumerate(tokens)]
    for layer in range(2):
        name = f"blocks.{layer}"
        projected = {
            each: [weights[f"{name}.attention.{each}.weight"] @ vector for vector in vectors]
            for each in ("query", "key", "value")
        }
        after = []
        for place, vector in enumerate(vectors):
            parts = []
            for head in range(heads):
                own = slice(head * size, (head + 1) * size)
                scores = [
                    float(projected["query"][place][own] @ projected["key"][earlier][own]) / math.sqrt(size)
                    for earlier in range(place + 1)
                ]
                total = sum(math.exp(score) for score in scores)
                parts.append(
                    sum(
                        math.exp(score) / total * projected["value"][earlier][own]
                        for earlier, score in enumerate(scores)
                    )
                )
            attended = weights[f"{name}.attention.out.weight"] @ torch.cat(parts)  # type: ignore[arg-type]
            middle = normed(vector + attended, f"{name}.attention_norm")
            inner = (weights[f"{name}.inner.up.weight"] @ middle).clamp(min=0)
            after.append(normed(middle + weights[f"{name}.inner.down.weight"] @ inner, f"{name}.inner_norm"))
        vectors = after
    return weights["output.weight"] @ vectors[-1]


@pytest.mark.parametrize("normalization", ["layer", "none"])
def test_outputs_are_those_of_the_formulas(normalization: str) -> None:
    model = made(normalization).double().eval()
    tokens = torch.tensor([[3, 7, 1, 8], [0, 7, 0, 8], [5, 2, 2, 1]])
    expected = torch.stack([twin(model, sample) for sample in tokens.tolist()])
    # positions were rounded to float32
    torch.testing.assert_close(model(tokens), expected, rtol=1e-6, atol=1e-6)


def test_no_token_sees_later_ones() -> None:
    model = made()
    assert isinstance(model, Transformer)
    vectors = torch.randn(2, 4, 8)
    changed = vectors.clone()
    changed[:, 3] += 1
    before, after = model.blocks(vectors), model.blocks(changed)
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3], after[:, 3])


def test_the_loss_can_be_differentiated_twice() -> None:
    model = made().double().eval()
    inputs, targets = torch.tensor([[3, 7, 1, 8], [5, 7, 0, 8]]), torch.tensor([2, 6])
    hessian = Hessian(model, [(inputs, targets)], objective("cross_entropy"), "all")
    direction = torch.randn(hessian.size, dtype=torch.float64)
    product = hessian.product(direction.numpy())
    weights = parameters_to_vector(model.parameters()).detach()
    step = 1e-5

    def gradient(sign: int) -> Tensor:
        vector_to_parameters(weights + sign * step * direction, model.parameters())
        loss = nn.functional.cross_entropy(model(inputs), targets)
        return parameters_to_vector(torch.autograd.grad(loss, list(model.parameters())))

    expected = (gradient(1) - gradient(-1)) / (2 * step)
    torch.testing.assert_close(torch.from_numpy(product), expected, rtol=1e-5, atol=1e-7)


def test_the_count_that_the_description_states() -> None:
    stated = re.search(r"([\d,]+) parameters", CONF.read_text())
    assert stated
    model = made(vocabulary=99, classes=97, width=128, heads=4)
    count = sum(parameter.numel() for parameter in model.parameters())
    embeddings = 99 * 128 + 97 * 128
    assert count == int(stated[1].replace(",", ""))
    assert count - embeddings == 2 * (4 + 8) * 128**2 + 2 * 2 * 2 * 128


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"width": 10, "heads": 4},
            "architecture.width=10 must be even and a multiple of architecture.heads=4",
        ),
        (
            {"width": 9, "heads": 3},
            "architecture.width=9 must be even and a multiple of architecture.heads=3",
        ),
        ({"normalization": "batch"}, "normalization=batch is not for architecture=transformer; choose layer"),
        ({"activation": "sine"}, "no architecture.activation 'sine'; choose from"),
        ({"layers": 0}, "architecture.layers must be a whole number of at least 1, got 0"),
        ({"vocabulary": 0}, "architecture=transformer takes tokens, dataset.scaling=tokens; choose"),
    ],
)
def test_refusals(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        made(**changes)
    assert str(caught.value).startswith(message)
