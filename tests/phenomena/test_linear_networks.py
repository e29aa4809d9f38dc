"""Deep linear networks from a few starts, on claims that hold and fail."""

from typing import Any

from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

SETTINGS = {"depths": [2, 3], "starts": 5, "lr": 0.03, "widths": {"two units": [2]}, "network_starts": 2}


def measured(steps: int, network_steps: int) -> list[Measured]:
    labs = [MadeLab({}, seed=seed) for seed in range(3)]
    return measure("deep-linear-networks", labs, **SETTINGS, steps=steps, network_steps=network_steps)


def changed(found: list[Measured], **values: Any) -> list[Measured]:
    return [{**seed, **values} for seed in found]


def test_every_start_gets_to_the_least_loss() -> None:
    found = measured(steps=3000, network_steps=1500)
    assert verdicts("deep-linear-networks", found) == ["holds"] * 7
    assert set(drawn("deep-linear-networks", found)) == {"descent"}
    assert all(seed["networks"]["two units"]["worst"][-1] == seed["excess"]["two units"] for seed in found)


def test_descents_that_are_cut_short_do_not_and_other_derivatives_at_0_are_told() -> None:
    found = measured(steps=2, network_steps=2)
    assert verdicts("deep-linear-networks", found) == ["holds"] * 4 + ["fails"] * 3
    strict = changed(
        found,
        gradient_at_0={"2": 0.0, "3": 1e-3},
        largest_curvature_at_0_beyond_depth_2={"3": 1e-3},
        off_minus_one_at_depth_2=1e-3,
    )
    assert verdicts("deep-linear-networks", strict)[:4] == ["holds", "fails", "fails", "fails"]
