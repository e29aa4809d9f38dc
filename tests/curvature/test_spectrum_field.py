"""Spectra of one's own networks against the matrices written out in float64."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape_cli import LandscapeError, plot, spectrum
from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.data.load import Split
from landscape_cli.store.export import as_csv

torchs_own = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
torch.manual_seed(0)
INPUTS, TARGETS = torch.randn(40, 6), torch.arange(40) % 3
LOSS = nn.CrossEntropyLoss()


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))


def hessian() -> np.ndarray:
    return dense_hessian(*objective_at(network(), Split(INPUTS, TARGETS), "cross_entropy"))


def gauss_newton() -> np.ndarray:
    """The mean of J^T (diag p - p p^T) J."""
    model = network().double()
    weights = {name: one.detach() for name, one in model.named_parameters()}

    def outputs(point: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(model, point, (INPUTS.double(),))

    slopes = torch.func.jacrev(outputs)(weights)
    slope = torch.cat([slopes[name].flatten(2) for name in weights], dim=2)
    p = outputs(weights).softmax(1)
    bend = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    return torch.einsum("nip,nij,njq->pq", slope, bend, slope).numpy() / len(INPUTS)


MATRICES = {"hessian": hessian, "ggn": gauss_newton}


@torchs_own
@pytest.mark.parametrize("operator", MATRICES)
def test_dense_has_all_eigenvalues_and_sums(tmp_path: Path, operator: str) -> None:
    exact = np.linalg.eigvalsh(MATRICES[operator]())
    found = spectrum(network(), LOSS, (INPUTS, TARGETS), out=tmp_path / "s.h5", operator=operator)
    assert found.spectrum is not None
    assert found.spectrum.whole
    np.testing.assert_allclose(found.spectrum.eigenvalues[0], exact, atol=1e-9)
    for name, value in {
        "largest_eigenvalue": exact[-1],
        "smallest_eigenvalue": exact[0],
        "trace": exact.sum(),
        "frobenius_norm": np.linalg.norm(exact),
        "trace_error": 0,
        "products": 83,
    }.items():
        assert found.values[f"train/{name}"][0] == pytest.approx(value, abs=1e-8), name
    assert found.values["train/loss"][0] == pytest.approx(LOSS(network()(INPUTS), TARGETS).item(), rel=1e-6)


@torchs_own
@pytest.mark.parametrize("operator", MATRICES)
def test_lanczos_has_the_ends(tmp_path: Path, operator: str) -> None:
    exact = np.linalg.eigvalsh(MATRICES[operator]())
    found = spectrum(
        network(),
        LOSS,
        (INPUTS, TARGETS),
        out=tmp_path / "s.h5",
        operator=operator,
        method="lanczos",
        k=3,
        tolerance=1e-5,
        batch_size=16,
    )
    assert found.spectrum is not None
    ends = np.r_[exact[:3], exact[-3:]] if operator == "hessian" else exact[-3:]
    np.testing.assert_allclose(found.spectrum.eigenvalues[0], ends, atol=1e-4 * exact[-1])
    assert (found.spectrum.residuals[0] <= 1e-5).all()
    assert ("train/smallest_eigenvalue" in found.values) == (operator == "hessian")
    assert "train/trace" not in found.values


@torchs_own
def test_the_density_is_that_of_all_eigenvalues_within_its_error(tmp_path: Path) -> None:
    exact = np.linalg.eigvalsh(hessian())
    found = spectrum(
        network(), LOSS, (INPUTS, TARGETS), out=tmp_path / "s.h5", method="slq", probes=40, steps=30
    )
    assert found.spectrum is not None
    density = found.spectrum.quadrature(0)
    assert density is not None
    assert density.nodes.shape == (40, 30)
    width = 0.1 * (exact[-1] - exact[0])
    places = np.linspace(exact[0], exact[-1], 50)
    mean, error = density.smooth(places, width)
    histogram = np.exp(-(((places[:, None] - exact) / width) ** 2) / 2).mean(axis=1) / (
        width * np.sqrt(2 * np.pi)
    )
    assert np.mean(np.abs(mean - histogram) < 2 * error + 1e-6) > 0.8
    assert np.abs(mean - histogram).max() < 0.2 * histogram.max()
    trace, error_of_trace = found.values["train/trace"][0], found.values["train/trace_error"][0]
    assert abs(trace - exact.sum()) < 4 * error_of_trace
    assert error_of_trace < 0.1 * exact.sum()


@torchs_own
def test_layers_are_blocks(tmp_path: Path) -> None:
    matrix = hessian()
    blocks = {"0": np.linalg.eigvalsh(matrix[:56, :56]), "2": np.linalg.eigvalsh(matrix[56:, 56:])}
    for method in ("dense", "auto", "lanczos"):
        found = spectrum(
            network(),
            LOSS,
            (INPUTS, TARGETS),
            out=tmp_path / f"{method}.h5",
            by="layer",
            method=method,
            k=2,
            tolerance=1e-4,
        )
        assert found.spectrum is not None
        assert found.spectrum.layers == list(blocks)
        assert found.spectrum.sizes == [56, 27]
        for number, exact in enumerate(blocks.values()):
            largest = found.values["train/largest_eigenvalue"][number, 0]
            assert largest == pytest.approx(exact[-1], rel=1e-3)
            if method != "lanczos":
                own = found.spectrum.eigenvalues[number]
                np.testing.assert_allclose(own[np.isfinite(own)], exact, atol=1e-9)
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [(row["layer"], float(row["x"])) for row in rows] == [("0", 0), ("2", 0)]
    figure = plot([found])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["0", "2"]
    np.testing.assert_array_equal(
        figure.axes[0].get_lines()[0].get_xdata(), found.values["train/largest_eigenvalue"][:, 0]
    )


@torchs_own
def test_pictures_show_the_density_and_its_ends(tmp_path: Path) -> None:
    exact = np.linalg.eigvalsh(hessian())
    dense = spectrum(network(), LOSS, (INPUTS, TARGETS), out=tmp_path / "d.h5")
    both = spectrum(
        network(), LOSS, (INPUTS, TARGETS), out=tmp_path / "b.h5", method="slq", probes=4, steps=20
    )
    figure = plot([dense, both])
    curve, ends = figure.axes[0].get_lines()[:2]
    np.testing.assert_allclose(ends.get_xdata(), np.r_[exact[:10], exact[-10:]], atol=1e-8)
    places, density = curve.get_data()
    assert np.trapezoid(density, places) == pytest.approx(1, abs=0.02)
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert figure.axes[0].get_yscale() == "log"
    assert len(figure.axes[1].get_lines()[1].get_xdata()) == 0
    (legend,) = figure.legends
    told = [text.get_text() for text in legend.get_texts()]
    assert told[0].startswith("density, smoothed by 0.0")
    assert told[1:] == ["eigenvalues at the ends", "two standard errors"]
    ends_alone = spectrum(network(), LOSS, (INPUTS, TARGETS), out=tmp_path / "e.h5", method="lanczos", k=2)
    (axes,) = plot(ends_alone).axes  # without a density there is no axis of one
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), np.r_[exact[:2], exact[-2:]], rtol=1e-2)
    assert axes.get_xlabel() == "in ascending order"
    layers = spectrum(network(), LOSS, (INPUTS, TARGETS), out=tmp_path / "l.h5", by="layer")
    with pytest.raises(LandscapeError, match="draw them apart"):
        plot([dense, layers])


def test_what_cannot_be_is_refused_before_it_begins(tmp_path: Path) -> None:
    out, given = tmp_path / "never.h5", (INPUTS, TARGETS)
    large = nn.Sequential(nn.Linear(6, 3000), nn.Linear(3000, 3))
    with pytest.raises(LandscapeError, match=r"takes? 6\.\d+ GiB|up to 20,000"):
        spectrum(large, LOSS, given, out=out, method="dense")
    with pytest.raises(LandscapeError, match=r"k=300.*say k=200 or fewer, or method=dense for all 83"):
        spectrum(network(), LOSS, given, out=out, method="lanczos", k=300)
    with pytest.raises(LandscapeError, match="no operator 'hesian'"):
        spectrum(network(), LOSS, given, out=out, operator="hesian")
    with pytest.raises(LandscapeError, match="probes must be two or more, got 1"):
        spectrum(network(), LOSS, given, out=out, probes=1)
    with pytest.raises(LandscapeError, match="no by 'tensor'; choose from layer"):
        spectrum(network(), LOSS, given, out=out, by="tensor")
    with pytest.raises(LandscapeError, match="the loss of each sample"):
        spectrum(
            network(), lambda outputs, targets: LOSS(outputs, targets), given, out=out, operator="fisher"
        )
    assert not out.exists()
