"""Interpolations, and lines and planes through several solutions."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from contract.made import attributes, direction, metrics, network, succeed, values

import reference
from conftest import Landscape


@pytest.mark.parametrize("batchnorm", ["interpolate", "recompute", "keep"])
def test_interpolate_writes_a_line_over_alpha(here: Landscape, runs: Path, batchnorm: str) -> None:
    words = [
        "interpolate",
        "from_run=batch10",
        "to_run=batch50",
        "alpha=[-0.5,1.5,5]",
        f"batchnorm={batchnorm}",
    ]
    outcome = here(*words, "out=i.h5")
    assert (outcome.status, outcome.last_line) == (0, "i.h5")
    found = values(runs / "i.h5")
    assert set(found) == {"x", "train/loss", "train/accuracy", "test/loss", "test/accuracy"}
    assert found["x"].tolist() == [-0.5, 0, 0.5, 1, 1.5]
    assert attributes(runs / "i.h5")["format"] == "landscape-surface"
    for split in ("train", "test"):
        loss = found[f"{split}/loss"]
        start, end = (metrics(runs / run)[-1][f"{split}_loss"] for run in ("batch10", "batch50"))
        assert (loss[1] == pytest.approx(start, rel=1e-5)) == (batchnorm != "recompute")
        assert (loss[3] == pytest.approx(end, rel=1e-5)) == (batchnorm == "interpolate")
        rise = loss[1:4] - np.linspace(loss[1], loss[3], 3)
        printed = re.search(rf"^{split}: barrier (\S+) at alpha (\S+),", outcome.out, re.MULTILINE)
        assert printed is not None, outcome.out
        assert float(printed[1]) == pytest.approx(rise.max(), rel=1e-4, abs=1e-6)
        assert float(printed[2]) == [0, 0.5, 1][int(rise.argmax())]


def test_batchnorm_statistics_go_with_the_weights_or_stay(here: Landscape, runs: Path) -> None:
    (one, data), (other, _) = network(runs / "batch10"), network(runs / "batch50")
    buffers, ends = (
        dict(one.named_buffers()),
        {**dict(other.named_parameters()), **dict(other.named_buffers())},
    )
    own = {**dict(one.named_parameters()), **buffers}
    way = {name: (ends[name] - own[name]).detach() for name in own if own[name].is_floating_point()}
    for batchnorm in ("interpolate", "keep"):
        if batchnorm == "keep":
            way = {name: tensor for name, tensor in way.items() if name not in buffers}
        words = [
            "from_run=batch10",
            "to_run=batch50",
            "alpha=[0,1,3]",
            f"batchnorm={batchnorm}",
            f"out={batchnorm}.h5",
        ]
        succeed(here, "interpolate", *words)
        expected = reference.evaluation(reference.moved(one, [(0.5, way)]), data.test, "cross_entropy")[0]
        assert values(runs / f"{batchnorm}.h5")["test/loss"][1] == pytest.approx(expected, rel=1e-5)


def test_recomputed_statistics_do_not_know_which_end_they_come_from(here: Landscape, runs: Path) -> None:
    for one, other in (("batch10", "batch50"), ("batch50", "batch10")):
        words = [
            f"from_run={one}",
            f"to_run={other}",
            "alpha=[0,1,3]",
            "batchnorm=recompute",
            f"out={one}.h5",
        ]
        succeed(here, "interpolate", *words)
    there, back = (values(runs / f"{run}.h5") for run in ("batch10", "batch50"))
    for name in ("train/loss", "test/loss"):
        np.testing.assert_allclose(there[name], back[name][::-1], rtol=1e-4)


def test_a_line_toward_another_run_ends_there(here: Landscape, runs: Path) -> None:
    words = ["direction=runs", "direction.to=batch50", "x=[0,1,3]", "y=null", "out=to.h5"]
    succeed(here, "surface", "run=batch10", *words)
    loss = values(runs / "to.h5")["train/loss"]
    for place, run in ((0, "batch10"), (2, "batch50")):
        assert loss[place] == pytest.approx(metrics(runs / run)[-1]["train_loss"], rel=1e-5)


def test_a_plane_goes_through_three_solutions(here: Landscape, runs: Path) -> None:
    plain = ["surface", "run=seed0", "direction=runs", "direction.to=[seed1,seed2]"]
    succeed(here, *plain, "x=[0,1,3]", "y=[0,1,3]", "out=three.h5")
    recorded = [metrics(runs / f"seed{seed}")[-1]["train_loss"] for seed in (0, 1, 2)]
    loss = values(runs / "three.h5")["train/loss"]
    assert [loss[0, 0], loss[0, 2], loss[2, 0]] == pytest.approx(recorded, rel=1e-5)
    assert json.loads(attributes(runs / "three.h5")["marks"]) == [
        ["seed 0", 0.0, 0.0],
        ["seed 1", 1.0, 0.0],
        ["seed 2", 0.0, 1.0],
    ]


def test_an_orthogonalized_plane_has_the_third_solution_at_its_mark(here: Landscape, runs: Path) -> None:
    plain = [
        "surface",
        "run=seed0",
        "direction=runs",
        "direction.to=[seed1,seed2]",
        "direction.orthogonalize=true",
    ]
    succeed(here, *plain, "x=[0,1,2]", "y=[0,1,2]", "out=first.h5")
    dx, dy = (direction(runs / "first.h5", axis) for axis in "xy")
    inner, lengths = sum(float((dx[n].double() * dy[n]).sum()) for n in dx), []
    for d in (dx, dy):
        lengths.append(math.sqrt(sum(float(tensor.double().square().sum()) for tensor in d.values())))
    assert abs(inner) < 1e-6 * lengths[0] * lengths[1]
    along, across = json.loads(attributes(runs / "first.h5")["marks"])[2][1:]
    assert across == 1.0
    assert along != 0.0
    third = dict(network(runs / "seed2")[0].named_parameters())
    for name, start in network(runs / "seed0")[0].named_parameters():
        place = start.detach() + along * dx[name] + dy[name]
        torch.testing.assert_close(place, third[name].detach(), rtol=1e-5, atol=1e-6)
    first, last = sorted([0.0, along])
    succeed(here, *plain, f"x=[{first},{last},2]", "y=[0,1,2]", "out=corner.h5")
    corner = values(runs / "corner.h5")["test/loss"][1, [first, last].index(along)]
    assert corner == pytest.approx(metrics(runs / "seed2")[-1]["test_loss"], rel=1e-5)
