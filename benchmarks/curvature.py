"""What the curvature of a loss costs, beside PyHessian, curvlinops and hessian-eigenthings.

Four tasks on one network and the same images, in the same batches: a product with the Hessian; the ten
largest eigenvalues to 1e-3; the density by stochastic Lanczos quadrature; the trace by 99 products. The tools
are no dependencies: `pip install pyhessian curvlinops-for-pytorch hessian-eigenthings`. PyHessian's power
iteration finds eigenvalues by magnitude, and its trace has its own rule to stop; hessian-eigenthings takes as
many Lanczos steps as it is told, twice what is needed here for the ten largest.
"""

import math
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks import arguments, machine
from benchmarks.alternating import Contestant, alternate, ratios, spread, table
from benchmarks.whole_process import own_peak
from benchmarks.workload import AS_THE_COMMANDS, Work
from landscape_cli.architectures.build import build
from landscape_cli.curvature.lanczos import eigenpairs
from landscape_cli.curvature.products import Hessian
from landscape_cli.curvature.quadrature import quadrature
from landscape_cli.curvature.trace import moments
from landscape_cli.data.load import Dataset, load
from landscape_cli.evaluation.batches import Batch, rebatched
from landscape_cli.evaluation.losses import objective

LARGEST, TOLERANCE, MATVECS, STEPS_TOLD = 10, 1e-3, 99, 80
BATCH = 64
TASKS = ("product", "eigenvalues", "density", "trace")
TOOLS = {"landscape": "landscape_cli", "PyHessian": "pyhessian"}
TOOLS |= {"curvlinops": "curvlinops", "hessian-eigenthings": "hessian_eigenthings"}


class Took(NamedTuple):
    """What a turn took, and found.

    Attributes:
        seconds: of processor time.
        mebibytes: by which the process has grown at its largest, beyond libraries, network and data.
        value: the number that was asked for; NaN: the tool cannot do that on this torch.
    """

    seconds: float
    mebibytes: float
    value: float


def problem(work: Work) -> tuple[nn.Module, list[Batch]]:
    """Return a network and its data in batches: images, or equations for a transformer."""
    if work.network != "transformer":
        split = work.split()
        return work.model(), rebatched([(split.inputs, split.targets)], BATCH)
    data: Dataset = load(
        {"name": "modular", "operation": "add", "p": 47, "fraction": 0.5, "scaling": "tokens"},
        torch.device("cpu"),
    )
    torch.manual_seed(0)
    architecture = {
        "name": "transformer",
        "layers": 2,
        "width": 64,
        "heads": 4,
        "activation": "relu",
        "dropout": 0.0,
    }
    model = build(architecture, {"name": "layer"}, data.input_shape, data.classes, data.vocabulary)
    images = slice(work.images)
    return model.eval(), rebatched([(data.train.inputs[images], data.train.targets[images])], BATCH)


def landscape(work: Work, task: str, probes: int, steps: int) -> Callable[[], float]:
    """Return the work of a turn of this package."""
    model, parts = problem(work)
    matrix = Hessian(model, parts, objective("cross_entropy"), "all")
    random = np.random.RandomState
    return {
        "product": lambda: float(matrix.product(np.ones(matrix.size)).sum()),
        "eigenvalues": lambda: float(
            eigenpairs(matrix.product, matrix.size, LARGEST, 0, random(0), tolerance=TOLERANCE).values[-1]
        ),
        "density": lambda: float(
            np.max(quadrature(matrix.products, matrix.size, steps, probes, random(0)).nodes)
        ),
        "trace": lambda: moments(matrix.products, matrix.size, MATVECS // 3, random(0)).trace,
    }[task]


def pyhessian(work: Work, task: str, probes: int, steps: int) -> Callable[[], float]:
    """Return the work of a turn of PyHessian."""
    from pyhessian import hessian

    model, parts = problem(work)
    how: dict[str, Any] = {"data": parts[0]} if len(parts) == 1 else {"dataloader": parts}
    matrix = hessian(model, F.cross_entropy, cuda=False, **how)
    ones = [torch.ones_like(one) for one in matrix.params]

    def product() -> float:
        from pyhessian.utils import group_product, hessian_vector_product

        if len(parts) > 1:
            return float(group_product(matrix.dataloader_hv_product(ones)[1], ones))
        return float(group_product(hessian_vector_product(matrix.gradsH, matrix.params, ones), ones))

    return {
        "product": product,
        "eigenvalues": lambda: max(matrix.eigenvalues(tol=TOLERANCE, top_n=LARGEST)[0]),
        "density": lambda: float(np.max(matrix.density(iter=steps, n_v=probes)[0])),
        "trace": lambda: float(np.mean(matrix.trace(maxIter=MATVECS, tol=0))),
    }[task]


def curvlinops(work: Work, task: str, probes: int, steps: int) -> Callable[[], float]:
    """Return the work of a turn of curvlinops, with SciPy's ARPACK for eigenvalues."""
    import curvlinops as library
    from scipy.sparse.linalg import eigsh

    model, parts = problem(work)
    matrix = library.HessianLinearOperator(
        model, nn.CrossEntropyLoss(), list(model.parameters()), parts, check_deterministic=False
    )
    ones = torch.ones(matrix.shape[1])
    return {
        "product": lambda: float((matrix @ ones).sum()),
        "eigenvalues": lambda: float(
            eigsh(
                matrix.to_scipy(), k=LARGEST, which="LA", tol=TOLERANCE, return_eigenvectors=False, v0=ones
            ).max()
        ),
        "density": lambda: float(
            library.lanczos_approximate_spectrum(matrix, ncv=steps, num_repeats=probes)[0].max()
        ),
        "trace": lambda: float(library.hutchpp_trace(matrix, MATVECS)),
    }[task]


def eigenthings(work: Work, task: str, probes: int, steps: int) -> Callable[[], float]:
    """Return the work of a turn of hessian-eigenthings."""
    import hessian_eigenthings as library

    model, parts = problem(work)
    matrix = library.HessianOperator(model, parts, library.supervised_loss(nn.CrossEntropyLoss()))
    ones = torch.ones(matrix.size)
    return {
        "product": lambda: float(matrix.matvec(ones).sum()),
        "eigenvalues": lambda: float(
            max(
                library.lanczos(
                    matrix,
                    k=LARGEST,
                    which="LA",
                    tol=TOLERANCE,
                    max_iter=STEPS_TOLD,
                    reorthogonalize=True,
                    seed=0,
                ).eigenvalues
            )
        ),
        "density": lambda: float(
            library.spectral_density(matrix, num_runs=probes, lanczos_steps=steps, seed=0).grid.max()
        ),
        "trace": lambda: float(library.hutch_plus_plus(matrix, num_matvecs=MATVECS, seed=0).estimate),
    }[task]


WAYS = dict(zip(TOOLS, (landscape, pyhessian, curvlinops, eigenthings), strict=True))


def measured(tool: str, work: Work, task: str, probes: int, steps: int) -> Callable[[], Took]:
    """Return the work of a turn, which tells what it took.

    Attention is computed without fused kernels, which have no second derivative: this package does so by
    itself.
    """
    import_module(TOOLS[tool])
    problem(work)  # what it leaves to the allocator is there for the one that is used
    before = own_peak()
    with sdpa_kernel(SDPBackend.MATH):
        turn = WAYS[tool](work, task, probes, steps)

    def measured_turn() -> Took:
        started = time.process_time()
        try:
            with sdpa_kernel(SDPBackend.MATH):
                value = turn()
        except RuntimeError as error:
            print(f"{tool}, {task}: {error}", file=sys.stderr)
            return Took(math.nan, math.nan, math.nan)
        return Took(time.process_time() - started, own_peak() - before, value)

    return measured_turn


def main() -> None:
    """Print a table a network."""
    parser = arguments.parser(__doc__, rounds=3)
    arguments.add_images(parser, images=512)
    arguments.add_networks(parser, "resnet20", "transformer")
    parser.add_argument("--tools", nargs="+", default=list(TOOLS), help="of those that are installed")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), help="%(default)s")
    parser.add_argument("--probes", type=int, default=10, help="of the density (%(default)s)")
    parser.add_argument("--steps", type=int, default=80, help="of the density (%(default)s)")
    asked = parser.parse_args()
    tools = [name for name in asked.tools if find_spec(TOOLS[name]) is not None]
    print(f"# Curvature on {asked.images:,} samples\n\n{machine.described()}\n")
    for network in asked.networks:
        work, rows = Work(network, asked.images, asked.data), []
        for task in asked.tasks:
            with ExitStack() as stack:
                contestants = {
                    tool: stack.enter_context(
                        Contestant(
                            partial(measured, tool, work, task, asked.probes, asked.steps),
                            AS_THE_COMMANDS if tool == "landscape" else None,
                        )
                    )
                    for tool in tools
                }
                found = alternate(contestants, asked.rounds)
            seconds = {tool: [turn.seconds for turn in turns] for tool, turns in found.items()}
            rows += [
                [
                    task if tool == "landscape" else "",
                    tool,
                    spread(seconds[tool], ".3g"),
                    "" if tool == "landscape" else spread(ratios(seconds[tool], seconds["landscape"]), ".3g"),
                    f"{max(turn.mebibytes for turn in found[tool]):,.0f}",
                    f"{statistics.median(turn.value for turn in found[tool]):.4g}",
                ]
                for tool in tools
            ]
        head = ("task", "tool", "processor seconds", "times those of landscape", "memory, MiB", "value")
        print(f"## {network}\n\n{table(head, rows)}\n", flush=True)


if __name__ == "__main__":
    main()
