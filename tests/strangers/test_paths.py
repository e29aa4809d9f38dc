"""Odd paths: links that lead in circles, what may not be read, what a kill left, links as out=."""

import json
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from contract.made import LAST, MLP
from strangers.conftest import Sound

from conftest import Landscape

NOBODY = 65534
SEED, CASES = 0, 120
LINE = ["surface", "x=[-1,1,2]", "y=null"]


@pytest.fixture
def odd(copy: Path) -> list[str]:
    """Paths that are not what a key wants."""
    for one, other in (("loop", "pool"), ("pool", "loop")):
        (copy / one).symlink_to(other)
    os.mkfifo(copy / "pipe")
    (copy / "folder").mkdir()
    (copy / "dangling").symlink_to("nowhere/at/all")
    for name, file in (("runlink", "run"), ("filelink", "plane.h5")):
        (copy / name).symlink_to(file)
    (copy / "empty").touch()
    (copy / "looped").mkdir()
    (copy / "looped" / "config.yaml").symlink_to("config.yaml")
    (copy / "looped" / "checkpoints").symlink_to("checkpoints")
    names = ["loop", "pipe", "folder", "dangling", "runlink", "filelink", "empty", "looped", "run", "loop/x"]
    names += ["pipe/x", "empty/x", "plane.h5", "/dev/null", "/dev/zero", "/", ".", "..", "~", "-", "'a b'"]
    names += ["a" * 300, "é" * 120, "run/", "./run/../run", "run/checkpoints", "run/config.yaml"]
    names += ["run/metrics.csv", "\\x00"]
    return names


def test_odd_paths_end_in_no_traceback(odd: list[str], copy: Path, sound: Sound) -> None:
    draw, count, refused = random.Random(SEED), 0, 0
    commands = [
        lambda path: [*LINE, "run=run", f"out={path}"],
        lambda path: [*LINE, f"run={path}", "out=s.h5"],
        lambda path: ["report", f"run={path}", "out=p.html"],
        lambda path: ["plot", f"file={path}", "out=p.png"],
        lambda path: ["export", f"file={path}", "out=p.csv"],
        lambda path: ["export", "file=line.h5", f"out={path}"],
        lambda path: [*MLP, "epochs=0", f"out={path}"],
        lambda path: [*MLP, "epochs=0", "init=pretrained", f"init.run={path}", "out=new"],
        lambda path: ["list", "runs", f"outputs_dir={path}"],
    ]
    harmless = [path for path in odd if path not in ("/", "..", "/dev/null", "/dev/zero")]
    for _ in range(CASES):
        number = draw.randrange(len(commands))
        writes = number in (0, 5, 6)
        path = draw.choice(harmless if writes or number == 8 else sorted(odd))
        refused += bool(sound(*commands[number](path)))
        count += 1
        for made in ("s.h5", "p.html", "p.png", "p.csv", "new"):
            target = copy / made
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    assert (count, refused > CASES / 3) == (CASES, True)


def test_a_link_as_out_stays_one(copy: Path, landscape: Landscape) -> None:
    (copy / "elsewhere").mkdir()
    for name, words in {
        "s.h5": [*LINE, "run=run"],
        "p.png": ["plot", "file=plane.h5"],
        "p.csv": ["export", "file=plane.h5"],
        "trained": [*MLP, "epochs=0"],
    }.items():
        (copy / name).symlink_to(copy / "elsewhere" / name)
        assert landscape(*words, f"out={name}").status == 0
        assert (copy / name).is_symlink()
        assert (copy / "elsewhere" / name).exists()


def test_links_in_a_circle_are_told(copy: Path, landscape: Landscape, odd: list[str]) -> None:
    outcome = landscape(*LINE, "run=run", "out=loop")
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1].endswith(
        "Too many levels of symbolic links; links lead round in a circle; choose another out="
    )


@pytest.mark.parametrize("finished", [True, False])
def test_a_temporary_file_that_a_kill_left_goes_with_the_next_training(
    copy: Path, landscape: Landscape, finished: bool
) -> None:
    words = [*MLP, "checkpoint_every=1", "out=run"]
    record = copy / "run" / "provenance.json"
    if not finished:
        record.write_text(json.dumps({**json.loads(record.read_text()), "end": None}))
    left = [copy / "run" / "checkpoints" / ".epoch_0011.pt-abcd1234.part", copy / "run" / ".x-12345678.part"]
    for path in left:
        path.touch()
    assert landscape(*words).status == 0
    assert not [path for path in left if path.exists()]
    assert not list((copy / "run").rglob("*.part"))


@contextmanager
def somebody(folder: Path) -> Iterator[Path]:
    """Be a user whom permissions bind, in a folder of that user's with the content of another."""
    with tempfile.TemporaryDirectory() as own:
        shutil.copytree(folder, own, dirs_exist_ok=True)
        here, root = Path.cwd(), os.geteuid() == 0
        for path in (Path(own), *Path(own).rglob("*")):
            if root:
                os.chown(path, NOBODY, NOBODY)
        os.chdir(own)
        if root:
            os.seteuid(NOBODY)
        try:
            yield Path(own)
        finally:
            if root:
                os.seteuid(0)
            os.chdir(here)


def test_what_may_not_be_read_is_told(copy: Path, landscape: Landscape) -> None:
    """And nobody is told to delete a run because of it."""
    assert landscape("report", "run=run", "file=plane.h5").status == 0  # imports what somebody may not
    with somebody(copy) as folder:
        for name in ("config.yaml", "metrics.csv", "provenance.json", "checkpoints", LAST, ""):
            path = folder / "run" / name
            mode = path.stat().st_mode
            path.chmod(0)
            outcomes = [landscape(*LINE, "run=run", "out=s.h5"), landscape("list", "runs", "outputs_dir=.")]
            outcomes += [landscape("report", "run=run", "out=p.html"), landscape(*MLP, "out=run")]
            path.chmod(mode)
            assert outcomes[0].status == 1, name
            assert "Permission denied" in outcomes[0].err, (name, outcomes[0].err)
            for outcome in outcomes:
                assert "delete the run" not in outcome.out + outcome.err
                assert "Traceback" not in outcome.err
                assert len(outcome.err.splitlines()) <= 2
            (folder / "p.html").unlink(missing_ok=True)
        (folder / "plane.h5").chmod(0)
        told = landscape("plot", "file=plane.h5").err
        assert told == "plane.h5 cannot be read (Permission denied); let yourself read it\n"


def test_a_finished_file_that_may_only_be_read_is_finished(copy: Path, landscape: Landscape) -> None:
    with somebody(copy) as folder:
        (folder / "plane.h5").chmod(0o444)
        folder.chmod(0o555)
        words = ["surface", "run=run", "y=[-1,1,3]", "out=plane.h5"]
        outcome = landscape(*words, "x=[-1,1,3]")
        assert (outcome.status, outcome.out) == (0, "plane.h5\n"), outcome.err
        told = landscape("export", "file=plane.h5", "out=new.csv").err
        assert "Permission denied; let yourself read and write there, or choose another out=" in told
        folder.chmod(0o755)
