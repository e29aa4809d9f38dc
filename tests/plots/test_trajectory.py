import dataclasses
import math
import shutil
import stat
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.animation import FFMpegWriter, PillowWriter
from PIL import Image, ImageSequence

from landscape_cli.errors import LandscapeError
from landscape_cli.plots import animation
from landscape_cli.plots.animation import save_animation
from landscape_cli.plots.draw import draw
from landscape_cli.plots.interactive_planes import plane_figure
from landscape_cli.plots.labels import axis_label, direction_name, panel_titles
from landscape_cli.plots.options import Look
from landscape_cli.plots.trajectory import PATH, draped
from landscape_cli.store import Trajectory

EPOCHS = 5
X, Y = [-0.9, -0.5, -0.3, -0.1, 0.0], [0.9, 0.2, -0.3, -0.2, 0.0]


def path(**changes):
    losses = np.array([2.3, 1.0, 0.5, 0.0312, 0.0104])
    content = {
        "epoch": np.arange(EPOCHS),
        "x": np.array(X),
        "y": np.array(Y),
        "distance": np.full(EPOCHS, 0.1),
        "train_loss": losses,
        "test_loss": 2 * losses,
        "train_accuracy": np.linspace(0.1, 0.99, EPOCHS),
        "test_accuracy": np.linspace(0.1, 0.9, EPOCHS),
        "random_plane_ratio": 1e-3,
        "explained_variance_ratio": np.array([0.623, 0.2, 0.1, 0.077]),
        "centred_explained_variance_ratio": np.array([0.6, 0.2, 0.1, 0.1, 0.0]),
    }
    return Trajectory(**content | changes)


@pytest.fixture
def walked(plane):
    """A plane with a path on it: its loss is x + 3 y + 4."""
    marks = (("epoch 4", 0.0, 0.0), ("epoch 0", X[0], Y[0]))
    return plane(
        lambda x, y: 4 + x + 3 * y,
        y=(-1, 1, 7),
        marks=marks,
        config={"batchnorm": "keep"},
        trajectory=path(),
    )


def lines(axes):
    return [line for line in axes.lines if line.get_gid() == PATH]


@pytest.mark.parametrize("kind", ["contour", "heatmap"])
def test_the_path_lies_where_the_checkpoints_are(walked, kind):
    axes = draw([walked], kind=kind).axes[0]
    band, line = lines(axes)
    for each in (band, line):
        np.testing.assert_array_equal(each.get_xydata(), np.stack([X, Y], axis=-1))
    assert line.get_marker() == "o"
    marks = {line.get_label(): line for line in axes.lines if line.get_gid() != PATH}
    assert marks["epoch 4"].get_marker() == "*"
    assert marks["epoch 0"].get_marker() == "s"
    assert marks["epoch 0"].get_xydata().tolist() == [[X[0], Y[0]]]
    assert {text.get_text() for text in axes.texts} >= {"epoch 4", "epoch 0"}


def test_a_plane_without_a_path_is_drawn_as_ever(plane):
    axes = draw([plane()], kind="contour").axes[0]
    assert not lines(axes)
    assert [line.get_marker() for line in axes.lines] == ["o"]


def test_labels_keep_clear_of_the_path(walked):
    figure = draw([walked], kind="contour")
    axes = figure.axes[0]
    line = lines(axes)[1]
    ends = axes.transData.transform(line.get_xydata())
    along = np.concatenate([np.linspace(one, other, 50) for one, other in pairwise(ends)])
    renderer = figure.canvas.get_renderer()
    seen = 0
    for text in axes.texts:
        box = text.get_window_extent(renderer)
        inside = (abs(along - [[(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]])) < [
            box.width / 2 - 2,
            box.height / 2 - 2,
        ]
        if text.get_rotation() == 0:  # the boxes of turned labels are larger than they
            assert not inside.all(axis=1).any(), text.get_text()
            seen += 1
    assert seen >= 2


def test_axes_tell_the_share_of_their_component(walked):
    assert axis_label(walked, "x") == "PCA direction 1 (62.3 % of variance)"
    assert axis_label(walked, "y") == "PCA direction 2 (20.0 % of variance)"
    assert direction_name(walked, "y") == "PCA direction 2"
    axes = draw([walked]).axes[0]
    assert axes.get_xlabel().replace("\n", " ") == "PCA direction 1 (62.3 % of variance)"


def test_statistics_are_told_of_only_where_they_are_not_the_last_checkpoints(walked):
    assert "BatchNorm" not in panel_titles([walked])[1][0]
    recomputed = dataclasses.replace(walked, config={"batchnorm": "recompute"})
    assert "BatchNorm recomputed" in panel_titles([recomputed])[1][0]


def test_on_a_landscape_the_path_lies_on_the_ground(walked):
    x, y, heights = draped(walked, walked.values["train/loss"])
    np.testing.assert_allclose(heights, 4 + x + 3 * y)
    assert len(x) > 3 * EPOCHS
    assert set(X) <= set(x.round(12))
    outside = dataclasses.replace(walked, trajectory=path(x=np.array([-3.0, *X[1:]])))
    assert np.isnan(draped(outside, walked.values["train/loss"])[2][0])
    axes = draw([walked], kind="surface3d").axes[0]
    assert max(len(line.get_data_3d()[0]) for line in axes.lines) == len(x)


def test_the_page_has_the_path_on_each_surface(walked):
    data = plane_figure([walked], value="loss", split="train", scale="linear", title=None)["data"]
    drawn = [trace for trace in data if trace.get("mode") == "lines"]
    assert len(drawn) == len([trace for trace in data if trace["type"] == "surface"]) == 6
    visible = next(trace for trace in drawn if trace["visible"])
    np.testing.assert_allclose(visible["z"], 4 + np.array(visible["x"]) + 3 * np.array(visible["y"]))


def recorded_frames(walked, monkeypatch, tmp_path, **options):
    """The title and the drawn path of each frame."""
    seen = []
    grab = animation.PillowWriter.grab_frame

    def watch(self, **more):
        axes = self.fig.axes[0]
        by_label = {line.get_label(): line.get_xydata().tolist() for line in lines(axes)}
        seen.append((axes.get_title().rpartition("\n")[2], by_label["path"], by_label["now"]))
        grab(self, **more)

    monkeypatch.setattr(animation.PillowWriter, "grab_frame", watch)
    save_animation([walked], tmp_path / "path.gif", **options)
    return seen


def test_the_path_grows_from_frame_to_frame(walked, monkeypatch, tmp_path):
    seen = recorded_frames(walked, monkeypatch, tmp_path)
    places = np.stack([X, Y], axis=-1).tolist()
    for index in range(EPOCHS):
        assert seen[index][1:] == (places[: index + 1], [places[index]])
    assert [title for title, *_ in seen[:EPOCHS]] == [
        "epoch 0: training loss 2.3",
        "epoch 1: training loss 1",
        "epoch 2: training loss 0.5",
        "epoch 3: training loss 0.0312",
        "epoch 4: training loss 0.0104",
    ]
    assert len(seen) > EPOCHS
    assert all(frame == seen[EPOCHS - 1] for frame in seen[EPOCHS:])  # it stays


def test_a_gif_has_a_frame_for_each_checkpoint(walked, tmp_path):
    out = tmp_path / "deep" / "path.gif"
    save_animation([walked], out)
    with Image.open(out) as picture:
        assert picture.format == "GIF"
        assert picture.n_frames == EPOCHS
        frames = [frame.convert("RGB").copy() for frame in ImageSequence.Iterator(picture)]
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(picture)]
        assert picture.info["loop"] == 0
    assert len({frame.tobytes() for frame in frames}) == EPOCHS
    assert len({frame.size for frame in frames}) == 1
    assert durations[-1] > 1000 > durations[0] > 0
    content = out.read_bytes()
    save_animation([walked], out)
    assert out.read_bytes() == content
    assert list(out.parent.iterdir()) == [out]


def test_accuracies_are_animated_too(walked, monkeypatch, tmp_path):
    seen = recorded_frames(walked, monkeypatch, tmp_path, kind="heatmap", value="accuracy", split="test")
    assert seen[EPOCHS - 1][0] == "epoch 4: test accuracy 90.0 %"


def test_a_loss_that_was_not_finite_is_told(walked, monkeypatch, tmp_path):
    losses = np.array([2.3, 1.0, math.inf, math.nan, 0.0])
    surface = dataclasses.replace(walked, trajectory=path(train_loss=losses))
    seen = recorded_frames(surface, monkeypatch, tmp_path)
    assert [title.rpartition(" ")[2] for title, *_ in seen[2:EPOCHS]] == ["inf", "nan", "0"]


def test_only_one_trajectory_is_animated(walked, plane, tmp_path):
    out = tmp_path / "path.gif"
    for surfaces, kind, words in (
        ([plane()], "auto", "plane.h5, which has none"),
        ([walked, walked], "auto", "2 files"),
        ([walked], "line", "kind=line cannot be animated; choose kind=auto, contour, heatmap or surface3d"),
    ):
        with pytest.raises(LandscapeError, match=words):
            save_animation(surfaces, out, kind=kind)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", [1, 2])
def test_a_landscape_turns_once_around_at_its_place(plane, walked, monkeypatch, tmp_path, count):
    monkeypatch.setattr(animation, "TURN", 4)
    seen = []

    class Recorder(PillowWriter):
        def grab_frame(self, **keywords):
            spaces = [axes for axes in self.fig.axes if axes.name == "3d"]
            seen.append([(axes.azim, *axes.get_position().bounds) for axes in spaces])
            super().grab_frame(**keywords)

    monkeypatch.setattr(animation, "PillowWriter", Recorder)
    surfaces = [plane(name="a", x=(-1, 1, 3), y=(-1, 1, 3)), walked][:count]
    save_animation(surfaces, tmp_path / "a.gif", kind="surface3d", look=Look(dpi=30))
    assert [{azimuth % 360 for azimuth, *_ in frame} for frame in seen] == [{302}, {32}, {122}, {212}]
    assert len({str([place for _, *place in frame]) for frame in seen}) == 1
    with Image.open(tmp_path / "a.gif") as written:
        assert written.n_frames == 4
        assert written.info["loop"] == 0
    with pytest.raises(LandscapeError, match="kind=surface3d draws planes"):
        save_animation([dataclasses.replace(walked, y=None)], tmp_path / "b.gif", kind="surface3d")


def test_a_film_needs_ffmpeg(walked, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LandscapeError, match=r"needs the program ffmpeg, .*choose out=….gif"):
        save_animation([walked], tmp_path / "path.mp4")
    assert not list(tmp_path.iterdir())


def test_a_failure_of_ffmpeg_is_told(walked, monkeypatch, tmp_path):
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho Unknown encoder >&2\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    with pytest.raises(LandscapeError, match=r"ffmpeg cannot write .*choose out=….gif"):
        save_animation([walked], tmp_path / "out" / "path.mp4")
    assert not (tmp_path / "out").exists()


def test_a_film_is_what_ffmpeg_makes_of_the_frames(walked, monkeypatch, tmp_path):
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    for folder in ("bin", "out"):
        (tmp_path / folder).mkdir(exist_ok=True)
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {tmp_path}/said\n'
        f'for last; do :; done\ncase "$last" in *.mp4) {shutil.which("cat")} > "$last";; esac\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    assert FFMpegWriter.isAvailable()
    out = tmp_path / "out" / "path.mp4"
    save_animation([walked], out)
    said = Path(tmp_path, "said").read_text()
    assert "yuv420p" in said
    width, height = map(int, said.split(" -s ")[1].split()[0].split("x"))
    frames, left = divmod(out.stat().st_size, 4 * width * height)
    assert left == 0
    assert frames > EPOCHS
    assert width % 2 == height % 2 == 0
    assert list(out.parent.iterdir()) == [out]


@pytest.fixture
def along(plane):
    """A plane whose loss differs from that at the checkpoints, of which the last was not evaluated yet."""
    losses = np.array([2.3, 1.0, 0.5, 0.04, np.nan])
    there = {
        f"{split}_{value}": factor * losses
        for split, factor in (("train", 1), ("test", 2))
        for value in ("loss",)
    }
    below = {name: values * np.array([0.5, 1, 2, 3, np.nan]) for name, values in there.items()}
    marks = (("epoch 4", 0.0, 0.0), ("epoch 0", X[0], Y[0]))
    return plane(
        lambda x, y: 4 + x + 3 * y, y=(-1, 1, 7), marks=marks, trajectory=path(path=there, plane=below)
    )


def test_the_loss_along_the_path_is_drawn_beside_that_below_it(along):
    figure = draw([along], kind="path")
    losses, shares = figure.axes
    curves = {line.get_label(): line.get_ydata() for line in losses.lines}
    assert set(curves) == {
        *("training, at the checkpoint", "training, below it on the plane"),
        *("test, at the checkpoint", "test, below it on the plane"),
    }
    found = along.trajectory
    np.testing.assert_array_equal(curves["training, at the checkpoint"], found.path["train_loss"])
    np.testing.assert_array_equal(curves["test, below it on the plane"], found.plane["test_loss"])
    assert losses.get_yscale() == "log"
    (share,) = shares.lines
    whole = np.sqrt(found.x**2 + found.y**2 + found.distance**2)
    np.testing.assert_allclose(share.get_ydata(), 100 * found.distance / whole)
    assert {text.get_text() for text in figure.legends[0].get_texts()} == set(curves)
    assert losses.get_xlabel() == "epoch"


def test_a_picture_of_the_plane_says_how_far_it_is_to_be_trusted(along, walked):
    for kind in ("contour", "heatmap"):
        (legend,) = draw([along], kind=kind).legends
        words = legend.get_title().get_text().replace("\n", " ")
        assert "below the checkpoints the plane's training loss is 0.5 to 3 times theirs (kind=path)" in words
    assert all("times theirs" not in each.get_title().get_text() for each in draw([walked]).legends)


def test_what_has_no_losses_along_a_path_is_refused(along, walked, plane):
    for surface, message in (
        (plane(), "kind=path draws what `landscape trajectory` wrote, and .* has no path"),
        (walked, "has no loss along its path; run `landscape trajectory` again"),
    ):
        with pytest.raises(LandscapeError, match=message):
            draw([surface], kind="path")
    with pytest.raises(LandscapeError, match="has no accuracy along its path"):
        draw([along], kind="path", value="accuracy")
    nothing = {"train_loss": np.full(EPOCHS, np.nan)}
    begun = dataclasses.replace(along, trajectory=path(path=nothing, plane=nothing))
    with pytest.raises(LandscapeError, match="its path is not evaluated yet; run the same command again"):
        draw([begun], kind="path")
