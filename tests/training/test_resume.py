"""A killed run, resumed, ends with the same bits as one that was never interrupted."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import Landscape
from landscape_cli import checkpoint
from landscape_cli.errors import LandscapeError
from landscape_cli.files import replacing
from landscape_cli.runs import METRICS, Run
from landscape_cli.training import record

# dropout, augmentation, momentum, BatchNorm, a schedule: all that a resume must bring back
WORDS = [
    "train",
    "architecture=cnn",
    "architecture.dropout=0.3",
    "normalization=batch",
    "augment=crop_flip",
    "schedule=cosine",
    "optimizer=adam",
    "dataset.train_size=200",
    "batch_size=20",
    "epochs=8",
]


def same(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(one[k], other[k]) for k in one)
        )
    if isinstance(one, list | tuple):
        return isinstance(other, list | tuple) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def rows(path: Path) -> list[list[str]]:
    """The text of metrics.csv but for the seconds, its last column."""
    lines = (path / "metrics.csv").read_text().splitlines()
    assert lines[0] == ",".join(METRICS)
    return [line.split(",")[:-1] for line in lines]


def newest(run: Path) -> str:
    names = (path.name for path in run.glob("checkpoints/*_*.pt"))
    return max(names, key=lambda name: int(name.partition("_")[2].partition(".")[0]), default="")


@pytest.mark.slow
def test_after_sigkill_at_random_moments_the_end_is_bit_identical(
    tmp_path: Path, landscape: Landscape
) -> None:
    assert landscape(*WORDS, "out=whole").status == 0
    code = (
        "import sys; from landscape_cli.training import record; record.SECONDS_BETWEEN_SAVES = 0\n"
        "from landscape_cli.cli import main; sys.exit(main())"
    )
    random.seed(1)
    killed = tmp_path / "killed"
    kills, resumed_from = 0, set()
    for attempt in range(10):
        arguments = [sys.executable, "-c", code, *WORDS, "out=killed"]
        before = newest(killed)
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if attempt < 4:  # each time it gets an epoch or so further
            while process.poll() is None and newest(killed) == before:
                time.sleep(0.002)
            time.sleep(random.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        for path in killed.glob("checkpoints/*.pt"):
            checkpoint.load(path)  # whole
        resumed_from.add(newest(killed))
        if Run(killed, {}).finished:
            break
    assert kills >= 2
    assert any(name.startswith("resume") for name in resumed_from)
    assert Run(killed, {}).finished
    assert rows(killed) == rows(tmp_path / "whole")
    assert Run(killed, {}).epochs() == [0, 8]
    for name in ("epoch_0000.pt", "epoch_0008.pt"):
        one, other = (checkpoint.load(tmp_path / run / "checkpoints" / name) for run in ("whole", "killed"))
        assert same(one, other), name


def test_an_interrupted_training_goes_on_from_its_last_checkpoint(
    tmp_path: Path, landscape: Landscape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same within one process: every epoch is saved, the fifth is interrupted."""
    monkeypatch.setattr(record, "SECONDS_BETWEEN_SAVES", 0)
    assert landscape(*WORDS, "out=whole").status == 0
    add = record.Record.add

    def interrupted(self: record.Record, state: object, metrics: object, *, last: bool) -> None:
        add(self, state, metrics, last=last)  # type: ignore[arg-type]
        if state.epoch == 5:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(record.Record, "add", interrupted)
        outcome = landscape(*WORDS, "out=cut")
    assert outcome.status == 130
    assert "the same command goes on" in outcome.err
    assert [path.name for path in sorted((tmp_path / "cut" / "checkpoints").iterdir())] == [
        "epoch_0000.pt",
        "resume_0005.pt",
    ]
    assert not Run(tmp_path / "cut", {}).finished
    with (tmp_path / "cut" / "metrics.csv").open("a") as file:
        file.write("6,60,0.1,2.3")  # a row cut short by a full disk
    assert landscape(*WORDS, "out=cut").status == 0
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")
    one, other = (
        checkpoint.load(tmp_path / run / "checkpoints" / "epoch_0008.pt") for run in ("whole", "cut")
    )
    assert same(one, other)


def test_a_finished_run_is_left_alone(tmp_path: Path, landscape: Landscape) -> None:
    words = ["train", "epochs=1", "dataset.train_size=200", "out=run"]
    landscape(*words)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    again = landscape(*words)
    assert (again.status, again.last_line) == (0, "run")
    assert "nothing to do" in again.out
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}


def test_another_configuration_is_refused_by_its_first_differing_key(landscape: Landscape) -> None:
    words = ["train", "epochs=1", "dataset.train_size=200", "out=run"]
    landscape(*words)
    outcome = landscape(*words, "optimizer.lr=0.2")
    assert outcome.status == 1
    assert "optimizer.lr: saved 0.1, asked for 0.2" in outcome.err
    assert landscape(*words, "device=cpu").status == 0  # a circumstance


def test_a_folder_of_something_else_is_refused(tmp_path: Path, landscape: Landscape) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("one")
    outcome = landscape("train", "epochs=1", "out=thesis")
    assert outcome.status == 1
    assert "is no run folder" in outcome.err
    assert os.listdir(tmp_path / "thesis") == ["chapter.txt"]


@pytest.mark.parametrize("there", [[], ["provenance.json"], ["provenance.json", "checkpoints"]])
def test_a_run_that_another_process_is_just_beginning_is_none_yet(tmp_path: Path, there: list[str]) -> None:
    for name in there:
        (tmp_path / name).mkdir() if name == "checkpoints" else (tmp_path / name).write_text("{}")
    with replacing(tmp_path / ("config.yaml" if there else "provenance.json")):
        assert record.existing(tmp_path, {}) is None


def test_what_another_program_is_writing_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "film.part").write_text("one")
    with pytest.raises(LandscapeError, match="is no run folder"):
        record.existing(tmp_path, {})


def test_a_run_cut_off_before_its_first_checkpoint_begins_anew(
    tmp_path: Path, landscape: Landscape, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert landscape(*WORDS, "out=whole").status == 0

    def full(path: Path, content: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as context:
        context.setattr(checkpoint, "save", full)
        outcome = landscape(*WORDS, "out=cut")
    assert outcome.status == 1
    assert "No space left on device" in outcome.err
    assert landscape(*WORDS, "out=cut").status == 0
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")


def test_a_folder_cut_off_while_it_was_made_is_taken_over(tmp_path: Path, landscape: Landscape) -> None:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "provenance.json").write_text("{}")
    (tmp_path / "run" / ".config.yaml-abc.part").write_text("data")
    assert landscape("train", "epochs=1", "dataset.train_size=200", "out=run").status == 0
    assert Run(tmp_path / "run", {}).finished


def test_a_resume_on_other_data_is_refused(
    tmp_path: Path, landscape: Landscape, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    arrays = {f"{split}_images": random.normal(size=(40, 5)) for split in ("train", "test")}
    arrays |= {f"{split}_labels": np.arange(40) % 3 for split in ("train", "test")}
    np.savez(tmp_path / "d.npz", **arrays)
    words = ["train", "dataset=custom", "dataset.source=d.npz", "batch_size=10", "epochs=3", "out=run"]
    with monkeypatch.context() as context:
        context.setattr(record.Record, "finish", lambda self, epoch: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            landscape(*words)
    arrays["train_images"][0, 0] += 1
    np.savez(tmp_path / "d.npz", **arrays)
    outcome = landscape(*words)
    assert outcome.status == 1
    assert "the data have changed" in outcome.err


def test_the_learning_rate_of_a_row_is_that_of_its_last_step(tmp_path: Path, landscape: Landscape) -> None:
    words = ["schedule=multistep", "schedule.epochs=[2]", "schedule.gamma=0.1", "epochs=3"]
    assert landscape("train", "dataset.train_size=200", *words, "out=run").status == 0
    assert [row["lr"] for row in Run(tmp_path / "run", {}).metrics()] == pytest.approx([0.1, 0.1, 0.1, 0.01])
