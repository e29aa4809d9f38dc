"""`landscape hessian`: maps against dense matrices, resuming, refusing."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from contract.made import attributes, direction, network, succeed, values

from conftest import Landscape
from landscape_cli import cli, store
from landscape_cli.curvature import hessian_field
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.plots.draw import draw

RUN = [
    "train",
    "dataset.train_size=100",
    "dataset.test_size=50",
    "architecture.widths=[6]",
    "batch_size=20",
    "epochs=2",
    "out=run",
]
GRID = ["x=[-1,1,3]", "y=[-0.5,1,3]"]
NAMES = {
    *("loss", "accuracy", "largest_eigenvalue", "smallest_eigenvalue", "eigenvalue_ratio"),
    *("residual", "products"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hessian")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in (RUN, ["hessian", "run=run", *GRID, "out=map.h5"]):
            patch.setattr(sys, "argv", ["landscape", *words])
            assert cli.main() == 0
        yield folder


@pytest.fixture
def here(landscape: Landscape, made: Path, monkeypatch: pytest.MonkeyPatch) -> Landscape:
    monkeypatch.chdir(made)
    return landscape


def spectrum(
    path: Path, place: dict[str, float], split: str = "train", params: str = "weights"
) -> np.ndarray:
    """Eigenvalues of the dense Hessian of the mean loss at a point of a file's plane, in float64."""
    model, data = network(path.parent / "run")
    model.double().eval()
    with torch.no_grad():
        for axis, coordinate in place.items():
            for name, entries in direction(path, axis).items():
                model.get_parameter(name).add_(entries.double(), alpha=coordinate)
    samples = getattr(data, split)
    loss = per_sample_loss("cross_entropy", model(samples.inputs.double()), samples.targets).mean()
    weights = [parameter for parameter in model.parameters() if params == "all" or parameter.ndim > 1]
    gradient = torch.autograd.grad(loss, weights, create_graph=True)
    flat = torch.cat([part.flatten() for part in gradient])
    rows = [
        torch.cat([part.flatten() for part in torch.autograd.grad(flat, weights, row, retain_graph=True)])
        for row in torch.eye(len(flat), dtype=torch.float64)
    ]
    return np.linalg.eigvalsh(torch.stack(rows).numpy())


def check(content: dict[str, Any], index: tuple[int, ...], eigenvalues: np.ndarray, tolerance: float) -> None:
    split = "train" if "train/loss" in content else "test"
    scale = 0.1 * np.abs(eigenvalues[[0, -1]]).max()
    for name, expected in (("smallest", eigenvalues[0]), ("largest", eigenvalues[-1])):
        value = content[f"{split}/{name}_eigenvalue"][index]
        assert abs(value - expected) <= tolerance * (abs(expected) + scale)
    ratio = abs(eigenvalues[0] / eigenvalues[-1])
    assert content[f"{split}/eigenvalue_ratio"][index] == pytest.approx(
        ratio, rel=tolerance, abs=2 * tolerance
    )
    assert 0 <= content[f"{split}/residual"][index] <= tolerance


@pytest.mark.parametrize("precision", ["fp32", "fp64"])
def test_a_map_is_that_of_dense_matrices(here: Landscape, made: Path, precision: str) -> None:
    out = "map.h5" if precision == "fp32" else "fine.h5"
    tolerance = 1e-2 if precision == "fp32" else 1e-8
    more = [] if precision == "fp32" else ["precision=fp64", "tolerance=1e-8"]
    assert succeed(here, "hessian", "run=run", *GRID, *more, f"out={out}") == out
    content = values(made / out)
    assert {name for name in content if "/" in name} == {f"train/{name}" for name in NAMES}
    for index in ((1, 1), (0, 0), (0, 2), (2, 1)):
        place = {"x": content["x"][index[1]], "y": content["y"][index[0]]}
        check(content, index, spectrum(made / out, place), tolerance)


def test_the_loss_and_the_plane_are_those_of_surface(here: Landscape, made: Path) -> None:
    succeed(here, "surface", "run=run", *GRID, "splits=train", "out=surface.h5")
    content, surface = values(made / "map.h5"), values(made / "surface.h5")
    for name, array in surface.items():
        np.testing.assert_array_equal(content[name], array)
    assert attributes(made / "map.h5")["origin_check"] == attributes(made / "surface.h5")["origin_check"]


@pytest.mark.parametrize("words", [[], ["params=all"], ["split=test", "batch_size=17"]])
def test_a_point_prints_what_it_found(here: Landscape, made: Path, words: list[str]) -> None:
    out = f"{'_'.join(['point', *words]).replace('=', '-')}.h5"
    outcome = here("hessian", "run=run", "x=null", "y=null", *words, f"out={out}")
    assert outcome.status == 0, outcome.err
    content = values(made / out)
    eigenvalues = spectrum(
        made / out,
        {},
        "test" if "split=test" in words else "train",
        "all" if "params=all" in words else "weights",
    )
    assert content["x"].tolist() == [0.0]
    check(content, (0,), eigenvalues, 1e-2)
    (told,) = re.findall(r"at the run's weights: largest eigenvalue ([\d.]+), smallest", outcome.out)
    assert float(told) == pytest.approx(eigenvalues[-1], rel=1e-2)
    outcome = here("plot", f"file={out}", "value=eigenvalue_ratio")
    assert (outcome.status, "holds a single point" in outcome.err) == (1, True)


def test_each_point_begins_at_the_one_before(
    here: Landscape, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    find = hessian_field.extremes

    def noted(*arguments: Any) -> Any:
        begun.append(arguments[-1])
        return find(*arguments)

    monkeypatch.setattr(hessian_field, "extremes", noted)
    succeed(here, "hessian", "run=run", "x=[-1,1,4]", "y=null", "out=line.h5")
    assert begun[0] is None
    assert all(start is not None for start in begun[1:])
    products = values(made / "line.h5")["train/products"]
    assert products[1:].mean() < products[0]


def test_it_goes_on_where_it_was_interrupted(
    here: Landscape, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, left = hessian_field.extremes, 5

    def interrupted(*arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return find(*arguments)

    monkeypatch.setattr(hessian_field, "extremes", interrupted)
    line = ["hessian", "run=run", *GRID, "out=resumed.h5"]
    assert here(*line).status == 130
    assert np.isfinite(values(made / "resumed.h5")["train/residual"]).sum() == 5
    left = 4  # no more than are missing
    succeed(here, *line)
    resumed, whole = values(made / "resumed.h5"), values(made / "map.h5")
    for name in ("largest_eigenvalue", "smallest_eigenvalue"):
        scale = np.abs(whole[f"train/{name}"]) + 0.1 * whole["train/largest_eigenvalue"]
        assert (np.abs(resumed[f"train/{name}"] - whole[f"train/{name}"]) <= 1e-2 * scale).all()
    np.testing.assert_array_equal(resumed["train/loss"], whole["train/loss"])
    before = (made / "resumed.h5").read_bytes()
    succeed(here, *line)
    assert (made / "resumed.h5").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run=run", *GRID, "tolerance=1e-3", "out=map.h5"], "tolerance: saved 0.01, asked for 0.001"),
        (["run=run", *GRID, "params=all", "out=map.h5"], "params: saved weights, asked for all"),
        (["run=run", "epoch=init", *GRID, "out=map.h5"], "epoch: saved last, asked for init"),
        (["run=run", "x=null"], "x=null needs y=null"),
        (["run=run", "x=[1,0,3]"], "x must be first:last:count"),
        (["run=run", "params=bases"], "params=bases: no parameter has such a name; choose all"),
        (["run=run", "precision=bf16"], "no precision 'bf16'; choose from fp32, fp64"),
        (["run=run", "tolerance=0"], "tolerance must be a number between 0 and 1, got 0"),
        (["run=run", "samples=0"], "samples must be a positive whole number or null, got 0"),
        (["run=run", "samples=1000"], "samples=1000 is more than the 100 of the train split"),
        (["run=run", "split=both"], "no split 'both'"),
        (["run=run", "direction.norm=filters"], "filters"),
        (["run=run", "direction.seed=-1"], "direction.seed must be a whole number of zero or more, got -1"),
        (["run=run", "direction=runs", "direction.to=run"], "no direction 'runs'; choose from random"),
        (["run=nowhere"], "run=nowhere is no run folder"),
        ([], "missing: run; say run="),
        (["run=run", "out=run"], "out=run is a folder"),
    ],
)
def test_what_cannot_be_is_refused(here: Landscape, made: Path, words: list[str], expected: str) -> None:
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    outcome = here("hessian", *words)
    assert outcome.status == 1
    assert expected in outcome.err
    assert before == {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}


def test_a_checkpoint_whose_loss_is_not_the_recorded_one_is_refused(here: Landscape, made: Path) -> None:
    path = made / "run" / "checkpoints" / "epoch_0002.pt"
    before = path.read_bytes()
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["model"]["1.weight"] += 0.5
    torch.save(checkpoint, path)
    try:
        outcome = here("hessian", "run=run", *GRID, "out=tampered.h5")
    finally:
        path.write_bytes(before)
    assert (outcome.status, "but its training recorded" in outcome.err) == (1, True)
    assert not (made / "tampered.h5").exists()


def test_a_loss_that_is_not_finite_has_no_hessian(here: Landscape, made: Path) -> None:
    outcome = here("hessian", "run=run", "x=[-1e38,1e38,3]", "y=null", "out=far.h5")
    assert outcome.status == 0
    assert "2 points have no finite loss or Hessian, stored as +inf" in outcome.err
    content = values(made / "far.h5")
    assert np.isinf(content["train/largest_eigenvalue"]).tolist() == [True, False, True]


def test_a_tolerance_that_is_not_reached_is_told(here: Landscape) -> None:
    outcome = here("hessian", "run=run", "x=null", "y=null", "tolerance=1e-12", "out=strict.h5")
    assert outcome.status == 0
    assert (
        "1 of 1 points did not reach tolerance=1e-12; their residuals, in the file, are up to" in outcome.err
    )


def test_the_map_is_drawn(here: Landscape, made: Path) -> None:
    """The ratio on the colours of the paper's figure 7, from 0 to 0.5, where no levels are asked for."""
    assert (
        succeed(here, "plot", "file=map.h5", "kind=heatmap", "value=eigenvalue_ratio", "out=m.png") == "m.png"
    )
    surface = store.read(made / "map.h5")
    for value, levels, limits in (
        ("eigenvalue_ratio", None, (0, 0.5)),
        ("eigenvalue_ratio", [0.1, 0.2], (0.1, 0.2)),
        ("smallest_eigenvalue", None, None),
    ):
        figure = draw([surface], kind="heatmap", value=value, levels=levels)
        stored = surface.values[f"train/{value}"]
        assert figure.axes[0].collections[0].get_clim() == (limits or (stored.min(), stored.max()))
    assert "Hessian" in figure.axes[1].get_ylabel()
    draw([surface], kind="contour", value="eigenvalue_ratio", scale="log")


def test_the_map_is_what_is_drawn_unless_asked_otherwise(here: Landscape, made: Path) -> None:
    assert succeed(here, "plot", "file=map.h5", "out=map.png") == "map.png"
    assert (
        succeed(here, "plot", "file=map.h5", "value=eigenvalue_ratio", "kind=heatmap", "out=m.png") == "m.png"
    )
    assert (made / "map.png").read_bytes() == (made / "m.png").read_bytes()


def test_a_line_is_drawn_and_what_is_not_there_is_not(here: Landscape, made: Path) -> None:
    succeed(here, "hessian", "run=run", "x=[-1,1,4]", "y=null", "out=line.h5")
    assert succeed(here, "plot", "file=line.h5", "out=line.png") == "line.png"
    succeed(here, "surface", "run=run", "x=[-1,1,2]", "y=null", "out=loss.h5")
    outcome = here("plot", "file=loss.h5", "value=eigenvalue_ratio")
    assert "loss.h5 has no eigenvalue_ratio; choose value=accuracy or loss" in outcome.err
