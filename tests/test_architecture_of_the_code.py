"""The house stands as CONTRIBUTING.md draws it: imports go up, and what must not need torch does not."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import landscape_cli
from landscape_cli import store

PACKAGE = Path(landscape_cli.__file__).parent
# each row imports rows above it and its own, never below
ROWS = [
    {"arrays", "errors", "files", "keys", "progress", "terminal"},
    {"config", "run_config", "sources", "device", "provenance", "measures", "uncompiled"},
    {"store"},
    {"analytic", "data", "architectures", "weights", "checkpoint", "runs", "plots"},
    {"solutions"},
    {"evaluation", "workers"},
    {"surfaces", "gradients", "signals"},
    {"curvature", "training"},
    {"reproduction", "recording"},
    {"phenomena"},
    {"schemas"},
    {"composition", "messages"},
    {"commands", "api"},
    {"completion", "words"},
    {"cli"},
    {"__main__"},
]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_file_is_in_a_row() -> None:
    assert len(FILES) > 60
    assert {room(path) for path in FILES} == set.union(*ROWS)


def test_imports_go_up() -> None:
    row = {name: number for number, names in enumerate(ROWS) for name in names}
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in FILES
        for name in imports(path)
        if name.startswith("landscape_cli.") and row[name.split(".")[1]] > row[room(path)]
    ]
    assert not wrong


def test_rooms_of_one_row_do_not_know_each_other() -> None:
    beside = {name: names - {name} for names in ROWS[2:] for name in names}
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in FILES
        for name in imports(path)
        if name.startswith("landscape_cli.") and name.split(".")[1] in beside.get(room(path), set())
    ]
    assert not wrong


def test_configurations_end_in_the_commands() -> None:
    """Below them travel tensors, numbers, and a small dataclass of options a room."""
    above = ("schemas", "composition", "commands", "messages", "completion", "cli", "__main__")
    below = [path for path in FILES if room(path) not in above]
    assert len(below) > 100
    wrong = [
        f"{path.relative_to(PACKAGE)}: {ast.unparse(node.annotation)}"
        for path in below
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.arg) and node.annotation is not None
        if re.search(r"Config\b", ast.unparse(node.annotation))
    ]
    wrong += [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in below
        for name in imports(path)
        if name.startswith("landscape_cli.schemas")
    ]
    assert not wrong


def test_hydra_lives_at_the_front_door() -> None:
    users = {room(path) for path in FILES if any(name.split(".")[0] == "hydra" for name in imports(path))}
    assert users == {"cli", "composition", "messages"}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["train", "--cfg", "job"],
        ["surface", "--help"],
        ["list"],
        ["list", "architectures"],
        ["list", "phenomena"],
        ["list", "plots"],
        ["plot", "file=nothing.h5"],
        ["train", "architecture=resnet21"],
    ],
    ids=" ".join,
)
def test_what_does_no_arithmetic_never_imports_torch(tmp_path: Path, words: list[str]) -> None:
    code = (
        "import sys; from landscape_cli.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(f\"torch: {'torch' in sys.modules}\")"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.endswith("torch: False"), done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ["plot", "file=s.h5", "out=s.png"],
        ["plot", "file=s.h5", "kind=surface3d", "out=s.pdf"],
        ["plot", "file=s.h5", "out=s.html"],
        ["report", "file=s.h5", "out=report.html"],
    ],
    ids=" ".join,
)
def test_drawing_never_imports_torch(tmp_path: Path, words: list[str]) -> None:
    names = ["train/loss", "train/accuracy", "test/loss", "test/accuracy"]
    store.create(
        tmp_path / "s.h5",
        x=np.linspace(-1, 1, 5),
        y=np.linspace(0, 1, 4),
        names=names,
        arrays={},
        directions={},
        config={"splits": ["train", "test"]},
        run_config={"loss": "mse"},
        marks=[("here", 0.0, 0.0)],
        attributes={},
    )
    with store.writing(tmp_path / "s.h5") as writer:
        for number, index in enumerate(np.ndindex(4, 5)):
            writer.write_point(index, dict.fromkeys(names, 0.01 * (number + 1)))
    code = (
        "import sys; from landscape_cli.cli import main\n"
        "status = main()\n"
        "sys.stderr.write(f\"{status} torch: {'torch' in sys.modules}\")"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.endswith("0 torch: False"), done.stderr
    assert (tmp_path / words[-1].removeprefix("out=")).stat().st_size > 1000
