"""Which trainings are drawn together, what tells the groups apart, and the epochs that they share."""

from pathlib import Path

import numpy as np
import pytest
from plots.trainings import training

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.histories import History, grouped


def labels(*histories, seeds="mean"):
    return [group.label for group in grouped(histories, seeds)[1]]


def test_runs_that_differ_in_seed_folder_and_circumstances_are_one_group(run_config):
    configs = [
        run_config(seed=0, out="a", device="cpu", dataset__root="here", evaluate_every=1),
        run_config(seed=1, out="b", device="cuda", dataset__root="there", evaluate_every=10),
        run_config(seed=2, out="c", outputs_dir="elsewhere", checkpoint_every=5),
    ]
    common, (group,) = grouped([training(config, name=str(config["seed"])) for config in configs], "mean")
    assert common == "resnet20, cifar10, SGD, batch 128, weight decay 5e-4"
    assert (group.label, group.averaged, len(group.histories)) == ("", True, 3)
    assert not grouped([training(config) for config in configs], "each")[1][0].averaged


def test_a_group_is_named_by_what_differs(run_config):
    small, large = (training(run_config(batch_size=size, seed=size)) for size in (128, 8192))
    assert labels(small, large) == ["batch 128", "batch 8192"]
    assert grouped([small, large], "mean")[0] == "resnet20, cifar10, SGD, weight decay 5e-4"
    skip = training(run_config(architecture__skip=False, batch_size=8192))
    assert labels(small, skip) == ["with shortcuts, batch 128", "without shortcuts, batch 8192"]


def test_what_titles_leave_out_is_named_by_its_key(run_config):
    first = run_config(optimizer__momentum=0.9, schedule={"name": "cosine"}, init={"name": "default"})
    second = run_config(optimizer__momentum=0.0, schedule={"name": "constant"}, init={"name": "default"})
    assert labels(training(first), training(second)) == [
        "optimizer momentum 0.9, schedule cosine",
        "optimizer momentum 0, schedule constant",
    ]
    assert labels(training(run_config()), training(run_config(normalization__name="none"))) == [
        "batch normalization",
        "no normalization",
    ]
    odd = training(run_config(l1=float("inf"))), training(run_config(l1=float("-inf")))
    assert labels(*odd) == ["l1 inf", "l1 -inf"]


def test_what_no_words_tell_apart_is_named_by_its_folder(run_config):
    imported = [training(run_config(weights=[f"{n}.pt"]), name=f"mine{n}") for n in (1, 2)]
    assert labels(*imported) == ["mine1", "mine2"]
    more = training(run_config(extra=3), name="more")
    assert labels(training(run_config(), name="plain"), more) == ["plain", "more"]


def test_two_runs_of_one_seed_are_no_repetition(run_config):
    config = run_config(seed=3)
    groups = grouped([training(config, name=name) for name in "ab"], "mean")[1]
    assert [group.averaged for group in groups] == [False]


def test_a_mean_is_over_the_epochs_that_all_have_measured(run_config):
    rows = [[0, 1, 2, 3, 4], [0, 2, 4, 6]]
    both = [
        training(run_config(seed=seed), epochs, steps=10, train_loss=np.array(epochs) + 10.0 * seed)
        for seed, epochs in enumerate(rows)
    ]
    (group,) = grouped(both, "mean")[1]
    assert group.ends == [4, 6]
    ((x, values),) = group.curves("train_loss", "step")
    assert x.tolist() == [0, 20, 40]
    assert values.tolist() == [[0, 2, 4], [10, 12, 14]]
    (apart,) = grouped(both, "each")[1]
    assert [(x.tolist(), values.tolist()) for x, values in apart.curves("train_loss", "epoch")] == [
        ([0, 1, 2, 3, 4], [[0, 1, 2, 3, 4]]),
        ([0, 2, 4, 6], [[10, 12, 14, 16]]),
    ]


def test_what_was_not_measured_is_left_out_and_what_is_not_finite_stays(run_config):
    loss = np.array([1.0, np.nan, np.inf, 2.0])
    nothing = np.full(4, np.nan)
    history = training(run_config(), range(4), train_loss=loss, train_accuracy=nothing)
    (group,) = grouped([history], "mean")[1]
    ((x, values),) = group.curves("train_loss", "epoch")
    assert (x.tolist(), values.tolist()) == ([0, 2, 3], [[1.0, np.inf, 2.0]])
    assert group.curves("train_accuracy", "epoch") == []


def test_a_run_without_rows_is_refused():
    with pytest.raises(LandscapeError, match="run r has no metrics yet; train it first"):
        History.of(Path("r"), {}, [])
