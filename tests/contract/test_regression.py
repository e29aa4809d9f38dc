"""A regression from the shell: float targets through every command, against float64 twins; no accuracy."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from contract.made import direction, metrics, network, succeed, values

from conftest import Landscape

TRAIN = ["train", "dataset=custom", "architecture.widths=[6]", "architecture.activation=tanh", "epochs=4"]
TRAIN += ["optimizer.lr=0.02", "batch_size=10", "checkpoint_every=1"]
LOSSES = {
    "mse": lambda error: error**2,
    "l1": abs,
    "huber": lambda error: error**2 / 2 if abs(error) <= 1 else abs(error) - 0.5,
}


def write(path: Path, columns: int, samples: int = 40) -> None:
    """Sines of two inputs, as (n, columns), or (n,) for no column; some errors are larger than 1."""
    random = np.random.default_rng(0)
    arrays = {}
    for split, n in (("train", samples), ("test", 20)):
        inputs = random.uniform(-2, 2, (n, 2))
        targets = 2 * np.sin(inputs @ random.normal(size=(2, max(columns, 1))))
        arrays |= {f"{split}_inputs": inputs, f"{split}_targets": targets if columns else targets[:, 0]}
    np.savez(path, **arrays)


def mean_loss(run: Path, loss: str, split: str, moves: Sequence[tuple[float, Any]] = ()) -> float:
    """The mean over the samples of the sum over the outputs, number by number in float64."""
    model, data = network(run, epoch=4)
    model.double().eval()
    with torch.no_grad():
        for coordinate, along in moves:
            for name, entries in along.items():
                model.get_parameter(name).add_(entries.double(), alpha=coordinate)
        samples = getattr(data, split)
        losses = []
        for sample, target in zip(samples.inputs.double(), samples.targets.tolist(), strict=True):
            wanted = target if isinstance(target, list) else [target]
            outputs = model(sample[None])[0].tolist()
            losses.append(sum(LOSSES[loss](a - b) for a, b in zip(outputs, wanted, strict=True)))
    return math.fsum(losses) / len(losses)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("columns", [0, 1, 3])
def test_losses_are_sums_over_the_outputs(
    tmp_path: Path, landscape: Landscape, loss: str, columns: int
) -> None:
    write(tmp_path / "sines.npz", columns)
    succeed(landscape, *TRAIN, "dataset.source=sines.npz", f"loss={loss}", "out=run")
    first, *_, last = metrics(tmp_path / "run")
    for split in ("train", "test"):
        assert last[f"{split}_loss"] == pytest.approx(mean_loss(tmp_path / "run", loss, split), rel=1e-5)
        assert math.isnan(last[f"{split}_accuracy"])
    assert last["train_loss"] < first["train_loss"]
    grid = ["x=[-1,1,3]", "y=[-1,1,3]"]
    succeed(landscape, "surface", "run=run", *grid, "out=s.h5")
    content = values(tmp_path / "s.h5")
    assert set(content) == {"x", "y", "train/loss", "test/loss"}
    axes = {axis: direction(tmp_path / "s.h5", axis) for axis in "xy"}
    for index in ((1, 1), (0, 2), (2, 1)):
        moves = [(content["x"][index[1]], axes["x"]), (content["y"][index[0]], axes["y"])]
        for split in ("train", "test"):
            expected = mean_loss(tmp_path / "run", loss, split, moves)
            assert content[f"{split}/loss"][index] == pytest.approx(expected, rel=1e-5)


@pytest.fixture
def runs(tmp_path: Path, landscape: Landscape) -> Landscape:
    """The command line beside two runs of a regression with two outputs."""
    write(tmp_path / "sines.npz", 2)
    for seed in (0, 1):
        succeed(landscape, *TRAIN, "dataset.source=sines.npz", "loss=mse", f"seed={seed}", f"out=run{seed}")
    return landscape


def test_cheaper_surfaces_select_at_random(tmp_path: Path, runs: Landscape) -> None:
    line = ["x=[-1,1,5]", "y=null"]
    succeed(runs, "surface", "run=run0", *line, "samples=15", "out=subset.h5")
    content = values(tmp_path / "subset.h5")
    assert set(content) == {
        "x",
        *(f"{s}/{name}" for s in ("train", "test") for name in ("loss", "loss_stderr")),
    }
    assert (content["train/loss_stderr"] > 0).all()
    succeed(runs, "surface", "run=run0", *line, "splits=train", "samples=39", "anchors=2", "out=anchors.h5")
    succeed(runs, "surface", "run=run0", *line, "out=whole.h5")
    whole, near = (values(tmp_path / f"{name}.h5")["train/loss"] for name in ("whole", "anchors"))
    np.testing.assert_allclose(near, whole, rtol=0.05)


def test_the_barrier_is_of_the_twins_losses(tmp_path: Path, runs: Landscape) -> None:
    succeed(runs, "interpolate", "from_run=run0", "to_run=run1", "alpha=[0,1,5]", "out=between.h5")
    content = values(tmp_path / "between.h5")
    assert set(content) == {"x", "train/loss", "test/loss"}
    for place, run in ((0, "run0"), (-1, "run1")):
        assert content["test/loss"][place] == pytest.approx(
            mean_loss(tmp_path / run, "mse", "test"), rel=1e-5
        )
    succeed(runs, "plot", "file=between.h5", "out=between.png")
    succeed(runs, "plot", "file=between.h5", "out=between.html")
    assert "accuracy" not in (tmp_path / "between.html").read_text().rpartition("</script>")[0][-20_000:]


def test_a_trajectory_has_no_accuracies(tmp_path: Path, runs: Landscape) -> None:
    succeed(runs, "trajectory", "run=run0", "x=[-1,1,3]", "y=[-1,1,3]", "out=path.h5")
    with h5py.File(tmp_path / "path.h5") as file:
        assert {"train_loss", "test_loss"} == {name for name in file["trajectory"] if "loss" in name}
        assert not any("accuracy" in name for name in file["trajectory"])
    succeed(runs, "plot", "file=path.h5", "out=path.png")
    succeed(runs, "plot", "file=path.h5", "out=path.gif")
    refused = runs("plot", "file=path.h5", "value=accuracy", "out=no.gif")
    assert (refused.status, refused.err.strip()) == (1, "path.h5 has no accuracy; choose value=loss")


def test_the_hessian_is_that_of_the_dense_matrix(tmp_path: Path, runs: Landscape) -> None:
    words = ["x=null", "y=null", "params=all", "precision=fp64", "tolerance=1e-6"]
    succeed(runs, "hessian", "run=run0", *words, "out=map.h5")
    content = values(tmp_path / "map.h5")
    assert "train/accuracy" not in content
    model, data = network(tmp_path / "run0", epoch=4)
    model.double()
    outputs = model(data.train.inputs.double())
    loss = sum(((outputs[:, i] - data.train.targets[:, i].double()) ** 2).mean() for i in range(2))
    weights = list(model.parameters())
    gradient = torch.cat([one.flatten() for one in torch.autograd.grad(loss, weights, create_graph=True)])
    rows = [
        torch.cat([one.flatten() for one in torch.autograd.grad(entry, weights, retain_graph=True)])
        for entry in gradient
    ]
    eigenvalues = np.linalg.eigvalsh(torch.stack(rows).numpy())
    for name, expected in (("largest", eigenvalues[-1]), ("smallest", eigenvalues[0])):
        assert float(content[f"train/{name}_eigenvalue"].squeeze()) == pytest.approx(expected, rel=1e-4)


def test_tables_and_pages_leave_accuracy_out(tmp_path: Path, runs: Landscape) -> None:
    succeed(runs, "surface", "run=run0", "x=[-1,1,5]", "y=[-1,1,5]", "out=s.h5")
    succeed(runs, "plot", "file=s.h5", "out=s.png")
    lines = runs("list", "runs", "outputs_dir=.").out.splitlines()
    losses = [metrics(tmp_path / f"run{seed}")[-1]["test_loss"] for seed in (0, 1)]
    assert [f"{loss:.3g} test" in line for loss, line in zip(losses, lines, strict=True)] == [True, True]
    assert not any("accuracy" in line or "nan" in line for line in lines)
    succeed(runs, "report", "run=[run0,run1]", "file=[s.h5]", "out=all.html")
    table = (tmp_path / "all.html").read_text().partition("<table>")[2].partition("</table>")[0]
    assert "test loss" in table
    assert "accuracy" not in table
    assert "nan" not in table
    succeed(runs, "train", "epochs=1", "dataset.train_size=200", "out=classes")
    succeed(runs, "report", "run=[run0,classes]", "out=both.html")
    table = (tmp_path / "both.html").read_text().partition("<table>")[2].partition("</table>")[0]
    assert "test accuracy" in table
    assert "<td></td>" in table
    assert "nan" not in table


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "loss=cross_entropy needs class numbers, and the targets of data set sines are floating-point"),
        (
            ["loss=hinge"],
            "loss=hinge is for classes, or for targets of -1 and 1, and those of data set sines",
        ),
        (["loss=mse", "stop_at_train_accuracy=0.9"], "stop_at_train_accuracy=0.9 needs classes"),
        (["loss=mse", "dataset.label_noise=0.1"], "dataset.label_noise=0.1 is for class numbers"),
        (["loss=mse", "dataset.train_size=41"], "dataset.train_size=41 is more than the 40 samples"),
    ],
)
def test_what_is_meant_for_classes_is_refused_in_a_line(
    tmp_path: Path, landscape: Landscape, words: list[str], message: str
) -> None:
    write(tmp_path / "sines.npz", 0)
    refused = landscape(*TRAIN, "dataset.source=sines.npz", *words, "out=run")
    assert refused.status == 1
    assert refused.err.startswith(message)
    assert len(refused.err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("loss", "power"), [("hinge", 1), ("squared_hinge", 2)])
def test_a_hinge_of_signs_ends_at_zero(tmp_path: Path, landscape: Landscape, loss: str, power: int) -> None:
    """Signs that a plane parts with a margin; the recorded loss is that of the definition."""
    inputs = np.random.default_rng(0).uniform(-2, 2, (80, 2))
    signs = np.where(inputs[:, 0] > 0, 1.0, -1.0)
    inputs[:, 0] += signs
    np.savez(
        tmp_path / "signs.npz",
        **{
            f"{split}_inputs": inputs[part] for split, part in (("train", slice(60)), ("test", slice(60, 80)))
        },
        **{
            f"{split}_targets": signs[part] for split, part in (("train", slice(60)), ("test", slice(60, 80)))
        },
    )
    words = [*TRAIN, "dataset.source=signs.npz", f"loss={loss}", "optimizer.lr=0.2", "out=run"]
    succeed(landscape, *words)
    model, data = network(tmp_path / "run", epoch=1)
    with torch.no_grad():
        short = (1 - data.train.targets.view(-1) * model(data.train.inputs).view(-1)).clamp_min(0)
    expected = (short if power == 1 else short**2 / 2).double().mean()
    rows = metrics(tmp_path / "run")
    assert rows[1]["train_loss"] == pytest.approx(float(expected), rel=1e-5)
    assert rows[-1]["train_loss"] < 0.1 * rows[0]["train_loss"]


def test_a_killed_regression_goes_on_to_the_same_bits(tmp_path: Path, landscape: Landscape) -> None:
    """`metrics.csv` is read back, with its empty accuracies."""
    write(tmp_path / "sines.npz", 0)
    words = [*TRAIN, "dataset.source=sines.npz", "loss=huber"]
    for out in ("whole", "stopped"):
        succeed(landscape, *words, f"out={out}")
    (tmp_path / "stopped/checkpoints/epoch_0004.pt").unlink()
    (tmp_path / "stopped/checkpoints/epoch_0003.pt").unlink()
    provenance = tmp_path / "stopped/provenance.json"
    provenance.write_text(provenance.read_text().partition('"end"')[0] + '"end": null}')
    succeed(landscape, *words, "out=stopped")
    whole, stopped = (
        torch.load(tmp_path / out / "checkpoints/epoch_0004.pt", weights_only=True)["model"]
        for out in ("whole", "stopped")
    )
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)


PHYSICS = """
import torch
from torch import nn


class Physics(nn.Module):
    def __init__(self, input_shape):
        super().__init__()
        self.u = nn.Sequential(nn.Linear(input_shape[0], 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x):
        x = x.requires_grad_(True)
        u = self.u(x)
        (slopes,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        return torch.cat([u, slopes], dim=1)
"""


def test_a_network_that_differentiates_its_outputs(tmp_path: Path, landscape: Landscape) -> None:
    """u and its slopes, as of a physics-informed network, through training, surface and Hessian."""
    (tmp_path / "physics.py").write_text(PHYSICS)
    write(tmp_path / "sines.npz", 3)
    words = ["architecture=custom", "architecture.source=physics:Physics", "trust=true", "loss=mse"]
    words += ["dataset=custom", "dataset.source=sines.npz", "epochs=2", "batch_size=10"]
    succeed(landscape, "train", *words, "out=run")
    succeed(landscape, "surface", "run=run", "x=-1:1:3", "y=null", "trust=true", "out=line.h5")
    with h5py.File(tmp_path / "line.h5") as file:
        assert file["train/loss"][1] == pytest.approx(
            float(metrics(tmp_path / "run")[-1]["train_loss"]), rel=1e-6
        )
    succeed(landscape, "hessian", "run=run", "x=null", "y=null", "trust=true", "out=point.h5")
    with h5py.File(tmp_path / "point.h5") as file:
        assert file["train/largest_eigenvalue"][0] > 0
