"""The principal components of a path, against dense decompositions in float64."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.weights import pca


def path(n: int = 7, p: int = 40, seed: int = 0) -> Tensor:
    """n + 1 points of p weights, float32, far from zero, whose steps become small."""
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randn(n + 1, p, generator=generator) * torch.linspace(1, 0.1, n + 1)[:, None]
    return 5 + steps.cumsum(0)


def found(points: Tensor, held: int = pca.HELD) -> tuple[Array, Tensor, Array, Array]:
    """The ratios, the directions, and coordinates and distances of all points."""
    n, load = len(points) - 1, points.__getitem__
    products = pca.gram(load, n, points[-1], held)
    ratios, coefficients = pca.components(products)
    plane = pca.directions(load, coefficients, points[-1])
    return ratios, plane, *pca.project(load, n + 1, points[-1], plane)


def rows(points: Tensor) -> Array:
    """M, in float64."""
    return (points[:-1].double() - points[-1].double()).numpy()


@pytest.mark.parametrize("held", [1, 3 * 40 * 4, 2**30], ids=["one point at a time", "three", "all at once"])
def test_the_components_are_the_singular_vectors_of_the_dense_matrix(held: int) -> None:
    points = path()
    ratios, plane, places, _ = found(points, held)
    left, singular, right = np.linalg.svd(rows(points), full_matrices=False)
    np.testing.assert_allclose(ratios, singular**2 / np.sum(singular**2), rtol=1e-10)
    for k in range(2):
        sign = np.sign(right[k] @ plane[k].double().numpy())
        np.testing.assert_allclose(plane[k], sign * right[k], atol=1e-6)
        np.testing.assert_allclose(places[:-1, k], sign * left[:, k] * singular[k], atol=1e-5)


def test_many_weights_are_summed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found(path())
    monkeypatch.setattr(pca, "CHUNK", 7)
    for one, other in zip(whole, found(path()), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_directions_are_of_unit_length_and_orthogonal() -> None:
    _, plane, _, _ = found(path())
    torch.testing.assert_close(plane.double() @ plane.double().T, torch.eye(2).double(), atol=1e-6, rtol=0)


def test_the_ratios_are_shares_and_the_two_first_are_what_lies_in_the_plane() -> None:
    points = path()
    ratios, _, places, distances = found(points)
    squares = np.sum(rows(points) ** 2)
    assert ratios.sum() == pytest.approx(1)
    assert (np.diff(ratios) <= 0).all()
    assert ratios[:2].sum() == pytest.approx(np.sum(places**2) / squares, rel=1e-6)
    assert 1 - ratios[:2].sum() == pytest.approx(np.sum(distances**2) / squares, rel=1e-6)


def test_the_centred_ratios_are_those_of_scikit_learn() -> None:
    points = path()
    products = pca.gram(points.__getitem__, 7, points[-1])
    expected = PCA().fit((points.double() - points[-1].double()).numpy()).explained_variance_ratio_
    np.testing.assert_allclose(pca.centred_ratio(products), expected, atol=1e-12)
    assert abs(expected[0] - pca.components(products)[0][0]) > 0.01  # they are not the same


def test_the_last_point_is_exactly_the_origin() -> None:
    _, _, places, distances = found(path())
    assert (places[-1] == 0).all()
    assert distances[-1] == 0


def test_coordinates_are_the_least_squares_ones_whatever_the_directions() -> None:
    points = path()
    plane = torch.randn(2, 40, generator=torch.Generator().manual_seed(9))
    plane[1] += 2 * plane[0]  # neither of unit length nor orthogonal
    places, distances = pca.project(points.__getitem__, 7, points[-1], plane)
    axes = plane.double().numpy().T
    for row, place, distance in zip(rows(points), places, distances, strict=True):
        expected, residual, *_ = np.linalg.lstsq(axes, row)
        np.testing.assert_allclose(place, expected, rtol=1e-9)
        assert distance == pytest.approx(np.sqrt(residual[0]), rel=1e-9)


def test_a_path_within_a_plane_is_found_there() -> None:
    one, other = torch.linalg.qr(torch.randn(60, 2, generator=torch.Generator().manual_seed(1)))[0].T
    known = np.array([[-8, 1], [-6, 2.5], [-3, 2], [-1, 0.5], [0, 0]])
    points = 3 + torch.from_numpy(known).float() @ torch.stack([one, other])
    ratios, plane, places, distances = found(points)
    assert ratios[:2].sum() == pytest.approx(1, abs=1e-10)
    np.testing.assert_allclose(distances, 0, atol=1e-5)
    between = np.linalg.norm(known[:, None] - known, axis=-1)  # the plane may be turned in itself
    np.testing.assert_allclose(np.linalg.norm(places[:, None] - places, axis=-1), between, atol=1e-5)
    back = points[-1].double() + torch.from_numpy(places) @ plane.double()
    torch.testing.assert_close(back.float(), points, atol=1e-5, rtol=0)


@pytest.mark.parametrize("seed", range(6))
def test_the_path_comes_from_the_left_and_from_above(seed: int) -> None:
    points = path(seed=seed)
    _, _, places, _ = found(points)
    _, _, mirrored, _ = found(2 * points[-1] - points)
    for k, side in ((0, -1), (1, 1)):
        farthest = places[np.abs(places[:, k]).argmax(), k]
        assert np.sign(farthest) == side
    np.testing.assert_allclose(mirrored, places, atol=1e-5)


def test_of_two_points_equally_far_out_the_first_decides() -> None:
    products = np.diag([9.0, 9.0, 1.0, 1.0])
    products[0, 1] = products[1, 0] = -8.0  # at 3 and about -3 along the first component
    _, coefficients = pca.components(products)
    assert coefficients[0, 0] < 0 < coefficients[0, 1]


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (torch.ones(4, 5), "the same weights"),
        (torch.outer(torch.arange(4.0), torch.ones(5)), "on a line"),
        (torch.tensor([[1.0, 2], [torch.inf, 0], [torch.nan, 0], [3, 3]]), "2 of 4 checkpoints"),
    ],
    ids=["one point", "a line", "infinities"],
)
def test_what_spans_no_plane_is_refused(points: Tensor, reason: str) -> None:
    with pytest.raises(LandscapeError, match=reason):
        found(points)


def test_flat_and_back() -> None:
    point = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([7.0]), "c": torch.ones(2, 2)}
    row = pca.flat(point, ["a", "c"])
    assert row.tolist() == [0, 1, 2, 3, 4, 5, 1, 1, 1, 1]
    back = pca.unflat(row, point, ["a", "c"])
    assert list(back) == ["a", "b", "c"]
    assert torch.equal(back["a"], point["a"])
    assert torch.equal(back["c"], point["c"])
    assert back["b"].tolist() == [0]


def test_each_point_is_loaded_once_for_all_products_where_memory_suffices() -> None:
    points, loaded = path(), []

    def load(number: int) -> Tensor:
        loaded.append(number)
        return points[number]

    pca.gram(load, 7, points[-1])
    assert loaded == list(range(7))
