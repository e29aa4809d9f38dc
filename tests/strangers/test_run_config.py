"""What every command needs of a run's configuration, and no more: also of one whose weights were imported."""

from typing import Any

import pytest

from landscape_cli.run_config import check_run_config

IMPORTED: dict[str, Any] = {
    "dataset": {"name": "digits"},
    "architecture": {"name": "mlp"},
    "normalization": {"name": "none"},
    "loss": "cross_entropy",
}
ABSENT = dict.fromkeys(("optimizer", "schedule", "init", "batch_size", "epochs", "seed"))


@pytest.mark.parametrize("more", [{}, ABSENT, {"batch_size": "full", "seed": 3}], ids=str)
def test_what_is_enough(more: dict[str, Any]) -> None:
    check_run_config(IMPORTED | more)


@pytest.mark.parametrize("config", [{}, {"dataset": {"seed": 1}}, {"architecture": {"name": "Net"}}])
def test_what_runs_have_in_common_may_be_little(config: dict[str, Any]) -> None:
    check_run_config(config, part=True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        *(({key: None}, f"{key} must be") for key in IMPORTED),
        ({"dataset": "digits"}, "dataset must be a mapping with a name, got 'digits'"),
        ({"architecture": {"widths": [5]}}, "architecture.name must be a name of at most 200 visible"),
        ({"normalization": {"name": ["none"]}}, "normalization.name must be"),
        ({"architecture": {"name": "\x1b[31mred"}}, "architecture.name must be"),
        ({"architecture": {"name": "x" * 201}}, "architecture.name must be"),
        ({"optimizer": [1]}, "optimizer must be a mapping with a name, got [1]"),
        ({"optimizer": {"name": "sgd", "weight_decay": "much"}}, "optimizer.weight_decay must be a number"),
        ({"loss": 3}, "loss must be a name, got 3"),
        ({"seed": 0.5}, "seed must be a whole number, got 0.5"),
        ({"seed": True}, "seed must be a whole number, got True"),
        ({"batch_size": "many"}, "batch_size must be a whole number or full, got 'many'"),
    ],
    ids=str,
)
def test_what_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        check_run_config({**IMPORTED, **change})
    assert told in str(refusal.value)
