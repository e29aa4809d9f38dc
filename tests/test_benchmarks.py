"""Each benchmark runs, on as little as it can, and prints its table; what it measures is not looked at.

One of them is the process that a user starts, and starts others itself. The rest run here, and what they
would start is spared the seconds that each new process takes to import torch.
"""

import contextlib
import importlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest

from landscape_cli import cli

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"
COMMANDS = {
    "cheaper": (["--size", "9", "--exact", "3", "--settings", "samples=200 anchors=2", "tolerance=0.1"], 2),
    "curvature": (
        [
            *("--images", "2", "--rounds", "1", "--networks", "transformer", "--tools", "landscape"),
            *("--probes", "1", "--steps", "2", "--tasks", "product", "density"),
        ],
        2,
    ),
    "memory": (["--images", "128"], 7),
    "point": (
        ["--images", "8", "--rounds", "1", "--networks", "resnet20", "--repetitions", "1", "--matrix", "64"],
        7,
    ),
    "processes": (["--images", "8", "--rounds", "1", "--networks", "resnet20"], 2),
    "rates": (["--rounds", "1", "--networks", "resnet20", "--repetitions", "1", "--matrix", "64"], 4),
    "recomputation": (["--images", "2", "--rounds", "1", "--networks", "resnet20"], 1),
    "stacked": (
        ["--rounds", "1", "--networks", "1", "3", "--widths", "4", "--samples", "40", "--steps", "2"],
        2,
    ),
    "startup": (["--rounds", "1"], 11),
    "training": (["--images", "128", "--rounds", "1"], 3),
}
"""The words of each small run, and the rows of its table."""

ALONE = "rates"
PROGRAMS = ("cheaper", "memory", "startup")  # they measure whole programs
CONTESTS = (
    "curvature",
    "point",
    "processes",
    "recomputation",
    "stacked",
    "training",
)  # between processes in turns
Run = Callable[[str], str]
MACHINE = ("processor", "memory", "versions", "allocator", "system", "load before (1, 5, 15 min)")


def python(*words: str, folder: Path = ROOT) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_table(printed: str, count: int) -> None:
    title, rule, *rows = [line.split("|")[1:-1] for line in printed.splitlines() if line.startswith("|")]
    assert set(rule) == {" --- "}
    assert len(rows) == count
    assert all(len(row) == len(title) for row in rows)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run(name)` is the benchmark in this process; returns what it printed, the machine in one word."""
    monkeypatch.syspath_prepend(ROOT)
    machine = importlib.import_module("benchmarks.machine")
    monkeypatch.setattr(machine, "described", lambda: "- machine")

    def benchmark(name: str) -> str:
        monkeypatch.setattr(sys, "argv", [name, *COMMANDS[name][0]])
        capsys.readouterr()
        importlib.import_module(f"benchmarks.{name}").main()
        return capsys.readouterr().out

    return benchmark


def test_every_benchmark_of_the_readme_is_run_here() -> None:
    commands = {path.stem for path in FOLDER.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
    assert commands - {"plain_loop"} == set(COMMANDS) == {ALONE, *PROGRAMS, *CONTESTS}
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"python -m benchmarks.{name}`" in readme for name in COMMANDS)


@pytest.mark.slow
def test_as_a_process_it_prints_its_table_and_the_machine() -> None:
    words, count = COMMANDS[ALONE]
    printed = python("-m", f"benchmarks.{ALONE}", *words)
    check_table(printed, count)
    for told in (*MACHINE, "torch", "oneDNN", "malloc"):
        assert told in printed


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTESTS)
def test_a_contest_prints_its_table(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its processes are forks of one that has imported what they need."""
    warm = get_context("forkserver")
    warm.set_forkserver_preload([f"benchmarks.{contest}" for contest in CONTESTS])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setattr(importlib.import_module("benchmarks.alternating"), "get_context", lambda how: warm)
    printed = run(name)
    check_table(printed, COMMANDS[name][1])
    assert "- machine\n" in printed


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_measured_in_a_table(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """They run here, one after the other, and cost nothing."""
    whole_process = importlib.import_module("benchmarks.whole_process")
    plain_loop = importlib.import_module("benchmarks.plain_loop")
    monkeypatch.setattr(plain_loop, "WORKERS", 0)
    monkeypatch.setattr(plain_loop, "QUICKEST_START", None)
    ran = []

    def cost(words: Sequence[str | Path], folder: Path) -> object:
        python, option, what, *rest = map(str, words)
        assert python == sys.executable
        ran.append((option, what))
        with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
            monkeypatch.setattr(sys, "argv", [what, *rest])
            if option == "-c":
                exec(what, {})
            elif what == "landscape_cli":
                assert cli.main() == 0
            else:
                importlib.import_module(what).main()
        return whole_process.Cost(1.0, 1.0, 1.0)

    module = importlib.import_module(f"benchmarks.{name}")
    monkeypatch.setattr(module, "cost", cost)
    if name == "cheaper":
        monkeypatch.setattr(module, "TRAINING", (*module.TRAINING, "epochs=3"))
    printed = run(name)
    check_table(printed, COMMANDS[name][1])
    assert "- machine\n" in printed
    assert ran.count(("-m", "landscape_cli")) == {"cheaper": 3, "memory": 4, "startup": 23}[name]


def test_a_contestant_is_a_process_with_its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    alternating = importlib.import_module("benchmarks.alternating")
    make = partial(partial, os.getenv, "CONTESTANT")
    with alternating.Contestant(make, {"CONTESTANT": "one"}) as one, alternating.Contestant(make) as other:
        turns = alternating.alternate({"one": one, "other": other}, 2)
    assert turns == {"one": ["one", "one"], "other": [None, None]}
    assert "CONTESTANT" not in os.environ


MEASURED = """
import sys
from pathlib import Path
from benchmarks.whole_process import LANDSCAPE, cost
here = Path()
print(*cost([*LANDSCAPE, "list", "architectures"], here))
print(*cost([sys.executable, "-c", "import time; bytearray(b'1' * (100 << 20)); time.sleep(0.3)"], here))
for words in (["-c", "raise SystemExit('no reason')"], ["-m", "nothing_of_this_name"]):
    try:
        cost([sys.executable, *words], here)
    except SystemExit as error:
        print(error)
mine = bytearray(b"1" * (200 << 20))
try:
    cost([sys.executable, "-c", ""], here)
except SystemExit as error:
    print(error)
"""


def test_the_cost_of_a_program(tmp_path: Path) -> None:
    """By a process that needs less memory than what it measures: not by one with torch, as this is."""
    printed = python("-c", MEASURED, folder=tmp_path).splitlines()
    lists, large = ([float(word) for word in line.split()] for line in printed[:2])
    seconds, mebibytes, processor = lists
    assert min(seconds, processor) > 0
    assert 10 < mebibytes < 500
    seconds, mebibytes, processor = large
    assert 200 < mebibytes < 300  # two copies of the bytes for a moment
    assert seconds - processor > 0.3  # asleep
    told = "\n".join(printed[2:])
    assert "failed:\nno reason\n" in told
    assert "No module named nothing_of_this_name" in told
    assert told.endswith("needed no more memory than the process that measured it")
