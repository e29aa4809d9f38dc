"""`landscape spectrum` from a shell: epochs, history, table, pictures, and what it refuses."""

import re
from pathlib import Path

import numpy as np
import pytest

from conftest import Landscape, Outcome, carry_out
from landscape_cli.store import read

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
TRAIN = ["train", "dataset=digits", "dataset.train_size=60", "architecture=mlp", "architecture.widths=[4]"]
TRAIN += ["batch_size=20"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spectrum")
    return carry_out(folder, [[*TRAIN, "epochs=4", "checkpoint_every=2", "out=run"]])


@pytest.fixture
def here(landscape: Landscape, made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Landscape:
    (tmp_path / "run").symlink_to(made / "run")
    return landscape


def written(outcome: Outcome) -> Path:
    assert outcome.status == 0, outcome.err
    return Path(outcome.last_line)


def test_the_history_of_a_run(here: Landscape) -> None:
    asked = ["spectrum", "run=run", "epoch=all", "method=lanczos", "k=2"]
    told = here(*asked)
    path = written(told)
    assert path == Path("outputs/spectra/run_all_k-2_method-lanczos.h5")
    found = read(path)
    np.testing.assert_array_equal(found.x, [0, 2, 4])
    assert found.spectrum is not None
    assert found.spectrum.eigenvalues.shape == (3, 4)
    assert len({float(one) for one in found.values["train/largest_eigenvalue"]}) == 3
    assert "epoch 4" in told.out
    one = read(written(here("spectrum", "run=run", "epoch=2", "method=lanczos", "k=2")))
    for name, values in one.values.items():
        np.testing.assert_allclose(values[0], found.values[name][1], rtol=1e-5)
    assert "evaluated in" in told.err
    assert "evaluated in" not in here(*asked).err
    picture = written(here("plot", f"file={path}", "out=history.png"))
    assert picture.stat().st_size > 5000
    table = written(here("export", f"file={path}", "format=csv")).read_text().splitlines()
    assert table[0].startswith("x,evaluated,train/accuracy,train/largest_eigenvalue,train/loss,")
    assert len(table) == 4


def test_some_epochs_and_layers(here: Landscape) -> None:
    path = written(here("spectrum", "run=run", "epoch=init,last", "by=layer", "split=test"))
    found = read(path)
    assert found.values["test/trace"].shape == (2, 2)
    assert found.spectrum is not None
    assert found.spectrum.layers is not None
    assert len(found.spectrum.layers) == 2
    written(here("plot", f"file={path}", "kind=spectrum", "out=layers.pdf"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["epoch=3"], "no checkpoint of epoch 3"),
        (["operator=jacobian"], "no operator 'jacobian'; choose from fisher, ggn, hessian"),
        (["method=exact"], "no method 'exact'"),
        (["k=0"], "k must be a positive whole number"),
        (["steps=0"], "steps must be a positive whole number"),
        (["params=head.*"], "no parameter has such a name"),
    ],
)
def test_mistakes_are_told_in_a_line(here: Landscape, words: list[str], message: str) -> None:
    failed = here("spectrum", "run=run", *words)
    assert failed.status == 1
    assert message in failed.err
    assert not list(Path("outputs").glob("spectra/*"))


@pytest.mark.parametrize("words", [["kind=contour"], ["kind=line"], ["out=page.html"]])
def test_a_spectrum_is_no_surface(here: Landscape, words: list[str]) -> None:
    path = written(here("spectrum", "run=run", "epoch=init,last", "method=lanczos", "k=1"))
    failed = here("plot", f"file={path}", *words)
    assert failed.status == 1
    assert "does not draw the spectrum in outputs/spectra/" in failed.err
    assert "choose kind=spectrum" in failed.err


def test_a_spectrum_on_a_page(here: Landscape) -> None:
    words = ["epoch=last", "epoch=init,last", "by=layer"]
    paths = [written(here("spectrum", "run=run", "method=lanczos", "k=1", word)) for word in words]
    page = written(here("report", f"file={','.join(map(str, paths))}", "out=page.html")).read_text()
    headings = re.findall("<h2[^>]*>([^<]*)</h2>", page)
    assert headings == ["Spectra", "Spectra along trainings", "Spectra of layers"]
    assert page.count("data:image/png") == 3


def test_a_surface_is_no_spectrum(here: Landscape) -> None:
    line = written(here("surface", "run=run", "x=-1:1:3", "y=null"))
    failed = here("plot", f"file={line}", "kind=spectrum")
    assert failed.status == 1
    assert "kind=spectrum draws what `landscape spectrum` wrote" in failed.err
