"""The same in real processes, that torchrun or something else started."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

GRID = [(row, column) for row in range(4) for column in range(5)]

# What each of the real processes runs. Every process notes the points that it computes.
SCRIPT = """
import json, math, os, signal, sys, time
from pathlib import Path
from landscape_cli.errors import LandscapeError
from landscape_cli.workers.processes import Follower, group

folder, rank = Path(sys.argv[1]), int(os.environ["RANK"])
GRID = [(row, column) for row in range(4) for column in range(5)]

def note(file, line):
    with (folder / file).open("a") as stream:
        stream.write(json.dumps(line) + chr(10))

def sweep(name, compute, points=GRID):
    with group(name) as team:
        if isinstance(team, Follower):
            team.obtain("begin")
            team.serve(compute)
        else:
            team.share("begin", b"")
            while points:
                chosen, points = points[:12], points[12:]
                team.evaluate(chosen, compute, lambda i, v: note(name + ".received", [i, v]))

def compute(name, seconds):
    def at(index):
        time.sleep(seconds[rank])
        note(f"{name}.{rank}", index)
        return {"loss": math.sqrt(index[0] + index[1] / 7)}
    return at

"""


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def torchrun(tmp_path: Path, body: str, *options: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + body)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", *options, script, tmp_path]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_torchrun(tmp_path: Path) -> None:
    """Two sweeps and a third that fails in the process of rank 2."""
    done = torchrun(
        tmp_path,
        """
sweep("slow", compute("slow", [0.02, 0.02, 0.3]))
sweep("again", compute("again", [0.01] * 3))

def fails(index):
    if rank == 2:
        raise LandscapeError("the memory does not suffice")
    time.sleep(0.05)
    return {}

try:
    sweep("fails", fails, GRID * 20)
except LandscapeError as error:
    print(f"{rank}: {error}", file=sys.stderr, flush=True)
    sys.exit(1)
""",
        "--nproc-per-node=3",
    )
    for name in ("slow", "again"):
        by_rank = [lines(tmp_path / f"{name}.{rank}") for rank in range(3)]
        assert sorted(chain.from_iterable(by_rank)) == sorted(list(index) for index in GRID)
        expected = sorted([[*index], {"loss": math.sqrt(index[0] + index[1] / 7)}] for index in GRID)
        assert sorted(lines(tmp_path / f"{name}.received"), key=lambda line: line[0]) == expected
        if name == "slow":
            assert len(by_rank[2]) < len(by_rank[0])
    assert done.returncode == 1
    assert "0: the memory does not suffice (the process of rank 2)" in done.stderr


@pytest.mark.slow
def test_torchrun_goes_on_after_kills(tmp_path: Path) -> None:
    """The leader is killed, then the other process; what had been received is not computed again."""
    done = torchrun(
        tmp_path,
        """
attempt = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
known = folder / "sweep.received"
known.touch()
before = [tuple(index) for index, _ in map(json.loads, known.read_text().splitlines())]

def at(index):
    while attempt < 2 and len(known.read_text().splitlines()) >= [4, 12][attempt]:  # the others wait
        if attempt == rank:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)
    note("computed", [attempt, index])
    return {}

if rank == 0:
    note("before", len(before))
sweep("sweep", at, [index for index in GRID if index not in before])
""",
        "--nproc-per-node=2",
        "--max-restarts=2",
    )
    assert done.returncode == 0, done.stderr
    received = [tuple(index) for index, _ in lines(tmp_path / "sweep.received")]
    assert sorted(received) == GRID
    before = lines(tmp_path / "before")
    assert len(before) == 3
    assert before[0] == 0
    assert before[1] >= 4
    assert before[2] >= 12
    for attempt, index in lines(tmp_path / "computed"):
        assert tuple(index) not in received[: before[attempt]]


@pytest.mark.slow
def test_processes_that_something_else_started(tmp_path: Path) -> None:
    """The leader hosts the store itself; when it is killed, the other one leaves."""
    script = tmp_path / "script.py"
    script.write_text(
        SCRIPT
        + """
sweep("whole", compute("whole", [0.005] * 2))

def dies(index):
    note(f"began.{rank}", index)
    while rank == 0:
        if (folder / "began.1").exists():
            os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.1)
    return {}

try:
    sweep("killed", dies)
except LandscapeError as error:
    print(error)
"""
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        subprocess.Popen(
            [sys.executable, script, tmp_path],
            env=environment | {"RANK": str(rank), "TORCH_CPP_LOG_LEVEL": "ERROR"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    out = [process.communicate(timeout=60)[0] for process in started]
    assert len(lines(tmp_path / "whole.received")) == len(GRID)
    assert started[0].returncode == -signal.SIGKILL
    assert out[1] == "the process of rank 0 is gone\n"
