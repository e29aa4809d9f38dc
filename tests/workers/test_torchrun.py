"""`torchrun -m landscape_cli surface …`: one surface, many processes, and what they say as one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from contract.made import MLP, succeed

from conftest import Landscape, Outcome
from landscape_cli import cli, device, store
from landscape_cli.commands import surface
from landscape_cli.errors import LandscapeError
from landscape_cli.workers.rendezvous import StoppedError

SURFACE = ["surface", "run=run", "x=[-1,1,17]", "y=[-1,1,17]", "device=cpu"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


@pytest.fixture
def run(landscape: Landscape) -> Landscape:
    """The command line, in a folder with a run."""
    succeed(landscape, *MLP, "device=cpu", "out=run")
    return landscape


def torchrun(*words: str) -> subprocess.CompletedProcess[str]:
    command = [*TORCHRUN, "-m", "landscape_cli", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def contents(path: Path) -> dict[str, bytes]:
    """All arrays of a file."""
    found = {}

    def add(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item[...]).tobytes()

    with h5py.File(path) as file:
        file.visititems(add)
    return found


@pytest.mark.slow
def test_two_processes_make_the_files_that_one_makes(run: Landscape, tmp_path: Path) -> None:
    """A sweep over all ways to evaluate; in one job's place there is a file of another configuration."""
    words = [*SURFACE, "samples=null,40", "tolerance=null,0.3", "anchors=null,2", "--multirun"]
    alone = run(*words, "outputs_dir=alone")
    assert alone.err.count("say samples= too") == 2 * 2  # as it happens, and at the end
    *files, last = sorted(Path("alone").rglob("*.h5"))
    assert len(files) == 5
    one = Path("two", *last.parts[1:])
    succeed(run, *SURFACE, "seed=7", f"out={one}")
    before = contents(one)

    done = torchrun(*words, "outputs_dir=two")

    assert done.returncode == 1
    assert done.stderr.count("say samples= too") == 2 * 2
    assert done.stderr.count("was begun with another configuration (seed: saved 7, asked for 0)") == 2
    assert done.stderr.count("3 of the jobs failed") == 1
    assert "landscape_cli/" not in done.stderr  # no traceback
    assert contents(one) == before
    others = [Path("two", *path.parts[1:]) for path in files]
    assert sorted(done.stdout.splitlines()) == [str(path) for path in others]
    for path, other in zip(files, others, strict=True):
        assert contents(other) == contents(path)
    interpolated = [path for path in others if not store.read(path).evaluated.all()]
    assert len(interpolated) >= 2
    assert sum("anchors/train" in contents(path) for path in others) == 2


@pytest.mark.slow
def test_a_killed_process_costs_nothing_that_was_finished(run: Landscape, tmp_path: Path) -> None:
    words = ["surface", "run=run", "x=[-1,1,15]", "y=[-1,1,15]", "batch_size=1", "device=cpu", "out=s.h5"]
    points, known, forged = 225, 5, 123.456
    succeed(run, *words)
    whole = store.read(Path("s.h5")).values["train/loss"]
    with h5py.File("s.h5", "r+") as file:  # as if all but a few points were to do, and one had another value
        for name in ("train/loss", "train/accuracy", "test/loss", "test/accuracy"):
            values = file[name][...]
            values.flat[known:] = np.nan
            file[name][...] = values
        evaluated = file["evaluated"][...]
        evaluated.flat[known:] = 0
        file["evaluated"][...] = evaluated
        file["train/loss"][0, 0] = forged

    started = subprocess.Popen(
        [*TORCHRUN, "--max-restarts=1", "-m", "landscape_cli", *words], stderr=subprocess.PIPE, text=True
    )
    while (done := int(store.read(Path("s.h5")).evaluated.sum())) < known + 20:
        assert started.poll() is None
        time.sleep(0.01)
    children = subprocess.run(["pgrep", "-P", str(started.pid)], capture_output=True, text=True, check=True)
    os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
    told = started.communicate(timeout=300)[1]

    assert started.returncode == 0, told
    first, second = [int(line.split()[0]) for line in told.splitlines() if " points x " in line]
    assert first == points - known
    assert second <= points - done
    after = store.read(Path("s.h5"))
    assert after.evaluated.all()
    assert after.values["train/loss"][0, 0] == forged
    assert after.values["train/loss"].ravel()[1:].tobytes() == whole.ravel()[1:].tobytes()


@pytest.mark.slow
def test_two_processes_share_a_map_of_the_hessian(run: Landscape, tmp_path: Path) -> None:
    """Each starts from its own last point, so eigenvalues agree to the tolerance; the loss to the bit."""
    words = ["hessian", "run=run", "x=[-1,1,5]", "y=[-1,1,5]", "samples=40", "tolerance=1e-3", "device=cpu"]
    succeed(run, *words, "out=one.h5")
    done = torchrun(*words, "out=two.h5")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" points x ") == 1
    one, two = (store.read(Path(name)).values for name in ("one.h5", "two.h5"))
    for name in ("loss", "accuracy"):
        assert one[f"train/{name}"].tobytes() == two[f"train/{name}"].tobytes()
    assert max(two["train/residual"].max(), one["train/residual"].max()) <= 1e-3
    scale = np.maximum(np.abs(one["train/largest_eigenvalue"]), np.abs(one["train/smallest_eigenvalue"]))
    for name in ("largest_eigenvalue", "smallest_eigenvalue"):
        off = np.abs(one[f"train/{name}"] - two[f"train/{name}"]) / scale
        assert off.max() < 3e-3
    assert done.stdout.splitlines()[-1] == "two.h5"
    before = contents(Path("two.h5"))
    assert torchrun(*words, "out=two.h5").returncode == 0
    assert contents(Path("two.h5")) == before


@pytest.fixture
def follower(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the second of two."""
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cli, "GRACE", 0.0)


def raising(error: BaseException) -> Callable[..., None]:
    def run(config: object) -> None:
        print("to standard output")
        raise error

    return run


def told(outcome: Outcome) -> tuple[int, str, str]:
    return outcome.status, outcome.out, outcome.err


@pytest.mark.usefixtures("follower")
@pytest.mark.parametrize("sweep", [[], ["seed=0,1", "--multirun"]], ids=["one job", "two jobs"])
def test_a_follower_is_silent_about_what_the_leader_tells(
    landscape: Landscape, monkeypatch: pytest.MonkeyPatch, sweep: list[str]
) -> None:
    assert told(landscape("surface", "run=run", "x=[1,0,5]", *sweep)) == (
        1,
        "",
        "",
    )  # rank 0 has the same words
    assert told(landscape("surface", "run=run", "nothing=1", *sweep)) == (1, "", "")
    monkeypatch.setattr(surface, "run", raising(StoppedError("another process failed")))
    assert told(landscape("surface", "run=run", *sweep)) == (1, "", "")
    monkeypatch.setattr(surface, "run", raising(KeyboardInterrupt()))
    assert told(landscape("surface", "run=run", *sweep)) == (130, "", "")


@pytest.mark.usefixtures("follower")
def test_a_follower_tells_what_only_it_knows(landscape: Landscape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surface, "run", raising(LandscapeError("no connection")))
    assert told(landscape("surface", "run=run")) == (1, "", "rank 1: no connection\n")


def test_what_is_the_work_of_one_process_is_refused(
    landscape: Landscape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    for command in ("plot", "report", "list"):
        expected = f"landscape {command} is the work of one process; start it without torchrun\n"
        assert told(landscape(command)) == (1, "", expected)
    outcome = landscape("surface", "run=a,b", "hydra/launcher=joblib", "--multirun")
    assert outcome.status == 1
    assert "leave out hydra/launcher=" in outcome.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("environment", "gpus", "expected"),
    [
        ({}, 4, "cuda"),
        ({"WORLD_SIZE": "1", "LOCAL_RANK": "0"}, 4, "cuda"),
        ({"WORLD_SIZE": "8", "RANK": "6", "LOCAL_RANK": "2"}, 4, "cuda:2"),
        ({"WORLD_SIZE": "8", "RANK": "6", "LOCAL_RANK": "6"}, 4, "cuda:2"),
        ({"WORLD_SIZE": "8", "RANK": "6"}, 4, "cuda:2"),
        ({"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}, 1, "cuda:0"),
    ],
)
def test_each_process_of_a_machine_takes_a_gpu_of_its_own(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], gpus: int, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert device.own("auto") == device.own("cuda") == expected
    assert device.own("cuda:3") == "cuda:3"
    assert device.own("cpu") == "cpu"


@pytest.mark.usefixtures("follower")
def test_without_a_gpu_all_processes_take_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert device.own("auto") == "cpu"
    assert device.own("cuda") == "cuda"  # which is refused
