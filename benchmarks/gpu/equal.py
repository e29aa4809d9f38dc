"""Stage `equal`: what the device computes is what the processor computes, case by case, to a tolerance."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.alternating import table
from benchmarks.gpu.stage import Kit
from landscape_cli.arrays import Array
from landscape_cli.runs import open_run
from landscape_cli.store import read

RESNET = ["dataset=digits", "architecture=resnet", "normalization=batch", "dataset.train_size=400"]
MLP = ["dataset=digits", "architecture=mlp", "checkpoint_every=1"]
CNN = ["dataset=digits", "architecture=cnn", "normalization=batch", "dataset.train_size=400"]
GRID = ["x=-0.5:0.5:5", "y=-0.5:0.5:5"]


@dataclass(frozen=True)
class Case:
    """Words of a command, compared value by value.

    Attributes:
        words: the command; `{run}` and `{other}` are folders of trainings on the processor.
        tolerance: of the largest difference, relative to the larger of the value and 1e-3.
        reason: why that much.
    """

    words: list[str]
    tolerance: float
    reason: str


ROUNDING = "float32 sums in another order"
CASES = {
    "plane, fp32": Case(["surface", "run={run}", *GRID], 2e-5, ROUNDING),
    "plane of a subset, fp32": Case(["surface", "run={run}", *GRID, "samples=100"], 2e-5, ROUNDING),
    "plane, bf16": Case(["surface", "run={run}", *GRID, "precision=bf16"], 3e-2, "8 bits of mantissa"),
    "interpolation, statistics interpolated": Case(
        ["interpolate", "from_run={run}", "to_run={other}", "alpha=0:1:5"], 2e-5, ROUNDING
    ),
    "interpolation, statistics recomputed": Case(
        ["interpolate", "from_run={run}", "to_run={other}", "alpha=0:1:5", "batchnorm=recompute"],
        2e-4,
        "as above, and in the statistics",
    ),
    "trajectory": Case(["trajectory", "run={mlp}", *GRID], 2e-5, ROUNDING),
    "eigenvalues of the Hessian": Case(
        ["hessian", "run={mlp}", "x=0:0.5:2", "y=0:0.5:2", "samples=100", "tolerance=0.001"],
        5e-3,
        "five times the tolerance of the search",
    ),
    "an epoch of training": Case(
        ["train", *RESNET, "epochs=1", "optimizer.lr=0.01"], 2e-3, "steps add to the rounding"
    ),
    "an epoch of training with Adam": Case(
        ["train", *CNN, "epochs=1", "optimizer=adam"], 2e-2, "Adam divides by small numbers"
    ),
}


def run(kit: Kit) -> str:
    """Compute what is not compared yet; return the table.

    Raises:
        SystemExit: a case differs by more than its tolerance.
    """
    found: dict[str, Any] = kit.result("equal").get("cases", {})
    folders = {
        "run": _trained(kit, "run", [*RESNET, "epochs=2"]),
        "other": _trained(kit, "other", [*RESNET, "epochs=2", "seed=1"]),
        "mlp": _trained(kit, "mlp", [*MLP, "epochs=3"]),
    }
    for name, case in CASES.items():
        if name not in found:
            words = [word.format(**folders) for word in case.words]
            here, there = (_values(kit, name, words, device) for device in ("cpu", str(kit.device)))
            found[name] = _compared(here, there, case)
            kit.keep("equal", {"cases": found}, finished=len(found) == len(CASES))
    rows = [
        [name, f"{each['difference']:.1e}", f"{each['tolerance']:.0e}", each["reason"], each["verdict"]]
        for name, each in found.items()
    ]
    printed = table(["what", "largest difference", "tolerance", "for", "verdict"], rows)
    if any(each["verdict"] != "equal" for each in found.values()):
        raise SystemExit(f"{printed}\nnot all is equal")
    return printed


def _trained(kit: Kit, name: str, words: list[str]) -> Path:
    return kit.landscape("train", *words, f"out={kit.out / 'equal' / name}", "device=cpu")


def _values(kit: Kit, name: str, words: list[str], device: str) -> dict[str, Array]:
    """Return what a command computes on a device: by name of the dataset, or of the column of metrics."""
    place = kit.out / "equal" / f"{name.replace(' ', '_').replace(',', '')}_{device.replace(':', '')}"
    if words[0] == "train":
        rows = open_run(kit.landscape(*words, f"out={place}", f"device={device}")).metrics()
        kept: Callable[[str], bool] = lambda column: column.endswith(("_loss", "_norm"))  # noqa: E731
        return {key: np.array([row[key] for row in rows]) for key in rows[0] if kept(key)}
    surface = read(kit.landscape(*words, f"out={place}.h5", f"device={device}"))
    return {name: values for name, values in surface.values.items() if "residual" not in name}


def _compared(here: dict[str, Array], there: dict[str, Array], case: Case) -> dict[str, Any]:
    differences = {
        name: float(np.max(np.abs(there[name] - values) / np.maximum(np.abs(values), 1e-3)))
        for name, values in here.items()
        if not name.endswith("accuracy")
    }
    worst = max(differences, key=lambda name: differences[name])
    return {
        "difference": differences[worst],
        "of": worst,
        "values": sum(values.size for values in here.values()),
        "tolerance": case.tolerance,
        "reason": case.reason,
        "verdict": "equal" if differences[worst] <= case.tolerance else "differs",
    }
