"""A stranger's run folder: whatever stands in it, a command ends well or says in a line what is wrong."""

import json
import os
import random
import shutil
from pathlib import Path

import h5py
import pytest
from contract.made import MLP
from strangers.conftest import Sound

from conftest import Landscape
from landscape_cli.errors import LandscapeError
from landscape_cli.runs import open_run

SEED, CHANGES = 0, 60
WORDS = ("null", "[1, 2]", "{a: 1}", "text", "-1", "1e400", "true", "", "???", "nan", '"', "\x1b[31m", "é")
FILES = ("config.yaml", "metrics.csv", "provenance.json")
LINE = ["surface", "run=run", "x=[-1,1,2]", "y=null", "out=s.h5"]


def changed(text: str, draw: random.Random) -> str:
    """A line deleted, replaced, doubled or swapped, or the text cut."""
    lines = text.splitlines(keepends=True)
    at = draw.randrange(len(lines))
    how = draw.randrange(6)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines[at] = f"{lines[at].partition(':')[0]}: {draw.choice(WORDS)}\n"
    elif how == 2:
        lines[at] = lines[at].replace(draw.choice([",", " ", "0", '"', "a"]), draw.choice(WORDS), 1)
    elif how == 3:
        lines.insert(at, lines[at])
    elif how == 4:
        lines[at], lines[-1] = lines[-1], lines[at]
    else:
        return text[: draw.randrange(len(text))]
    return "".join(lines)


@pytest.mark.slow
def test_changed_files_end_in_no_traceback(copy: Path, sound: Sound) -> None:
    draw, refused = random.Random(SEED), 0
    for number in range(CHANGES):
        path = copy / "run" / FILES[number % 3]
        before = path.read_text()
        path.write_text(changed(before, draw))
        told = sound("list", "runs", "outputs_dir=.")
        told += sound("report", "run=run", "out=page.html")
        told += sound(*LINE)
        refused += bool(told)
        path.write_text(before)
        for made in ("s.h5", "page.html"):
            (copy / made).unlink(missing_ok=True)
    assert CHANGES / 4 < refused < CHANGES


def test_an_environment_variable_is_not_told(
    copy: Path, landscape: Landscape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hush-hush")
    config = copy / "run" / "config.yaml"
    plain = config.read_text()
    for old, new in (("name: mlp", "name: ${oc.env:TOKEN}"), ("seed: 0", "seed: 0\nnote: a ${oc.env:TOKEN}")):
        config.write_text(plain.replace(old, new))
        told = landscape("list", "runs", "outputs_dir=.").out
        assert "run/config.yaml is damaged (line" in told
        assert "an interpolation" in told
        outcomes = [landscape("report", "run=run", "file=plane.h5"), landscape(*LINE)]
        assert [outcome.status for outcome in outcomes] == [1, 1]
        told += "".join(outcome.out + outcome.err for outcome in outcomes)
        assert "hush-hush" not in told
    for path in copy.rglob("*.h5"):
        with h5py.File(path, "r+") as file:
            name = "config" if path.stem == "descent" else "run_config"  # descents are of no run
            file.attrs[name] = "architecture: {name: '${oc.env:TOKEN}'}"
        assert landscape("report", f"file={path.name}").status == 1
    assert not list(copy.rglob("*.html"))


def test_a_run_that_is_damaged_does_not_hide_the_others(copy: Path, landscape: Landscape) -> None:
    bomb = "a: &a [1,1,1,1,1,1,1,1]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 8)}]\n" for n in range(9)
    )
    damages = {
        ("bomb", "config.yaml"): bomb,
        ("list", "provenance.json"): "[1, 2]",
        ("text", "provenance.json"): '"end"',
        ("end", "provenance.json"): '{"end": 3}',
        ("fingerprint", "provenance.json"): '{"end": null}',
        ("deep", "provenance.json"): "[" * 50_000,
        ("column", "metrics.csv"): "epoch,loss\n0,1\n",
        ("order", "metrics.csv"): "\n".join((copy / "run" / "metrics.csv").read_text().split("\n")[::-1]),
        ("\x1b[31mred\n", "config.yaml"): "a: 1",
    }
    for (name, file), text in damages.items():
        shutil.copytree(copy / "run", copy / name)
        (copy / name / file).write_text(text)
    outcome = landscape("list", "runs", "outputs_dir=.")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert len(lines) == len(damages) + 1
    assert sum("is damaged (" in line for line in lines) == len(damages)
    assert any(line.startswith("run ") and "finished, epoch 2" in line for line in lines)
    assert all(line.isprintable() for line in lines)


def test_a_named_pipe_is_not_waited_for(copy: Path, sound: Sound) -> None:
    names = ("config.yaml", "metrics.csv", "provenance.json", "checkpoints/epoch_0002.pt")
    for name in names:
        shutil.copytree(copy / "run", copy / "piped")
        (copy / "piped" / name).unlink()
        os.mkfifo(copy / "piped" / name)
        sound("list", "runs", "outputs_dir=.")
        told = sound("report", "run=piped", "out=page.html")
        told += sound("surface", "run=piped", "x=[-1,1,2]", "y=null", "out=s.h5")
        assert "piped" in told
        shutil.rmtree(copy / "piped")


def test_without_its_first_checkpoint_a_run_has_no_initial_weights(copy: Path) -> None:
    (copy / "run" / "checkpoints" / "epoch_0000.pt").unlink()
    run = open_run(copy / "run")
    with pytest.raises(LandscapeError, match="has no checkpoint of epoch 'init'; choose last, init,"):
        run.epoch("init")
    assert (run.epochs(), run.epoch("last"), run.epoch(1)) == ([1, 2], 2, 1)


def test_odd_names_among_the_checkpoints_are_no_epochs(copy: Path) -> None:
    names = ["epoch_1.pt", "epoch_00001.pt", f"epoch_{'9' * 5000}.pt"[:250], "epoch_٠٠٠٣.pt", "best_one.pt"]
    for name in names:
        (copy / "run" / "checkpoints" / name).touch()
    (copy / "run" / "checkpoints" / "epoch_0007.pt").mkdir()
    assert open_run(copy / "run").epochs() == [0, 1, 2]


def test_what_was_not_measured_may_be_nan(copy: Path, sound: Sound) -> None:
    """As in a run of weights that were trained elsewhere."""
    path = copy / "run" / "metrics.csv"
    head, *rows = path.read_text().splitlines()
    names = head.split(",")
    unknown = ("lr", "train_accuracy", "test_accuracy", "gradient_norm", "seconds")
    cells = (zip(names, row.split(","), strict=True) for row in rows)
    table = [",".join("nan" if name in unknown else cell for name, cell in row) for row in cells]
    path.write_text("\n".join([head, *table, ""]))
    config = copy / "run" / "config.yaml"
    kept = [line for line in config.read_text().splitlines() if not line.startswith(("batch_size", "epochs"))]
    text = "\n".join(kept).partition("\ninit:")[0] + "\noptimizer: null\n"
    config.write_text(text)
    for words in (["list", "runs", "outputs_dir=."], ["report", "run=run"], LINE):
        assert sound(*words) == ""


@pytest.mark.parametrize("cut", ["1,5,0.1,2.0", "1,5,0.1,1.98,0.5,2.1,0.4,2.8,0.6,7.5e-", "1"])
def test_a_last_row_that_a_kill_cut_short_is_left_out(copy: Path, cut: str) -> None:
    path = copy / "run" / "metrics.csv"
    head, first, *_ = path.read_text().splitlines()
    path.write_text(f"{head}\n{first}\n{cut}")
    assert [row["epoch"] for row in open_run(copy / "run").metrics()] == [0]
    path.write_text(f"{head}\n{cut}\n{first}\n")
    with pytest.raises(LandscapeError, match=r"metrics.csv is damaged \(row 1 has an entry"):
        open_run(copy / "run").metrics()


def test_an_epoch_without_its_row_is_told(copy: Path, landscape: Landscape) -> None:
    path = copy / "run" / "metrics.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2] + lines[3:]))
    outcome = landscape("surface", "run=run", "epoch=1", "x=[-1,1,2]", "y=null")
    assert "run/metrics.csv has no row of epoch 1, of which there is a checkpoint" in outcome.err
    assert "has no row of epoch 1" in landscape("trajectory", "run=run").err


def test_a_training_goes_on_with_no_other_trainings_checkpoint(copy: Path, landscape: Landscape) -> None:
    words = [*MLP, "checkpoint_every=1", "out=run"]
    record = copy / "run" / "provenance.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "end": None}))
    checkpoints = copy / "run" / "checkpoints"
    shutil.copy(checkpoints / "epoch_0001.pt", checkpoints / "epoch_0002.pt")
    assert "epoch_0002.pt is of epoch 1; bring back" in landscape(*words).err
    (checkpoints / "epoch_0002.pt").unlink()
    assert landscape(*words[:-1], "out=other", "architecture.widths=[7]").status == 0
    shutil.copy(copy / "other" / "checkpoints" / "epoch_0001.pt", checkpoints)
    assert "epoch_0001.pt is not of the training that run/config.yaml describes" in landscape(*words).err
