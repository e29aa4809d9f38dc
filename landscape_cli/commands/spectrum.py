"""`landscape spectrum`: eigenvalues of the Hessian, Gauss-Newton or Fisher matrix at a run's epochs."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from landscape_cli import checkpoint, store
from landscape_cli import device as devices
from landscape_cli.curvature.options import SpectrumOptions
from landscape_cli.curvature.spectrum_field import SpectrumField
from landscape_cli.evaluation.options import Options
from landscape_cli.evaluation.problem import classifier
from landscape_cli.runs import open_run
from landscape_cli.schemas.curvature import SpectrumConfig
from landscape_cli.solutions import Solution, load_dataset
from landscape_cli.store.spectrum import NAMES
from landscape_cli.surfaces.compute import Header, compute
from landscape_cli.surfaces.known_solutions import known_solutions
from landscape_cli.workers import processes


def run(config: SpectrumConfig) -> Path | None:
    """Put the spectra into the file `config.out`, print a table of them; return the file.

    A process that only helps another one returns None.
    """
    with processes.group(str(Path(config.out or "").absolute())) as group:
        out = _run(config, group)
    if out is not None:
        print(table(store.read(out), config.split))
    return out


def _run(config: SpectrumConfig, group: processes.Group) -> Path | None:
    trained = open_run(config.run, key="run")
    if config.epoch == "all":
        epochs = trained.epochs()
    else:
        asked = config.epoch if isinstance(config.epoch, list) else [config.epoch]
        epochs = sorted({trained.epoch(which) for which in asked})
    device = devices.resolve(config.device)
    dataset = load_dataset(trained.config, device, trust=config.trust, location=config.dataset)
    solutions = [Solution(trained, epoch) for epoch in epochs]
    model = solutions[-1].network(dataset, trust=config.trust)
    problem = classifier(model, dataset, trained.config["loss"], [config.split])

    def weights(number: int) -> Mapping[str, Tensor]:
        return dict(checkpoint.load(trained.checkpoint_path(epochs[number]))["model"])

    field = SpectrumField(
        problem, config.part(SpectrumOptions), np.array(epochs, dtype=np.float64), weights, config.by
    )
    known = known_solutions(
        solutions,
        [(float(epoch), 0.0) for epoch in epochs],
        dataset,
        [config.split],
        # each epoch has running statistics of its own
        Options(samples=config.samples, batchnorm="interpolate"),
    )
    return compute(
        group, Path(config.out or ""), field, Header(dataclasses.asdict(config), trained.config, known)
    )


def table(found: store.Surface, split: str) -> str:
    """Return a row for each layer and epoch: loss, extreme eigenvalues, trace and Frobenius norm."""
    spectra = found.spectrum
    assert spectra is not None
    rows = [["", "loss", "largest", "smallest", "trace", "Frobenius norm"]]
    for index in np.ndindex(found.evaluated.shape):
        values = {name.partition("/")[2]: float(array[index]) for name, array in found.values.items()}
        name = f"epoch {found.x[index[-1]]:.0f}"
        if spectra.layers is not None:
            name = f"{spectra.layers[index[0]]}, {name}"
        ends = [
            f"{values[end]:.5g}" if end in values else ""
            for end in ("largest_eigenvalue", "smallest_eigenvalue")
        ]
        sums = [_with_error(values, "trace"), _with_error(values, "frobenius_norm")]
        rows.append([name, f"{values['loss']:.5g}", *ends, *sums])
    kept = [column for column in zip(*rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in kept]
    first = (spectra.layers is None and f"{split} loss") or f"{split} loss, blocks of layers"
    lines = [f"eigenvalues of the {NAMES[spectra.operator]} of the {first}"]
    for row in zip(*kept, strict=True):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _with_error(values: Mapping[str, float], name: str) -> str:
    if name not in values:
        return ""
    error = values[f"{name}_error"]
    return f"{values[name]:.5g}" + (f" ± {error:.2g}" if error else "")
