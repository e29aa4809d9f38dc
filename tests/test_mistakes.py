"""Users' mistakes: each is told in a line or two, before the work starts, and leaves nothing behind."""

import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from conftest import Landscape
from landscape_cli import cli

TINY = "dataset.train_size=20 dataset.test_size=10 batch_size=10 epochs=1"
MADE = [
    f"train {TINY} out=a",
    f"train {TINY} seed=1 out=b",
    f"train {TINY} seed=2 out=c",
    f"train {TINY} architecture.widths=[5] out=narrow",
    f"train {TINY} architecture=cnn out=cnn",
    "surface run=a x=[-1,1,3] y=[-1,1,3] out=plane.h5",
    "surface run=a x=[-1,1,3] y=null out=line.h5",
]
OWN_CODE = """
from torch import nn

def number(): return 3
def fails(): return [][1]
def layers(num_classes, *more): return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes), *more)
def normalized(num_classes): return layers(num_classes, nn.BatchNorm1d(num_classes))
def three_outputs(num_classes): return layers(3)
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of runs and files, whole ones and broken ones."""
    folder = tmp_path_factory.mktemp("workshop")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in MADE:
            patch.setattr(sys, "argv", ["landscape", *line.split()])
            assert cli.main() == 0
        _break(folder)
        patch.syspath_prepend(folder)
        yield folder
    for name in ("users_own", "users_broken"):
        sys.modules.pop(name, None)


def _break(folder: Path) -> None:
    (folder / "users_own.py").write_text(OWN_CODE)
    (folder / "users_broken.py").write_text("def f(:")
    (folder / "file").write_text("not a folder")
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.txt").write_text("one")
    for name in (
        "unfinished",
        "unbegun",
        "no_metrics",
        "bad_config",
        "bad_provenance",
        "cut",
        "foreign",
        "lost",
    ):
        shutil.copytree(folder / "a", folder / name)
    last = Path("checkpoints", "epoch_0001.pt")
    (folder / "unfinished" / last).unlink()
    provenance = (folder / "a" / "provenance.json").read_text()
    (folder / "unfinished" / "provenance.json").write_text(
        provenance.replace('"end": "', '"end": null, "was": "')
    )
    for path in [*(folder / "unbegun" / "checkpoints").iterdir(), folder / "unbegun" / "metrics.csv"]:
        path.unlink()
    (folder / "no_metrics" / "metrics.csv").unlink()
    (folder / "bad_config" / "config.yaml").write_text("a: [1,\n")
    (folder / "bad_provenance" / "provenance.json").write_text('{"end"')
    (folder / "cut" / last).write_bytes((folder / "a" / last).read_bytes()[:2000])
    torch.save({"weights": torch.ones(3)}, folder / "foreign" / last)
    (folder / "lost" / last).unlink()
    (folder / "cut.h5").write_bytes((folder / "plane.h5").read_bytes()[:3000])
    with h5py.File(folder / "foreign.h5", "w") as file:
        file["train_loss"] = np.zeros((3, 3))
    shutil.copy(folder / "plane.h5", folder / "later.h5")
    shutil.copy(folder / "plane.h5", folder / "half.h5")
    with h5py.File(folder / "later.h5", "r+") as file:
        file.attrs["version"] = 99
    with h5py.File(folder / "half.h5", "r+") as file:
        del file.attrs["config"]
    images = {"train_images": np.zeros((4, 8, 8), np.uint8), "train_labels": np.array([0, 1, 0, 1])}
    np.savez(folder / "no_test.npz", **images)
    (folder / "cut.npz").write_bytes((folder / "no_test.npz").read_bytes()[:100])


def state(folder: Path) -> dict[Path, tuple[int, int] | None]:
    """Every path there is, with size and time of each file: bytecode of imported modules aside."""
    found = {path: path.stat() for path in folder.rglob("*") if "__pycache__" not in path.parts}
    return {path: None if path.is_dir() else (stat.st_size, stat.st_mtime_ns) for path, stat in found.items()}


@pytest.fixture
def untouched(workshop: Path) -> Iterator[Path]:
    """The workshop; fails the test that changes it, and takes away what it left for the next one's sake."""
    before = state(workshop)
    yield workshop
    after = state(workshop)
    for path in sorted(set(after) - set(before), reverse=True):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    assert after == before


RUN = "run=a x=[-1,1,3] y=[-1,1,3]"
TO = "surface run=a direction=runs"
NEAR = "x=[0,1,2] y=[0,1,2]"
ONE = f"train {TINY.replace('batch_size=10', 'batch_size=1')}"
SPIRALS = "dataset=spirals dataset.samples=20"
OWN = f"train {TINY} architecture=custom trust=true"
CODE = f"train {TINY} dataset=custom trust=true"
MISTAKES = {
    # the command line itself
    "trian": "no command 'trian'; choose from (nearest: train)",
    "-m train": "no command '-m'; choose from train",
    "train epochs": "cannot read 'epochs' key=value",
    "train --epochs=3": "--epochs=3 key=value",
    "train --epochs 3": "--epochs key=value",
    "train epochs=[1": "cannot read 'epochs=[1' lists as key=[1,2]",
    "train epochs=1,2": "epochs=1,2 --multirun",
    "train =3": "=3 key=value",
    "list phenomenons": "no kind 'phenomenons'; choose from architectures datasets",
    "list runs": "no run under outputs/ landscape train",
    # keys and groups
    "train epoch=3": "no key 'epoch'; choose from batch_size (nearest: epochs)",
    "train optimizer.learning_rate=1": "no key 'optimizer.learning_rate'; choose from optimizer.lr",
    "train architecture.width=2": "no key 'architecture.width' (nearest: architecture.widths)",
    "train +epoch=3": "epoch",
    "train +optimizer.foo=1": "optimizer foo",
    "train architecture=resnet21": "no architecture 'resnet21'; choose from mlp, (nearest: resnet20)",
    "train optimizer=sdg": "no optimizer 'sdg'; choose from adam, (nearest: sgd)",
    "train dataset=minst": "no dataset 'minst'; choose from digits, (nearest: mnist)",
    "train experiment=li2018_resnet21": "no experiment 'li2018_resnet21'; choose from li2018_resnet56",
    "surface run=a direction=gaussian": "no direction 'gaussian'; choose from random, runs",
    "surface run=a direction.to=b": "no key 'direction.to'",
    "interpolate run=a to_run=b": "no key 'run'; choose from from_run, (nearest: to_run)",
    # types and ranges
    "train epochs=-1": "epochs must be zero or more, got -1",
    "train epochs=many": "epochs 'many' nteger",
    "train epochs=1.5": "epochs 1.5 nteger",
    "train seed=-1": "seed must be got -1",
    "train batch_size=0": "batch_size must be a positive whole number or full, got 0",
    "train batch_size=all": "batch_size full got 'all'",
    "train batch_size=100000": "batch_size=100000 is more than the 1437 training samples; batch_size=full",
    "train micro_batch=0": "micro_batch must be got 0",
    "train l1=-1": "l1 must be zero or more, got -1",
    "train clip_grad_norm=0": "clip_grad_norm must be a positive number got 0",
    "train stop_at_train_accuracy=99": "stop_at_train_accuracy fraction got 99",
    "train checkpoint_every=0": "checkpoint_every must be got 0",
    "train loss=hinge": "no loss 'hinge'; choose from cross_entropy, mse",
    "train precision=fp16": "no precision 'fp16'; choose from bf16, fp32",
    "train augment=mixup": "no augmentation 'mixup'; choose from crop_flip, none",
    "train device=gpu": "device=gpu choose from auto, cpu, cuda",
    "train optimizer.lr=fast": "optimizer.lr must be got 'fast'",
    "train optimizer.lr=-1": "optimizer.lr -1",
    f"train {TINY} optimizer.lr=nan": "optimizer.lr nan",
    "train optimizer=adam optimizer.betas=0.9": "optimizer.betas 0.9",
    "train optimizer=adam optimizer.betas=[0.9]": "optimizer.betas [0.9]",
    f"train {TINY} optimizer=adam optimizer.betas=[0.9,0.9,0.9]": "optimizer.betas [0.9, 0.9, 0.9]",
    "train schedule=step schedule.every=0": "schedule.every must be a positive number, got 0",
    "train schedule=multistep schedule.epochs=3": "schedule.epochs must be a list of epochs, got 3",
    "train schedule.warmup=30": "schedule.warmup=30 epochs=20",
    "train architecture.widths=64": "architecture.widths must be a list got 64",
    "train architecture.activation=swish": "no architecture.activation 'swish'; choose from relu,",
    "train init=sparse init.sparsity=2": "init.sparsity must be got 2",
    "train dataset.train_size=99999": "dataset.train_size=99999 is more than the 1437 samples",
    "train dataset.label_noise=2": "dataset.label_noise must be got 2",
    "surface run=a x=[1,-1,5]": "x must be [first, last, count] with first < last got [1, -1, 5]",
    "surface run=a x=[-1,1]": "x must be [first, last, count] got [-1, 1]",
    "surface run=a x=[-1,1,1]": "x must be count of at least 2, got [-1, 1, 1]",
    "surface run=a x=[-1,1,nan]": "x must be [first, last, count] nan",
    "surface run=a x=[-1,inf,3]": "x must be [first, last, count] inf",
    "surface run=a y=3": "y",
    "surface run=a splits=[train,train]": "splits must be without repetition, got ['train', 'train']",
    "surface run=a splits=[validation]": "splits 'validation'; choose from test, train",
    "surface run=a splits=[]": "splits must be one or both of train and test, got []",
    "surface run=a samples=0": "samples must be got 0",
    "surface run=a samples=50": "samples=50 is more than the 20 samples",
    f"surface {RUN} samples=10 seed=-4": "seed must be got -4",
    "surface run=a direction.norm=foo": "no direction.norm 'foo'; choose from filter, layer, none",
    f"surface {RUN} direction.seed=one": "direction.seed must be got 'one'",
    f"{TO} direction.to=[b,c] {NEAR} direction.orthogonalize=no": "direction.orthogonalize got 'no'",
    "surface run=a batchnorm=freeze": "no batchnorm 'freeze'; choose from interpolate, keep, recompute",
    "interpolate from_run=a to_run=b alpha=[1,0,3]": "alpha must be first < last got [1, 0, 3]",
    "plot file=plane.h5 value=error": "no value 'error'; choose from accuracy, loss",
    "plot file=plane.h5 scale=cubic": "no scale 'cubic'; choose from auto, linear, log",
    "plot file=plane.h5 levels=0": "levels must be at least 2, got 0",
    "plot file=plane.h5 levels=[3,1]": "levels must be increasing got [3, 1]",
    # what does not go together
    f"{ONE} normalization=batch": "normalization=batch batch_size=1",
    f"{ONE} architecture=custom architecture.source=users_own:normalized trust=true": "batch_size=1",
    "train normalization=batch dataset.train_size=1 batch_size=full": "normalization=batch batch_size=full",
    "train normalization=batch micro_batch=1": "normalization=batch micro_batch=1",
    f"train architecture=resnet20 {SPIRALS} batch_size=10": "architecture=resnet20 needs images choose mlp",
    f"train augment=crop_flip {SPIRALS} batch_size=10": "augment=crop_flip is for images augment=none",
    "train normalization=instance": "normalization=instance architecture=mlp choose layer",
    f"{OWN} architecture.source=users_own:layers normalization=batch": "normalization=batch choose default",
    "train optimizer.nesterov=true optimizer.momentum=0": "Nesterov momentum",
    # data that is not there, or not data
    "train dataset=cifar10 dataset.root=file/data": "cifar10 can neither be read dataset.root=",
    "train dataset=custom": "missing: dataset.source; say dataset.source=",
    "train dataset.source=nothing.npz": "dataset.source=nothing.npz there is no such file",
    "train dataset.source=nothing": "dataset.source=nothing is not there; expected a .npz file",
    "train dataset.source=file": "dataset.source=file is neither a folder nor a .npz file",
    "train dataset.source=thesis": "dataset.source=thesis has no folder train; expected",
    "train dataset.source=no_test.npz": "no_test has no test_images, test_labels; expected",
    "train dataset.source=cut.npz": "cut.npz cannot be read as a .npz file",
    # a user's own code
    f"train {TINY} dataset=custom dataset.source=users_own:number": "users_own:number trust=true",
    f"train {TINY} architecture=custom architecture.source=users_own:layers": "users_own:layers trust=true",
    f"{CODE} dataset.source=users_own:number": "users_own:number returned int expected train_images",
    f"{CODE} dataset.source=users_own:fails": "users_own:fails IndexError",
    f"{CODE} dataset.source=users_broken:f": "users_broken:f SyntaxError",
    f"{OWN} architecture.source=users_nowhere:f": "users_nowhere:f cannot import 'users_nowhere' install",
    f"{OWN} architecture.source=users_own:nothing": "users_own:nothing module 'users_own' has no 'nothing'",
    f"{OWN} architecture.source=users_own": "'users_own' is not of the form package.module:name",
    f"{OWN} architecture.source=users_own:number": "users_own:number must make an nn.Module, got",
    f"{OWN} architecture.source=users_own:three_outputs": "users_own:three_outputs (2, 10), got (2, 3)",
    # runs
    "surface": "missing: run; say run=",
    "interpolate from_run=a": "missing: to_run; say to_run=",
    "surface run=nowhere": "run=nowhere is no run folder no such folder landscape list runs",
    "surface run=thesis": "run=thesis is no run folder config.yaml checkpoints/",
    "surface run=unbegun": "unbegun has no checkpoint yet train",
    "surface run=unfinished": "unfinished is not finished; train it to the end or choose 0",
    "surface run=a epoch=7": "a has no checkpoint of epoch 7; choose last, init, 0, 1 checkpoint_every=",
    "surface run=a epoch=first": "no checkpoint of epoch 'first'; choose last, init,",
    f"surface {RUN.replace('=a', '=lost')}": "lost epoch 1",
    f"surface {RUN.replace('=a', '=no_metrics')}": "no_metrics metrics.csv",
    f"surface {RUN.replace('=a', '=bad_config')}": "bad_config/config.yaml",
    f"surface {RUN.replace('=a', '=bad_provenance')}": "bad_provenance/provenance.json",
    f"surface {RUN.replace('=a', '=cut')}": "cut/checkpoints/epoch_0001.pt is no readable checkpoint train",
    f"surface {RUN.replace('=a', '=foreign')}": "foreign/checkpoints/epoch_0001.pt is no checkpoint",
    "interpolate from_run=a to_run=narrow": "different networks architecture.widths [64, 64] [5] choose runs",
    "surface run=a batchnorm=recompute": "batchnorm=recompute is for direction=runs",
    "train +schedule.gama=3": "schedule.gama architecture.options",
    "train trust=maybe": "trust maybe",
    "train optimizer=null": "a group must be one of its choices",
    "train device=meta": "device=meta cannot be used here",
    "train schedule=cosine schedule.warmup=nan": "schedule.warmup must be",
    "interpolate from_run=a to_run=cnn": "different networks architecture.name mlp cnn",
    "report run=[unbegun]": "unbegun",
    "report run=[bad_config]": "bad_config/config.yaml",
    "train init=pretrained": "missing: init.run; say init.run=",
    "train init=pretrained init.run=nowhere": "init.run=nowhere is no run folder",
    "train init=pretrained init.run=narrow": "init.run=narrow does not fit: 1.weight (64, 64) got (5, 64)",
    # directions toward runs
    f"{TO}": "missing: direction.to; say direction.to=",
    f"{TO} direction.to=b": "a plane needs two runs in direction.to, got 1; y=null",
    f"{TO} direction.to=[b,c] y=null": "a line needs one run in direction.to, got 2",
    f"{TO} direction.to=[b,c,narrow]": "a plane needs two runs in direction.to, got 3",
    f"{TO} direction.to=[b,narrow]": "different networks architecture.widths",
    f"{TO} direction.to=[b,nowhere]": "direction.to=nowhere is no run folder",
    f"{TO} direction.to=[b,b] direction.orthogonalize=true": "solutions lie on one line three different runs",
    f"{TO} direction.to=[b,b] {NEAR}": "solutions lie on one line three different runs",
    f"{TO} direction.to=a x=[0,1,2] y=null": "direction.to=a itself",
    # files to draw
    "plot": "missing: file; say file=",
    "plot file=nowhere.h5": "no file nowhere.h5",
    "plot file=[]": "nothing to draw file=",
    "plot file=null": "file",
    "plot file=thesis": "thesis",
    "plot file=file": "file cannot be read as HDF5",
    "plot file=cut.h5": "cut.h5 cannot be read as HDF5",
    "plot file=foreign.h5": "foreign.h5 is not a surface of landscape",
    "plot file=later.h5": "later.h5 is of version 99",
    "plot file=half.h5": "half.h5",
    "plot file=line.h5 kind=contour": "kind=contour draws planes line.h5 holds a line; choose kind=line",
    "plot file=plane.h5 kind=line": "kind=line draws lines plane.h5 holds a plane; choose kind=contour",
    "plot file=[line.h5,plane.h5]": "line.h5 holds a line and plane.h5 a plane two pictures",
    "plot file=plane.h5 kind=pie": "no kind 'pie'; choose from auto, contour",
    "report": "nothing to report run=[ file=[",
    "report run=[nowhere]": "run=nowhere is no run folder",
    # where the result is to go
    f"train {TINY} out=file": "file exists and is no run folder; choose another out=",
    f"train {TINY} out=thesis": "thesis exists and is no run folder; choose another out=",
    f"train {TINY} out=file/run": "file out=",
    f"train {TINY} out=file/deep/run": "file out=",
    f"train {TINY} outputs_dir=file": "file",
    f"train {TINY} optimizer.lr=0.2 out=a": "another configuration optimizer.lr: saved 0.1, asked for 0.2",
    f"surface {RUN} out=file/s.h5": "file out=",
    f"surface {RUN} out=file": "file cannot be read as HDF5",
    f"surface {RUN} out=thesis": "thesis out=",
    f"surface {RUN} out=line.h5": "line.h5 was begun with another configuration y: saved None out=",
    f"surface {RUN} out=cut.h5": "cut.h5 cannot be read as HDF5",
    "plot file=plane.h5 out=file/p.png": "file out=",
    "plot file=plane.h5 out=p.jpg": "cannot write p.jpg .png, .pdf, .svg .html",
    "plot file=plane.h5 out=p": "cannot write p .png, .pdf, .svg .html",
    "plot file=plane.h5 kind=interactive out=p.png": "kind=interactive .html",
    "plot file=plane.h5 kind=contour out=p.html": "kind=contour .png",
    "report run=[a] out=r.png": "r.png .html",
    "report run=[a] out=file/r.html": "file out=",
}


def test_the_table_is_long() -> None:
    assert len(MISTAKES) > 150


@pytest.mark.parametrize("line", MISTAKES, ids=lambda line: line.replace(f"{TINY} ", ""))
def test_a_mistake_is_told_in_words(
    landscape: Landscape, untouched: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Each word of the table's right side must be in the message."""
    monkeypatch.chdir(untouched)
    outcome = landscape(*shlex.split(line))
    assert outcome.status == 1
    assert outcome.out == ""
    told = outcome.err.splitlines()
    assert 1 <= len(told) <= 2, outcome.err
    assert "Traceback" not in outcome.err
    assert " %" not in outcome.err  # no progress bar: it is told before the work starts
    missing = [word for word in MISTAKES[line].split(" ") if word not in outcome.err]
    assert not missing, outcome.err


def test_a_folder_that_is_here_cannot_be_written_over(landscape: Landscape, tmp_path: Path) -> None:
    """The working directory itself, empty: nothing can be put beside it."""
    outcome = landscape("train", *TINY.split(), "out=.")
    assert outcome.status in (0, 1)
    assert (outcome.status == 0) == (tmp_path / "config.yaml").is_file()
    assert outcome.status == 0 or "out=" in outcome.err


def test_one_broken_run_does_not_hide_the_others(
    landscape: Landscape, untouched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(untouched)
    outcome = landscape("list", "runs", "outputs_dir=.")
    assert outcome.status == 0
    for run in ("a", "narrow", "unfinished", "unbegun", "bad_config"):
        assert any(line.split()[0] == run for line in outcome.out.splitlines()), run


def test_in_a_multirun_the_others_finish_and_the_failed_are_named_at_the_end(
    landscape: Landscape, tmp_path: Path
) -> None:
    words = ["train", *TINY.split(), "optimizer.lr=-1,0.1", "architecture.widths=[4],7", "--multirun"]
    outcome = landscape(*words)
    assert outcome.status == 1
    (finished,) = outcome.out.splitlines()
    assert [path for path in (tmp_path / "outputs" / "runs").iterdir() if path.is_dir()] == [
        tmp_path / finished
    ]
    assert (tmp_path / finished / "checkpoints" / "epoch_0001.pt").is_file()
    count, *failed = outcome.err.splitlines()[-4:]
    assert "3" in count
    assert "failed" in count
    assert [line for line in failed if "optimizer.lr=-1" in line] == failed[:2]
    assert "architecture.widths must be a list" in failed[2]
    assert "Traceback" not in outcome.err
    assert {path.name for path in tmp_path.iterdir()} == {"outputs"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [("architecture=mlp,resnet21", "no architecture 'resnet21'"), ("epochs=1,many", "epochs: value 'many'")],
)
def test_in_a_multirun_what_cannot_be_composed_is_named(
    landscape: Landscape, word: str, expected: str
) -> None:
    outcome = landscape("train", *TINY.split(), word, "--multirun")
    assert outcome.status == 1
    assert expected in outcome.err
    assert "Traceback" not in outcome.err


def test_two_jobs_of_a_multirun_do_not_share_a_file(landscape: Landscape) -> None:
    assert landscape("train", *TINY.split(), "out=run").status == 0
    outcome = landscape("surface", "run=run", "x=[-1,1,2],[-2,2,2]", "y=null", "out=s.h5", "--multirun")
    assert outcome.status == 1
    assert outcome.out == "s.h5\n"
    assert "x: saved [-1, 1, 2], asked for [-2, 2, 2]" in outcome.err.splitlines()[-1]
