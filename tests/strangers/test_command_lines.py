"""Made-up command lines: each ends well or in a line, before torch is needed and before a folder is made."""

import dataclasses
import importlib
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import MISSING
from strangers.conftest import Sound

from conftest import Landscape
from landscape_cli import cli
from landscape_cli.schemas import SCHEMAS

SEED, LINES = 0, 500
VALUES = (
    *("1", "-1", "0.5", "null", "true", "[]", "[1]", "[2,1]", "[0.5]", "{}", "{a:1}", "[{a:1}]", "[[1]]"),
    *("text", "''", "'a b'", "nan", "1e999", "[-1,1,3]", "-1:1:51", "a/b", "${x}", "${oc.env:HOME}"),
    *("\\${x}", "[", "{", "\x1b[31m", "\udcff", "é", "*", "x=1", "9" * 400, "???", "a:b", "@", "~", "(", "'"),
)
GROUPS = (
    *("dataset", "architecture", "normalization", "init", "optimizer", "schedule", "direction", "experiment"),
    "function",
)
OPTIONS = ("name", "seed", "source", "root", "run", "lr", "options.x", "options", "widths", "to", "norm")
FLAGS = (
    *("--resolve", "--experimental-rerun", "--cfg", "-c", "job", "hydra", "all", "--info", "-i", "--package"),
    *("-p", "-cd", "--config-dir", "-cn", "--config-name", "-cp", "-r", "--run", "--hydra-help", "--help"),
    *("x", "-1", "--"),
)
ODD = (
    *("=", "a", "=1", "a.b", "~optimizer", "~batch_size", "a=", "[1]", "optimizer@x=sgd", "+a@b=c"),
    "hydra/launcher=[1]",
)


def word(command: str, draw: random.Random) -> str:
    """A flag, a group, an option of a group, a key or nonsense; with a value that may not fit, or its own."""
    kind, value = draw.random(), draw.choice(VALUES)
    prefix = draw.choice([""] * 8 + ["+", "++", "~"])
    if kind < 0.2:
        return draw.choice(FLAGS)
    if kind < 0.45:
        return f"{prefix}{draw.choice(GROUPS)}={value}"
    if kind < 0.65:
        return f"{prefix}{draw.choice(GROUPS)}.{draw.choice(OPTIONS)}={value}"
    if kind < 0.7:
        return draw.choice(ODD)
    field = draw.choice(dataclasses.fields(SCHEMAS[command]))
    if draw.random() < 0.4 and field.default is not MISSING and isinstance(field.default, int | float | str):
        return f"{field.name}={field.default}"
    return f"{prefix}{field.name}={value}"


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The settings that reached a command's module, which does nothing."""
    reached: list[Any] = []
    real = importlib.import_module

    def imported(name: str, package: str | None = None) -> Any:
        if name.startswith("landscape_cli.commands."):
            return SimpleNamespace(run=reached.append)
        return real(name, package)

    monkeypatch.setattr(cli.importlib, "import_module", imported)
    return reached


@pytest.mark.slow
def test_made_up_command_lines_end_in_no_traceback(sound: Sound, worked: list[Any], tmp_path: Path) -> None:
    draw, refused = random.Random(SEED), 0
    for _ in range(LINES):
        command = draw.choice(sorted(SCHEMAS))
        words = [command, *(word(command, draw) for _ in range(draw.choice([1, 1, 1, 2, 3])))]
        refused += bool(sound(*words))
        assert not list(tmp_path.iterdir()), words
    assert refused > LINES / 2
    assert len(worked) > LINES / 50


TRAINED = {
    "init": ("run", "name", "epoch", "std", "mode"),
    "optimizer": ("lr", "momentum", "nesterov", "betas", "name"),
    "schedule": ("warmup", "gamma", "every", "epochs", "final", "name"),
    "dataset": ("train_size", "label_noise", "pool", "seed", "scaling", "source", "samples"),
    "architecture": ("widths", "activation", "name", "depth", "options"),
}


@pytest.mark.slow
def test_made_up_options_of_a_training_end_in_no_traceback(sound: Sound) -> None:
    """What stands in a group is checked where it is built."""
    draw, count = random.Random(SEED), 0
    small = ["dataset.train_size=20", "dataset.test_size=10", "batch_size=10", "epochs=0"]
    choices = {"init": ("pretrained", "normal", "kaiming"), "schedule": ("step", "multistep", "cosine")}
    for number in range(100):
        group = draw.choice(sorted(TRAINED))
        word = f"{group}.{draw.choice(TRAINED[group])}={draw.choice(VALUES)}"
        choice = [f"{group}={draw.choice(choices[group])}"] if group in choices else []
        sound("train", *small, *choice, word, f"out=run{number}")
        count += 1
    assert count == 100


MISTAKES = {
    "train optimizer=[1]": "optimizer must be one of its choices, got [1]; say optimizer=name",
    "train experiment=[{a:1}]": "experiment must be one of its choices, got [{a:1}]; say experiment=name",
    "train hydra/launcher=[1]": "hydra/launcher must be one of its choices, got [1]",
    "train schedule.name=[2,1]": "schedule.name must be a word, got [2, 1]",
    "train init=pretrained init.run=[0.5]": "init.run must be a run folder, got [0.5]",
    "train +batch_size=64": "only architecture.options.…; say batch_size=64 for one that is there",
    "train ++batch_size=64": "say batch_size=64 for one that is there",
    "train +epoch=3": "no key 'epoch' can be added, only architecture.options.…; choose from",
    "train ~batch_size": "no key can be taken away, got '~batch_size'; say batch_size=null",
    "list runs --resolve": "--resolve says how --cfg shows the configuration; say --cfg job --resolve",
    "list runs --package x": "--package says how --cfg shows the configuration; say --cfg job --package",
    "list runs --experimental-rerun x": "cannot read '--experimental-rerun'",
    "list --config-name train": "cannot read '--config-name'",
    "train --cfg": "--cfg needs a word after it: job, hydra, all",
    "train --cfg jib": "no --cfg 'jib'; choose from all, hydra, job (nearest: job)",
    "train --info=x": "no --info 'x'; choose from",
    "train out=${a}": "Interpolation key 'a' not found",
    "train out='\\${a}'": "out must have no ${ in it, got '${a}'",
    "train out='\udcff'": "out must be UTF-8, got '\\udcff'",
    "train optimizer.lr=" + "9" * 400: "optimizer.lr must be of at most 64 bits, got 9999",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_what_is_told(landscape: Landscape, tmp_path: Path, line: str) -> None:
    outcome = landscape(*line.split())
    assert (outcome.status, outcome.out) == (1, "")
    assert MISTAKES[line] in outcome.err
    assert len(outcome.err.splitlines()) == 1, outcome.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("line", ["train --cfg job --resolve", "train --help", "train -c job batch_size=64"])
def test_hydras_flags_that_make_sense_work(landscape: Landscape, line: str) -> None:
    outcome = landscape(*line.split())
    assert (outcome.status, outcome.err) == (0, "")
    assert "batch_size:" in outcome.out or "batch_size" in outcome.out


def test_the_advice_for_a_plus_works(landscape: Landscape, worked: list[Any]) -> None:
    advice = landscape("train", "+batch_size=64").err.partition("say ")[2].split()[0]
    assert landscape("train", advice).status == 0
    assert worked[0].batch_size == 64
