"""How a private copy of a model is run at one point of weight space after another: the fastest way it can."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.graph_module import GraphModule

from landscape_cli import device as devices
from landscape_cli.evaluation import fused
from landscape_cli.evaluation.autograd import Autograd
from landscape_cli.evaluation.batches import Batch, apply_to, call, tensors, to_dtype
from landscape_cli.evaluation.losses import Objective
from landscape_cli.progress import note_once

PROBE = 8  # samples on which ways of running the model are compared
AGREEMENT = {"fp32": 1e-4, "bf16": 0.1}  # largest difference of outputs, relative to the largest output


class Network:
    """A private copy of a model, and how it is run: fused, as a CUDA graph, or as it is.

    Whatever cannot be done for this model is left out, and said once on standard error where it costs speed.
    After the weights in `model` have changed, call `moved`.

    Args:
        model: left as it is; its mode becomes evaluation in the copy.
        example: a batch, on the device on which to work.
        objective: the loss of the outputs, which may differentiate them.
        precision: ``fp32``: in the dtype of the weights; ``bf16``: convolutions and matrix products in
            bfloat16.

    Attributes:
        autograd: runs what needs the graph of the forward pass with it, and all else without.
    """

    def __init__(
        self,
        model: nn.Module,
        example: Batch,
        objective: Objective,
        precision: str = "fp32",
    ) -> None:
        inputs, targets = example
        self.device = tensors(inputs)[0].device
        self.precision = precision
        self.model = copy.deepcopy(model).to(self.device).eval()
        self.layout = torch.contiguous_format  # of inputs
        self.plain_layout = self.layout  # of inputs of `model` itself
        self.autograd = Autograd()
        plain = self.prepared(inputs, plain=True)
        self.autograd.probe(lambda: objective(call(self.model, plain), targets).losses)
        self._fused: GraphModule | None = None
        self._graph: CudaGraph | None = None
        self._refolding: CudaGraph | None = None
        if self.autograd.needed:
            return
        self.model.requires_grad_(False)
        if isinstance(inputs, Tensor) and inputs.ndim == 4:
            self._choose(inputs)
        if self.device.type == "cuda":
            self._capture(inputs)

    def __call__(self, inputs: Any) -> Any:
        """Return the outputs for a batch in this network's layout, float32 or wider."""
        if self._graph is not None and self._graph.fits(inputs):
            return self._graph(inputs)
        return self._run(inputs)

    def moved(self) -> None:
        """Take over the present weights and statistics of `model`."""
        if self._refolding is not None:
            self._refolding(())
        elif self._fused is not None:
            fused.refold(self._fused)

    def prepared(self, inputs: Any, *, plain: bool = False) -> Any:
        """Return `inputs` in the layout that this network, or with `plain` its `model`, takes."""
        if not isinstance(inputs, Tensor) or inputs.ndim != 4:
            return inputs
        return devices.in_layout(inputs, self.plain_layout if plain else self.layout)

    def _run(self, inputs: Any) -> Any:
        if self._fused is not None:
            return self._fused(inputs)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            outputs = call(self.model, inputs)
        return to_dtype(outputs, torch.float32) if self.precision == "bf16" else outputs

    def _choose(self, inputs: Tensor) -> None:
        """Fuse if that gives the same outputs, and choose the layout."""
        if all(parameter.dtype == torch.float32 for parameter in self.model.parameters()):
            try:
                self._fused = self._fuse(inputs[:PROBE])
            except ValueError as reason:
                note_once(f"note: the network runs unfused, up to twice slower: {reason}")
        self.plain_layout = devices.memory_format(self.model, inputs)
        self.model.to(memory_format=self.plain_layout)
        self.layout = self.plain_layout if self._fused is None else torch.channels_last

    def _fuse(self, probe: Tensor) -> GraphModule | None:
        """Return the fused forward pass, or None where there is nothing to fuse.

        Raises:
            ValueError: it cannot be had, or is not that of the model.
        """
        candidate = fused.fuse(self.model, torch.bfloat16 if self.precision == "bf16" else torch.float32)
        if candidate is None:
            return None
        fused.refold(candidate)
        with torch.no_grad():
            expected = self.model(probe.contiguous())
            try:
                outputs = candidate(devices.in_layout(probe, torch.channels_last))
                difference, scale = float((outputs - expected).abs().max()), float(expected.abs().max())
            except Exception as error:  # whatever a user's forward does with tensors it did not expect
                raise ValueError(f"fused it fails: {type(error).__name__}: {_first_line(error)}") from error
        if not difference <= AGREEMENT[self.precision] * scale and math.isfinite(scale):
            raise ValueError(f"fused, its outputs differ by {difference:.2g} (of {scale:.2g})")
        return candidate

    def _capture(self, inputs: Any) -> None:
        """Record the forward pass as a CUDA graph, so that the processor need not launch each kernel.

        Likewise, where convolutions are fused, how they take over the weights: some ten kernels a layer, each
        far shorter than its launch.
        """
        convolutions = self._fused
        try:
            self._graph = CudaGraph(self._run, self.prepared(inputs))
            if convolutions is not None:
                self._refolding = CudaGraph(lambda _: fused.refold(convolutions), ())
        except RuntimeError as error:
            note_once(f"note: the network runs without a CUDA graph: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


class CudaGraph:
    """A function of a batch of one shape, recorded once on a CUDA device and replayed without launches.

    It reads the weights where they lie: changing them in place changes what it returns. The outputs are
    overwritten by the next call.
    """

    def __init__(self, run: Callable[[Any], Any], inputs: Any) -> None:
        self._inputs = apply_to(inputs, torch.clone)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side), torch.no_grad():  # libraries set themselves up in the first calls
            for _ in range(3):
                run(self._inputs)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph), torch.no_grad():
            self._outputs = run(self._inputs)

    def fits(self, inputs: Any) -> bool:
        """Return whether these inputs are of the recorded shape."""
        shapes = [[tensor.shape for tensor in tensors(tree)] for tree in (inputs, self._inputs)]
        return shapes[0] == shapes[1]

    def __call__(self, inputs: Any) -> Any:
        """Return the outputs for `inputs`."""
        for place, tensor in zip(tensors(self._inputs), tensors(inputs), strict=True):
            place.copy_(tensor)
        self._graph.replay()
        return self._outputs
