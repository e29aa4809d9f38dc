"""Torch's optimizers without what keeps its compiler off them: importing that takes a second."""

import inspect

import torch


def without_compiler(kind: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """Return the optimizer with methods that are not wrapped into what keeps torch's compiler off them.

    That imports the compiler, which takes a second, and nothing here compiles an optimizer's step.
    """
    names = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    return type(kind.__name__, (kind,), {**methods, "step": torch.no_grad()(inspect.unwrap(kind.step))})
