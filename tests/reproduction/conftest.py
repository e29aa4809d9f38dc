"""A catalogue of two tiny phenomena, whose records and code a test may change."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import landscape_cli.phenomena
from landscape_cli.commands import train
from landscape_cli.reproduction import catalogue
from landscape_cli.training.record import Record

DATA = ["dataset=digits", "dataset.train_size=20", "dataset.test_size=10"]
SHARED = [*DATA, "architecture.widths=[]", "batch_size=10"]
SCALE: dict[str, Any] = {
    "cost": "nothing",
    "train": SHARED,
    "runs": {"linear": ["epochs=1"]},
    "settings": {"points": 3},
    "drawing": {"label": "the loss"},
}
CLAIMS = {"loss > 0": "The loss is positive", "always loss > 0": "The loss is positive, always"}
TOPIC = '''
"""A topic."""

from matplotlib.figure import Figure


def tiny(lab, *, points):
    """Measure."""
    plane = lab.surface("linear", "y=null", f"x=[-1,1,{points}]", "splits=[train]")
    return {"loss": lab.metrics("linear")["train_loss"][-1], "line": plane}


def draw_tiny(seeds, *, label):
    """Draw."""
    figure = Figure()
    figure.subplots().plot([seed["loss"] for seed in seeds], label=label)
    return {"losses": figure}


def tiny_too(lab, *, points):
    return tiny(lab, points=points)


def draw_tiny_too(seeds, *, label):
    return draw_tiny(seeds, label=label)
'''


@dataclass(frozen=True)
class Made:
    """The folder of the records, and the file of the code."""

    records: Path
    topic: Path

    def change(self, **keys: Any) -> None:
        """Change keys of the record of `tiny`; those of a scale in its small one."""
        path = self.records / "tiny.yaml"
        line, _, text = path.read_text().partition("\n")
        entry = json.loads(text)
        for key, value in keys.items():
            (entry["small"] if key in (*SCALE, "claims_of_scale", "notes") else entry)[key] = value
        path.write_text(f"{line}\n{json.dumps(entry)}\n")

    def rewrite(self, old: str, new: str) -> None:
        """Replace some of the code, as an editor would between two commands."""
        text = self.topic.read_text()
        assert old in text
        self.topic.write_text(text.replace(old, new))
        sys.modules.pop("landscape_cli.phenomena.made", None)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Two phenomena that share their runs, `tiny` and `tiny-too`."""
    records = tmp_path.with_name(f"{tmp_path.name}_catalogue")
    records.mkdir()
    for name in ("tiny", "tiny-too"):
        entry = {
            "section": "A",
            "source": "nobody",
            "topic": "made",
            "claims": CLAIMS,
            "small": SCALE,
            "paper": SCALE,
        }
        (records / f"{name}.yaml").write_text(f"# A tiny phenomenon\n{json.dumps(entry)}\n")
    topic = records / "topics" / "made.py"
    topic.parent.mkdir()
    topic.write_text(TOPIC)
    monkeypatch.setattr(catalogue, "FOLDER", records)
    monkeypatch.setattr(landscape_cli.phenomena, "__path__", [str(topic.parent)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two edits within a second look alike to a cache
    monkeypatch.delitem(sys.modules, "landscape_cli.phenomena.made", raising=False)
    return Made(records, topic)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the run folders that were trained, as often as they were."""
    names = []

    def counted(*values: Any) -> None:
        names.extend(value.path.name for value in values if isinstance(value, Record))
        original(*values)

    original = train.train
    monkeypatch.setattr(train, "train", counted)
    return names


def tree(folder: Path) -> dict[str, bytes]:
    """Every file and folder below a folder, with its content."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


def result(folder: Path) -> dict[str, Any]:
    """The content of result.json."""
    return dict(json.loads((folder / "result.json").read_text()))
