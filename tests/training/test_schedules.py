import math
from typing import Any

import pytest

from landscape_cli.errors import LandscapeError
from landscape_cli.training.schedules import SCHEDULES, build

EPOCHS, STEPS = 10, 4
OPTIONS: dict[str, dict[str, Any]] = {
    "constant": {},
    "step": {"every": 3, "gamma": 0.5},
    "multistep": {"epochs": [2, 7], "gamma": 0.1},
    "cosine": {"final": 0.1},
    "linear": {"final": 0.2},
    "exponential": {"gamma": 0.9},
}
# the factor at time t in epochs, without warm-up
CLOSED_FORMS = {
    "constant": lambda t: 1.0,
    "step": lambda t: 0.5 ** (t // 3),
    "multistep": lambda t: 1.0 if t < 2 else 0.1 if t < 7 else 0.01,
    "cosine": lambda t: 0.1 + 0.9 * math.cos(math.pi * t / 20) ** 2,
    "linear": lambda t: 1 - 0.8 * t / 10,
    "exponential": lambda t: math.exp(t * math.log(0.9)),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_without_warmup_equals_its_closed_form_at_every_step(name: str) -> None:
    factor = build({"name": name, "warmup": 0, **OPTIONS[name]}, EPOCHS, STEPS)
    for step in range(EPOCHS * STEPS + 1):
        assert factor(step) == pytest.approx(CLOSED_FORMS[name](step / STEPS), rel=1e-12), step


@pytest.mark.parametrize("name", SCHEDULES)
def test_warmup_grows_linearly_to_one(name: str) -> None:
    factor = build({"name": name, "warmup": 2, **OPTIONS[name]}, EPOCHS, STEPS)
    assert [factor(step) for step in range(8)] == pytest.approx([(step + 1) / 8 for step in range(8)])
    if name not in ("multistep", "step"):  # those count from the start of the training
        assert factor(8) == pytest.approx(1)


def test_cosine_and_linear_end_with_the_training_after_a_warmup_too() -> None:
    for name in ("cosine", "linear"):
        factor = build({"name": name, "warmup": 4, **OPTIONS[name]}, EPOCHS, STEPS)
        assert factor(EPOCHS * STEPS) == pytest.approx(OPTIONS[name]["final"])


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"name": "cosin", "warmup": 0}, "nearest: cosine"),
        ({"name": "cosine", "warmup": -1, "final": 0}, "schedule.warmup must be"),
        ({"name": "cosine", "warmup": 10, "final": 0}, "leaves nothing"),
        ({"name": "step", "warmup": 0, "every": 0, "gamma": 0.1}, "schedule.every must be a positive"),
        ({"name": "multistep", "warmup": 0, "epochs": 30, "gamma": 0.1}, "schedule.epochs must be a list"),
        ({"name": "exponential", "warmup": 0, "gamma": "x"}, "schedule.gamma must be"),
    ],
)
def test_mistakes_are_refused(schedule: dict[str, Any], words: str) -> None:
    with pytest.raises(LandscapeError, match=words):
        build(schedule, EPOCHS, STEPS)
