"""Every optimizer against its formula, step by step, in plain Python numbers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.analytic import descent
from landscape_cli.analytic.catalogue import build
from landscape_cli.analytic.descent import descend, kept_steps
from landscape_cli.analytic.rules import in_ball

START = torch.tensor([[1.0, 1.5], [-0.5, 0.7]], dtype=torch.float64)
STEPS = 6


def beale_gradient(x: float, y: float) -> tuple[float, float]:
    first, second, third = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
    return (
        2 * (first * (y - 1) + second * (y**2 - 1) + third * (y**3 - 1)),
        2 * x * (first + second * 2 * y + third * 3 * y**2),
    )


def plain(x: list[float], lr: float, memory: dict[str, Any]) -> list[float]:
    return [at - lr * slope for at, slope in zip(x, beale_gradient(*x), strict=True)]


def heavy_ball(x: list[float], lr: float, memory: dict[str, Any]) -> list[float]:
    velocity = [0.9 * v + g for v, g in zip(memory.get("v", [0.0, 0.0]), beale_gradient(*x), strict=True)]
    memory["v"] = velocity
    return [at - lr * v for at, v in zip(x, velocity, strict=True)]


def nesterov(x: list[float], lr: float, memory: dict[str, Any]) -> list[float]:
    slope = beale_gradient(*x)
    velocity = [0.9 * v + g for v, g in zip(memory.get("v", [0.0, 0.0]), slope, strict=True)]
    memory["v"] = velocity
    return [at - lr * (g + 0.9 * v) for at, g, v in zip(x, slope, velocity, strict=True)]


def adagrad(x: list[float], lr: float, memory: dict[str, Any]) -> list[float]:
    slope = beale_gradient(*x)
    memory["s"] = [s + g * g for s, g in zip(memory.get("s", [0.0, 0.0]), slope, strict=True)]
    return [at - lr * g / (math.sqrt(s) + 1e-10) for at, g, s in zip(x, slope, memory["s"], strict=True)]


def rmsprop(x: list[float], lr: float, memory: dict[str, Any]) -> list[float]:
    slope = beale_gradient(*x)
    old = memory.get("s", [0.0, 0.0])
    memory["s"] = [0.99 * s + 0.01 * g * g for s, g in zip(old, slope, strict=True)]
    return [at - lr * g / (math.sqrt(s) + 1e-8) for at, g, s in zip(x, slope, memory["s"], strict=True)]


def adam(x: list[float], lr: float, memory: dict[str, Any]) -> list[float]:
    slope, t = beale_gradient(*x), memory.get("t", 0) + 1
    mean = [0.9 * m + 0.1 * g for m, g in zip(memory.get("m", [0.0, 0.0]), slope, strict=True)]
    square = [0.999 * s + 0.001 * g * g for s, g in zip(memory.get("s", [0.0, 0.0]), slope, strict=True)]
    memory |= {"t": t, "m": mean, "s": square}
    return [
        at - lr * (m / (1 - 0.9**t)) / (math.sqrt(s / (1 - 0.999**t)) + 1e-8)
        for at, m, s in zip(x, mean, square, strict=True)
    ]


def sam(x: list[float], lr: float, memory: dict[str, Any]) -> list[float]:
    slope = beale_gradient(*x)
    length = math.hypot(*slope)
    above = [at + 0.05 * g / length for at, g in zip(x, slope, strict=True)]
    return [at - lr * g for at, g in zip(x, beale_gradient(*above), strict=True)]


@pytest.mark.parametrize(
    ("name", "options", "twin"),
    [
        ("gd", {}, plain),
        ("heavy_ball", {"momentum": 0.9}, heavy_ball),
        ("nesterov", {"momentum": 0.9}, nesterov),
        ("adagrad", {"eps": 1e-10}, adagrad),
        ("rmsprop", {"alpha": 0.99, "eps": 1e-8}, rmsprop),
        ("adam", {"betas": [0.9, 0.999], "eps": 1e-8}, adam),
        ("sam", {"rho": 0.05}, sam),
    ],
)
def test_each_start_goes_as_the_formula_says(
    name: str, options: dict[str, Any], twin: Callable[..., list[float]]
) -> None:
    path = descend(build({"name": "beale"}), START, name, {"lr": 1e-3, **options}, STEPS, seed=0)
    for row, start in enumerate(START.tolist()):
        memory: dict[str, Any] = {}
        x = start
        for step in range(STEPS + 1):
            np.testing.assert_allclose(path.points[row, step], x, rtol=1e-12)
            x = twin(x, 1e-3, memory)


def test_newton_is_at_the_bottom_of_a_quadratic_after_a_step_and_goes_to_saddles() -> None:
    ravine = build({"name": "ravine", "condition": 1e6, "dimension": 4})
    start = torch.ones(1, 4, dtype=torch.float64)
    path = descend(ravine, start, "newton", {"lr": 1.0}, 1, seed=0)
    assert np.abs(path.points[0, 1]).max() < 1e-12
    saddle = build({"name": "saddle"})
    path = descend(saddle, START, "newton", {"lr": 1.0}, 1, seed=0)
    assert np.abs(path.points[:, 1]).max() < 1e-12


def test_damped_newton_steps_by_its_formula_and_stays_along_flat_directions() -> None:
    function = build({"name": "beale"})
    path = descend(function, START, "damped_newton", {"lr": 0.5, "damping": 0.1}, 1, seed=0)
    for row, start in enumerate(START):
        hessian = function.hessian(start[None])[0].numpy() + 0.1 * np.eye(2)
        slope = function.gradient(start[None])[0].numpy()
        np.testing.assert_allclose(path.points[row, 1], start.numpy() - 0.5 * np.linalg.solve(hessian, slope))
    monkey = build({"name": "monkey_saddle"})
    origin = torch.zeros(1, 2, dtype=torch.float64)
    assert (descend(monkey, origin, "newton", {"lr": 1.0}, 3, seed=0).points == 0).all()


def test_noise_has_its_variance_and_its_seed() -> None:
    flat = build({"name": "ravine", "condition": 1.0})
    start = torch.zeros(20_000, 2, dtype=torch.float64)
    one, same, other = (
        descend(flat, start, "noisy_gd", {"lr": 0.0, "noise": 4e-2}, 1, seed=seed) for seed in (0, 0, 1)
    )
    assert one.points[:, 1].std() == pytest.approx(0.2, rel=0.02)
    assert np.array_equal(one.points, same.points)
    assert not np.array_equal(one.points, other.points)


def test_annealed_noise_goes_as_the_formula_says_and_its_variance_falls() -> None:
    options = {"lr": 1e-3, "eta": 0.3, "gamma": 0.55}
    path = descend(build({"name": "beale"}), START, "annealed_gd", options, STEPS, seed=2)
    random, x = torch.Generator().manual_seed(2), START.tolist()
    for step in range(STEPS):
        drawn = torch.randn(START.shape, generator=random, dtype=torch.float64).tolist()
        sigma = math.sqrt(0.3 / (1 + step) ** 0.55)
        x = [
            [at - 1e-3 * (g + sigma * xi) for at, g, xi in zip(row, beale_gradient(*row), own, strict=True)]
            for row, own in zip(x, drawn, strict=True)
        ]
        np.testing.assert_allclose(path.points[:, step + 1], x, rtol=1e-12)
    flat = build({"name": "ravine", "condition": 1.0})
    start = torch.zeros(20_000, 2, dtype=torch.float64)
    falling, constant = (
        np.diff(
            descend(flat, start, "annealed_gd", {"lr": 1e-6, "eta": 4.0, "gamma": gamma}, 9, 0).points, axis=1
        )
        for gamma in (1.0, 0.0)
    )
    np.testing.assert_allclose(falling.var(axis=(0, 2)), 4e-12 / np.arange(1, 10), rtol=0.03)
    np.testing.assert_allclose(constant.var(axis=(0, 2)), 4e-12, rtol=0.03)


def test_a_perturbation_comes_where_the_gradient_is_small_and_not_again_at_once() -> None:
    saddle = build({"name": "saddle"})
    start = torch.zeros(500, 2, dtype=torch.float64)
    options = {"lr": 0.0, "radius": 0.1, "threshold": 1.0, "wait": 3}
    path = descend(saddle, start, "perturbed_gd", options, 6, seed=0)
    moved = (np.diff(path.points, axis=1) != 0).any(axis=(0, 2))
    assert moved.tolist() == [True, False, False, False, True, False]
    assert np.linalg.norm(path.points[:, 1], axis=1).max() <= 0.1
    far = descend(saddle, start + 5, "perturbed_gd", options, 2, seed=0)
    assert (np.diff(far.points, axis=1) == 0).all()


def test_points_of_a_ball_are_uniform() -> None:
    points = in_ball(torch.zeros(40_000, 3, dtype=torch.float64), torch.Generator().manual_seed(0))
    radius = torch.linalg.vector_norm(points, dim=1)
    assert radius.max() <= 1
    assert (radius**3).mean().item() == pytest.approx(0.5, abs=0.01)  # the share of the volume is uniform
    assert points.mean(0).abs().max() < 0.01


def test_the_parts_of_a_sum_have_the_function_as_their_mean() -> None:
    ravine = build({"name": "ravine", "condition": 10.0})
    start = torch.ones(200_000, 2, dtype=torch.float64)
    options = {"lr": 1.0, "parts": 8, "batch": 2, "spread": 0.5}
    path = descend(ravine, start, "sgd", options, 1, seed=0)
    noise = 1 - path.points[:, 1] - ravine.gradient(start[:1]).numpy()
    assert np.abs(noise.mean(axis=0)).max() < 4 * 0.5 / math.sqrt(2 * len(start))
    whole = descend(ravine, start[:1], "sgd", {**options, "parts": 1, "batch": 1}, 1, seed=0)
    plain_step = descend(ravine, start[:1], "gd", {"lr": 1.0}, 1, seed=0)
    np.testing.assert_allclose(whole.points, plain_step.points, rtol=1e-12)


def test_what_leaves_for_infinity_is_marked_from_there_on() -> None:
    ravine = build({"name": "ravine", "condition": 10.0})
    start = torch.tensor([[1.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    path = descend(ravine, start, "gd", {"lr": 1e30}, 20, seed=0)
    left = np.isnan(path.points[0]).any(axis=-1)
    assert left[-1]
    assert (np.diff(left.astype(int)) >= 0).all()
    assert np.isposinf(path.loss[0][left]).all()
    assert (path.points[1] == 0).all()
    after = descend(build({"name": "beale"}), start * 1e200, "newton", {"lr": 1.0}, 3, seed=0)
    assert np.isnan(after.points[0, -1]).all()


def test_many_steps_are_thinned_evenly_with_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept_steps(5, 1, 2).tolist() == [0, 1, 2, 3, 4, 5]
    monkeypatch.setattr(descent, "MOST_KEPT", 100)
    kept = kept_steps(103, 5, 2)
    assert kept[0] == 0
    assert kept[-1] == 103
    assert len(kept) <= 11
    assert set(np.diff(kept[:-1])) == {12}
    path = descend(
        build({"name": "ravine"}), torch.ones(5, 2, dtype=torch.float64), "gd", {"lr": 1e-3}, 103, 0
    )
    assert path.points.shape == (5, len(kept), 2)
