"""Samples, anchors, tolerance and bf16: cheaper, and how far from the exact values."""

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from api.models import (
    EACH,
    FITTED,
    NUMBERS,
    mlp,
    odd_loss,
    squares,
    twins,
)
from torch import Tensor, nn

from landscape_cli import line
from landscape_cli.evaluation.problem import subset


def test_samples_are_a_subset_with_its_standard_error(tmp_path: Path) -> None:
    model = mlp()
    found = line(model, EACH, NUMBERS, out=tmp_path / "line.h5", x=(-1, 1, 3), samples=np.int64(9), seed=4)
    few = subset([NUMBERS], 9, 4, "train")
    inputs, targets = NUMBERS[0][few], NUMBERS[1][few]
    assert targets.bincount().tolist() == [3, 3, 3]
    expected = twins(found, model, lambda twin: [EACH(twin(inputs.double()), targets)])
    np.testing.assert_allclose(found.values["train/loss"], expected, rtol=1e-6)
    each = EACH(model.double()(inputs.double()), targets)
    assert found.values["train/loss_stderr"][1] == pytest.approx(each.std().item() / 3, rel=1e-5)


def test_samples_of_a_regression(tmp_path: Path) -> None:
    data = (NUMBERS[0], FITTED[:, :1])
    loss = nn.MSELoss(reduction="none")  # of shape (n, 1)
    found = line(mlp(classes=1), loss, data, out=tmp_path / "line.h5", x=(-1, 1, 3), samples=9)
    few = subset([data], 9, 0, "train")
    expected = twins(found, mlp(classes=1), lambda m: [squares(m(data[0][few].double()), data[1][few])])
    np.testing.assert_allclose(found.values["train/loss"], expected, rtol=1e-6)
    assert set(found.values) == {"train/loss", "train/loss_stderr"}


def test_anchors_are_exact(tmp_path: Path) -> None:
    options: dict[str, Any] = {"x": (-1, 1, 9)}
    exact = line(mlp(), EACH, NUMBERS, out=tmp_path / "exact.h5", **options).values["train/loss"]
    found = line(mlp(), EACH, NUMBERS, out=tmp_path / "a.h5", samples=9, anchors=2, **options)
    anchors = found.values["train/loss_stderr"] == 0
    assert anchors.sum() == 2
    np.testing.assert_allclose(found.values["train/loss"][anchors], exact[anchors], rtol=1e-6)
    plain = line(mlp(), EACH, NUMBERS, out=tmp_path / "s.h5", samples=9, **options).values["train/loss"]
    errors = [np.abs(np.log(one / exact)).max() for one in (found.values["train/loss"], plain)]
    assert errors[0] < errors[1]


def test_tolerance_leaves_points_out(tmp_path: Path) -> None:
    exact = line(mlp(), EACH, NUMBERS, out=tmp_path / "exact.h5", x=(-1, 1, 33)).values["train/loss"]
    found = line(mlp(), EACH, NUMBERS, out=tmp_path / "t.h5", x=(-1, 1, 33), tolerance=0.02)
    assert 5 <= found.evaluated.sum() < 33
    np.testing.assert_array_equal(found.values["train/loss"][found.evaluated], exact[found.evaluated])
    np.testing.assert_allclose(np.log(found.values["train/loss"]), np.log(exact), atol=0.02)


def test_bf16_tells_its_error(tmp_path: Path) -> None:
    model, loss = mlp(), nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0]))
    exact = line(model, loss, NUMBERS, out=tmp_path / "fp32.h5", x=(-1, 1, 3))
    found = line(model, loss, NUMBERS, out=tmp_path / "bf16.h5", x=(-1, 1, 3), precision="bf16")
    checks = json.loads(found.attributes["precision_check"])
    assert [check["x"] for check in checks] == [0, -1, 1]
    errors = found.values["train/loss"] / exact.values["train/loss"] - 1
    assert 1e-6 < np.abs(errors).max() < 0.02
    for check, error in zip(checks, errors[[1, 0, 2]], strict=True):
        assert check["relative_error"] == pytest.approx(abs(error), rel=0.01, abs=1e-6)


def test_outputs_keep_their_type_in_bf16(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Outputs:
        logits: Tensor

    class Named(NamedTuple):
        logits: Tensor

    class Attributes(OrderedDict[str, Tensor]):
        logits = property(lambda self: self["logits"])

    class Wrapped(nn.Module):
        def __init__(self, wrap: Callable[[Tensor], Any]) -> None:
            super().__init__()
            self.model, self.wrap = mlp(), wrap

        def forward(self, x: Tensor) -> Any:
            return self.wrap(self.model(x))

    for wrap in (Outputs, Named, lambda logits: Attributes(logits=logits)):
        found = line(Wrapped(wrap), odd_loss, NUMBERS, out=tmp_path / "1.h5", x=(-1, 1, 3), precision="bf16")
        (tmp_path / "1.h5").unlink()
        assert np.isfinite(found.values["train/loss"]).all()
