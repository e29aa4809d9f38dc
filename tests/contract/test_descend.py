"""`landscape descend`: the file, found again and refused, pictures, exports, mistakes."""

import csv
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from contract.made import succeed
from PIL import Image

from conftest import Landscape
from landscape_cli.analytic import descent
from landscape_cli.plots import descents_written
from landscape_cli.store.descent import read_descent

WORDS = ["descend", "function=himmelblau", "optimizer=gd,newton", "steps=60", "start=grid:12"]


def test_the_file_holds_paths_plane_and_minima(landscape: Landscape, tmp_path: Path) -> None:
    written = succeed(landscape, *WORDS)
    assert written == "outputs/descents/himmelblau-gd-newton_start-grid-12_steps-60.h5"
    with h5py.File(tmp_path / written) as file:
        assert file.attrs["format"] == "landscape-descent"
        assert list(file["paths"]) == ["gd", "newton"]
        assert file["paths/gd/points"].shape == (144, 61, 2)
        assert file["function"].shape == (201, 201)
        x, y, values = file["x"][...], file["y"][...], file["function"][...]
        assert values[50, 150] == pytest.approx(
            (x[150] ** 2 + y[50] - 11) ** 2 + (x[150] + y[50] ** 2 - 7) ** 2
        )
    found = read_descent(tmp_path / written)
    assert found.grid == (12, 12)
    assert len(found.minima) == 4
    ends = found.paths["gd"].points[:, -1]
    distance = np.linalg.norm(ends[:, None] - found.minima[None], axis=-1).min(axis=1)
    assert distance.max() < 1e-2


def test_the_same_command_finds_it_and_another_is_refused(landscape: Landscape, tmp_path: Path) -> None:
    succeed(landscape, *WORDS, "out=d.h5")
    before = (tmp_path / "d.h5").stat().st_mtime_ns
    again = landscape(*WORDS, "out=d.h5")
    assert "d.h5 is there already" in again.err
    assert (tmp_path / "d.h5").stat().st_mtime_ns == before
    other = landscape(*WORDS, "seed=1", "out=d.h5")
    assert other.status == 1
    assert other.err == "d.h5 holds other descents (seed: saved 0, asked for 1); choose another out=\n"


def test_a_file_from_before_an_optimizer_came_is_found_again(landscape: Landscape, tmp_path: Path) -> None:
    succeed(landscape, "descend", "steps=1", "out=d.h5")
    with h5py.File(tmp_path / "d.h5", "r+") as file:
        config = yaml.safe_load(file.attrs["config"])
        del config["annealed_gd"]
        file.attrs["config"] = yaml.safe_dump(config)
    assert "d.h5 is there already" in landscape("descend", "steps=1", "out=d.h5").err
    other = landscape("descend", "steps=1", "annealed_gd.eta=2", "out=d.h5")
    assert "annealed_gd.eta: saved 1.0, asked for 2" in other.err


def test_a_page_to_turn_and_one_of_axes_that_do_not_increase(landscape: Landscape, tmp_path: Path) -> None:
    succeed(landscape, "descend", "steps=1", "out=d.h5")
    page = succeed(landscape, "plot", "file=d.h5", "kind=interactive")
    assert page == "outputs/plots/d_kind-interactive.html"
    assert "Plotly.newPlot(" in (tmp_path / page).read_text()
    with h5py.File(tmp_path / "d.h5", "r+") as file:
        file["x"][...] = np.flip(file["x"][...])
    told = landscape("plot", "file=d.h5", "out=d.html").err
    assert "x must be finite and increasing coordinates" in told


def test_the_table_tells_where_paths_end(landscape: Landscape) -> None:
    gd, newton, _ = landscape(*WORDS, "out=d.h5").out.splitlines()
    assert gd.startswith("gd      median ")
    assert gd.endswith("after 60 steps, 144 minimum")
    assert "saddle" in newton
    single = landscape("descend", "function=ravine", "optimizer=newton", "steps=1", "out=r.h5").out
    assert single.startswith("newton  0 after 1 steps, at (0, 0), minimum\n")
    left = landscape("descend", "function=ravine", "lr=1e40", "steps=20", "out=l.h5").out
    assert left.startswith("gd  inf after 20 steps, at (nan, nan), left for infinity\n")


def test_several_optimizers_are_a_list_and_in_a_multirun_jobs(landscape: Landscape) -> None:
    shown = landscape("descend", "optimizer=gd,adam", "--cfg", "job").out
    assert "optimizers:\n- gd\n- adam\n" in shown
    outcome = landscape("descend", "optimizer=gd,adam", "steps=3", "--multirun")
    assert outcome.out.split()[-1].endswith("beale-adam_steps-3.h5")
    assert (outcome.status, outcome.out.count("descents/")) == (0, 2)


def test_random_starts_are_those_of_the_seed(landscape: Landscape, tmp_path: Path) -> None:
    starts = []
    for seed, name in ((0, "a"), (0, "b"), (1, "c")):
        succeed(landscape, "descend", "start=random:5", "steps=1", f"seed={seed}", f"out={name}.h5")
        starts.append(read_descent(tmp_path / f"{name}.h5").paths["gd"].points[:, 0])
    assert np.array_equal(starts[0], starts[1])
    assert not np.array_equal(starts[0], starts[2])


def test_a_function_of_ones_own(landscape: Landscape, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch\n"
        "def bowl(x):\n    return ((x - 1) ** 2).sum() + torch.sin(x[0]) ** 2\n"
        "def broken(x):\n    return x\n"
        "def lost(x):\n    raise RuntimeError('no idea')\n"
    )
    own = [
        "descend",
        "function=custom",
        "start=[2,3,1]",
        "function.dimension=3",
        "optimizer=gd,newton",
        "steps=200",
    ]
    assert "say trust=true" in landscape(*own, "function.source=mine:bowl").err
    succeed(landscape, *own, "function.source=mine:bowl", "trust=true", "out=d.h5")
    found = read_descent(tmp_path / "d.h5")
    assert found.values is None
    assert found.paths["newton"].gradient_norm[0, -1] < 1e-10
    assert "must give one float64 number" in landscape(*own, "function.source=mine:broken", "trust=true").err
    assert "function custom fails at [2.0, 3.0, 1.0]: no idea" in (
        landscape(*own, "function.source=mine:lost", "trust=true").err
    )
    assert (
        "kind=contour draws functions of two coordinates"
        in landscape("plot", "file=d.h5", "kind=contour").err
    )
    assert succeed(landscape, "plot", "file=d.h5", "out=p.png") == "p.png"


def test_pictures_of_every_kind(landscape: Landscape, tmp_path: Path) -> None:
    succeed(landscape, *WORDS, "out=d.h5")
    for kind in ("contour", "surface3d", "line", "basins"):
        succeed(landscape, "plot", "file=d.h5", f"kind={kind}", f"out={kind}.png")
        assert np.asarray(Image.open(tmp_path / f"{kind}.png")).std() > 10
    succeed(landscape, "plot", "file=d.h5", "out=auto.png")
    assert (tmp_path / "auto.png").read_bytes() == (tmp_path / "contour.png").read_bytes()
    succeed(landscape, "report", "file=d.h5", "out=r.html")
    report = (tmp_path / "r.html").read_text()
    assert report.count("<img") == 2
    assert "<h2>Descents: himmelblau, interactive</h2>" in report


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["contour", "surface3d"])
def test_an_animation_has_a_frame_a_step(landscape: Landscape, tmp_path: Path, kind: str) -> None:
    words = ["descend", "function=ravine", "optimizer=gd,adam", "steps=5", "out=d.h5"]
    succeed(landscape, *words)
    succeed(landscape, "plot", "file=d.h5", f"kind={kind}", "size=3x3", "dpi=40", "out=d.gif")
    with Image.open(tmp_path / "d.gif") as moving:
        assert moving.n_frames in (6, 7)  # the last one stays
        frames = []
        for index in range(6):
            moving.seek(index)
            frames.append(np.asarray(moving.convert("RGB")).copy())
    assert all((one != other).any() for one, other in pairwise(frames))


@pytest.mark.slow
def test_panels_of_an_animation_show_the_same_step(
    landscape: Landscape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a file of all steps one of each third, which stands still for three frames."""
    words = ["descend", "function=ravine", "lr=5e-3", "steps=9"]
    succeed(landscape, *words, "out=all.h5")
    monkeypatch.setattr(descent, "MOST_KEPT", 8)
    succeed(landscape, *words, "out=thirds.h5")
    assert read_descent(tmp_path / "thirds.h5").paths["gd"].steps.tolist() == [0, 3, 6, 9]
    shown = []

    def show(lines: list[Any], whole: list[Any], indices: list[int]) -> None:
        shown.append([len(points[0, : index + 1]) - 1 for points, index in zip(whole, indices, strict=True)])

    monkeypatch.setattr(descents_written, "_show_until", show)
    succeed(landscape, "plot", "file=all.h5,thirds.h5", "size=6x3", "dpi=60", "out=both.gif")
    assert shown == [[step, step, step // 3, step // 3] for step in range(10)]  # each path is drawn twice


def test_exports(landscape: Landscape, tmp_path: Path) -> None:
    words = ["descend", "optimizer=gd,adam", "start=[[1,1],[0,2]]", "steps=3", "out=d.h5"]
    succeed(landscape, *words)
    found = read_descent(tmp_path / "d.h5")
    with Path(succeed(landscape, "export", "file=d.h5")).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 4
    losses = [float(row["loss"]) for row in rows if row["optimizer"] == "adam"]
    assert losses == found.paths["adam"].loss.ravel().tolist()
    with np.load(succeed(landscape, "export", "file=d.h5", "format=npz")) as arrays:
        assert np.array_equal(arrays["gd/points"], found.paths["gd"].points)
    assert "choose csv or npz" in landscape("export", "file=d.h5", "format=vtp").err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["optimizer=adamm"], "no optimizer 'adamm'; choose from"),
        (["optimizer=gd,gd"], "optimizer must be one or several, each once"),
        (["steps=0"], "steps must be a positive whole number, got 0"),
        (["lr=-1"], "lr must be a finite number of zero or more, got -1.0"),
        (["adam.betas=0.9,1"], "adam.betas must be two numbers in [0, 1), got [0.9, 1]"),
        (["heavy_ball.momentum=1"], "heavy_ball.momentum must be a number in [0, 1), got 1"),
        (["sgd.parts=0.5"], "sgd.parts must be a positive whole number, got 0.5"),
        (["adam.momentum=1"], "no key 'adam.momentum'; choose from adam.lr"),
        (["function=beal"], "no function 'beal'"),
        (["function=ravine", "function.condition=0.1"], "function.condition must be a number of at least 1"),
        (
            ["function=ravine", "function.dimension=two"],
            "function.dimension must be a whole number, got 'two'",
        ),
        (["function=two_wells", "function.rise=99"], "function.rise must be from 0 to below the barrier's"),
        (["function=matrix_factorization", "function.eigenvalues=1,2"], "numbers that decrease, got [1, 2]"),
        (["start=here"], "start must be a point such as [1,1.5]"),
        (["start=1,2,3"], "start must be points of 2 finite coordinates, got [1, 2, 3]"),
        (["start=grid:4", "function=ravine", "function.dimension=3"], "start=grid:n is for functions of two"),
        (["start=[1e200,1e200]"], "function beale is inf at the start"),
        (["x=-1:1:5"], "x and y are told together, or both left out"),
        (
            ["function=rastrigin", "function.dimension=3", "x=-1:1:5", "y=-1:1:5"],
            "x and y are of the picture of a function of two coordinates, and rastrigin has 3",
        ),
        (["nesterov.momentum=0"], "nesterov.momentum must be a number in (0, 1), got 0"),
        (["adam.eps=0"], "adam.eps must be a positive number, got 0"),
        (
            ["function=rosenbrock", "function.curvature=0"],
            "function.curvature must be a positive number, got 0",
        ),
        (
            ["function=saddle", "function.curvature=-50"],
            "function.curvature must be a positive number, got -50",
        ),
        (["function=matrix_factorization", "function.rank=[1]"], "function.rank must be a whole number"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(
    landscape: Landscape, tmp_path: Path, words: list[str], told: str
) -> None:
    outcome = landscape("descend", *words)
    assert (outcome.status, outcome.out) == (1, "")
    assert told in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_where_all_have_left_a_function_of_ones_own_the_table_says_so(
    landscape: Landscape, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text("def bowl(x):\n    return (x ** 2).sum()\n")
    words = ["descend", "function=custom", "function.source=mine:bowl", "trust=true", "lr=10", "steps=1000"]
    outcome = landscape(*words, "start=random:3", "out=d.h5")
    assert outcome.out == "gd  median inf after 1000 steps, 3 left for infinity\nd.h5\n"


def test_ends_in_many_dimensions_are_not_told_apart(landscape: Landscape) -> None:
    words = ["descend", "function=styblinski_tang", "function.dimension=300", "steps=1", "out=d.h5"]
    (told, _) = landscape(*words).out.splitlines()
    assert told.endswith("after 1 steps, at (0.3225, 0.3225, 0.3225, 0.3225, …)")


def test_mistakes_of_pictures(landscape: Landscape) -> None:
    succeed(landscape, "descend", "steps=3", "out=d.h5")
    for words, told in (
        (["kind=basins"], "kind=basins draws starts on a grid"),
        (["kind=heatmap"], "no kind 'heatmap'"),
        (["kind=line", "out=d.html"], "kind=line is a picture; let out= end in .png"),
        (["kind=interactive", "out=d.png"], "kind=interactive is an HTML page"),
        (["dpi=90", "out=d.html"], "style= and dpi= are of pictures"),
        (["kind=line", "out=d.gif"], "cannot be animated"),
    ):
        outcome = landscape("plot", "file=d.h5", *words)
        assert outcome.status == 1
        assert told in outcome.err
