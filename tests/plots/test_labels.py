import dataclasses
from pathlib import Path

import pytest

from landscape_cli.plots.labels import (
    axis_label,
    direction_name,
    panel_titles,
    run_title,
    run_titles,
    value_label,
    without_shared_mark,
)


def test_a_run_in_words(run_config):
    without = run_config(architecture__skip=False)
    assert run_title(without) == "resnet20 without shortcuts, cifar10, SGD, batch 128, weight decay 5e-4"


SIZES = {"name": "resnet", "width": 1, "skip": True, "normalization": "batch"}


def test_how_a_run_was_trained_is_told_where_it_is_unusual(run_config):
    usual = run_config(optimizer__sam=None, optimizer__asam=None, grow_batch_at=[], grow_batch_by=5.0)
    others = [
        run_config(optimizer__sam=0.05, optimizer__asam=None, grow_batch_at=[], grow_batch_by=5.0),
        run_config(optimizer__sam=None, optimizer__asam=None, grow_batch_at=[2, 4], grow_batch_by=5.0),
    ]
    assert "SAM" not in run_title(usual)
    assert ", SGD, SAM 0.05, batch 128" in run_title(others[0])
    assert ", SGD, batch 128, \N{MULTIPLICATION SIGN}5 after epoch 2 and 4" in run_title(others[1])
    common, apart = run_titles([usual, *others])
    assert "SGD" in common
    assert apart == ["", "SAM 0.05", "\N{MULTIPLICATION SIGN}5 after epoch 2 and 4"]


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ({**SIZES, "depth": 56}, "ResNet, 56 layers"),
        ({**SIZES, "depth": 56, "skip": False}, "ResNet, 56 layers, without shortcuts"),
        (
            {**SIZES, "depth": 20, "width": 0.5, "skip": False},
            "ResNet, 20 layers, width 0.5, without shortcuts",
        ),
        ({"name": "vgg9", "width": 0.125}, "vgg9, width 0.125"),
        ({"name": "vgg9", "width": 1.0}, "vgg9"),
        ({"name": "mlp", "widths": [64, 64], "activation": "relu"}, "mlp"),
        ({"name": "densenet", "blocks": [3, 3], "growth": 8}, "DenseNet"),
        ({"name": "custom", "source": "my.models:make", "options": {"depth": 3}}, "make"),
    ],
)
def test_the_size_of_an_architecture(architecture, words):
    assert run_title({"architecture": architecture}) == words


def own_titles(plane, *architectures):
    return panel_titles([plane(run_config={"architecture": each}) for each in architectures])


def test_runs_that_differ_in_their_size_alone_are_told_apart_by_it(plane):
    deep = [{**SIZES, "depth": depth, "width": 0.5} for depth in (20, 56)]
    assert own_titles(plane, *deep) == ("ResNet, width 0.5, epoch 100", ["20 layers", "56 layers"])
    wide = [{**SIZES, "depth": 20, "width": width} for width in (0.5, 1)]
    assert own_titles(plane, *wide) == ("ResNet, 20 layers, epoch 100", ["width 0.5", "width 1"])
    both = [{**SIZES, "depth": depth, "skip": skip} for depth in (20, 56) for skip in (True, False)]
    assert own_titles(plane, *both)[1] == [
        "20 layers, with shortcuts",
        "20 layers, without shortcuts",
        "56 layers, with shortcuts",
        "56 layers, without shortcuts",
    ]
    other = [{"name": "mlp", "widths": widths} for widths in ([64, 64], [8])]
    assert own_titles(plane, *other)[1] == ["widths 64\N{MULTIPLICATION SIGN}64", "widths 8"]
    assert own_titles(plane, {**SIZES, "depth": 20}, other[0])[1] == ["ResNet, 20 layers", "mlp"]


def test_runs_that_differ_in_what_no_phrase_tells_are_told_apart_by_that_setting(plane, run_config):
    runs = [run_config(schedule={"name": name}, out=name) for name in ("cosine", "step")]
    assert panel_titles([plane(run_config=run) for run in runs])[1] == [
        "schedule name cosine",
        "schedule name step",
    ]
    many = [{**run, **dict.fromkeys("abcd", index)} for index, run in enumerate(runs)]
    files = [plane(name=str(index), run_config=run) for index, run in enumerate(many)]
    assert panel_titles(files)[1] == ["0", "1"]


def test_the_only_solution_of_all_panels_is_named_once(plane):
    surfaces = [plane(name=name) for name in "ab"]
    assert panel_titles(surfaces)[0].endswith(", weight decay 5e-4, epoch 100")
    assert [each.marks for each in without_shared_mark(surfaces)] == [[("", 0.0, 0.5)]] * 2
    two = [plane(), plane(marks=(("epoch 7", 0.0, 0.5),))]
    assert "epoch" not in panel_titles(two)[0]
    assert without_shared_mark(two) == two
    assert without_shared_mark(surfaces[:1]) == surfaces[:1]
    initial = [plane(name=name, config={"epoch": "init"}) for name in "ab"]
    assert panel_titles(initial)[0].endswith(", weight decay 5e-4, initial weights")


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "resnet20, cifar10, SGD, batch 128, weight decay 5e-4"),
        ({"batch_size": "full"}, "resnet20, cifar10, SGD, full batch, weight decay 5e-4"),
        (
            {"dataset__train_size": 5000},
            "resnet20, cifar10 (5,000 samples), SGD, batch 128, weight decay 5e-4",
        ),
        (
            {"normalization__name": "none"},
            "resnet20, no normalization, cifar10, SGD, batch 128, weight decay 5e-4",
        ),
        (
            {"normalization__name": "group"},
            "resnet20, group normalization, cifar10, SGD, batch 128, weight decay 5e-4",
        ),
        ({"optimizer__name": "adamw"}, "resnet20, cifar10, AdamW, batch 128, weight decay 5e-4"),
        ({"optimizer__weight_decay": 0.0}, "resnet20, cifar10, SGD, batch 128, weight decay 0"),
        ({"optimizer__weight_decay": None}, "resnet20, cifar10, SGD, batch 128"),
    ],
)
def test_each_key_of_a_title(run_config, changes, title):
    assert run_title(run_config(**changes)) == title


def test_a_title_of_few_keys():
    assert run_title({}) == ""
    assert run_title({"architecture": {"name": "mlp"}, "batch_size": 32}) == "mlp, batch 32"


def test_a_single_surface_has_its_whole_title(plane, run_config):
    assert panel_titles([plane()]) == ("", [run_title(run_config())])


def test_several_surfaces_say_the_common_once_and_then_what_differs(plane, run_config):
    surfaces = [plane(), plane(run_config=run_config(architecture__skip=False, batch_size=8192))]
    common, own = panel_titles(surfaces)
    assert common == "resnet20, cifar10, SGD, weight decay 5e-4, epoch 100"
    assert own == ["with shortcuts, batch 128", "without shortcuts, batch 8192"]


def test_details_appear_only_where_they_differ(plane, run_config):
    seeds = [plane(run_config=run_config(seed=seed)) for seed in (0, 1)]
    assert panel_titles(seeds)[1] == ["seed 0", "seed 1"]
    rates = [plane(run_config=run_config(optimizer__lr=lr)) for lr in (0.1, 1e-4)]
    assert panel_titles(rates)[1] == ["learning rate 0.1", "learning rate 1e-4"]


def test_epochs_and_directions_tell_surfaces_apart(plane):
    random = {"name": "random", "norm": "filter", "seed": 0}
    configs = [{"epoch": epoch, "direction": random} for epoch in ("init", "last", 5)]
    assert panel_titles([plane(config=config) for config in configs])[1] == [
        "initial weights",
        "trained weights",
        "epoch 5",
    ]
    assert panel_titles([plane(config=configs[0])])[1][0].endswith(", initial weights")
    assert "trained" not in panel_titles([plane(config=configs[1])])[1][0]
    configs = [{"epoch": "last", "direction": {**random, "seed": seed}} for seed in (3, 4)]
    assert panel_titles([plane(config=config) for config in configs])[1] == [
        "direction seed 3",
        "direction seed 4",
    ]


def test_surfaces_that_nothing_tells_apart_are_named_by_their_files(plane):
    assert panel_titles([plane(name="a"), plane(name="b")])[1] == ["a", "b"]
    same = [dataclasses.replace(plane(), path=Path(folder, "s.h5")) for folder in ("one", "two")]
    assert panel_titles(same)[1] == ["one/s", "two/s"]
    here = [dataclasses.replace(plane(), path=Path(place)) for place in ("s.h5", "two/s.h5")]
    assert panel_titles(here)[1] == ["s", "two/s"]


def test_a_given_title_replaces_the_common_or_the_only_one(plane):
    assert panel_titles([plane()], "Mine") == ("", ["Mine"])
    assert panel_titles([plane(name="a"), plane(name="b")], "Mine") == ("Mine", ["a", "b"])


def test_a_title_claims_only_what_the_configuration_holds(line, run_config):
    shared = {
        key: value for key, value in run_config().items() if key != "batch_size"
    }  # what two runs have in common
    assert panel_titles([line(run_config=shared)])[1] == ["resnet20, cifar10, SGD, weight decay 5e-4"]


def test_values_have_units(run_config):
    nats, squares = run_config(), run_config(loss="mse")
    assert value_label("train", "loss", [nats, nats]) == "training loss (cross-entropy, nats)"
    assert value_label("test", "loss", [squares]) == "test loss (squared error, summed over outputs)"
    assert value_label("train", "loss", [nats, squares]) == "training loss"
    assert value_label("test", "accuracy", [nats]) == "test accuracy (%)"
    assert value_label("", "loss", [nats]) == "loss (cross-entropy, nats)"
    assert value_label("train", "loss_stderr", [{}]) == "training loss stderr"


@pytest.mark.parametrize(
    ("norm", "words"),
    [
        ("filter", "step along filter-normalized direction 1"),
        ("layer", "step along layer-normalized direction 1"),
        ("none", "step along Gaussian direction 1"),
    ],
)
def test_random_directions_name_their_normalization(plane, norm, words):
    surface = plane(config={"direction": {"name": "random", "norm": norm}})
    assert axis_label(surface, "x") == words
    assert axis_label(surface, "y") == words.replace("1", "2")


def test_a_line_has_one_direction(line):
    surface = line(config={"direction": {"name": "random", "norm": "filter"}}, marks=())
    assert axis_label(surface, "x") == "step along filter-normalized direction"


def test_directions_toward_solutions_name_them(plane):
    runs = {"direction": {"name": "runs", "to": ["a", "b"]}}
    surface = plane(config=runs, marks=(("seed 0", 0, 0), ("seed 1", 1, 0), ("seed 2", 0.3, 1)))
    assert axis_label(surface, "x") == "step toward seed 1"
    assert axis_label(surface, "y") == "step along direction 2"
    assert direction_name(surface, "x") == "toward seed 1"


def test_an_interpolation_names_its_ends(line):
    assert axis_label(line(), "x") == "\N{GREEK SMALL LETTER ALPHA} (0 = batch 128, 1 = batch 8192)"


@pytest.mark.parametrize(
    ("run_config", "title"), [({}, ""), ({"architecture": {"name": "ResNet"}}, "ResNet")], ids=["{}", "name"]
)
def test_a_surface_from_a_notebook_claims_no_more_than_it_knows(plane, line, run_config, title):
    direction = {"name": "random", "norm": "filter", "ignore": "biasbn", "seed": 0}
    config = {"run": "(given)", "epoch": "(given)", "direction": direction}
    surface = plane(run_config=run_config, config=config, marks=(("given", 0.0, 0.0),))
    assert panel_titles([surface]) == ("", [title])
    assert axis_label(surface, "x") == "step along filter-normalized direction 1"
    assert value_label("train", "loss", [run_config]) == "training loss"
    between = line(run_config=run_config, marks=(("start", 0.0, 0.0), ("end", 1.0, 0.0)))
    assert panel_titles([between]) == ("", [title])
    assert axis_label(between, "x") == "\N{GREEK SMALL LETTER ALPHA} (0 = start, 1 = end)"


def test_a_surface_that_nothing_is_known_of_is_named_by_its_file_beside_others(plane):
    named = plane(name="b", config={}, run_config={"architecture": {"name": "ResNet"}})
    assert panel_titles([plane(name="a", config={}, run_config={}), named]) == ("", ["a", "ResNet"])
