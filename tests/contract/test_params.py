"""`params=`: what moves is what the patterns name, and all else stays."""

import json
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from contract.made import DATA, attributes, direction, metrics, network, succeed, values
from torch import Tensor, nn

import reference
from conftest import Landscape, carry_out
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.weights.selection import selected

LINE = ["x=[-1,1,3]", "y=null"]
PLANE = ["x=[-1,1,3]", "y=[-0.5,0.5,3]"]
HALF = ["from_run=batch10", "to_run=batch50", "alpha=[0,1,3]"]


def weights_and_buffers(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.double() for name, tensor in model.state_dict().items()}


def moved(directions: dict[str, Tensor]) -> set[str]:
    return {name for name, tensor in directions.items() if bool(tensor.any())}


@pytest.mark.parametrize(
    "params", ["features.[01].*", "features.0.weight", "*.weight", "[*.bias,features.0.*]", "weights", "all"]
)
@pytest.mark.parametrize("ignore", ["none", "biasbn"])
def test_directions_of_a_surface_are_over_what_is_named(
    here: Landscape, runs: Path, params: str, ignore: str
) -> None:
    model, _ = network(runs / "batch10")
    patterns = params.strip("[]").split(",") if params.startswith("[") else params
    names = selected(model, patterns)
    sizes = dict(model.named_parameters())
    free = {name for name in names if ignore == "none" or sizes[name].ndim > 1}
    assert free
    words = ["run=batch10", *PLANE, f"direction.ignore={ignore}"]
    succeed(here, "surface", *words, f"params={params}", "out=part.h5")
    succeed(here, "surface", *words, "out=all.h5")
    for axis in "xy":
        part, whole = direction(runs / "part.h5", axis), direction(runs / "all.h5", axis)
        assert set(part) == set(names)
        assert moved(part) == free
        for name, tensor in part.items():  # normalized filter by filter: each as where all move
            assert torch.equal(tensor, whole[name])
    found = values(runs / "part.h5")
    terms = [(1.0, direction(runs / "part.h5", "x")), (-0.5, direction(runs / "part.h5", "y"))]
    model, data = network(runs / "batch10")
    expected, _ = reference.evaluation(reference.moved(model, terms), data.test, "cross_entropy")
    assert found["test/loss"][0, 2] == pytest.approx(expected, rel=1e-5)
    assert found["test/loss"][1, 1] == pytest.approx(metrics(runs / "batch10")[-1]["test_loss"], rel=1e-5)


def test_all_is_what_it_was_without_the_key(here: Landscape, runs: Path) -> None:
    succeed(here, "surface", "run=seed0", *LINE, "out=without.h5")
    before = (runs / "without.h5").read_bytes()
    succeed(here, "surface", "run=seed0", *LINE, "params=all", "out=without.h5")
    assert (runs / "without.h5").read_bytes() == before
    succeed(here, "surface", "run=seed0", *LINE, "params=*", "out=star.h5")
    for name, array in values(runs / "without.h5").items():
        np.testing.assert_array_equal(values(runs / "star.h5")[name], array)


@pytest.mark.parametrize("batchnorm", ["interpolate", "keep"])
@pytest.mark.parametrize("params", ["features.0.*", "features.1.*", "[features.1.*,features.4.weight]"])
def test_an_interpolation_is_a_mixture_of_two_state_dicts(
    here: Landscape, runs: Path, params: str, batchnorm: str
) -> None:
    (one, data), (other, _) = network(runs / "batch10"), network(runs / "batch50")
    prefixes = tuple(pattern.rstrip("*") for pattern in params.strip("[]").split(","))
    start, end = weights_and_buffers(one), weights_and_buffers(other)
    statistics = {name for name in start if "running" in name}
    assert statistics
    mixture = {
        name: end[name]
        if name.startswith(prefixes) and (batchnorm == "interpolate" or name not in statistics)
        else tensor
        for name, tensor in start.items()
    }
    changed = {name for name in start if not torch.equal(mixture[name], start[name])}
    assert changed
    assert any("running" in name for name in changed) == (
        batchnorm == "interpolate" and params != "features.0.*"
    )
    succeed(here, "interpolate", *HALF, f"params={params}", f"batchnorm={batchnorm}", "out=i.h5")
    found = values(runs / "i.h5")
    one = one.double()
    for place, alpha in ((1, 0.5), (2, 1.0)):
        point = {name: (1 - alpha) * start[name] + alpha * tensor for name, tensor in mixture.items()}
        one.load_state_dict(point)
        for split in ("train", "test"):
            loss, accuracy = reference.evaluation(one, getattr(data, split), "cross_entropy")
            assert found[f"{split}/loss"][place] == pytest.approx(loss, rel=1e-5)
            assert found[f"{split}/accuracy"][place] == pytest.approx(accuracy, abs=0.021)  # a tie in float32
    checks = json.loads(attributes(runs / "i.h5")["origin_check"])
    recorded = metrics(runs / "batch10")[-1]["train_loss"]
    assert any(check.get("recorded") == pytest.approx(recorded) for check in checks)
    reason = "batchnorm=keep" if batchnorm == "keep" else "params="
    assert any(check.get("not compared", "").startswith(reason) for check in checks)


def test_a_line_and_a_plane_toward_runs_are_over_what_is_named(here: Landscape, runs: Path) -> None:
    towards = ["run=seed0", "direction=runs", "direction.to=[seed1,seed2]", "params=4.*"]
    (one, data), *others = (network(runs / f"seed{seed}") for seed in (0, 1, 2))
    for orthogonalize in (False, True):
        out = f"plane{orthogonalize}.h5"
        words = [f"direction.orthogonalize={orthogonalize}", "x=[0,1,3]", "y=[0,1,3]", f"out={out}"]
        succeed(here, "surface", *towards, *words)
        axes = {axis: direction(runs / out, axis) for axis in "xy"}
        assert all(set(axis) == {"4.weight", "4.bias"} for axis in axes.values())
        inner = sum(float((axes["x"][name] * axes["y"][name]).sum()) for name in axes["x"])
        assert (abs(inner) < 1e-4) == orthogonalize
        twin = reference.moved(one, [(1.0, axes["x"]), (0.5, axes["y"])])
        expected, _ = reference.evaluation(twin, data.test, "cross_entropy")
        assert values(runs / out)["test/loss"][1, 2] == pytest.approx(expected, rel=1e-5)
    start, end = (weights_and_buffers(model) for model in (one, others[0][0]))
    one.double().load_state_dict({**start, "4.weight": end["4.weight"], "4.bias": end["4.bias"]})
    expected, _ = reference.evaluation(one, data.test, "cross_entropy")
    assert values(runs / "planeFalse.h5")["test/loss"][0, 2] == pytest.approx(expected, rel=1e-5)
    own = ["run=seed0", "direction=runs", "direction.to=seed0", *LINE, "params=4.*", "out=own.h5"]
    outcome = here("surface", *own)
    assert outcome.status == 1
    assert (
        "direction.to=seed0 leads to itself: it has the weights of run= as far as params=4.*" in outcome.err
    )


@pytest.mark.parametrize("params", ["4.*", "1.weight", "[1.bias,4.bias]"])
def test_the_hessian_is_the_block_of_the_dense_one(here: Landscape, runs: Path, params: str) -> None:
    words = ["x=null", "y=null", "precision=fp64", "tolerance=1e-6"]
    succeed(here, "hessian", "run=seed0", *words, f"params={params}", "out=h.h5")
    model, data = network(runs / "seed0")
    model.double().eval()
    names = [name for name, _ in model.named_parameters()]
    weights = list(model.parameters())
    outputs = model(data.train.inputs.double())
    loss = per_sample_loss("cross_entropy", outputs, data.train.targets).mean()
    flat = torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights, create_graph=True)])
    prefixes = tuple(pattern.rstrip("*") for pattern in params.strip("[]").split(","))
    inside = torch.cat(
        [torch.full((w.numel(),), name.startswith(prefixes)) for name, w in zip(names, weights, strict=True)]
    )
    rows = [
        torch.cat([g.flatten() for g in torch.autograd.grad(flat[i], weights, retain_graph=True)])[inside]
        for i in inside.nonzero().flatten().tolist()
    ]
    assert 0 < len(rows) < len(flat)
    eigenvalues = np.linalg.eigvalsh(torch.stack(rows).numpy())
    found = values(runs / "h.h5")
    scale = np.abs(eigenvalues).max()
    for name, expected in (("smallest", eigenvalues[0]), ("largest", eigenvalues[-1])):
        assert found[f"train/{name}_eigenvalue"][0] == pytest.approx(expected, rel=1e-4, abs=1e-5 * scale)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of four epochs, all kept, and one whose network has a frozen body."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "frozen_body.py").write_text(
        "from torch import nn\n"
        "def make(num_classes):\n"
        "    body = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.BatchNorm1d(6), nn.Tanh())\n"
        "    return nn.Sequential(body.requires_grad_(False), nn.Linear(6, num_classes))\n"
    )
    own = ["architecture=custom", "architecture.source=frozen_body:make", "trust=true"]
    every = ["batch_size=20", "epochs=4", "checkpoint_every=1"]
    return carry_out(
        folder,
        (
            ["train", *DATA, "architecture.widths=[6]", *every, "out=run"],
            ["train", *DATA, *own, *every, "out=frozen"],
            ["train", *DATA, *own, *every, "seed=1", "out=frozen1"],
        ),
    )


@pytest.fixture
def there(landscape: Landscape, walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Landscape:
    shutil.copytree(walk, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return landscape


def test_a_trajectory_is_the_plane_of_what_moves(there: Landscape, tmp_path: Path) -> None:
    succeed(there, "trajectory", "run=run", *PLANE, "params=4.*", "out=t.h5")
    axes = {axis: direction(tmp_path / "t.h5", axis) for axis in "xy"}
    assert all(moved(axis) == {"4.weight", "4.bias"} for axis in axes.values())
    path = []
    for epoch in range(5):
        weights = dict(network(tmp_path / "run", epoch)[0].named_parameters())
        path.append(torch.cat([weights[name].detach().double().flatten() for name in ("4.weight", "4.bias")]))
    matrix = torch.stack(path[:-1]) - path[-1]
    _, singular, components = torch.linalg.svd(matrix, full_matrices=False)
    ratios = (singular**2 / (singular**2).sum()).numpy()
    with h5py.File(tmp_path / "t.h5") as file:
        np.testing.assert_allclose(file["explained_variance_ratio"][:2], ratios[:2], rtol=1e-4)
        x = file["trajectory/x"][...]
    expected = (matrix @ components[0]).abs().numpy()
    np.testing.assert_allclose(np.abs(x), [*expected, 0], rtol=1e-4, atol=1e-6)
    model, data = network(tmp_path / "run", 4)
    twin = reference.moved(model, [(1.0, axes["x"]), (0.5, axes["y"])])
    loss, _ = reference.evaluation(twin, data.test, "cross_entropy")
    assert values(tmp_path / "t.h5")["test/loss"][2, 2] == pytest.approx(loss, rel=1e-5)


def test_nothing_that_moves_is_told(there: Landscape, tmp_path: Path) -> None:
    one_dimension = {
        "surface": ["run=run", *LINE],
        "trajectory": ["run=run", *PLANE, "ignore=biasbn"],
    }
    for command, words in one_dimension.items():
        outcome = there(command, *words, "params=*.bias", "out=n.h5")
        assert outcome.status == 1
        assert "nothing would move: with " in outcome.err
        assert "ignore=biasbn parameters of one dimension stay" in outcome.err
        assert "Traceback" not in outcome.err
        assert not (tmp_path / "n.h5").exists()
    succeed(there, "surface", "run=run", *LINE, "params=*.bias", "direction.ignore=none", "out=n.h5")
    outcome = there("trajectory", "run=frozen", *PLANE, "params=0.1.*", "trust=true", "out=f.h5")
    assert outcome.status == 1
    assert "Traceback" not in outcome.err


def test_trainable_is_what_ones_own_network_does_not_freeze(there: Landscape, tmp_path: Path) -> None:
    trust = ["trust=true", "params=trainable"]
    succeed(there, "surface", "run=frozen", *LINE, "direction.ignore=none", *trust, "out=s.h5")
    succeed(there, "trajectory", "run=frozen", *PLANE, *trust, "out=t.h5")
    ends = ["from_run=frozen", "to_run=frozen1", "alpha=[0,1,3]"]
    succeed(there, "interpolate", *ends, *trust, "out=i.h5")
    for name in ("s", "t", "i"):
        assert moved(direction(tmp_path / f"{name}.h5", "x")) == {"1.weight", "1.bias"}
    outcome = there("hessian", "run=frozen", "x=null", "y=null", *trust, "out=h.h5")
    assert outcome.status == 0, outcome.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("surface", ["run=seed0"]),
        ("surface", ["run=seed0", "direction=runs", "direction.to=seed1", "y=null"]),
        ("interpolate", ["from_run=seed0", "to_run=seed1"]),
        ("hessian", ["run=seed0"]),
    ],
)
def test_an_unknown_pattern_is_told(here: Landscape, runs: Path, command: str, words: list[str]) -> None:
    for params in ("layer4.*", "[4.*,layer4.*]", "4.*,layer4.*"):
        outcome = here(command, *words, f"params={params}", "out=n.h5")
        assert outcome.status == 1
        assert outcome.err.splitlines()[-1].startswith(
            "params=layer4.*: no parameter has such a name; choose all, weights, trainable, biases,"
            " normalization, last, or a pattern of 1.weight, 1.bias, 4.weight, 4.bias"
        )
        assert not (runs / "n.h5").exists()
    for wrong in ("null", "3", "[]"):
        outcome = here(command, *words, f"params={wrong}", "out=n.h5")
        assert outcome.status == 1
        assert "params must be a word such as all or weights, or patterns of names, got" in outcome.err


def test_a_file_of_other_params_is_not_gone_on_with(here: Landscape, runs: Path) -> None:
    succeed(here, "surface", "run=seed0", *LINE, "params=4.*", "out=s.h5")
    outcome = here("surface", "run=seed0", *LINE, "params=1.*", "out=s.h5")
    assert outcome.status == 1
    assert "params: saved 4.*, asked for 1.*" in outcome.err
    succeed(here, "surface", "run=seed0", *LINE, "params=4.*", "out=s.h5")


def test_commas_are_several_patterns_and_in_a_multirun_a_file_each(here: Landscape, runs: Path) -> None:
    words = ["run=seed0", *LINE, "direction.ignore=none"]
    both = succeed(here, "surface", *words, "params=1.*,4.bias")
    assert set(direction(runs / both, "x")) == {"1.weight", "1.bias", "4.bias"}
    outcome = here("surface", *words, "params=1.*,4.*", "--multirun")
    assert outcome.status == 0, outcome.err
    files = [line for line in outcome.out.splitlines() if line.endswith(".h5")]
    assert len(set(files)) == 2
    for file, layer in zip(files, "14", strict=True):
        assert re.search(rf"params-{layer}\.", file)
        assert set(direction(runs / file, "x")) == {f"{layer}.weight", f"{layer}.bias"}
