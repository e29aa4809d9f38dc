"""A network's forward pass with BatchNorm folded into convolutions, and ReLU and additions fused into them.

In evaluation mode BatchNorm is affine, so the convolution before it can take its factor and shift (Jacob et
al. 2018, "Quantization and training of neural networks", section 3.2). What follows, an addition or a ReLU,
then happens, in bfloat16 on a processor, while the convolution's result is still in a register, in oneDNN's
post-operations. These are torch's `mkldnn._convolution_pointwise`, which its own compiler uses; elsewhere (in
float32 they gain nothing) and where they are missing, the operations follow the folded convolution in place.
"""

import operator

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.fx.graph_module import GraphModule

RELUS = {F.relu, F.relu_, torch.relu, torch.relu_}
ADDS = {operator.add, operator.iadd, torch.add}
ANY_DTYPE = (nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.BatchNorm2d)


def has_post_operations(device: torch.device, dtype: torch.dtype) -> bool:
    """Return whether it pays to fuse convolutions with what follows, and this torch can."""
    return (
        (device.type, dtype) == ("cpu", torch.bfloat16)
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )


class FusedConvolution(nn.Module):
    """relu(norm(conv(x)) + other), or as much of it as there is, as one operation.

    Args:
        conv: read at each `refold`.
        norm: folded into the convolution; read at each `refold`.
        relu: whether a ReLU ends it.
        dtype: of inputs, weights and outputs.
    """

    def __init__(
        self, conv: nn.Conv2d, norm: nn.BatchNorm2d | None, *, relu: bool, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.source = (conv, norm)  # a tuple: not submodules of this one
        self.relu = relu
        self.geometry = (conv.padding, conv.stride, conv.dilation, conv.groups)
        self.post_operations = has_post_operations(conv.weight.device, dtype)
        self.weight = torch.empty_like(conv.weight, dtype=dtype, memory_format=torch.channels_last)
        self.bias: Tensor | None = None
        if conv.bias is not None or norm is not None:
            self.bias = torch.empty(conv.out_channels, dtype=dtype, device=conv.weight.device)

    def refold(self) -> None:
        """Take over the layers' present numbers: w g / sqrt(v + eps), (b - m) g / sqrt(v + eps) + shift."""
        conv, norm = self.source
        weight, bias = conv.weight.detach(), conv.bias
        if norm is not None:
            mean, variance = norm.running_mean, norm.running_var
            assert mean is not None
            assert variance is not None
            factor = (variance + norm.eps).rsqrt_()
            if norm.affine:
                factor *= norm.weight
            weight = weight * factor[:, None, None, None]
            bias = (bias - mean if bias is not None else -mean) * factor
            if norm.affine:
                bias += norm.bias
        self.weight.copy_(weight)
        if self.bias is not None:
            assert bias is not None
            self.bias.copy_(bias)

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """Return maps; `other`, of their shape, is added before the ReLU."""
        padding, stride, dilation, groups = self.geometry
        x = x.to(self.weight.dtype)
        if not self.post_operations:
            out = F.conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
            if other is not None:
                out += other
            return out.relu_() if self.relu else out
        fused = torch.ops.mkldnn._convolution_pointwise
        weights = (self.weight, self.bias, padding, stride, dilation, groups)
        if other is None:
            alone: Tensor = fused(x, *weights, "relu" if self.relu else "none", [], "")
            return alone
        relu = "relu" if self.relu else None
        added: Tensor = fused.binary(x, other, *weights, "add", None, relu, [], None)
        return added


def fuse(model: nn.Module, dtype: torch.dtype) -> GraphModule | None:
    """Return a forward pass of `model` with its convolutions fused, or None where there is nothing to fuse.

    It reads the layers of `model` anew at each `refold`. What is not a fused convolution works as before, in
    the dtype of its own weights; reshaping with ``view`` becomes ``reshape``, which any layout can take.

    Args:
        model: in evaluation mode.
        dtype: of the convolutions and of what lies between them.

    Raises:
        ValueError: the forward pass cannot be traced: its Python depends on the inputs.
    """
    try:
        traced = fx.symbolic_trace(model)
    except Exception as error:  # what torch raises, or the model on the way, has no common ancestor
        raise ValueError("its forward pass cannot be traced") from error
    graph, layers = traced.graph, dict(traced.named_modules())
    for node in list(graph.nodes):
        if node.op == "call_method" and node.target == "view":
            node.target = "reshape"
        elif _layer(node, layers, nn.Dropout, nn.Identity) and isinstance(node.args[0], fx.Node):
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
    convolutions = [node for node in graph.nodes if _is_plain_convolution(node, layers)]
    for number, node in enumerate(convolutions):
        _fuse_at(node, layers, traced, f"fused_{number}", dtype)
    if not convolutions:
        return None
    for node in list(graph.nodes):  # Linear layers and the like have weights of float32
        if node.op == "output" or (node.op == "call_module" and not _takes_any(node, layers)):
            for argument in node.all_input_nodes:
                with graph.inserting_before(node):
                    node.replace_input_with(argument, graph.call_method("float", (argument,)))
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def refold(network: GraphModule) -> None:
    """Let all fused convolutions take over the present weights of the network they were made from."""
    for module in network.children():
        if isinstance(module, FusedConvolution):
            module.refold()


def _layer(node: fx.Node, layers: dict[str, nn.Module], *kinds: type[nn.Module]) -> nn.Module | None:
    """Return the layer that a node calls, if it is exactly of one of these kinds."""
    layer = layers.get(str(node.target)) if node.op == "call_module" else None
    return layer if type(layer) in kinds and len(node.args) == 1 and not node.kwargs else None


def _is_plain_convolution(node: fx.Node, layers: dict[str, nn.Module]) -> bool:
    conv = _layer(node, layers, nn.Conv2d)
    return isinstance(conv, nn.Conv2d) and conv.padding_mode == "zeros" and not isinstance(conv.padding, str)


def _takes_any(node: fx.Node, layers: dict[str, nn.Module]) -> bool:
    """Return whether a module call works in the dtype that comes."""
    return str(node.target).startswith("fused_") or _layer(node, layers, *ANY_DTYPE) is not None


def _fuse_at(
    node: fx.Node, layers: dict[str, nn.Module], traced: GraphModule, name: str, dtype: torch.dtype
) -> None:
    """Replace a convolution and what follows it, as far as nothing else uses what lies between."""
    conv = _layer(node, layers, nn.Conv2d)
    assert isinstance(conv, nn.Conv2d)
    chain, norm, other, relu = [node], None, None, False
    after = _only_user(node)
    if after is not None:
        layer = _layer(after, layers, nn.BatchNorm2d)
        if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None:
            chain, norm, after = [*chain, after], layer, _only_user(after)
    if after is not None:
        other = _added(after, chain[-1])
        if other is not None:
            chain, after = [*chain, after], _only_user(after)
    if after is not None and _is_relu(after, layers):
        chain, relu = [*chain, after], True
    traced.add_submodule(name, FusedConvolution(conv, norm, relu=relu, dtype=dtype))
    with node.graph.inserting_before(chain[-1]):
        inputs = (node.args[0],) if other is None else (node.args[0], other)
        chain[-1].replace_all_uses_with(node.graph.call_module(name, inputs))
    for replaced in reversed(chain):
        node.graph.erase_node(replaced)


def _only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _added(node: fx.Node, term: fx.Node) -> fx.Node | None:
    """Return the other term, if `node` does nothing but add it to `term`."""
    adds = node.target in ADDS if node.op == "call_function" else node.target in ("add", "add_")
    if node.op not in ("call_function", "call_method") or not adds or node.kwargs or len(node.args) != 2:
        return None
    first, second = node.args
    if not isinstance(first, fx.Node) or not isinstance(second, fx.Node) or first is second:
        return None
    if first is term:
        return second
    in_place = node.target in (operator.iadd, "add_")  # then `first` changes, which others may see
    return None if in_place and len(first.users) > 1 else first


def _is_relu(node: fx.Node, layers: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return _layer(node, layers, nn.ReLU) is not None
    return node.target in RELUS if node.op == "call_function" else node.target in ("relu", "relu_")
