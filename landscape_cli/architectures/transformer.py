"""A decoder-only transformer (Vaswani et al. 2017) that answers at its last token (Power et al. 2022)."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from landscape_cli.architectures.layers import ACTIVATIONS, Normalization
from landscape_cli.errors import LandscapeError


class Attention(nn.Module):
    """Causal self-attention: softmax(q k^T / sqrt(width / heads)) v per head, no biases.

    Args:
        width: of a token's vector, a multiple of `heads`.
        heads: number of them.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (n, length, width) of (n, length, width)."""
        n, length, width = tokens.shape
        query, key, value = (
            layer(tokens).view(n, length, self.heads, width // self.heads).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        heads = scaled_dot_product_attention(query, key, value, is_causal=True)
        attended: Tensor = self.out(heads.transpose(1, 2).reshape(n, length, width))
        return attended


class Block(nn.Module):
    """norm(x + attention(x)), then norm(x + inner(x)): normalized after the additions."""

    def __init__(
        self, width: int, heads: int, normalization: Normalization, activation: str, dropout: float
    ) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.attention_norm = normalization.vectors(width)
        self.inner = nn.Sequential(
            OrderedDict(
                up=nn.Linear(width, 4 * width, bias=False),
                activation=ACTIVATIONS[activation](),
                down=nn.Linear(4 * width, width, bias=False),
            )
        )
        self.inner_norm = normalization.vectors(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (n, length, width) of (n, length, width)."""
        tokens = self.attention_norm(tokens + self.dropout(self.attention(tokens)))
        normed: Tensor = self.inner_norm(tokens + self.dropout(self.inner(tokens)))
        return normed


class Transformer(nn.Module):
    """Embeddings and sinusoidal positions, blocks, and a linear layer on the last token's vector.

    Args:
        length: tokens of a sample.
        vocabulary: number of different tokens.
        classes: number of outputs.
        normalization: ``layer`` or ``none``.
        layers: blocks.
        width: of a token's vector, a multiple of `heads`.
        heads: of each attention.
        activation: a name in `ACTIVATIONS`, within the blocks.
        dropout: probability of dropping what is added.

    Raises:
        LandscapeError: the width is no multiple of the heads or odd, or the normalization is another.
    """

    positions: Tensor

    def __init__(
        self,
        length: int,
        vocabulary: int,
        classes: int,
        normalization: Normalization,
        *,
        layers: int,
        width: int,
        heads: int,
        activation: str,
        dropout: float,
    ) -> None:
        super().__init__()
        if width % heads or width % 2:
            raise LandscapeError(
                f"architecture.width={width} must be even and a multiple of architecture.heads={heads}"
            )
        if normalization.name not in ("layer", "none"):
            raise LandscapeError(
                f"normalization={normalization.name} is not for architecture=transformer;"
                " choose layer or none"
            )
        self.embedding = nn.Embedding(vocabulary, width)
        self.register_buffer("positions", _positions(length, width), persistent=False)
        self.blocks = nn.Sequential(
            *(Block(width, heads, normalization, activation, dropout) for _ in range(layers))
        )
        self.output = nn.Linear(width, classes, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return outputs (n, classes) of whole numbers (n, length)."""
        vectors = self.embedding(tokens) + self.positions
        logits: Tensor = self.output(self.blocks(vectors)[:, -1])
        return logits


def _positions(length: int, width: int) -> Tensor:
    """Return sines and cosines (length, width) of the place, of wavelengths from 2 pi to 20000 pi."""
    place = torch.arange(length, dtype=torch.float64)[:, None]
    angle = place / 10000 ** (torch.arange(0, width, 2, dtype=torch.float64) / width)
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1).float()
