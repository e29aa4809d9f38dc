"""Many small trainings at once: networks of one architecture, each with its weights and data, as one batch.

The weights of K networks lie in one tensor a parameter, (K, *shape), and torch.func.vmap runs all networks in
one pass (a linear layer becomes one batched matrix product). The gradient of the sum of their losses is the
gradient of each with respect to its own weights, and all optimizers but those of `WHOLE` work on each number
by itself, so that each network is trained as it would be alone, to rounding; tests compare both.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from landscape_cli.data.batches import epoch_batches
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.training import optimizers

Goal = Callable[[Tensor, Tensor], Tensor]
"""Outputs (K, n, outputs) and losses (K, n) -> which of the K networks have reached it, (K,) of bool."""


WHOLE = ("entropy_sgd", "lars")  # look at norms of layers, or draw for all networks: not to be stacked


class Ended(NamedTuple):
    """Where K trainings ended.

    Attributes:
        epochs: (K,) int64, epochs that each network took.
        reached: (K,) bool, which of them met the goal.
    """

    epochs: Tensor
    reached: Tensor


class Stack:
    """K networks of one architecture, run as one.

    Args:
        models: of the same parameters and code, on one device, in one precision; copied. Without buffers
            (so without BatchNorm) and without dropout.

    Attributes:
        parameters: name -> (K, *shape).

    Raises:
        LandscapeError: there are none, they have buffers, or their parameters differ.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        shapes = [{name: tuple(each.shape) for name, each in model.named_parameters()} for model in models]
        if not models or any(each != shapes[0] for each in shapes):
            raise LandscapeError(
                "networks are trained together where all have the same parameters; got others"
            )
        if any(True for _ in models[0].buffers()):
            raise LandscapeError(
                "networks with buffers (BatchNorm) are not trained together; say normalization=none"
            )
        self._skeleton = models[0]
        stacked = stack_module_state(list(models))[0]
        self.parameters = {name: nn.Parameter(each.detach()) for name, each in stacked.items()}

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return the outputs (K, n, outputs) for inputs (K, n, *input_shape), each network's own."""

        def one(parameters: dict[str, Any], samples: Tensor) -> Tensor:
            out: Tensor = functional_call(self._skeleton, parameters, (samples,))
            return out

        return vmap(one)(self.parameters, inputs)

    def keep(self, which: Tensor) -> None:
        """Go on with the networks at these places, (k,) int64."""
        self.parameters = {name: nn.Parameter(each.detach()[which]) for name, each in self.parameters.items()}

    @torch.no_grad()
    def write(self, models: Sequence[nn.Module], places: Sequence[int]) -> None:
        """Copy the weights of the networks at `places` into `models`, one each."""
        for model, place in zip(models, places, strict=True):
            for name, parameter in model.named_parameters():
                parameter.copy_(self.parameters[name][place])


def shared(samples: Tensor, count: int) -> Tensor:
    """Return (count, *shape) of one tensor for all networks, without a copy."""
    return samples.expand(count, *samples.shape)


def outputs_of(models: Sequence[nn.Module], inputs: Tensor) -> Tensor:
    """Return the outputs (K, n, outputs) of K networks for the same inputs (n, *input_shape)."""
    with torch.no_grad():
        return Stack(models).outputs(shared(inputs, len(models)))


def losses_of(loss: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return each network's loss of each sample, (K, n).

    Args:
        loss: one of `landscape_cli.evaluation.options.LOSSES`.
        outputs: (K, n, outputs).
        targets: (K, n) or (K, n, outputs), as for `per_sample_loss`.
    """
    return per_sample_loss(loss, outputs.flatten(0, 1), targets.flatten(0, 1)).view(outputs.shape[:2])


def train_stacked(
    models: Sequence[nn.Module],
    inputs: Tensor,
    targets: Tensor,
    *,
    loss: str,
    optimizer: dict[str, Any],
    epochs: int,
    batch_size: int | str = "full",
    orders: Sequence[Generator] = (),
    rate: Callable[[int], float] | None = None,
    goal: Goal | None = None,
    look_every: int = 1,
) -> Ended:
    """Train K networks, in place, each as if it were alone; one that has met the goal stays as it is.

    A network that diverges becomes NaN by itself; the others do not feel it.

    Args:
        models: as for `Stack`; their weights become the trained ones.
        inputs: (K, n, *input_shape), of the models' precision; `shared` makes them of one data set.
        targets: (K, n) or (K, n, outputs).
        loss: minimized is its mean over a batch; one of `landscape_cli.evaluation.options.LOSSES`.
        optimizer: ``name`` and options, as in ``conf/optimizer``, but for SAM's.
        epochs: passes over the samples, at most.
        batch_size: samples a step, or ``full``: gradient descent.
        orders: for batches, a CPU generator for each network, which draws its order of samples.
        rate: epoch from 0 -> factor of the learning rate.
        goal: what is looked at before every `look_every`-th epoch, on all samples, and after the last.
        look_every: epochs.

    Raises:
        LandscapeError: as `Stack` and `optimizers.build`; the optimizer is one of `WHOLE`;
            the numbers of networks, data and orders differ.
    """
    full = batch_size == "full"
    counts = {"inputs": len(inputs), "targets": len(targets), **({} if full else {"orders": len(orders)})}
    for name, count in counts.items():
        if count != len(models):
            raise LandscapeError(
                f"{len(models)} networks are to be trained together, and {name} are of {count}"
            )
    stack = Stack(models)
    if optimizer["name"] in WHOLE:
        raise LandscapeError(
            f"optimizer={optimizer['name']} does not work on each weight by itself, as stacked networks need;"
            " train them one by one"
        )
    steps = optimizers.build(optimizer, stack.parameters.values())
    lr = steps.param_groups[0]["lr"]
    active = torch.arange(len(models))
    ended = Ended(torch.full((len(models),), epochs), torch.zeros(len(models), dtype=torch.bool))

    for epoch in range(epochs + 1):
        if goal is not None and (epoch % look_every == 0 or epoch == epochs):
            with torch.no_grad():
                outputs = stack.outputs(inputs)
                done = goal(outputs, losses_of(loss, outputs, targets)).cpu()
            if done.any():
                finished = active[done]
                stack.write([models[place] for place in finished], done.nonzero().flatten().tolist())
                ended.epochs[finished], ended.reached[finished] = epoch, True
                going = (~done).nonzero().flatten()
                active, inputs, targets = active[going], inputs[going], targets[going]
                orders = [orders[place] for place in going] if orders else orders
                stack.keep(going)
                steps = _kept(steps, optimizer, stack, going)
        if not len(active) or epoch == epochs:
            break
        for group in steps.param_groups:
            group["lr"] = lr * (rate(epoch) if rate else 1.0)
        for own_inputs, own_targets in _batches(inputs, targets, batch_size, orders):
            steps.zero_grad()
            each = losses_of(loss, stack.outputs(own_inputs), own_targets).mean(dim=1)
            each.sum().backward()
            steps.step()
    stack.write([models[place] for place in active], range(len(active)))
    return ended


def _batches(
    inputs: Tensor, targets: Tensor, batch_size: int | str, orders: Sequence[Generator]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of an epoch, (K, batch, …), each network's in its own order."""
    if batch_size == "full":
        yield inputs, targets
        return
    network = torch.arange(len(inputs))[:, None]
    drawn = [epoch_batches(inputs.shape[1], batch_size, order) for order in orders]
    for batch in zip(*drawn, strict=True):
        places = torch.stack(batch)
        yield inputs[network, places], targets[network, places]


def _kept(
    steps: torch.optim.Optimizer, optimizer: dict[str, Any], stack: Stack, which: Tensor
) -> torch.optim.Optimizer:
    """Return an optimizer that goes on with the networks at these places; counts of steps are of all."""
    state = steps.state_dict()
    state["state"] = {
        number: {
            name: each[which] if isinstance(each, Tensor) and each.ndim else each
            for name, each in values.items()
        }
        for number, values in state["state"].items()
    }
    kept = optimizers.build(optimizer, stack.parameters.values())
    kept.load_state_dict(state)
    return kept
