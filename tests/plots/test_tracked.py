"""What was tracked of layers, read off the artists of the figure and the frames of an animation."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from landscape_cli.errors import LandscapeError
from landscape_cli.plots import animation, tracked
from landscape_cli.plots.style import colormap
from landscape_cli.plots.tracked import GROUPS, Tracked, draw_tracked, write_tracked

LAYERS = ("stem", "body", "head")
LABELS = {name: label for names in GROUPS.values() for name, label in names.items()}


def value(epoch, layer, quantity):
    """A number that shows where it belongs; of norms and variances they range over decades."""
    number = 1 + LAYERS.index(layer) + 10 * epoch
    return number / 100 if quantity.endswith(("mean", "dead")) else 10.0 ** (-number / 10)


def rows(quantities, epochs=(0, 2, 5), layers=LAYERS):
    return [
        {
            "epoch": epoch,
            "step": 7 * epoch,
            "layer": layer,
            "quantity": name,
            "value": value(epoch, layer, name),
        }
        for epoch in epochs
        for name in quantities
        for layer in layers
        if epoch or name != "weight_update"
    ]


@pytest.fixture
def table(run_config):
    return lambda quantities=tuple(LABELS), **kept: Tracked.of(
        Path("run"), run_config(), rows(quantities, **kept)
    )


def label(axes):
    return axes.get_ylabel().replace("\n", " ")


def test_a_panel_a_quantity_and_a_curve_a_layer(table):
    figure = draw_tracked(table(), axis="steps", title="told")
    *panels, bar = figure.axes
    assert [label(axes) for axes in panels] == [*LABELS.values()]
    shades = colormap()(np.linspace(0, tracked.DARK, 3))
    for axes, name in zip(panels, LABELS, strict=True):
        assert len(axes.lines) == 3
        unit = 100 if name == "activation_dead" else 1
        for line, layer, shade in zip(axes.lines, LAYERS, shades, strict=True):
            assert line.get_xdata().tolist() == [0, 14, 35]
            expected = [unit * value(epoch, layer, name) for epoch in (0, 2, 5)]
            if name == "weight_update":
                expected[0] = np.nan
            np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-12)
            assert to_rgba(line.get_color()) == pytest.approx(shade)
        linear = name.endswith(("mean", "dead"))
        assert axes.get_yscale() == ("linear" if linear else "log")
        assert axes.get_xlim() == panels[0].get_xlim()
    assert [text.get_text() for text in bar.get_yticklabels()] == [*LAYERS]
    assert figure.get_suptitle() == "told"


def test_groups_are_rows_and_what_was_not_tracked_has_no_panel(table):
    weights = [name for name in LABELS if name.startswith("weight")]
    *panels, _ = draw_tracked(table([*weights, "activation_dead", "of another version"])).axes
    places = [axes.get_subplotspec() for axes in panels]
    assert [(place.rowspan.start, place.colspan.start) for place in places] == [
        (0, 0),
        *((1, n) for n in range(4)),
    ]
    assert [label(axes) for axes in panels] == ["dead units (%)", *(LABELS[name] for name in weights)]


def test_many_layers_are_numbered_from_the_top(table, monkeypatch):
    monkeypatch.setattr(tracked, "NAMED", 2)
    bar = draw_tracked(table(["weight_norm"])).axes[-1]
    figure_ticks = [tick for tick in bar.get_yticks() if 1 <= tick <= 3]
    assert set(figure_ticks) == {1, 2, 3}
    assert bar.get_ylim() == (3.5, 0.5)


def test_an_epoch_a_frame(table, tmp_path, monkeypatch):
    frames = []
    grab = animation.PillowWriter.grab_frame

    def watch(self, **options):
        axes = self.fig.axes[0]
        frames.append(
            (
                self.fig.texts[0].get_text(),
                axes.lines[0].get_ydata().tolist(),
                axes.collections[0].get_offsets().tolist(),
                axes.get_ylim(),
            )
        )
        grab(self, **options)

    monkeypatch.setattr(animation.PillowWriter, "grab_frame", watch)
    out = tmp_path / "deep" / "layers.gif"
    write_tracked(table(["weight_norm", "weight_update"]), out, title="told")
    heldout = frames[3:]
    assert [words for words, *_ in frames[:3]] == [
        f"told\nepoch {epoch} (grey: at first)" for epoch in (0, 2, 5)
    ]
    assert heldout
    assert all(frame == frames[2] for frame in heldout)
    first = [value(0, layer, "weight_norm") for layer in LAYERS]
    for (_, grey, dots, limits), epoch in zip(frames, (0, 2, 5), strict=False):
        assert grey == pytest.approx(first)
        expected = [[place + 1, value(epoch, layer, "weight_norm")] for place, layer in enumerate(LAYERS)]
        np.testing.assert_allclose(dots, expected)
        assert limits == frames[0][3]
    with Image.open(out) as gif:
        assert gif.n_frames == 3


def test_what_is_not_finite_leaves_a_gap(run_config):
    changed = rows(["weight_norm", "gradient_norm"])
    for row in changed:
        if row["quantity"] == "gradient_norm" or (row["epoch"], row["layer"]) == (5, "body"):
            row["value"] = np.inf if row["layer"] == "body" else np.nan
    found = Tracked.of(Path("run"), run_config(), changed)
    gradient, weight, _ = draw_tracked(found).axes
    assert np.isnan(weight.lines[1].get_ydata()).tolist() == [False, False, True]
    assert all(np.isnan(line.get_ydata()).all() for line in gradient.lines)


def test_mistakes_are_told(table, run_config, tmp_path):
    with pytest.raises(LandscapeError, match=r"a curve needs two epochs of layers.csv, and run run has one"):
        draw_tracked(table(epochs=(0,)))
    with pytest.raises(LandscapeError, match="has nothing in its layers"):
        Tracked.of(Path("run"), run_config(), [])
    with pytest.raises(LandscapeError, match="no quantity that can be drawn"):
        draw_tracked(table(["of another version"]))
    with pytest.raises(LandscapeError, match="no axis 'time'"):
        write_tracked(table(), None, axis="time")
    with pytest.raises(LandscapeError, match=r"pictures end in"):
        write_tracked(table(["weight_norm"]), tmp_path / "page.html")
