"""What scripts rely on, sentence by sentence: the surface file."""

import hashlib
import json
import math
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from contract.made import GRID, LAST, attributes, direction, metrics, network, succeed, values
from omegaconf import OmegaConf
from torch import nn

import reference
from conftest import Landscape
from landscape_cli.data.selection import balanced
from landscape_cli.data.streams import stream
from landscape_cli.files import only_writer
from landscape_cli.weights.directions import gaussian


def test_a_surface_file_has_these_datasets(surfaces: Path) -> None:
    found = values(surfaces / "plane.h5")
    assert set(found) == {"x", "y", "train/loss", "train/accuracy", "test/loss", "test/accuracy"}
    assert all(array.dtype == np.float64 for array in found.values())
    np.testing.assert_allclose(found["x"], np.linspace(-1, 1, 5))
    np.testing.assert_allclose(found["y"], [-0.5, 0, 0.5])
    assert {array.shape for name, array in found.items() if "/" in name} == {(3, 5)}
    assert np.isfinite([array for name, array in found.items() if "/" in name]).all()
    line = values(surfaces / "line.h5")
    assert set(line) == set(found) - {"y"}
    assert {array.shape for array in line.values()} == {(5,)}
    np.testing.assert_array_equal(line["train/loss"], found["train/loss"][1])  # y = 0


def test_a_surface_file_has_these_attributes(surfaces: Path) -> None:
    found = attributes(surfaces / "plane.h5")
    assert found["format"] == "landscape-surface"
    assert {"version", "config", "command", "checkpoint", "provenance", "origin_check"} <= set(found)
    config = OmegaConf.create(found["config"])
    assert config.run == "seed0"
    assert config.x == [-1, 1, 5]
    assert config.direction.name == "random"
    (checkpoint,) = json.loads(found["checkpoint"])
    content = (surfaces / checkpoint["path"]).read_bytes()
    assert checkpoint["path"] == f"seed0/{LAST}"
    assert checkpoint["sha256"] == hashlib.sha256(content).hexdigest()
    fingerprint = network(surfaces / "seed0")[1].fingerprint
    assert json.loads(found["provenance"])["dataset_fingerprint"] == fingerprint
    checks = json.loads(found["origin_check"])
    assert [check["split"] for check in checks] == ["train", "test"]
    recorded = metrics(surfaces / "seed0")[-1]
    for check in checks:
        assert check["recorded"] == recorded[f"{check['split']}_loss"]
        assert check["measured"] == pytest.approx(check["recorded"], rel=1e-6)


def test_directions_are_float32_by_parameter_name(surfaces: Path) -> None:
    for name, run in (("plane", "seed0"), ("batch", "batch10")):
        parameters = dict(network(surfaces / run)[0].named_parameters())
        x, y = (direction(surfaces / f"{name}.h5", axis) for axis in "xy")
        assert set(x) == set(y) == set(parameters)
        for parameter, tensor in parameters.items():
            assert x[parameter].dtype == torch.float32
            assert x[parameter].shape == tensor.shape
            assert tensor.ndim < 2 or not torch.equal(x[parameter], y[parameter])
    with h5py.File(surfaces / "line.h5") as file:
        assert set(file["directions"]) == {"x"}


@pytest.mark.parametrize(("name", "run"), [("plane", "seed0"), ("batch", "batch10")])
def test_filters_of_a_direction_have_the_norms_of_the_checkpoints(
    surfaces: Path, name: str, run: str
) -> None:
    for axis in "xy":
        stored = direction(surfaces / f"{name}.h5", axis)
        for parameter, weight in network(surfaces / run)[0].named_parameters():
            if weight.ndim < 2:
                assert not stored[parameter].any(), parameter
                continue
            norms = (
                tensor.double().flatten(1).norm(dim=1) for tensor in (stored[parameter], weight.detach())
            )
            torch.testing.assert_close(*norms, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("norm", ["filter", "layer", "none"])
def test_a_direction_is_the_seeds_gaussian_normalized(here: Landscape, runs: Path, norm: str) -> None:
    torch.rand(7)  # what else drew random numbers does not matter
    path = runs / "d.h5"
    succeed(
        here,
        "surface",
        "run=batch10",
        "x=[-1,1,2]",
        "y=null",
        "direction.seed=5",
        f"direction.norm={norm}",
        "out=d.h5",
    )
    for name, weight in network(runs / "batch10")[0].named_parameters():
        stored = direction(path, "x")[name]
        if weight.ndim < 2:
            assert not stored.any()
            continue
        d = gaussian(tuple(weight.shape), 5, "x", name)
        if norm == "filter":
            d = reference.filter_normalized(d, weight.detach())
        elif norm == "layer":
            d = d * (weight.double().norm() / (d.norm() + 1e-10))
        torch.testing.assert_close(stored.double(), d.detach(), rtol=1e-5, atol=1e-7)


def test_the_origin_has_the_recorded_loss(surfaces: Path) -> None:
    for name, run in (("plane", "seed0"), ("batch", "batch10")):
        found, recorded = values(surfaces / f"{name}.h5"), metrics(surfaces / run)[-1]
        for split in ("train", "test"):
            for value in ("loss", "accuracy"):
                assert found[f"{split}/{value}"][1, 2] == pytest.approx(
                    recorded[f"{split}_{value}"], rel=1e-6
                )


@pytest.mark.parametrize(("name", "run"), [("plane", "seed0"), ("batch", "batch10")])
def test_values_are_y_x_and_means_over_the_split_in_evaluation_mode(
    surfaces: Path, name: str, run: str
) -> None:
    """BatchNorm's running statistics stay those of the checkpoint: the twin moves the parameters alone."""
    model, data = network(surfaces / run)
    path = surfaces / f"{name}.h5"
    found, x, y = values(path), direction(path, "x"), direction(path, "y")
    for i, j in ((0, 4), (2, 0), (1, 3)):
        twin = reference.moved(model, [(found["x"][j], x), (found["y"][i], y)])
        for split in ("train", "test"):
            loss, accuracy = reference.evaluation(twin, getattr(data, split), "cross_entropy")
            assert found[f"{split}/loss"][i, j] == pytest.approx(loss, rel=1e-5)
            assert found[f"{split}/accuracy"][i, j] == pytest.approx(accuracy, abs=0.021)


def test_accuracy_is_a_fraction(surfaces: Path) -> None:
    found = values(surfaces / "plane.h5")
    for split, n in (("train", 100), ("test", 50)):
        correct = found[f"{split}/accuracy"] * n
        assert ((correct >= 0) & (correct <= n)).all()
        np.testing.assert_allclose(correct, np.round(correct), atol=1e-9)
        assert correct.max() > 0.2 * n


def test_a_loss_that_is_not_finite_is_plus_infinity(here: Landscape, runs: Path) -> None:
    succeed(here, "surface", "run=seed0", "x=[-1e38,1e38,3]", "y=null", "out=far.h5")
    for split in ("train", "test"):
        loss = values(runs / "far.h5")[f"{split}/loss"]
        assert loss[0] == loss[2] == np.inf
        assert np.isfinite(loss[1])


def test_epoch_init_is_the_surface_around_the_initial_weights(here: Landscape, runs: Path) -> None:
    first = metrics(runs / "batch10")[0]
    for epoch in ("init", 0):
        path = runs / succeed(here, "surface", "run=batch10", f"epoch={epoch}", "x=[-1,1,3]", "y=null")
        assert values(path)["train/loss"][1] == pytest.approx(first["train_loss"], rel=1e-6)
        assert json.loads(attributes(path)["checkpoint"])[0]["path"].endswith("epoch_0000.pt")


def test_samples_are_one_subset_with_the_standard_error(here: Landscape, runs: Path) -> None:
    line = ["surface", "run=seed0", "y=null", "samples=30", "splits=[train]"]
    succeed(here, *line, "x=[-1,1,3]", "seed=4", "out=a.h5")
    succeed(here, *line, "x=[0,3,4]", "seed=4", "out=b.h5")
    succeed(here, *line, "x=[-1,1,3]", "seed=5", "out=c.h5")
    a, b, c = (values(runs / f"{name}.h5") for name in "abc")
    assert set(a) == {"x", "train/loss", "train/accuracy", "train/loss_stderr"}
    model, data = network(runs / "seed0")
    chosen = balanced(data.train.targets.numpy(), 30, 10, stream(4, "train"), key="samples")
    for alpha, loss, stderr in zip(a["x"], a["train/loss"], a["train/loss_stderr"], strict=True):
        twin = reference.moved(model, [(float(alpha), direction(runs / "a.h5", "x"))])
        outputs = twin(data.train.inputs[chosen].double()).detach()
        losses = nn.functional.cross_entropy(outputs, data.train.targets[chosen], reduction="none")
        assert loss == pytest.approx(float(losses.mean()), rel=1e-5)
        assert stderr == pytest.approx(float(losses.std() / math.sqrt(30)), rel=1e-4)
    for name in ("train/loss", "train/accuracy", "train/loss_stderr"):
        np.testing.assert_array_equal(a[name][1:], b[name][:2])  # the points that both have
    assert (a["train/loss"] != c["train/loss"]).all()


@pytest.mark.parametrize("name", ["plane", "line"])
def test_a_resumed_file_gets_what_it_lacks_and_keeps_the_rest(
    here: Landscape, surfaces: Path, name: str
) -> None:
    whole, path = surfaces / f"{name}.h5", surfaces / "resumed.h5"
    path.write_bytes(whole.read_bytes())
    index = ((0, 3), (2, 1), (1, 2)) if name == "plane" else ((3,), (1,), (2,))
    with h5py.File(path, "r+") as file:
        file["train/loss"][index[0]] = np.nan
        file["test/accuracy"][index[1]] = np.nan
        file["test/loss"][index[2]] = 7.25  # shows whether a value that is there is computed again
    y = GRID[1] if name == "plane" else "y=null"
    assert succeed(here, "surface", "run=seed0", GRID[0], y, "out=resumed.h5") == "resumed.h5"
    expected = values(whole)
    expected["test/loss"][index[2]] = 7.25
    for dataset, array in values(path).items():
        np.testing.assert_array_equal(array, expected[dataset], err_msg=dataset)
    assert attributes(path) == attributes(whole)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run=seed0", "x=[-1,1,5]", "y=[-0.5,0.5,5]"], "y: saved [-0.5, 0.5, 3], asked for [-0.5, 0.5, 5]"),
        (["run=seed0", *GRID, "direction.seed=1"], "direction.seed: saved 0, asked for 1"),
        (["run=seed1", *GRID], "was begun with another configuration"),
        (["run=seed0", "epoch=init", *GRID], "epoch: saved last, asked for init"),
    ],
)
def test_a_file_of_another_configuration_is_refused(
    here: Landscape, surfaces: Path, words: list[str], expected: str
) -> None:
    before = (surfaces / "plane.h5").read_bytes()
    outcome = here("surface", *words, "out=plane.h5")
    assert outcome.status == 1
    assert expected in outcome.err
    assert (surfaces / "plane.h5").read_bytes() == before


def test_the_same_run_by_another_spelling_resumes_too(here: Landscape, surfaces: Path) -> None:
    """A shell completes a folder with a slash at its end."""
    for run in ("seed0/", "./seed0", surfaces / "seed0"):
        assert succeed(here, "surface", f"run={run}", *GRID, "out=plane.h5") == "plane.h5"


def test_a_file_has_one_writer(here: Landscape, surfaces: Path) -> None:
    with only_writer(surfaces / "plane.h5"):
        outcome = here("surface", "run=seed0", *GRID, "out=plane.h5")
    assert outcome.status == 1
    assert "being written by another process" in outcome.err


@pytest.mark.parametrize(
    "words",
    [["run=seed1", *GRID], ["run=seed0", "direction=runs", "direction.to=seed1", "x=[0,1,2]", "y=null"]],
)
def test_a_checkpoint_whose_loss_is_not_the_recorded_one_is_refused_with_both(
    here: Landscape, runs: Path, words: list[str]
) -> None:
    """Whether it lies at the origin or at another known place of the line."""
    path = runs / "seed1" / LAST
    before = path.read_bytes()
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["model"]["1.weight"][0] += 0.5
    torch.save(checkpoint, path)
    try:
        outcome = here("surface", *words, "out=tampered.h5")
        model, data = network(runs / "seed1")
    finally:
        path.write_bytes(before)
    assert outcome.status == 1
    measured, recorded = (float(number) for number in re.findall(r"\d+\.\d{4,}", outcome.err)[:2])
    expected = reference.evaluation(model, data.train, "cross_entropy")[0]
    assert measured == pytest.approx(expected, rel=1e-5)
    assert recorded == pytest.approx(metrics(runs / "seed1")[-1]["train_loss"], rel=1e-6)
    assert not (runs / "tampered.h5").exists()
