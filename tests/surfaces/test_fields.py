"""What every field of a surface promises: the loss, exact and cheaper, and the Hessian's eigenvalues."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from cases import NETWORKS, dataset
from landscape_cli import store
from landscape_cli.curvature.hessian_field import HessianField
from landscape_cli.curvature.options import Options as HessianOptions
from landscape_cli.curvature.options import SpectrumOptions
from landscape_cli.curvature.spectrum_field import SpectrumField
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.options import Options
from landscape_cli.evaluation.problem import Problem, classifier
from landscape_cli.surfaces.compute import Header, compute
from landscape_cli.surfaces.field import Field
from landscape_cli.surfaces.grid import grid
from landscape_cli.surfaces.known_solutions import KnownSolution
from landscape_cli.surfaces.loss_field import LossField
from landscape_cli.weights.arithmetic import params_of
from landscape_cli.weights.directions import random
from landscape_cli.workers.processes import Alone

X, Y = grid(-1, 1, 5), grid(-1, 1, 3)


def problem(*splits: str) -> Problem:
    return classifier(NETWORKS["mlp"](), dataset(), "cross_entropy", list(splits))


def loss(**options: object) -> Field:
    return LossField(problem("train", "test"), axes(), X, Y, Options(**options))  # type: ignore[arg-type]


def axes() -> dict[str, dict[str, object]]:
    params = params_of(problem("train").model)
    return {axis: random(params, norm="filter", ignore="biasbn", seed=0, axis=axis) for axis in "xy"}


def spectra(by: str | None = None, **options: object) -> Field:
    """Spectra at eight epochs, of weights that grow."""
    own = problem("train")

    def weights(epoch: int) -> dict[str, torch.Tensor]:
        return {name: (1 + epoch / 4) * tensor for name, tensor in params_of(own.model).items()}

    return SpectrumField(own, SpectrumOptions(**options), np.arange(0.0, 16.0, 2), weights, by)  # type: ignore[arg-type]


FIELDS: dict[str, Callable[[], Field]] = {
    "loss": loss,
    "on a subset": lambda: loss(samples=15),
    "calibrated": lambda: loss(samples=15, anchors=2),
    "refined": lambda: loss(tolerance=0.5),
    "bfloat16": lambda: loss(precision="bf16"),
    "hessian": lambda: HessianField(problem("train"), axes(), X, Y, HessianOptions(samples=15)),
    "spectrum": lambda: spectra(method="lanczos", k=2, samples=15),
    "spectrum, dense by layer": lambda: spectra("layer", method="dense", samples=15, params="*.bias"),
    "density of the Gauss-Newton matrix": lambda: spectra(operator="ggn", method="slq", probes=2, steps=3),
    "hessian, fp64": lambda: HessianField(problem("test"), axes(), X, Y, HessianOptions(precision="fp64")),
}


def header(**config: object) -> Header:
    here = KnownSolution("here", 0.0, 0.0, {"path": "made", "sha256": "0"}, not_compared="nothing recorded")
    return Header(config, {}, [here])


def values(path: Path) -> dict[str, bytes]:
    found = store.read(path)
    arrays = found.values if found.spectrum is None else {**found.values, **found.spectrum.datasets()}
    return {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.parametrize("name", FIELDS)
def test_it_fills_what_it_names_and_is_finished_then(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "s.h5"
    field = FIELDS[name]()
    assert compute(Alone(), out, field, header(a=1)) == out
    surface = store.read(out)
    assert sorted(surface.values) == sorted(field.names())
    assert all(np.isfinite(array).all() for array in surface.values.values())
    assert surface.evaluated.all() or name == "refined"
    told = capsys.readouterr().err
    assert f"{int(surface.evaluated.sum())} points evaluated in" in told
    before = out.read_bytes()
    compute(Alone(), out, FIELDS[name](), header(a=1))
    assert "evaluated" not in capsys.readouterr().err
    assert out.read_bytes() == before


@pytest.mark.parametrize("name", FIELDS)
def test_a_stopped_file_goes_on_to_the_same_values(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = tmp_path / "whole.h5", tmp_path / "stopped.h5"
    compute(Alone(), whole, FIELDS[name](), header(a=1))
    field, left = FIELDS[name](), [6]
    works = field.evaluate

    def stops(index: tuple[int, ...]) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return works(index)

    monkeypatch.setattr(field, "evaluate", stops)
    with pytest.raises(KeyboardInterrupt):
        compute(Alone(), stopped, field, header(a=1))
    assert store.read(stopped).evaluated.sum() == 6
    compute(Alone(), stopped, FIELDS[name](), header(a=1))
    if name.startswith("hessian"):  # a search that starts from other vectors ends within the tolerance
        for key, expected in store.read(whole).values.items():
            if not key.endswith(("products", "residual", "ratio")):
                scale = np.abs(expected).max()
                np.testing.assert_allclose(store.read(stopped).values[key], expected, atol=0.02 * scale)
    else:
        assert values(stopped) == values(whole)


@pytest.mark.parametrize("name", FIELDS)
def test_a_file_of_another_question_is_refused(tmp_path: Path, name: str) -> None:
    out = tmp_path / "s.h5"
    compute(Alone(), out, FIELDS[name](), header(a=1))
    before = out.read_bytes()
    with pytest.raises(LandscapeError, match="begun with another configuration"):
        compute(Alone(), out, FIELDS[name](), header(a=2))
    other = KnownSolution("here", 0.0, 0.0, {"path": "other", "sha256": "1"}, not_compared="nothing recorded")
    with pytest.raises(LandscapeError, match="other is not, or no longer, the made of then"):
        compute(Alone(), out, FIELDS[name](), dataclasses.replace(header(a=1), solutions=[other]))
    assert out.read_bytes() == before


@pytest.mark.parametrize("name", FIELDS)
def test_the_recorded_loss_is_compared_at_a_known_solution(tmp_path: Path, name: str) -> None:
    field = FIELDS[name]()
    split = field.names()[0].partition("/")[0]
    recorded = field.losses_at(0.0, 0.0)[split].loss
    for told, refused in ((recorded, False), (recorded * 1.01, True)):
        here = KnownSolution("here", 0.0, 0.0, {"path": "made", "sha256": "0"}, recorded={split: told})
        out = tmp_path / f"{refused}.h5"
        if refused:
            with pytest.raises(LandscapeError, match="but its training recorded"):
                compute(Alone(), out, FIELDS[name](), Header({}, {}, [here]))
        else:
            compute(Alone(), out, FIELDS[name](), Header({}, {}, [here]))
        assert out.exists() != refused
