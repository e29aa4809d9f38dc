import numpy as np
from matplotlib.figure import Figure

from landscape_cli.plots.missing import edges, hatch_cells, hatch_spans, hatch_to_neighbours, legend_patches

X, Y = np.array([0.0, 1.0, 2.0, 4.0]), np.array([10.0, 20.0, 30.0])


def values(**places):
    array = np.zeros((3, 4))
    for word, (row, column) in places.items():
        array[row, column] = {"inf": np.inf, "nan": np.nan}[word]
    return array


def spans(axes):
    """Return the extent of each hatched region in data coordinates, by its words."""
    boxes = {patch.get_label(): patch.get_path().get_extents() for patch in axes.patches}
    return {words: (box.x0, box.y0, box.x1, box.y1) for words, box in boxes.items()}


def test_edges_are_midpoints_and_half_a_step_beyond_the_ends():
    np.testing.assert_allclose(edges(X), [-0.5, 0.5, 1.5, 3.0, 5.0])


def test_cells_of_a_heat_map_reach_halfway_to_the_neighbours():
    axes = Figure().add_subplot()
    hatch_cells(axes, X, Y, values(inf=(0, 2), nan=(2, 0)))
    assert spans(axes) == {"not finite": (1.5, 5.0, 3.0, 15.0), "not evaluated": (-0.5, 25.0, 0.5, 35.0)}


def test_regions_without_contours_reach_to_the_finite_neighbours():
    axes = Figure().add_subplot()
    hatch_to_neighbours(axes, X, Y, values(inf=(1, 1), nan=(0, 3)))
    assert spans(axes) == {"not finite": (0.0, 10.0, 2.0, 30.0), "not evaluated": (2.0, 10.0, 4.0, 20.0)}


def test_spans_of_a_line_are_full_height_and_end_with_the_line():
    axes = Figure().add_subplot()
    axes.set_xlim(0, 4)
    hatch_spans(axes, X, np.array([np.nan, 0, np.inf, np.inf]))
    assert spans(axes) == {"not finite": (1.5, 0.0, 4.0, 1.0), "not evaluated": (0.0, 0.0, 0.5, 1.0)}
    # A height of 1 is the top of the axes, whatever the limits.
    assert all(patch.get_transform().transform((0, 1))[1] == axes.bbox.y1 for patch in axes.patches)


def test_nothing_missing_draws_nothing():
    axes = Figure().add_subplot()
    hatch_cells(axes, X, Y, values())
    hatch_to_neighbours(axes, X, Y, values())
    assert not axes.patches
    assert legend_patches([values()]) == []


def test_the_legend_names_what_occurs_and_looks_as_drawn():
    patches = legend_patches([values(), values(nan=(0, 0)), values(inf=(0, 0))])
    assert [patch.get_label() for patch in patches] == ["not finite", "not evaluated"]
    axes = Figure().add_subplot()
    hatch_cells(axes, X, Y, values(inf=(0, 2), nan=(2, 0)))
    drawn = {patch.get_label(): (patch.get_hatch(), patch.get_facecolor()) for patch in axes.patches}
    assert drawn == {patch.get_label(): (patch.get_hatch(), patch.get_facecolor()) for patch in patches}
    assert len({hatch for hatch, _ in drawn.values()}) == 2
