import numpy as np
from matplotlib.collections import QuadMesh

from landscape_cli.plots.draw import draw


def colour_bar(figure):
    (bar,) = (axes for axes in figure.axes if axes.get_label() == "<colorbar>")
    return bar


def meshes(figure):
    return [
        each
        for axes in figure.axes
        if axes.get_subplotspec()
        for each in axes.collections
        if isinstance(each, QuadMesh)
    ]


def test_each_cell_has_its_point_in_the_middle_and_its_value(plane):
    surface = plane(lambda x, y: 2 + x + 10 * y)
    mesh = meshes(draw([surface], kind="heatmap", scale="linear"))[0]
    corners = mesh.get_coordinates()
    assert corners.shape == (6, 10, 2)
    middles = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    np.testing.assert_allclose(mesh.get_array(), 2 + middles @ [1, 10])
    np.testing.assert_allclose(middles[0, :, 0], surface.x)
    np.testing.assert_allclose(middles[:, 0, 1], surface.y)


def test_accuracy_is_in_percent_and_linear(plane):
    figure = draw([plane()], kind="heatmap", value="accuracy")
    mesh = meshes(figure)[0]
    expected = np.full((5, 9), 25.0)
    expected[0, -1] = 75
    np.testing.assert_allclose(mesh.get_array(), expected)
    assert colour_bar(figure).get_ylabel() == "training accuracy (%)"


def test_a_wide_range_is_coloured_by_its_logarithm(plane):
    mesh = meshes(draw([plane(lambda x, y: 10 ** (2 * x))], kind="heatmap"))[0]
    np.testing.assert_allclose(mesh.get_array()[0], np.linspace(-2, 2, 9))


def test_missing_points_are_hatched_and_have_no_colour(plane):
    figure = draw(
        [plane(lambda x, y: np.where(x > 0.9, np.inf, np.where(x < -0.9, np.nan, 1 + y)))], kind="heatmap"
    )
    np.testing.assert_array_equal(
        np.ma.getmaskarray(meshes(figure)[0].get_array())[0], [True] + 7 * [False] + [True]
    )
    assert sorted(patch.get_label() for patch in figure.axes[0].patches if patch.get_hatch()) == [
        "not evaluated",
        "not finite",
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["not finite", "not evaluated"]


def test_panels_share_colours(plane):
    surfaces = [plane(lambda x, y: 1 + y, name="a"), plane(lambda x, y: 6 + y, name="b")]
    assert [mesh.get_clim() for mesh in meshes(draw(surfaces, kind="heatmap"))[:2]] == [(1, 7), (1, 7)]


def test_listed_levels_limit_the_colours_and_the_bar_says_so(plane):
    figure = draw([plane()], kind="heatmap", levels=[3, 8], scale="linear")
    assert meshes(figure)[0].get_clim() == (3, 8)
    assert meshes(figure)[0].colorbar.extend == "both"


def test_a_constant_surface_can_be_drawn(plane):
    low, high = meshes(draw([plane(lambda x, y: 0 * x + 2.3)], kind="heatmap"))[0].get_clim()
    assert low < 2.3 < high


def test_zero_on_a_logarithmic_scale_is_told_in_the_label(plane):
    figure = draw([plane(lambda x, y: np.where(x < 0, 0, 10 ** (2 * x)))], kind="heatmap", scale="log")
    assert "(values \N{LESS-THAN OR EQUAL TO} 0 drawn at 1)" in colour_bar(figure).get_ylabel().replace(
        "\n", " "
    )
    assert meshes(figure)[0].get_array().min() == 0
