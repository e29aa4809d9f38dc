"""BatchNorm whose statistics are those of a whole batch that several processes share."""

from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from landscape_cli.training.twins import twin_of


def synchronized(model: nn.Module, device: torch.device) -> nn.Module:
    """Return a network of the same tensors, parameters and buffers, whose BatchNorm asks all processes.

    On CUDA by torch's `SyncBatchNorm`, which refuses tensors of a CPU; there by `batch_norm`.
    """
    twin = twin_of(model)
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(twin)
        return converted
    for module in twin.modules():
        if isinstance(module, _BatchNorm):
            module.forward = partial(batch_norm, module)  # type: ignore[method-assign]
    return twin


def batch_norm(module: _BatchNorm, inputs: Tensor) -> Tensor:
    """Return what `module` would of the inputs of all processes together, those of this one.

    Args:
        module: in training mode its running statistics are updated, with the variance of N - 1.
        inputs: (n, channels, …); n may differ between processes.
    """
    if not module.training:
        return type(module).forward(module, inputs)
    x = inputs.to(torch.promote_types(inputs.dtype, torch.float32))
    over = [0, *range(2, x.ndim)]
    shape = [1, -1, *[1] * (x.ndim - 2)]
    count = x.new_tensor([x.numel() / x.shape[1]])
    total = _sum_of_all(torch.cat([x.sum(over), count]))
    n, mean = total[-1].detach(), total[:-1] / total[-1]
    centred = x - mean.view(shape)
    variance = _sum_of_all(centred.square().sum(over)) / n
    if module.track_running_stats and module.running_mean is not None and module.running_var is not None:
        assert module.num_batches_tracked is not None
        module.num_batches_tracked += 1
        momentum = 1 / float(module.num_batches_tracked) if module.momentum is None else module.momentum
        with torch.no_grad():
            module.running_mean.lerp_(mean.to(module.running_mean.dtype), momentum)
            module.running_var.lerp_((variance * n / (n - 1)).to(module.running_var.dtype), momentum)
    out = centred * (variance + module.eps).rsqrt().view(shape)
    if module.affine:
        out = out * module.weight.view(shape) + module.bias.view(shape)
    return out.to(inputs.dtype)


class _Sum(torch.autograd.Function):
    """The sum over all processes: each term of it enters the loss of every process."""

    @staticmethod
    def forward(context: Any, term: Tensor) -> Tensor:
        total = term.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _sum_of_all(term: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(term)
    return total
