"""Bars in a Jupyter kernel: redrawn in place, and one clean line each when they have come to their end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = """
import json, sys
import nbformat
from nbclient import NotebookClient

cells = [nbformat.v4.new_code_cell(source) for source in json.load(sys.stdin)]
done = NotebookClient(nbformat.v4.new_notebook(cells=cells), kernel_name="python3", timeout=300).execute()
print(json.dumps([[dict(one) for one in cell.outputs] for cell in done.cells]))
"""

START = """
import time
import torch
from torch import nn
import landscape_cli

each = nn.CrossEntropyLoss(reduction="none")
def slow(outputs, targets):
    time.sleep(0.02)
    return each(outputs, targets)

torch.manual_seed(0)
data = torch.randn(20, 5), torch.arange(20) % 3
model = nn.Linear(5, 3)
"""
LINE = 'landscape_cli.line(model, slow, data, out="line.h5", x=(-1, 1, 41), device="cpu");'
PATH = """
states = [nn.Linear(5, 3).state_dict() for _ in range(9)]
landscape_cli.trajectory(model, states, slow, data, out="path.h5", x="-1:1:5", y="-1:1:5", device="cpu");
"""


def shown(text: str) -> list[str]:
    """The lines that a notebook shows of a stream: a carriage return goes back to the start of the line."""
    lines = []
    for raw in text.split("\n"):
        line = ""
        for piece in raw.split("\r"):
            line = piece + line[len(piece) :]
        lines.append(line.rstrip())
    assert lines.pop() == ""  # it ended its last line
    return lines


def bars(outputs: list[dict[str, str]]) -> list[str]:
    """The lines of a cell that are bars at their end, each on its own; the others are whole sentences."""
    assert {one["name"] for one in outputs} == {"stderr"}
    text = "".join(one["text"] for one in outputs)
    assert text.count("\r") > 5
    lines = shown(text)
    assert all(lines)
    found = [line for line in lines if "%|" in line]
    assert len(lines) <= 2 * len(found) + 2, lines
    assert all(len(line) <= 100 and line.endswith("/s]") for line in found)
    return found


@pytest.mark.slow
def test_a_bar_in_a_notebook_is_redrawn_in_place_and_ends_in_a_line(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK],
        input=json.dumps([START, LINE, PATH]),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    start, line, path = json.loads(done.stdout.splitlines()[-1])
    assert start == []
    (only,) = bars(line)
    assert only.startswith("line: 100 %|██████████| 41/41 [")
    checkpoints, points, along = bars(path)
    assert along.startswith("path: 100 %")
    assert checkpoints.startswith("checkpoints: 100 %|██████████| 9/9 [")
    assert points.startswith("surface: 100 %|██████████| 25/25 [")
