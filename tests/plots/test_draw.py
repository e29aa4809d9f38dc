import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.draw import KINDS, OF_BASINS, draw, resolve_kind, save

PLANE_KINDS = ("contour", "heatmap", "surface3d")


def words(figure):
    """Return the texts that a reader sees."""
    figure.draw_without_rendering()
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text.get_window_extent().width > 1
    ]


@pytest.fixture(
    scope="module",
    params=[(kind, count) for kind in (*PLANE_KINDS, *OF_BASINS, "line") for count in (1, 2, 5)],
    ids=str,
)
def picture(request, plane, line, run_config):
    """A picture of each kind with one panel and several, with everything on it that takes room."""
    kind, count = request.param

    def ripples(x, y):
        loss = 10 ** (-2 + 4 * np.hypot(x, y - 0.4) + 0.2 * np.sin(8 * x))
        return np.where(x > 0.8, np.inf, np.where(x < -0.9, np.nan, loss))

    configs = [run_config(architecture__skip=False, seed=seed, batch_size=8192) for seed in range(count)]
    if kind == "line":
        return draw([line(np.geomspace(0.01, 90, 21), run_config=config) for config in configs], kind=kind)
    surfaces = [plane(ripples, x=(-1, 1, 21), y=(-1, 1, 17), run_config=config) for config in configs]
    return draw(surfaces, kind=kind)


def test_every_picture_is_a_column_or_a_page_wide(picture):
    panels = {axes.get_subplotspec().num1 for axes in picture.axes if axes.get_label() != "<colorbar>"}
    single = len(panels) == 1
    assert picture.get_figwidth() == (3.4 if single else 7.0)
    assert 1.5 < picture.get_figheight() < 9.5


def test_every_word_is_readable(picture):
    sizes = {text.get_fontsize() for text in words(picture)}
    assert sizes <= {7.0, 8.0}


def test_everything_is_on_the_page(picture):
    picture.draw_without_rendering()
    renderer = picture.canvas.get_renderer()
    boxes = [axes.get_tightbbox() for axes in picture.axes if axes.name != "3d"]
    spaces = [axes for axes in picture.axes if axes.name == "3d"]  # whose own box is larger than what shows
    boxes += [axis.get_tightbbox(renderer) for axes in spaces for axis in axes._axis_map.values()]
    boxes += [axes.title.get_window_extent() for axes in spaces]
    boxes += [each.get_window_extent() for each in (*picture.legends, *picture.texts)]
    for box in boxes:
        assert picture.bbox.x0 - 1 <= box.x0 < box.x1 <= picture.bbox.x1 + 1
        assert picture.bbox.y0 - 1 <= box.y0 < box.y1 <= picture.bbox.y1 + 1


def test_titles_do_not_touch(picture):
    picture.draw_without_rendering()
    titles = [axes.title for axes in picture.axes if axes.get_title()]
    titles += [text for text in picture.texts if text.get_text()]
    boxes = [title.get_window_extent() for title in titles]
    assert boxes
    assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])


def test_panels_do_not_cover_each_other(picture):
    picture.draw_without_rendering()
    lefts = {axes.get_subplotspec().num1: axes for axes in picture.axes if axes.get_label() != "<colorbar>"}
    boxes = [axes.get_window_extent() for axes in lefts.values()]
    assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])


def test_auto_fits_the_file(plane, line):
    assert resolve_kind([plane()], "auto") == "contour"
    assert resolve_kind([line(), line(config={})], "auto") == "line"


def test_every_kind_is_drawn_or_an_html_page(plane, line):
    drawn = 0
    for kind, words_ in KINDS.items():
        assert words_
        if kind not in ("interactive", "path", "spectrum"):  # of files of their own
            drawn += bool(draw([line() if kind == "line" else plane()], kind=kind).axes)
    assert drawn == 7


def test_an_unknown_kind_is_refused_with_the_nearest(plane):
    with pytest.raises(
        LandscapeError, match=r"no kind 'countour'; choose from auto, contour, .* \(nearest: contour\)"
    ):
        draw([plane()], kind="countour")


@pytest.mark.parametrize("kind", PLANE_KINDS)
def test_a_line_is_no_plane(line, kind):
    with pytest.raises(
        LandscapeError, match=rf"kind={kind} draws planes and out/line.h5 holds a line; choose kind=line"
    ):
        draw([line()], kind=kind)


def test_a_plane_is_no_line(plane):
    with pytest.raises(
        LandscapeError, match=r"out/plane.h5 holds a plane; choose kind=contour, heatmap, surface3d, inter"
    ):
        draw([plane()], kind="line")


def test_lines_and_planes_are_not_mixed(plane, line):
    with pytest.raises(
        LandscapeError, match=r"out/line.h5 holds a line and out/plane.h5 a plane; draw them in two"
    ):
        draw([line(), plane()])


def test_no_file_is_refused():
    with pytest.raises(LandscapeError, match="nothing to draw: say file="):
        draw([])


def test_an_interactive_picture_is_no_figure(plane):
    with pytest.raises(
        LandscapeError, match=r"kind=interactive is an HTML page; choose out= with the ending .html"
    ):
        draw([plane()], kind="interactive")


def test_a_file_with_nothing_in_it_is_refused(plane):
    with pytest.raises(LandscapeError, match="nothing of train/loss is evaluated yet"):
        draw([plane(), plane(lambda x, y: np.nan * x)])


@pytest.mark.parametrize(("split", "label"), [("train", "training loss"), ("test", "test loss")])
def test_the_split_is_chosen_and_named(plane, split, label):
    figure = draw([plane()], kind="heatmap", split=split, scale="linear")
    mesh = figure.axes[0].collections[0]
    np.testing.assert_allclose(mesh.get_array(), plane().values[f"{split}/loss"])
    assert label in figure.axes[-1].get_ylabel().replace("\n", " ")


def test_titles_come_from_the_run_or_from_the_user(plane):
    drawn = draw([plane()], kind="heatmap").axes[0].get_title().replace("\n", " ")
    assert drawn == "resnet20, cifar10, SGD, batch 128, weight decay 5e-4"
    assert draw([plane()], kind="heatmap", title="Mine").axes[0].get_title() == "Mine"
    assert draw([plane(name="a"), plane(name="b")], title="Mine").get_suptitle() == "Mine"


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".png", b"\x89PNG\r\n\x1a\n"), (".pdf", b"%PDF-"), (".svg", b"<?xml")]
)
def test_each_ending_has_its_format_and_equal_pictures_equal_files(tmp_path, plane, suffix, magic):
    paths = [tmp_path / "new" / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        save(draw([plane()], kind="contour"), path)
    first, second = (path.read_bytes() for path in paths)
    assert first.startswith(magic)
    assert first == second


def test_a_png_has_200_dots_per_inch(tmp_path, plane):
    save(draw([plane()]), tmp_path / "a.png")
    width = int.from_bytes((tmp_path / "a.png").read_bytes()[16:20], "big")
    assert width == 3.4 * 200


def test_another_ending_is_refused_and_leaves_nothing(tmp_path, plane):
    with pytest.raises(
        LandscapeError, match=r"a.jpg: pictures end in .png, .pdf, .svg, interactive pages in .html"
    ):
        save(draw([plane()]), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_picture_leaves_the_old_one(tmp_path, plane, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    figure = draw([plane()])

    def half(name, **_):
        name.write(b"ne")
        raise OSError("no space left on device")

    monkeypatch.setattr(figure, "savefig", half)
    with pytest.raises(OSError, match="no space"):
        save(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_users_style_survives_and_does_not_reach_the_picture(tmp_path, plane):
    with matplotlib.rc_context({"font.size": 30.0, "lines.linewidth": 9.0}):
        before = dict(matplotlib.rcParams)
        figure = draw([plane()])
        save(figure, tmp_path / "a.png")
        assert dict(matplotlib.rcParams) == before
        assert max(text.get_fontsize() for text in words(figure)) == 8


def test_drawing_needs_neither_torch_nor_pyplot_nor_plotly():
    code = """
import importlib, pkgutil, sys
import landscape_cli.plots
names = [module.name for module in pkgutil.iter_modules(landscape_cli.plots.__path__)]
for name in names:
    importlib.import_module(f"landscape_cli.plots.{name}")
print(len(names), [name for name in ("torch", "matplotlib.pyplot", "plotly") if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, _, found = result.stdout.partition(" ")
    assert int(count) >= 15
    assert found.strip() == "[]"


def test_drawing_touches_no_pyplot_state(tmp_path, plane, line):
    save(draw([plane()]), tmp_path / "a.png")
    save(draw([line()]), tmp_path / "b.png")
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize("kind", [*PLANE_KINDS, "line"])
def test_an_accuracy_that_there_is_not_is_refused(plane, line, kind):
    surface = line(accuracy=False) if kind == "line" else plane(accuracy=False)
    assert draw([surface], kind=kind).axes
    with pytest.raises(LandscapeError, match=r"out/\w+.h5 has no accuracy; choose value=loss"):
        draw([surface], kind=kind, value="accuracy")


@pytest.mark.parametrize("kind", [*PLANE_KINDS, "line"])
def test_a_surface_without_a_run_has_the_plain_loss_and_no_title(plane, line, kind):
    config = {"run": "(given)", "epoch": "(given)", "direction": {"name": "random", "norm": "filter"}}
    given = {"run_config": {}, "config": config, "marks": (("given", 0.0, 0.0),), "accuracy": False}
    figure = draw([line(**given) if kind == "line" else plane(**given)], kind=kind)
    assert [axes.get_title() for axes in figure.axes] == [""] * len(figure.axes)
    label = figure.axes[0 if kind == "line" else -1].get_ylabel()
    assert label == ("loss" if kind == "line" else "training loss")
