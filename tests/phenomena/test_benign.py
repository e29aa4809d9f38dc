"""Noisy gradient descent on each problem, from a few starts."""

from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

NAME = "all-minima-global-and-strict-implies-poly"


def measured(steps: int, settling: int) -> list[Measured]:
    labs = [MadeLab({}, seed=seed) for seed in range(3)]
    return measure(NAME, labs, starts=3, steps=steps, settling=settling)


def test_every_problem_but_the_last_is_solved() -> None:
    found = measured(steps=400, settling=1000)
    assert verdicts(NAME, found)[:6] == ["holds"] * 6
    assert set(drawn(NAME, found)) == {"reached"}
    for seed in found:
        shares = [sum(each < 1e-6) / 3 for each in seed["above_the_least"].values()]
        assert shares == [*seed["reached"].values()]


def test_none_is_in_a_step_and_a_solved_control_is_told() -> None:
    found = measured(steps=1, settling=0)
    assert verdicts(NAME, found) == ["fails"] * 6 + ["holds"]
    solved = [{**seed, "reached": dict.fromkeys(seed["reached"], 1.0)} for seed in found]
    assert verdicts(NAME, solved) == ["holds"] * 6 + ["fails"]
