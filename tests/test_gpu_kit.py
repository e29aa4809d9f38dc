"""The GPU kit on a processor, in small: every stage works, resumes and says what it found."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.gpu import __main__ as kit_command
from benchmarks.gpu import equal, train
from benchmarks.gpu.stage import Kit
from landscape_cli import cli


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(torch.device("cpu"), tmp_path / "gpu", tmp_path / "data", tiny=True, seconds=300)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands of the kit that follow each other need no process each."""

    def landscape(self: Kit, *words: str) -> Path:
        monkeypatch.setattr(sys, "argv", ["landscape", *words])
        capsys.readouterr()
        assert cli.main() == 0
        return Path(capsys.readouterr().out.splitlines()[-1])

    monkeypatch.setattr(Kit, "landscape", landscape)


def result(kit: Kit, stage: str) -> dict[str, object]:
    content: dict[str, object] = json.loads((kit.out / f"{stage}.json").read_text())
    assert content["tiny"]
    made_on = content["made_on"]
    assert isinstance(made_on, dict)
    assert made_on["device"] == "cpu"
    assert {"versions", "hardware", "commit", "start"} <= made_on.keys()
    return content


@pytest.mark.slow
@pytest.mark.usefixtures("in_this_process")
def test_every_case_is_compared(kit: Kit) -> None:
    printed = equal.run(kit)
    content = result(kit, "equal")
    assert content["finished"]
    cases = content["cases"]
    assert isinstance(cases, dict)
    assert set(cases) == set(equal.CASES)
    assert all(each["values"] > 0 for each in cases.values())
    assert printed.count("| equal |") == len(equal.CASES)
    (kit.out / "equal").rename(kit.out / "gone")  # a second time nothing is computed
    equal.run(kit)


@pytest.mark.parametrize(("off", "verdict"), [(0.9e-3, "equal"), (1.1e-3, "differs"), (np.nan, "differs")])
def test_a_value_that_is_off_is_told(off: float, verdict: str) -> None:
    case = equal.Case([], 1e-3, "")
    here = {"train/loss": np.array([[1.0, 2.0]]), "test/loss": np.array([0.5])}
    there = {"train/loss": np.array([[1.0, 2.0 * (1 + off)]]), "test/loss": np.array([0.5])}
    found = equal._compared(here, there, case)
    assert found["verdict"] == verdict
    assert found["of"] == "train/loss"
    assert found["values"] == 3


@pytest.mark.usefixtures("in_this_process")
def test_what_differs_ends_the_stage(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "trajectory"
    wrong = equal.Case(equal.CASES[name].words, -1.0, "nothing is as equal as that")
    monkeypatch.setattr(equal, "CASES", {name: wrong})
    with pytest.raises(SystemExit, match="not all is equal"):
        equal.run(kit)


@pytest.mark.slow
def test_training_stops_in_time_and_goes_on(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "SEEDS", 1)
    hurried = Kit(kit.device, kit.out, kit.data, tiny=True, seconds=0.5)
    train.run(hurried)
    assert not result(kit, "train")["finished"]
    words = [*("python", "--tiny", "--device", "cpu"), "--out", str(kit.out), "train", "plane"]
    monkeypatch.setattr(sys, "argv", words)
    kit_command.main()
    trained, planes = result(kit, "train"), result(kit, "plane")
    assert trained["finished"]
    runs, found = trained["runs"], planes["planes"]
    assert isinstance(runs, dict)
    assert isinstance(found, dict)
    assert [each["epoch"] for each in runs.values()] == [2, 2]
    assert [each["paper"] for each in runs.values()] == [5.89, 13.31]
    assert planes["finished"]
    assert {each["points"] for each in found.values()} == {9}
    assert str(planes["run"]).endswith("with_shortcuts_seed_0")


@pytest.mark.slow
def test_costs(kit: Kit, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["python", "--tiny", "--device", "cpu", "--out", str(kit.out), "cost"]
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", words)
        kit_command.main()
    networks = result(kit, "cost")["networks"]
    assert isinstance(networks, dict)
    assert len(networks["resnet20"]) == 8
    assert all(each["ms"] > 0 for each in networks["resnet20"].values())
    assert "cost: finished before" in capsys.readouterr().out


def test_a_stage_that_there_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["python", "speed"])
    with pytest.raises(SystemExit):
        kit_command.main()
    assert "no stage 'speed'; choose from equal, cost, train, plane" in capsys.readouterr().err


def test_a_failing_command_is_told(kit: Kit) -> None:
    with pytest.raises(SystemExit, match="choose from"):
        kit.landscape("train", "architecture=none")
