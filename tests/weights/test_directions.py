import math

import numpy as np
import pytest
import torch

import cases
import reference
from landscape_cli.errors import LandscapeError
from landscape_cli.weights import directions
from landscape_cli.weights.arithmetic import dot, norm, params_of, point_of
from landscape_cli.weights.directions import deviation


@pytest.mark.parametrize("network", cases.NETWORKS)
def test_filter_normalization_equals_its_definition(network: str) -> None:
    params = params_of(cases.NETWORKS[network]())
    direction = directions.random(params, norm="filter", ignore="biasbn", seed=5, axis="x")
    assert direction.keys() == params.keys()
    for name, weight in params.items():
        assert direction[name].dtype == torch.float32
        if weight.ndim <= 1:
            assert torch.equal(direction[name], torch.zeros(weight.shape))
            continue
        gaussian = directions.gaussian(tuple(weight.shape), 5, "x", name)
        twin = reference.filter_normalized(gaussian, weight)
        torch.testing.assert_close(direction[name].double(), twin, rtol=1e-6, atol=1e-9)
        for i in range(len(weight)):  # the identity: each filter of the direction is as long as the weights'
            assert float(direction[name][i].norm()) == pytest.approx(float(weight[i].norm()), rel=1e-5)


def test_layer_normalization_keeps_whole_norms_and_none_keeps_the_gaussian() -> None:
    params = params_of(cases.NETWORKS["cnn"]())
    layer = directions.random(params, norm="layer", ignore="none", seed=0, axis="y")
    plain = directions.random(params, norm="none", ignore="none", seed=0, axis="y")
    for name, weight in params.items():
        assert float(layer[name].norm()) == pytest.approx(float(weight.norm()), rel=1e-6)
        assert torch.equal(plain[name], directions.gaussian(tuple(weight.shape), 0, "y", name).float())


def test_with_ignore_none_each_bias_entry_is_a_filter() -> None:
    bias = torch.tensor([0.5, -2.0, 0.0])
    direction = directions.random({"bias": bias}, norm="filter", ignore="none", seed=0, axis="x")["bias"]
    torch.testing.assert_close(direction.abs(), bias.abs())


def test_directions_depend_on_seed_names_and_shapes_alone() -> None:
    def draw(seed: int, axis: str, scale: float = 1.0) -> dict[str, torch.Tensor]:
        params = {"a": scale * torch.ones(4, 3), "b": scale * torch.ones(4, 3)}
        return directions.random(params, norm="none", ignore="biasbn", seed=seed, axis=axis)

    first = draw(1, "x")
    threads = torch.get_num_threads()
    torch.manual_seed(99)
    np.random.seed(99)
    torch.set_num_threads(2)
    again = draw(1, "x", scale=7.0)
    torch.set_num_threads(threads)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["a"], first["b"])
    assert not torch.equal(first["a"], draw(2, "x")["a"])
    assert not torch.equal(first["a"], draw(1, "y")["a"])
    # written down once: a change of the random numbers would make every published surface another one
    assert first["a"][0].tolist() == pytest.approx(PUBLISHED, rel=1e-6)


PUBLISHED = [-1.2281378507614136, -0.0571141242980957, 0.7310049533843994]


def test_the_gaussian_is_standard_normal() -> None:
    values = directions.gaussian((200, 500), 0, "x", "w").flatten()
    n = len(values)
    assert float(values.mean()) == pytest.approx(0, abs=4 / math.sqrt(n))
    assert float(values.var()) == pytest.approx(1, abs=4 * math.sqrt(2 / n))
    assert float((values**4).mean()) == pytest.approx(3, abs=4 * math.sqrt(96 / n))


def test_two_directions_span_a_plane_and_are_nearly_orthogonal() -> None:
    params = {"w": torch.randn(300, 350)}
    x, y = (directions.random(params, norm="filter", ignore="biasbn", seed=0, axis=axis) for axis in "xy")
    cosine = dot(x, y) / (norm(x) * norm(y))
    assert 0 < abs(cosine) < 5 / math.sqrt(params["w"].numel())
    assert torch.linalg.matrix_rank(torch.stack([x["w"].flatten(), y["w"].flatten()])) == 2


def test_toward_leads_to_the_target_and_refuses_another_network() -> None:
    one, other = (point_of(cases.NETWORKS[name]()) for name in ("resnet-batch", "cnn"))
    shifted = {name: tensor + 1 for name, tensor in one.items()}
    assert all(torch.allclose(d, torch.ones_like(d)) for d in directions.toward(one, shifted).values())
    with pytest.raises(LandscapeError, match="different networks"):
        directions.toward(one, other)


def test_orthogonalize_is_gram_schmidt_over_the_parameters() -> None:
    u = {"w": torch.tensor([1.0, 2.0, 2.0]), "buffer": torch.tensor([10.0])}
    v = {"w": torch.tensor([3.0, 0.0, 3.0]), "buffer": torch.tensor([1.0])}
    result, along = directions.orthogonalize(v, u, {"w"})
    assert along == pytest.approx(9 / 9)  # <v, u> / <u, u>, the buffer not counted
    assert result["w"].tolist() == pytest.approx([2.0, -2.0, 1.0])
    assert result["buffer"].tolist() == pytest.approx([-9.0])  # moves along, so that v is along u + result
    with pytest.raises(LandscapeError, match="span no plane"):
        directions.orthogonalize({"w": 2 * u["w"]}, u, {"w"})


@pytest.mark.parametrize("option", [{"norm": "filtre"}, {"ignore": "bias"}])
def test_unknown_options_are_refused(option: dict[str, str]) -> None:
    arguments = {"norm": "filter", "ignore": "biasbn", **option}
    with pytest.raises(LandscapeError, match="choose from"):
        directions.random({"w": torch.ones(2, 2)}, seed=0, axis="x", **arguments)


def test_the_deviation_is_that_of_the_worst_filter_or_layer() -> None:
    weights = {"w": torch.tensor([[3.0, 4.0], [6.0, 8.0]]), "b": torch.tensor([1.0])}
    direction = {"w": torch.tensor([[4.0, 3.0], [0.0, 15.0]]), "b": torch.tensor([9.0])}
    assert deviation(direction, weights, "filter") == pytest.approx(0.5)  # |15 - 10| / 10; b does not count
    assert deviation(direction, weights, "layer") == pytest.approx((250 / 125) ** 0.5 - 1)
    weights["w"][1] = 0.0
    assert deviation(direction, weights, "filter") == pytest.approx(15.0)  # no norm to divide by


@pytest.mark.parametrize("name", ["cnn", "resnet-batch"])
def test_directions_of_another_normalization_fail_the_claim(name: str) -> None:
    params = params_of(cases.NETWORKS[name]())
    of = {
        kind: directions.random(params, norm=kind, ignore="biasbn", seed=0, axis="x")
        for kind in ("filter", "layer", "none")
    }
    assert deviation(of["filter"], params, "filter") <= 1e-6
    assert deviation(of["layer"], params, "layer") <= 1e-6
    assert deviation(of["filter"], params, "layer") <= 1e-6  # filters of the right norm make layers of it
    assert (
        min(
            deviation(of["layer"], params, "filter"),
            deviation(of["none"], params, "layer"),
        )
        > 0.1
    )
