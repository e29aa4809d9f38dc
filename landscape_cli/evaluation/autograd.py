"""Passes without autograd, but where a network or a loss itself differentiates."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import torch

from landscape_cli.errors import is_out_of_memory
from landscape_cli.progress import note_once

Result = TypeVar("Result")


class Autograd:
    """Whether the passes of a network need autograd: they go without it until one fails for its lack.

    A physics-informed network differentiates its outputs with respect to its inputs (Raissi et al. 2019):
    in torch's inference mode that is a RuntimeError. All other passes are faster and smaller without a graph.

    Attributes:
        needed: what was found.
    """

    def __init__(self) -> None:
        self.needed = False

    def context(self) -> AbstractContextManager[object]:
        """Return a context, or decorator, in which passes have the autograd that they need."""
        return torch.enable_grad() if self.needed else torch.inference_mode()

    def __call__(self, compute: Callable[[], Result]) -> Result:
        """Return what `compute` returns, without autograd if that can be; else with a history of gradients.

        Raises:
            RuntimeError: as `compute` raises it without autograd, if it fails with it, too.
        """
        try:
            with self.context():
                return compute()
        except RuntimeError as error:
            if self.needed or is_out_of_memory(error):
                raise
            failure = error
        try:
            with torch.enable_grad():
                result = compute()
        except RuntimeError:
            raise failure from None
        self.needed = True
        note_once("note: the network or its loss differentiates: it runs with autograd, slower")
        return result
