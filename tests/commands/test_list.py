import pytest

from conftest import Landscape
from landscape_cli.config import CONF

GROUPS = [
    "dataset",
    "architecture",
    "normalization",
    "init",
    "optimizer",
    "schedule",
    "direction",
    "function",
    "experiment",
]


def test_the_kinds_are_listed(landscape: Landscape) -> None:
    lines = landscape("list").out.splitlines()
    assert {f"{group}s" for group in GROUPS} | {"phenomena", "plots", "runs"} == {
        line.split()[0] for line in lines
    }


@pytest.mark.parametrize("group", GROUPS)
def test_every_choice_is_described_in_a_line(landscape: Landscape, group: str) -> None:
    lines = landscape("list", f"{group}s").out.splitlines()
    files = list((CONF / group).rglob("*.yaml"))
    assert len(lines) == len(files) > 1
    for line in lines:
        name, description = line.split(maxsplit=1)
        assert (CONF / group / f"{name}.yaml").is_file()
        assert len(description) > 5


def test_runs_are_listed_with_where_they_stand(landscape: Landscape) -> None:
    assert "no run under outputs/" in landscape("list", "runs").err
    landscape("train", "epochs=2", "dataset.train_size=200")
    (line,) = landscape("list", "runs").out.splitlines()
    assert line.startswith("outputs/runs/digits-mlp_dataset.train_size-200_epochs-2 ")
    assert "mlp, digits (200 samples), SGD, batch 128" in line
    assert "finished, epoch 2: accuracy" in line


def test_an_unknown_kind_names_the_kinds(landscape: Landscape) -> None:
    outcome = landscape("list", "architecture")
    assert outcome.status == 1
    assert "nearest: architectures" in outcome.err
