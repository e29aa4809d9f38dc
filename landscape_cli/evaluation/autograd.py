"""Passes without autograd, but where a network or a loss itself differentiates."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import torch
from torch import Tensor

from landscape_cli.errors import is_out_of_memory
from landscape_cli.progress import note_once

Result = TypeVar("Result")

SAME = 1e-5  # relative: what two passes over one batch may differ by on a device that adds in any order


class Autograd:
    """How much of autograd the passes of a network need: none, until one fails for its lack.

    A physics-informed network differentiates its outputs with respect to its inputs (Raissi et al. 2019);
    without a graph that is a RuntimeError. torch's inference mode, a few percent faster than its absence of
    gradients, also switches off what a network switches on for itself, at times without a word:
    `torch.autograd.functional.jacobian` gives zeros in it. So it is used where a pass has given the same.
    """

    def __init__(self) -> None:
        self._mode: Callable[[], AbstractContextManager[object]] = torch.no_grad

    @property
    def needed(self) -> bool:
        """Whether passes need a graph."""
        return self._mode is torch.enable_grad

    def context(self) -> AbstractContextManager[object]:
        """Return a context in which passes have the autograd that they need."""
        return self._mode()

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
        self._mode = torch.enable_grad
        note_once("note: the network or its loss differentiates: it runs with autograd, slower")
        return result

    def probe(self, compute: Callable[[], Tensor]) -> None:
        """Find the fastest way in which a pass gives the same, for all that follow.

        Raises:
            RuntimeError: as a call.
        """
        expected = self(compute)
        if self.needed:
            return
        try:
            with torch.inference_mode():
                same = torch.allclose(expected, compute(), SAME, 0.0, equal_nan=True)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            return
        if same:
            self._mode = torch.inference_mode
