"""Each layer's own block of the Hessian, beside the dense matrix."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape_cli import LandscapeError, hessian, plot
from landscape_cli.store import Surface
from landscape_cli.store.export import as_csv

torch.manual_seed(0)
INPUTS, TARGETS = torch.randn(30, 4), torch.arange(30) % 3


def network() -> nn.Module:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.LayerNorm(5), nn.Linear(5, 3))
    model.register_parameter("scale", nn.Parameter(torch.ones(())))
    return model


def dense(model: nn.Module) -> tuple[Tensor, list[str]]:
    """Return the whole Hessian in float64, and the name of the parameter of each row."""
    twin = model.double()
    params = {name: parameter.detach() for name, parameter in twin.named_parameters()}

    def mean(*values: Tensor) -> Tensor:
        outputs = torch.func.functional_call(twin, dict(zip(params, values, strict=True)), (INPUTS.double(),))
        return nn.functional.cross_entropy(outputs, TARGETS)

    blocks = torch.autograd.functional.hessian(mean, tuple(params.values()))
    rows = [
        torch.cat([block.reshape(one.numel(), -1) for block in row], dim=1)
        for one, row in zip(params.values(), blocks, strict=True)
    ]
    return torch.cat(rows), [name for name, one in params.items() for _ in range(one.numel())]


@pytest.mark.parametrize("params", ["all", "weights", ["0.*", "3.bias"]])
def test_the_ends_are_those_of_each_block(tmp_path: Path, params: str | list[str]) -> None:
    def blocks() -> Surface:
        options = {"params": params, "tolerance": 1e-4, "precision": "fp64", "out": tmp_path / "layers.h5"}
        return hessian(network(), nn.CrossEntropyLoss(), (INPUTS, TARGETS), by="layer", **options)

    found = blocks()
    matrix, names = dense(network())
    wanted = {
        "all": {"scale": ["scale"], "0": ["0.weight", "0.bias"], "2": ["2.weight", "2.bias"]}
        | {"3": ["3.weight", "3.bias"]},
        "weights": {"0": ["0.weight"], "3": ["3.weight"]},
    }.get(str(params), {"0": ["0.weight", "0.bias"], "3": ["3.bias"]})
    assert found.layers == list(wanted)
    for number, own in enumerate(wanted.values()):
        rows = [row for row, name in enumerate(names) if name in own]
        eigenvalues = np.linalg.eigvalsh(matrix[rows][:, rows].numpy())
        scale = 1e-3 * abs(eigenvalues).max()
        assert found.values["train/largest_eigenvalue"][number] == pytest.approx(eigenvalues[-1], abs=scale)
        assert found.values["train/smallest_eigenvalue"][number] == pytest.approx(eigenvalues[0], abs=scale)
    table = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [row["layer"] for row in table] == list(wanted)
    again = blocks()
    np.testing.assert_array_equal(again.values["train/residual"], found.values["train/residual"])


def test_a_row_a_layer_and_a_panel_a_file(tmp_path: Path) -> None:
    found = hessian(network(), nn.CrossEntropyLoss(), (INPUTS, TARGETS), out=tmp_path / "a.h5", by="layer")
    figure = plot([found, found])
    assert len(figure.axes) == 2
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["0", "3"]
    shown = figure.axes[1].get_lines()[0].get_xdata()
    np.testing.assert_array_equal(shown, found.values["train/largest_eigenvalue"])
    low, high = figure.axes[0].get_ylim()
    assert low > high  # the first layer on top
    other = hessian(
        network(), nn.CrossEntropyLoss(), (INPUTS, TARGETS), out=tmp_path / "b.h5", by="layer", params="3.*"
    )
    with pytest.raises(LandscapeError, match="not of the same layers"):
        plot([found, other])


def test_layers_are_at_the_weights_alone(tmp_path: Path) -> None:
    options = {"out": tmp_path / "never.h5", "by": "layer"}
    with pytest.raises(LandscapeError, match="leave out x and y"):
        hessian(network(), nn.CrossEntropyLoss(), (INPUTS, TARGETS), x=(-1, 1, 3), **options)
    with pytest.raises(LandscapeError, match="no by 'tensor'; choose from layer"):
        hessian(network(), nn.CrossEntropyLoss(), (INPUTS, TARGETS), **{**options, "by": "tensor"})
