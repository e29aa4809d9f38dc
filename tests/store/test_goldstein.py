"""Surface files of Goldstein's tools: written as by their code, read at the right places, and back."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from store.made import create, fill

from landscape_cli import store
from landscape_cli.errors import LandscapeError
from landscape_cli.plots.labels import axis_label, panel_titles, value_label
from landscape_cli.store.export import FORMATS

NAMED = "cifar10/trained_nets/resnet56_sgd_lr=0.1_bs=128_wd=0.0005/"
NAMED += "model_300.t7_weights_xignore=biasbn_xnorm=filter_yignore=biasbn_ynorm=filter.h5"


def loss_at(x: float, y: float) -> float:
    return (x - 2 * y) ** 2


def as_theirs(
    path: Path, nx: int = 5, ny: int = 3, count: int = 100, named: str = NAMED, **more: np.ndarray
) -> Path:
    """Write what their plot_surface.py writes of which `count` points are computed, one after the other."""
    xcoordinates, ycoordinates = np.linspace(-1, 1, nx), np.linspace(-0.5, 0.5, ny)
    with h5py.File(path, "w") as file:
        file["dir_file"] = named
        file["xcoordinates"], file["ycoordinates"] = xcoordinates, ycoordinates
        losses, accuracies = -np.ones((nx, ny)), -np.ones((nx, ny))
        xcoord_mesh, ycoord_mesh = np.meshgrid(xcoordinates, ycoordinates)
        s1, s2 = xcoord_mesh.ravel(), ycoord_mesh.ravel()
        for k in range(min(count, nx * ny)):
            losses.ravel()[k] = loss_at(s1[k], s2[k])
            accuracies.ravel()[k] = 100 - k
        file["train_loss"], file["train_acc"] = losses, accuracies
        for name, array in more.items():
            file[name] = array
    return path


@pytest.mark.parametrize(("nx", "ny"), [(5, 3), (3, 5), (4, 4)])
def test_each_value_is_read_where_it_was_computed(tmp_path: Path, nx: int, ny: int) -> None:
    surface = store.read(as_theirs(tmp_path / "s.h5", nx, ny))
    assert surface.y is not None
    expected = [[loss_at(x, y) for x in np.linspace(-1, 1, nx)] for y in np.linspace(-0.5, 0.5, ny)]
    np.testing.assert_array_equal(surface.values["train/loss"], expected)
    accuracy = (100 - np.arange(nx * ny)).reshape(ny, nx) / 100
    np.testing.assert_array_equal(surface.values["train/accuracy"], accuracy)
    assert (surface.x.tolist(), surface.y.tolist()) == (
        np.linspace(-1, 1, nx).tolist(),
        np.linspace(-0.5, 0.5, ny).tolist(),
    )
    assert surface.evaluated.all()
    assert surface.kind == "surface"


def test_what_is_not_computed_yet_and_what_is_not_finite(tmp_path: Path) -> None:
    path = as_theirs(tmp_path / "s.h5", count=11)
    with h5py.File(path, "r+") as file:
        file["train_loss"].write_direct(np.array([np.nan]), dest_sel=np.s_[0, 0])
        file["train_loss"].write_direct(np.array([-1.0]), dest_sel=np.s_[0, 1])
    surface = store.read(path)
    loss = surface.values["train/loss"]
    assert np.isnan(loss).sum() == 4
    assert np.isnan(loss[2, 1:]).all()
    assert loss[0, 0] == np.inf
    assert loss[0, 1] == -1  # its accuracy says that it was computed
    np.testing.assert_array_equal(surface.evaluated, ~np.isnan(loss))


def test_a_line_and_a_test_split(tmp_path: Path) -> None:
    path = as_theirs(tmp_path / "s.h5", named="a.h5", test_loss=np.arange(15.0), test_acc=np.full(15, 50.0))
    with h5py.File(path, "r+") as file:
        del file["ycoordinates"], file["train_loss"], file["train_acc"]
        del file["xcoordinates"]
        file["xcoordinates"] = np.linspace(0, 1, 15)
    surface = store.read(path)
    assert surface.y is None
    assert list(surface.values) == ["test/loss", "test/accuracy"]
    np.testing.assert_array_equal(surface.values["test/loss"], np.arange(15))
    assert set(surface.values["test/accuracy"]) == {0.5}


def test_eigenvalues_say_that_they_are_of_the_sum_over_batches(tmp_path: Path) -> None:
    largest, smallest = -np.ones((5, 3)), np.ones((5, 3))
    largest.ravel()[:3], smallest.ravel()[:3] = (391, 782, 0), (-391, 1, 0)
    surface = store.read(as_theirs(tmp_path / "s.h5", max_eig=largest, min_eig=smallest))
    ratio = surface.values["train/eigenvalue_ratio"]
    np.testing.assert_array_equal(ratio[0, :3], [1, 1 / 782, 0])
    assert surface.evaluated.all()  # the loss is known everywhere
    assert np.isnan(ratio).sum() == np.isnan(surface.values["train/smallest_eigenvalue"]).sum() == 12
    assert surface.values["train/smallest_eigenvalue"][0, 1] == 1  # computed: the largest one says so
    assert "eigenvalues of the sum over batches" in panel_titles([surface])[1][0]


@pytest.mark.parametrize(
    ("named", "title", "axis"),
    [
        (
            NAMED,
            "resnet56, SGD, batch 128, weight decay 5e-4, epoch 300",
            "step along filter-normalized direction 1",
        ),
        ("nets/model_0.t7_states_xnorm=layer.h5", "nets, epoch 0", "step along layer-normalized direction 1"),
        ("vgg9.pth_weights.h5", "vgg9", "step along direction 1"),
        ("vgg9_adam_lr=x_bs=_wd=y/model_1.t7_weights.h5", "vgg9, Adam, epoch 1", "step along direction 1"),
        ("folder/plane.h5", "plane", "step along direction 1"),
    ],
)
def test_the_title_is_what_the_name_of_the_directions_tells(
    tmp_path: Path, named: str, title: str, axis: str
) -> None:
    surface = store.read(as_theirs(tmp_path / "s.h5", named=named))
    expected = title.replace("epoch 0", "initial weights")
    assert panel_titles([surface]) == ("", [expected])
    with h5py.File(tmp_path / "s.h5", "r+") as file:
        del file["dir_file"]
    assert panel_titles([store.read(tmp_path / "s.h5")]) == ("", ["s"])
    assert axis_label(surface, "x") == axis
    unit = " (cross-entropy, nats)" if "_lr=" in named else ""
    assert value_label("train", "loss", [surface.run_config]) == f"training loss{unit}"


@pytest.mark.parametrize("line", [False, True])
def test_there_and_back(tmp_path: Path, line: bool) -> None:
    path = create(tmp_path / "s.h5", y=None) if line else create(tmp_path / "s.h5")
    with store.writing(path) as writer:
        fill(writer)
    names = list(store.read(path).values)
    with h5py.File(path, "r+") as file:
        for name in names:
            values = file[name][...]
            values[..., -1] = np.nan
            file[name][...] = values
        losses = file["test/loss"][...]
        losses[..., 0] = np.inf
        file["test/loss"][...] = losses
    surface = store.read(path)
    content = FORMATS["tg"](surface)
    assert isinstance(content, bytes)
    (tmp_path / "theirs.h5").write_bytes(content)
    with h5py.File(tmp_path / "theirs.h5") as file:
        assert file["train_loss"].shape == ((5,) if line else (5, 4))  # (nx, ny), as theirs
        assert file["train_loss"].dtype == np.float64
        assert (file["train_acc"][...] == -1).sum() == (1 if line else 4)
        assert isinstance(file["dir_file"][()], bytes)
    again = store.read(tmp_path / "theirs.h5")
    np.testing.assert_array_equal(again.x, surface.x)
    np.testing.assert_array_equal(again.evaluated, surface.evaluated)
    assert sorted(again.values) == sorted(surface.values)
    for name, values in surface.values.items():
        np.testing.assert_array_equal(again.values[name], values)
    assert panel_titles([again])[1] == ["s"]


def test_our_eigenvalues_stay_those_of_the_mean_loss(tmp_path: Path) -> None:
    path = as_theirs(tmp_path / "s.h5", max_eig=np.full((5, 3), 4.0), min_eig=np.full((5, 3), -2.0))
    content = FORMATS["tg"](store.read(path))
    assert isinstance(content, bytes)
    (tmp_path / "ours.h5").write_bytes(content)
    again = store.read(tmp_path / "ours.h5")
    assert set(again.values["train/eigenvalue_ratio"].flat) == {0.5}
    assert "eigenvalues" not in panel_titles([again])[1][0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train_acc": np.zeros(7)}, "train_acc has 7 values for 5 x 3 points; choose another file"),
        ({"train_acc": np.array([b"x"] * 15)}, "train_acc is no array of numbers"),
        ({"xcoordinates": None}, "xcoordinates is no array of numbers"),
    ],
)
def test_mistakes(tmp_path: Path, changed: dict[str, np.ndarray | None], message: str) -> None:
    path = as_theirs(tmp_path / "s.h5")
    with h5py.File(path, "r+") as file:
        for name, array in changed.items():
            del file[name]
            if array is None:
                file.create_group(name)
            else:
                file[name] = array
    with pytest.raises(LandscapeError, match=message) as error:
        store.read(path)
    assert str(path) in str(error.value)
