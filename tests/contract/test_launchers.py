"""Sweeps whose jobs run in other processes: Hydra's joblib launcher, and submitit with its local executor."""

import subprocess
import sys
from pathlib import Path

import pytest

JOBS = ["dataset.train_size=100", "dataset.test_size=50", "batch_size=20", "epochs=1", "device=cpu"]
# The network of each job; the first job to make one is killed, unless the file is there.
MODELS = """
import os, signal
from pathlib import Path
from torch import nn

def make(num_classes, input_shape):
    if not Path("spared").exists():
        Path("spared").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))
"""


def sweep(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "landscape_cli", "train", *JOBS, *words, "--multirun"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def is_finished(run: Path) -> bool:
    return (run / "checkpoints" / "epoch_0001.pt").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_a_failing_job_is_named_and_the_others_go_on(tmp_path: Path, launcher: str) -> None:
    folder = tmp_path / "it's a folder, of ours"
    folder.mkdir()
    done = sweep(folder, "outputs_dir=here", "seed=0,-1,1", f"hydra/launcher={launcher}")
    assert done.returncode == 1
    runs = [folder / line for line in done.stdout.splitlines()]
    assert [run.name.rpartition("_")[2] for run in runs] == ["seed-0", "seed-1"]
    assert all(is_finished(run) for run in runs)
    assert sorted((folder / "here" / "runs").iterdir()) == runs
    count, failed = done.stderr.splitlines()[-2:]
    assert count == "1 of the jobs failed:"
    assert failed.startswith("  dataset.train_size=100 ")
    assert "seed=-1: seed must be a whole number" in failed
    assert "Traceback" not in done.stderr
    assert [path.name for path in folder.iterdir()] == ["here"]
    (kept,) = (folder / "here" / "sweeps").iterdir()
    assert len(list(kept.glob(".submitit/*/*_log.err"))) == (3 if launcher == "submitit_local" else 0)
    assert (f"{kept}/.submitit" in done.stderr) == (launcher == "submitit_local")


@pytest.mark.slow
def test_after_a_kill_the_same_command_finishes_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text(MODELS)
    custom = ["architecture=custom", "architecture.source=models:make", "trust=true"]
    words = [*custom, "seed=0,1", "hydra/launcher=joblib"]
    killed = sweep(tmp_path, *words)
    assert killed.returncode == 1
    assert "hydra/launcher=joblib: TerminatedWorkerError: " in killed.stderr  # Python warns of leaks after it
    assert "Traceback" not in killed.stderr
    done = sweep(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    # a run that was finished before the kill says so in a line
    runs = [path for line in done.stdout.splitlines() if (path := tmp_path / line).is_dir()]
    assert len(runs) == 2
    assert all(is_finished(run) for run in runs)


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_what_cannot_be_composed_leaves_no_folder(tmp_path: Path, launcher: str) -> None:
    done = sweep(tmp_path, "architecture=mlp,resnet21", f"hydra/launcher={launcher}")
    assert done.returncode == 1
    assert "no architecture 'resnet21'" in done.stderr.splitlines()[-1]
    assert done.stderr.endswith("(no job was run)\n")
    assert not list(tmp_path.rglob("multirun.yaml"))
