"""The GPU kit: what is to be measured where there is a GPU, in stages of minutes.

equal: surfaces, interpolations, eigenvalues, trajectories and training on the device against the processor.
cost: a point, a training step, a product with the Hessian, in fp32 and bf16, beside the plain loop.
train: ResNet-56 with and without shortcuts as Li et al. (2018) trained them, several side by side.
plane: the exact 51x51 plane of a ResNet-56 over all training images.

Each leaves <out>/<stage>.json, with what it was measured on. A finished stage is skipped; one whose time ran
out goes on when the same command is given again. Bring --out back, and take it along the next time.
"""

import argparse
from pathlib import Path

from benchmarks.gpu import cost, equal, plane, train
from benchmarks.gpu.stage import Kit
from landscape_cli.device import resolve

STAGES = {"equal": equal.run, "cost": cost.run, "train": train.run, "plane": plane.run}


def main() -> None:
    """Work through the stages, and print a table for each."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stages", nargs="*", help=f"of {', '.join(STAGES)}; none: all, in this order")
    parser.add_argument("--device", default="auto", help="cuda, cuda:0, …, cpu (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("outputs/gpu"), help="the results (%(default)s)")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where CIFAR-10 is (%(default)s)")
    parser.add_argument("--minutes", type=float, default=8, help="of a stage at most (%(default)s)")
    parser.add_argument("--tiny", action="store_true", help="all as small as can be: does the kit work?")
    asked = parser.parse_args()
    unknown = [name for name in asked.stages if name not in STAGES]
    if unknown:
        parser.error(f"no stage {unknown[0]!r}; choose from {', '.join(STAGES)}")
    kit = Kit(resolve(asked.device), asked.out, asked.data.absolute(), asked.tiny, 60 * asked.minutes)
    for name in asked.stages or STAGES:
        if kit.result(name).get("finished"):
            print(f"\n{name}: finished before; {asked.out / name}.json")
            continue
        print(f"\n# {name} on {kit.device}\n\n{STAGES[name](kit)}", flush=True)


if __name__ == "__main__":
    main()
