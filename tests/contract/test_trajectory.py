"""`landscape trajectory`: the file, its resumption, and what is refused."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from contract.made import BATCH, MLP, attributes, direction, metrics, network, succeed, values

from conftest import Landscape, carry_out
from landscape_cli import store

EPOCHS = 5
MADE = [
    [*MLP[:-1], f"epochs={EPOCHS}", "checkpoint_every=1", "out=kept"],
    [*MLP[:-1], f"epochs={EPOCHS}", "out=ends"],
    [*MLP[:-1], "epochs=3", "checkpoint_every=1", "optimizer.lr=1e-30", "out=still"],
    [*BATCH[:-1], "batch_size=20", "epochs=3", "checkpoint_every=1", "out=batch"],
]
GRID = ["x=[-2,2,3]", "y=[-1,1,3]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that kept all checkpoints or two, one that did not move, and one with BatchNorm; a trajectory."""
    folder = tmp_path_factory.mktemp("trajectory")
    return carry_out(folder, (*MADE, ["trajectory", "run=kept", "out=path.h5"]))


@pytest.fixture
def there(landscape: Landscape, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Landscape:
    monkeypatch.chdir(folder)
    return landscape


def weights(run: Path, epoch: int, *, ignore: bool = False) -> np.ndarray:
    model, _ = network(run, epoch)
    kept = [w.detach().double().flatten() for w in model.parameters() if w.ndim > 1 or not ignore]
    return torch.cat(kept).numpy()


def test_the_file_holds_the_path(folder: Path) -> None:
    surface = store.read(folder / "path.h5")
    path = surface.trajectory
    assert path is not None
    assert path.epoch.tolist() == list(range(EPOCHS + 1))
    with h5py.File(folder / "path.h5") as file:
        assert set(file["trajectory"]) == {
            *("epoch", "x", "y", "distance", "random_plane_ratio"),
            *("train_loss", "test_loss", "train_accuracy", "test_accuracy", "path", "plane"),
        }
        assert file["explained_variance_ratio"].shape == (EPOCHS,)
        assert file["centred_explained_variance_ratio"].shape == (EPOCHS + 1,)
        np.testing.assert_array_equal(file["trajectory/x"], path.x)
    recorded = metrics(folder / "kept")
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
        np.testing.assert_array_equal(getattr(path, name), [row[name] for row in recorded])
        np.testing.assert_allclose(path.path[name], getattr(path, name), rtol=1e-5)
    assert path.x[-1] == path.y[-1] == path.distance[-1] == 0
    assert [label for label, *_ in surface.marks] == [f"epoch {EPOCHS}", "epoch 0"]
    assert surface.marks[1][1:] == (path.x[0], path.y[0])


def test_the_plane_is_that_of_the_dense_decomposition(folder: Path) -> None:
    path = store.read(folder / "path.h5").trajectory
    assert path is not None
    points = np.stack([weights(folder / "kept", epoch) for epoch in range(EPOCHS + 1)])
    rows = points[:-1] - points[-1]
    _, singular, right = np.linalg.svd(rows, full_matrices=False)
    np.testing.assert_allclose(path.explained_variance_ratio, singular**2 / np.sum(singular**2), rtol=1e-9)
    inside = rows @ right[:2].T
    np.testing.assert_allclose(np.abs(path.x[:-1]), np.abs(inside[:, 0]), atol=1e-5)
    np.testing.assert_allclose(np.abs(path.y[:-1]), np.abs(inside[:, 1]), atol=1e-5)
    np.testing.assert_allclose(
        path.distance[:-1], np.linalg.norm(rows - inside @ right[:2], axis=1), atol=1e-5
    )
    stored = [
        torch.cat([direction(folder / "path.h5", axis)[name].flatten() for name in parameters])
        for axis in "xy"
        for parameters in [dict(network(folder / "kept")[0].named_parameters())]
    ]
    for k, place in enumerate((path.x, path.y)):
        np.testing.assert_allclose(rows @ stored[k].double().numpy(), place[:-1], atol=1e-5)
    by_chance = path.random_plane_ratio
    assert 0 < by_chance < 20 * 2 / points.shape[1]  # 2/p for an isotropic path
    assert path.explained_variance_ratio[:2].sum() > 20 * by_chance


def test_the_loss_at_the_origin_is_the_recorded_one(folder: Path) -> None:
    found, recorded = values(folder / "path.h5"), metrics(folder / "kept")[-1]
    (row,), (column,) = (np.flatnonzero(found[axis] == 0) for axis in "yx")  # the grid has the origin
    for name in ("loss", "accuracy"):
        for split in ("train", "test"):
            assert found[f"{split}/{name}"][row, column] == pytest.approx(
                recorded[f"{split}_{name}"], rel=1e-6
            )
    checks = json.loads(attributes(folder / "path.h5")["origin_check"])
    assert [check.get("split") for check in checks] == ["train", "test", None]
    assert checks[-1]["not compared"].endswith("away from the plane")


def test_the_loss_elsewhere_is_that_of_the_moved_network(folder: Path) -> None:
    found = values(folder / "path.h5")
    model, data = network(folder / "kept", EPOCHS)
    x, y = found["x"][3], found["y"][20]
    along = {axis: direction(folder / "path.h5", axis) for axis in "xy"}
    model.double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter += x * along["x"][name].double() + y * along["y"][name].double()
        loss = torch.nn.functional.cross_entropy(model(data.train.inputs.double()), data.train.targets)
    assert found["train/loss"][20, 3] == pytest.approx(loss.item(), rel=1e-5)


def test_the_grid_holds_the_path(folder: Path) -> None:
    surface = store.read(folder / "path.h5")
    path, y = surface.trajectory, surface.y
    assert path is not None
    assert y is not None
    margin = 0.15 * max(np.ptp(path.x), np.ptp(path.y))
    for coordinates, grid in ((path.x, surface.x), (path.y, y)):
        assert len(grid) == 31
        assert grid[0] <= coordinates.min() - margin
        assert coordinates.max() + margin <= grid[-1]
        assert np.ptp(grid) < 1.2 * (np.ptp(coordinates) + 2 * margin)


def test_chosen_epochs_and_weights_alone(there: Landscape, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "some.h5"
    succeed(there, "trajectory", "run=kept", "epochs=[4,init,2]", "ignore=biasbn", *GRID, f"out={out}")
    surface = store.read(out)
    path = surface.trajectory
    assert path is not None
    assert path.epoch.tolist() == [0, 2, 4]
    assert [label for label, *_ in surface.marks] == ["epoch 4", "epoch 0"]
    for axis in "xy":
        for name, tensor in direction(out, axis).items():
            assert bool(tensor.any()) == (tensor.ndim > 1), name
    points = np.stack([weights(folder / "kept", epoch, ignore=True) for epoch in (0, 2, 4)])
    singular = np.linalg.svd(points[:-1] - points[-1], compute_uv=False)
    np.testing.assert_allclose(path.explained_variance_ratio, singular**2 / np.sum(singular**2), rtol=1e-9)
    whole = [weights(folder / "kept", epoch) for epoch in (0, 4)]
    length = np.sqrt(path.x[0] ** 2 + path.y[0] ** 2 + path.distance[0] ** 2)
    assert length == pytest.approx(np.linalg.norm(whole[0] - whole[1]))  # over all parameters


def test_the_same_command_goes_on_where_it_stopped(there: Landscape, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "part.h5"
    words = ["trajectory", "run=kept", f"out={out}"]
    shutil.copy(folder / "path.h5", out)
    with h5py.File(out, "r+") as file:
        file["evaluated"][10:] = 0
        for name in ("train/loss", "train/accuracy", "test/loss", "test/accuracy"):
            file[name][10:] = np.nan
    outcome = there(*words)
    assert outcome.status == 0
    assert "651 points evaluated" in outcome.err
    assert out.read_bytes() == (folder / "path.h5").read_bytes()


def test_a_path_of_other_checkpoints_is_refused(there: Landscape, tmp_path: Path) -> None:
    out = tmp_path / "other.h5"
    run = tmp_path / "run"
    shutil.copytree("kept", run)
    words = ["trajectory", f"run={run}", *GRID, f"out={out}"]
    succeed(there, *words)
    middle = run / "checkpoints" / "epoch_0002.pt"
    saved = torch.load(middle, weights_only=True)
    next(iter(saved["model"].values()))[0] += 1
    torch.save(saved, middle)
    outcome = there(*words)
    assert outcome.status == 1
    assert "epoch_0002.pt is not, or no longer" in outcome.err


def test_batchnorm_statistics_are_the_last_checkpoints_or_estimated(there: Landscape, tmp_path: Path) -> None:
    losses = []
    for how in ("keep", "recompute"):
        out = tmp_path / f"{how}.h5"
        grid = ["x=[-0.1,0.1,3]", "y=[-0.1,0.1,3]"]
        succeed(there, "trajectory", "run=batch", f"batchnorm={how}", *grid, f"out={out}")
        assert set(direction(out, "x")) == {name for name, _ in network(Path("batch"))[0].named_parameters()}
        losses.append(values(out)["train/loss"][1, 1])
    assert losses[0] == pytest.approx(metrics(Path("batch"))[-1]["train_loss"], rel=1e-5)
    assert losses[1] != pytest.approx(losses[0], rel=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["run=ends"],
            "run ends has kept 2 checkpoints and a plane needs at least 3; train with checkpoint_e",
        ),
        (["run=kept", "epochs=[0,5]"], "epochs=[0, 5] names 2 checkpoints and a plane needs at least 3"),
        (["run=kept", "epochs=[0,2,9]"], "run kept has no checkpoint of epoch 9"),
        (["run=still"], "the checkpoints have the same weights and span no plane"),
        (["run=kept", "ignore=all"], "no ignore 'all'"),
        (["run=kept", "batchnorm=interpolate"], "no batchnorm 'interpolate'"),
        (["run=kept", "x=[1,0,3]"], "x must be first:last:count"),
        (["run=nowhere"], "run=nowhere is no run folder"),
        ([], "missing: run"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_told_in_a_line(
    there: Landscape, tmp_path: Path, words: list[str], message: str
) -> None:
    outcome = there("trajectory", *words, f"out={tmp_path / 'not' / 'made.h5'}")
    assert outcome.status == 1
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not (tmp_path / "not").exists()
