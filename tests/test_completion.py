"""Completion in the shell: commands, groups, options and keys, as the shell asks for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from landscape_cli.cli import COMMANDS

BIN = Path(sys.executable).parent


def complete(line: str, folder: Path) -> list[str]:
    environment = {**os.environ, "COMP_LINE": line, "COMP_POINT": str(len(line))}
    words = [sys.executable, "-m", "landscape_cli", "-sc", "query=bash"]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered", "not_offered"),
    [
        ("landscape ", [*COMMANDS], ["epochs="]),
        ("landscape", [*COMMANDS], []),
        ("landscape tr", ["train"], ["surface", "list"]),
        ("landscape trian ", [], ["epochs="]),
        (
            "landscape train ",
            ["dataset=", "optimizer=", "epochs=", "batch_size="],
            ["train", "run=", "kind="],
        ),
        ("landscape train da", ["dataset="], ["epochs="]),
        ("landscape train architecture=res", ["architecture=resnet20", "architecture=resnet110"], ["mlp"]),
        (
            "landscape train dataset=digits optimizer=ad",
            ["optimizer=adam", "optimizer=adamw"],
            ["optimizer=sgd"],
        ),
        (
            "landscape train optimizer=adam optimizer.",
            ["optimizer.lr=", "optimizer.betas="],
            ["optimizer.momentum="],
        ),
        (
            "landscape train experiment=li2018_",
            ["experiment=li2018_resnet56", "experiment=li2018_vgg9_small_batch"],
            [],
        ),
        (
            "landscape surface ",
            ["run=", "direction=", "x=", "y=", "splits="],
            ["x.", "architecture=", "from_run="],
        ),
        ("landscape surface direction=", ["direction=random", "direction=runs"], []),
        ("landscape surface direction=runs direction.", ["direction.to="], ["direction.norm="]),
        ("landscape interpolate from", ["from_run=", "from_epoch="], ["run="]),
        ("landscape plot ", ["file=", "kind=", "scale="], ["optimizer=", "device=", "seed="]),
        ("landscape list ", ["architectures", "runs", "phenomena"], ["architecture="]),
        ("landscape reproduce ", ["id=", "scale=", "seeds=", "dataset."], ["architecture=", "epochs="]),
        ("landscape surface run=./", ["run=./digits"], []),
    ],
    ids=lambda value: repr(value) if isinstance(value, str) else "",
)
def test_what_is_offered(tmp_path: Path, line: str, offered: list[str], not_offered: list[str]) -> None:
    (tmp_path / "digits").mkdir()
    words = complete(line, tmp_path)
    assert set(offered) <= set(words), words
    assert not set(not_offered) & set(words), words
    assert offered or not words
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("landscape inter", {"interpolate"}),
        ("landscape train architecture=vgg", {f"architecture=vgg{depth}" for depth in (9, 16, 19)}),
        ("landscape surface direction.s", {"direction.seed="}),
        ("landscape train epochs=3 batch", {"batch_size="}),
    ],
)
def test_in_bash_the_installed_function_completes(tmp_path: Path, line: str, expected: set[str]) -> None:
    script = (
        'eval "$(landscape -sc install=bash)"\n'
        "complete -p landscape | grep -q hydra_bash_completion || exit 3\n"
        'COMP_LINE="$1" COMP_POINT=${#1} COMP_CWORD=$2\n'
        "hydra_bash_completion\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    words = ["bash", "--norc", "-c", script, "bash", line, str(len(line.split()) - 1)]
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert set(done.stdout.split()) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_to_install_names_the_command(tmp_path: Path, shell: str) -> None:
    words = [BIN / "landscape", "-sc", f"install={shell}"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "landscape" in done.stdout
    assert done.stderr == ""
    assert not list(tmp_path.iterdir())
