"""Batches that grow: how many there are, when a step is, what is trained on; and resuming within."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from training.test_loop import SGD, configured, trained
from training.test_resume import same

import cases
from conftest import Landscape, Trainings
from landscape_cli.data.batches import epoch_batches
from landscape_cli.errors import LandscapeError
from landscape_cli.runs import Run
from landscape_cli.training import schedules
from landscape_cli.training.batch_sizes import BatchSizes

GROWING = BatchSizes(50, 4, (2, 3), 2.5)


def test_sizes_grow_at_the_milestones_and_end_with_all_samples() -> None:
    assert [GROWING.size(epoch) for epoch in range(5)] == [4, 4, 10, 25, 25]
    assert [GROWING.count(epoch) for epoch in range(5)] == [13, 13, 5, 2, 2]
    assert BatchSizes(50, 40, (1,), 3).size(1) == 50
    for samples in (1, 2, 50):
        for size in range(1, samples + 1):
            batches = epoch_batches(samples, size, torch.Generator())
            assert BatchSizes(samples, size).count(0) == len(batches)


def test_steps_take_the_passes_that_a_count_one_by_one_gives() -> None:
    passed = []  # of every step
    for epoch in range(5):
        passed += [epoch + place / GROWING.count(epoch) for place in range(GROWING.count(epoch))]
    for step, time in enumerate(passed):
        assert GROWING.epochs(step) == pytest.approx(time)
    assert GROWING.epochs(len(passed)) == 5


def test_schedules_go_by_epochs_whatever_a_batch_has() -> None:
    cosine = {"name": "cosine", "warmup": 1, "final": 0.0}
    growing, before = schedules.build(cosine, 5, GROWING), schedules.build(cosine, 5, 13)
    assert [growing(step) for step in range(26)] == [before(step) for step in range(26)]
    assert growing(31) == pytest.approx(before(39))  # the pass after epoch 3 begins
    assert growing(35) == pytest.approx(0, abs=1e-12)
    with pytest.raises(LandscapeError, match=r"warmup=2.5 goes on when batches grow, after epoch 2"):
        schedules.build({**cosine, "warmup": 2.5}, 5, GROWING)


@pytest.mark.parametrize("ends", [{"epochs": 4}, {"steps": 7}])
def test_the_weights_are_those_of_batches_by_hand(tmp_path: Path, ends: dict[str, int]) -> None:
    """48 samples: 4 batches of 12, then 2 of 24, then one of all."""
    model, data = cases.NETWORKS["mlp"](), cases.dataset()
    twin = copy.deepcopy(model).double()
    config = configured(batch_size=12, grow_batch_at=[1, 2], grow_batch_by=2, **ends)
    order, done = torch.Generator().manual_seed(config.seed), 0
    for size in (12, 24, 48, 48):
        for rows in epoch_batches(len(data.train), size, order):
            if done == ends.get("steps"):
                break
            twin.zero_grad()
            outputs = twin(data.train.inputs[rows].double())
            nn.functional.cross_entropy(outputs, data.train.targets[rows]).backward()
            with torch.no_grad():
                for weight in twin.parameters():
                    assert weight.grad is not None
                    weight -= SGD["lr"] * weight.grad
            done += 1
    state = trained(config, model, data, tmp_path / "run")
    assert (state.step, done, state.epoch) == ((8, 8, 4) if "epochs" in ends else (7, 7, 3))
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value.double(), twin.state_dict()[name], rtol=1e-4, atol=2e-6)


def test_an_interrupted_training_ends_with_the_same_bits(whole_and_resumed: Trainings) -> None:
    words = (
        "architecture=cnn architecture.dropout=0.3 augment=crop_flip schedule=cosine dataset.train_size=60"
    )
    words += " batch_size=10 grow_batch_at=1,2 grow_batch_by=2 micro_batch=15 epochs=4"
    whole, cut = whole_and_resumed(words.split())
    assert same(whole, cut)
    assert whole["step"] == 6 + 3 + 2 + 2


def test_a_run_tells_its_batches_and_another_growth_is_another_run(
    tmp_path: Path, landscape: Landscape
) -> None:
    words = ["train", "dataset.train_size=100", "batch_size=10", "epochs=2", "grow_batch_at=1", "out=run"]
    assert landscape(*words).status == 0
    assert [row["step"] for row in Run(tmp_path / "run", {}).metrics()] == [0, 10, 12]
    assert "nothing to do" in landscape(*words).out
    assert "grow_batch_by: saved 5.0, asked for 2" in landscape(*words, "grow_batch_by=2").err


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            {"grow_batch_at": [3, 2]},
            r"grow_batch_at must be increasing whole numbers from 1 on, got \[3, 2\]",
        ),
        ({"grow_batch_at": [0]}, "from 1 on"),
        ({"grow_batch_at": [1.5]}, "from 1 on"),
        ({"grow_batch_by": 1.0}, "grow_batch_by must be a number above 1, got 1"),
        ({"grow_batch_at": [1], "batch_size": "full"}, r"batch_size=full cannot grow at grow_batch_at=\[1\]"),
    ],
)
def test_mistakes_are_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(LandscapeError, match=words):
        configured(**keys)


def test_batchnorm_minds_the_parts_of_grown_batches(tmp_path: Path) -> None:
    """24 in parts of 23 would leave a single sample, which joins the part before it."""
    keys = {"batch_size": 12, "grow_batch_at": [1], "grow_batch_by": 2, "micro_batch": 23, "epochs": 2}
    state = trained(configured(**keys), cases.NETWORKS["resnet-batch"](), cases.dataset(), tmp_path / "run")
    assert state.step == 6
