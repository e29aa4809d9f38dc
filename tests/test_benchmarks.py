"""Each benchmark runs, on as little as it can, and prints its table; what it measures is not looked at."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"
COMMANDS = {
    "cheaper": (["--size", "17", "--exact", "3", "--settings", "samples=200 anchors=2", "tolerance=0.1"], 2),
    "memory": (["--images", "200"], 7),
    "point": (
        ["--images", "64", "--rounds", "1", "--networks", "resnet20", "--repetitions", "1", "--matrix", "64"],
        7,
    ),
    "processes": (["--images", "64", "--rounds", "1", "--networks", "resnet20"], 2),
    "rates": (["--rounds", "1", "--networks", "resnet20", "--repetitions", "1", "--matrix", "64"], 4),
    "startup": (["--rounds", "1"], 11),
    "training": (["--images", "128", "--rounds", "1"], 3),
}
"""The words of each small run, and the rows of its table."""


def benchmark(name: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"benchmarks.{name}", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_benchmark_of_the_readme_is_run_here() -> None:
    commands = {path.stem for path in FOLDER.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
    assert commands - {"plain_loop"} == set(COMMANDS)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"python -m benchmarks.{name}`" in readme for name in COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_it_prints_its_table(name: str) -> None:
    words, count = COMMANDS[name]
    printed = benchmark(name, *words)
    title, rule, *rows = [line.split("|")[1:-1] for line in printed.splitlines() if line.startswith("|")]
    assert set(rule) == {" --- "}
    assert len(rows) == count
    assert all(len(row) == len(title) for row in rows)
    for told in ("processor", "memory", "torch", "oneDNN", "malloc", "load before"):
        assert told in printed
