"""The same call goes on with its file; another one's file is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from api.models import EACH, NUMBERS, Stopping, mlp
from torch import nn

from landscape_cli import interpolate, line, read, surface
from landscape_cli.errors import LandscapeError
from landscape_cli.store import Surface


def test_an_interrupted_surface_goes_on_where_it_stopped(tmp_path: Path) -> None:
    loss = Stopping(at=100)

    def go_on(name: str) -> Surface:
        return surface(mlp(), loss, NUMBERS, out=tmp_path / name, x=(-1, 1, 5), y=(-1, 1, 5), batch_size=3)

    with pytest.raises(KeyboardInterrupt):
        go_on("plane.h5")
    done = read(tmp_path / "plane.h5").evaluated.sum()
    assert 10 < done < 25
    loss = Stopping()
    found = go_on("plane.h5")
    assert (
        6 * (25 - done) <= loss.calls < 6 * (25 - done) + 6
    )  # six batches a point; the rest looks for randomness
    loss = Stopping()
    again = go_on("plane.h5")
    assert loss.calls < 6
    whole = go_on("whole.h5")
    for other in (again, whole):
        np.testing.assert_array_equal(found.values["train/loss"], other.values["train/loss"])


def test_a_grid_may_be_written_as_on_the_command_line(tmp_path: Path) -> None:
    out = tmp_path / "plane.h5"
    surface(mlp(), EACH, NUMBERS, out=out, x=(-1, 1, 3), y=(0, 0.5, 2))
    before = out.read_bytes()
    found = surface(mlp(), EACH, NUMBERS, out=out, x="-1:1:3", y="0:0.5:2")
    assert out.read_bytes() == before
    assert found.values["train/loss"].shape == (2, 3)
    between = interpolate(mlp(), mlp(1), EACH, NUMBERS, out=tmp_path / "line.h5", alpha="0:1:3")
    np.testing.assert_array_equal(between.x, [0, 0.5, 1])


def test_another_model_or_other_data_are_refused(tmp_path: Path) -> None:
    out, few = tmp_path / "plane.h5", {"x": (-1, 1, 3), "y": None}
    surface(mlp(), EACH, NUMBERS, out=out, **few)
    before = out.read_bytes()
    other = mlp()
    with torch.no_grad():
        other[2].bias[0] += 1e-6
    calls: list[Callable[[], Surface]] = [
        lambda: surface(other, EACH, NUMBERS, out=out, **few),
        lambda: surface(mlp(), EACH, (NUMBERS[0], 2 - NUMBERS[1]), out=out, **few),
        lambda: surface(mlp(), EACH, NUMBERS, NUMBERS, out=out, **few),
        lambda: surface(mlp(), EACH, NUMBERS, out=out, direction_seed=1, **few),
        lambda: interpolate(mlp(), mlp(1), EACH, NUMBERS, out=out),
    ]
    for call in calls:
        with pytest.raises(LandscapeError, match="was begun with another configuration"):
            call()
    assert out.read_bytes() == before


def test_another_loss_is_refused_in_the_same_file(tmp_path: Path) -> None:
    line(mlp(), EACH, NUMBERS, out=tmp_path / "line.h5", x=(-1, 1, 3))
    with pytest.raises(LandscapeError, match="the loss or the network's code has changed"):
        line(mlp(), nn.CrossEntropyLoss(label_smoothing=0.1), NUMBERS, out=tmp_path / "line.h5", x=(-1, 1, 3))


def test_the_batch_size_may_change_where_the_loss_is_one_of_samples(tmp_path: Path) -> None:
    """It costs other memory; of a batch's mean it changes the value."""
    options = {"x": (-1, 1, 3), "out": tmp_path / "line.h5"}
    first = line(mlp(), EACH, NUMBERS, batch_size=5, **options)
    again = line(mlp(), EACH, NUMBERS, batch_size=4, **options)
    np.testing.assert_array_equal(first.values["train/loss"], again.values["train/loss"])
    options["out"] = tmp_path / "mean.h5"
    line(mlp(), nn.MultiMarginLoss(), NUMBERS, batch_size=5, **options)
    with pytest.raises(LandscapeError, match="batch_size: saved 5, asked for 4"):
        line(mlp(), nn.MultiMarginLoss(), NUMBERS, batch_size=4, **options)
