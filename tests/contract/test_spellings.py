"""Words that no shell touches: grids as first:last:count, lists without brackets."""

from pathlib import Path

import pytest
import yaml
from contract.made import attributes, succeed
from omegaconf import OmegaConf

from conftest import Landscape
from landscape_cli.cli import COMMANDS
from landscape_cli.composition import with_lists
from landscape_cli.config import CONF
from landscape_cli.schemas import SCHEMAS
from landscape_cli.schemas.common import Computing

GRIDS = {
    "surface": ["run=seed0", "x={}", "y=[-0.5,0.5,2]"],
    "interpolate": ["from_run=seed0", "to_run=seed1", "alpha={}"],
    "hessian": ["run=seed0", "x={}", "y=null", "samples=20"],
}


@pytest.mark.parametrize("command", GRIDS)
def test_a_grid_begun_in_one_spelling_goes_on_in_the_other(here: Landscape, runs: Path, command: str) -> None:
    brackets, colons = ([word.format(grid) for word in GRIDS[command]] for grid in ("[-0.5,1,3]", "-0.5:1:3"))
    path = runs / succeed(here, command, *brackets)
    assert "-0.5+1+3" in path.name
    before, stored = path.stat().st_mtime_ns, path.read_bytes()
    assert runs / succeed(here, command, *colons) == path
    assert (path.stat().st_mtime_ns, path.read_bytes()) == (before, stored)
    other = runs / succeed(here, command, *colons, "out=other.h5")
    configs = [OmegaConf.create(attributes(each)["config"]) for each in (path, other)]
    assert {str(config.get("x", config.get("alpha"))) for config in configs} == {"[-0.5, 1, 3]"}


def test_a_grid_of_a_trajectory_and_a_sweep_of_grids(here: Landscape) -> None:
    assert "x: '-1:1:3'" in here("trajectory", "run=seed0", "x=-1:1:3", "--cfg", "job").out
    outcome = here("surface", "run=seed0", "x=0:1:2,0:1:3", "y=null", "-m")
    assert outcome.status == 0, outcome.err
    assert [path.rpartition("x-")[2] for path in outcome.out.split()] == [
        "0+1+2_y-null.h5",
        "0+1+3_y-null.h5",
    ]


def test_lists_without_brackets(here: Landscape, surfaces: Path) -> None:
    for command, words in {
        "plot": ["file={plane.h5,batch.h5}", "levels={0.5,1,2}"],
        "report": ["run={seed0,seed1}", "file={line.h5,plane.h5}"],
        "surface": ["run=seed0", "splits={train,test}", "x=[0,1,2]", "y=null"],
        "reproduce": ["id={pca-trajectory,scale-invariance}"],
        "trajectory": ["run=seed0", "epochs={init,1,last}"],
        "train": ["architecture.widths={3,4}", "optimizer=adam", "optimizer.betas={0.5,0.9}"],
    }.items():
        plain = [word.translate({ord("{"): None, ord("}"): None}) for word in words]
        bracketed = [word.replace("{", "[").replace("}", "]") for word in words]
        shown = [here(command, *each, "--cfg", "job").out for each in (plain, bracketed)]
        assert shown[0] == shown[1]
        assert "- " in shown[0]
    plane = ["run=seed0", "direction=runs", "x=0:1:2", "y=0:1:2", "splits=train"]
    two = succeed(here, "surface", *plane, "direction.to=seed1,seed2")
    assert two == succeed(here, "surface", *plane, "direction.to=[seed1,seed2]")


def test_files_with_odd_names(here: Landscape, surfaces: Path) -> None:
    for name in ("a=b.h5", "ünï.h5", "john's.h5", "a b.h5", "a[1].h5"):
        (surfaces / name).write_bytes((surfaces / "line.h5").read_bytes())
        for words in ([f"file={name}"], [f"file=line.h5,{name}"]):
            assert succeed(here, "plot", *words, "out=p.svg") == "p.svg"


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("file=a,b", "file=[a,b]"),
        ("file=[a,b]", "file=[a,b]"),
        ("file='a,b'", "file='a,b'"),
        ('file="a,b",c', 'file=["a,b",c]'),
        (r"file=a\,b,c", r"file=[a\,b,c]"),
        ("file=${oc.env:A,b},c", "file=[${oc.env:A,b},c]"),
        ("file=é", "file='é'"),
        ("file=a,", "file=[a,]"),
        ("kind=a,b", "kind=a,b"),
        ("--cfg", "--cfg"),
    ],
)
def test_what_becomes_a_list(word: str, read: str) -> None:
    assert with_lists("plot", [word]) == [read]


def test_every_option_that_is_a_list_can_be_said_without_brackets() -> None:
    found = {
        f"{path.relative_to(CONF).parts[0]}.{key}"
        for group in ("architecture", "dataset", "init", "normalization", "optimizer", "schedule")
        for path in (CONF / group).rglob("*.yaml")
        for key, value in yaml.safe_load(path.read_text(encoding="utf-8")).items()
        if isinstance(value, list)
    }
    found |= {"dataset.mean", "dataset.std", "dataset.labels"}  # null, unless they are said
    found |= {"track", "params", "gradient_noise", "grow_batch_at"}  # keys of the command
    assert found - {"architecture.defaults", "optimizer.defaults"} == set(SCHEMAS["train"].lists)


def test_in_a_multirun_the_comma_makes_two_jobs(here: Landscape, surfaces: Path) -> None:
    outcome = here("plot", "file=line.h5,plane.h5", "--multirun")
    assert outcome.out.split() == ["outputs/plots/line.png", "outputs/plots/plane.png"]


@pytest.mark.parametrize("command", COMMANDS)
def test_only_what_computes_has_a_device_and_a_seed(landscape: Landscape, command: str) -> None:
    computes = issubclass(SCHEMAS[command], Computing)
    assert computes == (command not in ("plot", "report", "export", "gallery", "list"))
    for word in ("seed=1", "device=cpu"):
        outcome = landscape(command, word, "--cfg", "job")
        key = word.partition("=")[0]
        assert (outcome.status == 0) == computes
        assert computes or outcome.err.startswith(f"no key {key!r}; choose from out, outputs_dir")


def test_help_shows_the_groups_of_the_command(landscape: Landscape) -> None:
    told = landscape("train", "--help").out.partition("Choices")[2].partition("Keys and")[0]
    groups = [line.split(":")[0].strip() for line in told.splitlines() if ":" in line.strip()[:-1]]
    assert groups == [
        *("dataset", "architecture", "normalization", "init", "optimizer", "schedule", "experiment")
    ]
    for option in ("wrn28_10", "li2018_resnet56", "multistep", "swiss_roll"):
        assert option in told
    assert "Choices" not in landscape("plot", "--help").out
