"""Pictures of basins: who merges into whom, where, in which colours; and what is told of the rest."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from landscape_cli.errors import LandscapeError
from landscape_cli.measures import merge_tree
from landscape_cli.plots.draw import draw
from landscape_cli.plots.merge_trees import leaves
from landscape_cli.plots.series import COLOURS
from landscape_cli.plots.topology import BASIN


def wells(x, y):
    """Two, at x = -1 and x = 1, the right one the higher, with a pass at x = 0 of height 1."""
    return np.where(x > 0, 0.8, 1) * (x**2 - 1) ** 2 + np.where(x > 0, 0.2, 0) + 2 * (y - 0.5) ** 2


WIDE = (-1.6, 1.6, 33)


def markers(axes):
    """Colour -> (x, y) of the basins' markers."""
    dots = [line for line in axes.get_lines() if line.get_label() == BASIN]
    return {to_hex(line.get_color()).upper(): tuple(map(float, line.get_xydata()[0])) for line in dots}


def ways(axes):
    return [line.get_xydata() for line in axes.get_lines() if len(line.get_xydata()) == 2]


def test_the_tree_stands_from_the_minima_to_the_pass(plane):
    surface = plane(wells, x=WIDE)
    figure = draw([surface], kind="merge_tree", scale="linear")
    places, tree = figure.axes
    lower, upper = merge_tree(surface.values["train/loss"])
    assert markers(places) == {COLOURS[0]: (-1.0, 0.5), COLOURS[1]: (1.0, 0.5)}
    assert markers(tree) == {COLOURS[0]: (0.0, lower.birth), COLOURS[1]: (1.0, upper.birth)}
    assert upper.death == pytest.approx(1)
    assert any(np.array_equal(way, [[1, 1], [0, 1]]) for way in ways(tree))  # joined at the pass
    top = tree.get_ylim()[1]
    assert any(np.array_equal(way, [[0, lower.birth], [0, top]]) for way in ways(tree))
    assert places.get_title() == "1 basin besides the lowest"


def test_on_the_map_each_point_below_the_pass_has_its_basin_s_colour(plane):
    surface = plane(wells, x=WIDE)
    axes = draw([surface], kind="merge_tree").axes[0]
    (cells,) = [one for one in axes.collections if type(one).__name__ == "QuadMesh"]
    shape = surface.values["train/loss"].shape
    colours = np.array([to_hex(one).upper() for one in cells.get_facecolors()]).reshape(shape)
    below = surface.values["train/loss"] < 1
    x, _ = np.meshgrid(surface.x, surface.y)
    assert (colours[below & (x < 0)] == COLOURS[0]).all()
    assert (colours[below & (x > 0)] == COLOURS[1]).all()
    assert (colours[~below] == "#FFFFFF").all()


def test_a_line_has_the_axis_of_its_tree(line):
    loss = np.array([3.0, 1, 4, 2, 6, 0.5, 7])
    figure = draw([line(loss)], kind="merge_tree", scale="linear")
    curve, tree = figure.axes
    assert curve.get_ylim() == tree.get_ylim()
    assert len(markers(curve)) == 3
    assert sorted(y for _, y in markers(tree).values()) == [0.5, 1, 2]
    assert curve.get_title() == "2 basins besides the lowest"


def test_the_axis_is_logarithmic_where_the_losses_span_decades(plane):
    figure = draw([plane(lambda x, y: 10 ** (2 * wells(x, y) - 2), x=WIDE)], kind="merge_tree")
    assert figure.axes[1].get_yscale() == "log"
    assert draw([plane(wells, x=WIDE)], kind="merge_tree", scale="linear").axes[1].get_yscale() == "linear"


@pytest.mark.parametrize("seed", range(20))
def test_no_two_ways_of_a_tree_cross(seed):
    """A joint passes above every basin between its ends: what stands there has merged below."""
    basins = merge_tree(np.random.default_rng(seed).random((12, 15)))
    places = {number: place for place, number in enumerate(leaves(basins))}
    assert sorted(places) == list(range(len(basins)))
    joined = 0
    for number, basin in enumerate(basins):
        if basin.into is None:
            continue
        ends = sorted((places[number], places[basin.into]))
        between = [other for other, place in places.items() if ends[0] < place < ends[1]]
        assert all(basins[other].death <= basin.death for other in between)
        joined += len(between)
    assert joined > 10


def test_the_diagram_has_each_basin_at_its_birth_and_death(plane):
    surface = plane(wells, x=WIDE)
    axes = draw([surface], kind="persistence", scale="linear").axes[0]
    lower, upper = merge_tree(surface.values["train/loss"])
    assert axes.get_xlim() == axes.get_ylim()
    assert markers(axes) == {
        COLOURS[0]: (lower.birth, axes.get_ylim()[1]),
        COLOURS[1]: (upper.birth, upper.death),
    }
    diagonal, threshold = (line.get_xydata() for line in axes.get_lines()[:2])
    assert np.array_equal(diagonal[:, 0], diagonal[:, 1])
    median = np.median(surface.values["train/loss"])
    asked = float(f"{(median - lower.birth) / 100:.1g}")
    assert np.allclose(threshold[:, 1] - threshold[:, 0], asked)


def test_what_is_less_persistent_is_told_but_not_drawn_as_a_basin(plane):
    rng = np.random.default_rng(0)
    noisy = plane(lambda x, y: wells(x, y) + rng.uniform(-0.1, 0.1, x.shape), x=WIDE, y=(0, 1, 17))
    count = len(merge_tree(noisy.values["train/loss"])) - 2
    assert count > 3
    tree = draw([noisy], kind="merge_tree", persistence=0.3)
    assert len(markers(tree.axes[1])) == 2
    note = tree.legends[0].get_title().get_text().replace("\n", " ")
    assert note == f"basins of a persistence of at least 0.3; {count} smaller ones left out"
    diagram = draw([noisy], kind="persistence", persistence=0.3)
    words = [text.get_text() for text in diagram.legends[0].get_texts()]
    assert words[-2:] == ["persistence 0.3", f"{count} below that"]


def test_the_most_persistent_have_colours_and_the_others_are_grey(line):
    loss = np.array([9.0, 0, 9, 1, 9, 2, 9, 3, 9, 4, 9, 8, 9, 5, 9])
    figure = draw([line(loss)], kind="merge_tree", scale="linear", persistence=0.5)
    grey = [one for one in figure.axes[1].get_lines() if one.get_marker() == "."]
    assert [float(one.get_ydata()[0]) for one in grey] == [8]
    assert len(markers(figure.axes[1])) == 7


def test_gaps_are_hatched_and_told(plane):
    def cut(x, y):
        return np.where(x > 1.45, np.inf, np.where(x < -1.45, np.nan, wells(x, y)))

    figure = draw([plane(cut, x=WIDE)], kind="merge_tree")
    assert figure.axes[0].get_title() == "1 basin besides the lowest,\n10 points not evaluated"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["not finite", "not evaluated"]


def test_a_bowl_and_a_flat_plane_have_one_basin(plane):
    for height in (lambda x, y: 1 + x**2 + y**2, lambda x, y: 0 * x + 2.3):
        for kind in ("merge_tree", "persistence"):
            axes = draw([plane(height)], kind=kind).axes[-1]
            assert len(markers(axes)) == 1


def test_several_files_have_one_threshold_and_their_own_counts(plane):
    surfaces = [plane(wells, name="two", x=WIDE), plane(lambda x, y: 1 + x**2 + y**2, name="one", x=WIDE)]
    trees = draw(surfaces, kind="merge_tree", persistence=0.1)
    titles = [axes.get_title() for axes in trees.axes[::2]]
    assert titles == ["two\n1 basin besides the lowest", "one\nno basins besides the lowest"]
    assert len({axes.get_ylim() for axes in trees.axes[1::2]}) == 1
    diagrams = draw(surfaces, kind="persistence", persistence=0.1)
    assert len({axes.get_xlim() for axes in diagrams.axes}) == 1


def test_accuracies_and_minus_infinity_are_refused(plane):
    with pytest.raises(LandscapeError, match="say value=loss"):
        draw([plane()], kind="merge_tree", value="accuracy")
    with pytest.raises(LandscapeError, match=r"out/plane.h5: a loss is -inf"):
        draw([plane(lambda x, y: np.where(x == 0, -np.inf, 1 + y))], kind="persistence")
