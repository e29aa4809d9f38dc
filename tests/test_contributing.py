"""The example of CONTRIBUTING.md is a phenomenon that works, in as few lines as it says."""

import re
import sys
from pathlib import Path

import pytest

import landscape_cli.phenomena
from conftest import Landscape
from landscape_cli.reproduction import catalogue
from landscape_cli.reproduction.catalogue import read_result

PAGE = Path(__file__).parent.parent / "CONTRIBUTING.md"


@pytest.mark.slow
def test_the_example_runs(tmp_path: Path, landscape: Landscape, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (record,), (code,) = (re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("yaml", "python"))
    assert len((record + code).splitlines()) <= 60
    folder = tmp_path.with_name(f"{tmp_path.name}_catalogue")
    (folder / "topics").mkdir(parents=True)
    (folder / "batch-gradient-noise.yaml").write_text(record)
    (folder / "topics" / "batch_noise.py").write_text(code)
    monkeypatch.setattr(catalogue, "FOLDER", folder)
    monkeypatch.setattr(landscape_cli.phenomena, "__path__", [str(folder / "topics")])
    monkeypatch.delitem(sys.modules, "landscape_cli.phenomena.batch_noise", raising=False)
    outcome = landscape("reproduce", "id=batch-gradient-noise")
    assert outcome.status == 0, outcome.err
    assert outcome.out.startswith("holds: The distance of the two gradients falls like B^k, |k + 1/2|: ")
    result = read_result(tmp_path / outcome.last_line)
    assert (result["verdict"], result["seeds"]) == ("holds", [0, 1, 2])
    assert (tmp_path / outcome.last_line / "noise.png").stat().st_size > 10_000
    (folder / "batch-gradient-noise.yaml").write_text(record.replace("<= 0.05", "<= 0.00001"))
    assert landscape("reproduce", "id=batch-gradient-noise").out.startswith("fails: ")
