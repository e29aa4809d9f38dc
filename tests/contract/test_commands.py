"""What every command does alike."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from contract.made import GRID, MLP, succeed
from omegaconf import OmegaConf

from conftest import Landscape
from landscape_cli import cli


def test_the_last_line_of_every_command_is_the_path_it_wrote(here: Landscape, surfaces: Path) -> None:
    for words, path in (
        ([*MLP, "out=a/run"], "a/run"),
        (["surface", "run=seed0", "x=[-1,1,2]", "y=null", "out=a/b/s.h5"], "a/b/s.h5"),
        (["interpolate", "from_run=seed0", "to_run=seed1", "alpha=[0,1,2]", "out=a/i.h5"], "a/i.h5"),
        (["plot", "file=plane.h5", "out=a/p.svg"], "a/p.svg"),
        (["plot", "file=plane.h5", "kind=interactive", "out=a/p.html"], "a/p.html"),
        (["report", "run=[seed0]", "file=[plane.h5,line.h5]", "out=a/r.html"], "a/r.html"),
    ):
        assert succeed(here, *words) == path
        assert (surfaces / path).exists()


def test_default_names_are_readable_and_the_same_each_time(here: Landscape, surfaces: Path) -> None:
    for words in (
        [*MLP, "optimizer.lr=0.05"],
        ["surface", "run=seed0", *GRID, "direction.norm=layer"],
        ["surface", "run=batch10", "direction=runs", "direction.to=[batch50]", "x=[0,1,2]", "y=null"],
        ["interpolate", "from_run=seed0", "to_run=seed1", "alpha=[0,1,2]", "from_epoch=init"],
        ["plot", "file=[plane.h5,batch.h5]", "kind=heatmap"],
        ["report", "file=[line.h5]"],
    ):
        path = succeed(here, *words, "outputs_dir=else/where")
        assert path.startswith("else/where/")
        assert re.fullmatch(
            r"[A-Za-z0-9._+/-]+", path
        )  # no = and no comma: it can be given to the next command
        assert not re.search(r"20\d\d-?\d\d-?\d\d|\d\d[-_:]\d\d[-_:]\d\d", path)
        assert (surfaces / path).exists()
        assert succeed(here, *words, "outputs_dir=else/where") == path
    assert succeed(here, "report", "file=[line.h5]").startswith("outputs/")


def test_a_multirun_makes_a_file_for_each_job(here: Landscape, runs: Path) -> None:
    outcome = here(*MLP[:-1], "epochs=0", "seed=7,8", "optimizer=sgd,adam", "--multirun")
    assert outcome.status == 0
    trained = outcome.out.split()
    assert len(set(trained)) == len(trained) == 4
    found = {
        (config.seed, config.optimizer.name)
        for config in map(OmegaConf.load, (f"{p}/config.yaml" for p in trained))
    }
    assert found == {(7, "sgd"), (7, "adam"), (8, "sgd"), (8, "adam")}
    outcome = here(
        "surface",
        "run=seed0,seed1",
        "direction.seed=0,1",
        "direction.norm=filter,none",
        "x=[-1,1,2]",
        "y=null",
        "-m",
    )
    assert outcome.status == 0
    files = outcome.out.split()
    assert len({(runs / path).read_bytes() for path in files}) == len(set(files)) == 8
    assert not list(runs.glob("multirun"))


def test_elsewhere_than_on_a_terminal_progress_is_a_line_now_and_then(landscape: Landscape) -> None:
    outcome = landscape(*MLP[:-1], "epochs=12", "out=run")
    lines = outcome.err.splitlines()
    assert 1 <= len(lines) <= 3
    assert re.search(r"1200 of 1200 in .* to go, .*/s", lines[-1])
    outcome = landscape("surface", "run=run", "x=[-1,1,9]", "y=[-1,1,9]", "out=s.h5")
    before, *progress, after = outcome.err.splitlines()
    assert before == "81 points x 100 train + 50 test samples"
    assert 1 <= len(progress) <= 2
    assert re.search(r"81 of 81 in .* to go, .*/s", progress[-1])
    assert re.fullmatch(r"81 points evaluated in [\d.]+ s", after)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_a_commands_help_names_its_keys_and_does_nothing(
    landscape: Landscape, tmp_path: Path, command: str
) -> None:
    told = landscape(command, "--help")
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith(f"landscape {command}: ")
    shown = landscape(command, "--cfg", "job")
    assert shown.status == 0
    for key in OmegaConf.create(shown.out):
        assert re.search(rf"^'?{key}'?:", told.out, re.MULTILINE), key
    assert not list(tmp_path.iterdir())


def test_help_lists_the_commands_with_a_line_each(landscape: Landscape) -> None:
    lines = landscape("--help").out.splitlines()
    for command in ("train", "surface", "interpolate", "plot", "list"):
        assert any(re.match(rf"  {command} +\w", line) for line in lines), command
    assert re.fullmatch(r"landscape \d+\.\d+\.\d+\S*\n", landscape("--version").out)


def test_python_m_landscape_cli_is_landscape(tmp_path: Path) -> None:
    words = [*MLP[:-1], "epochs=1", "out=run"]
    done = subprocess.run(
        [sys.executable, "-m", "landscape_cli", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "run"
    command = json.loads((tmp_path / "run" / "provenance.json").read_text())["command"]
    assert re.match(r"(landscape|python\S* -m landscape_cli) train ", command)
    assert command.endswith("out=run")
