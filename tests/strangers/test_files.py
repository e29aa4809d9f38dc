"""A stranger's HDF5 file: whatever became of what is in it, a command ends well or in a line."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from strangers.conftest import Sound

from conftest import Landscape
from landscape_cli import store
from landscape_cli.errors import LandscapeError

SEED, CHANGES = 0, 80
ATTRIBUTES: list[Any] = [
    *(1, "", "[]", "{}", "null", "text", np.zeros(3), h5py.Empty("f"), "[[1,2]]", '{"train": 1}', "a: ["),
    *('[["$\\\\frac", 0, 0]]', '[["<a href=x>\\u001b[31m", 0, NaN]]', '[{"path": 1}]', "direction: 3"),
    *(
        "architecture: {name: '$\\frac'}",
        "batchnorm: [1]\nalpha: 3",
        "optimizer: {name: a, lr: x}",
        "epoch: {}",
    ),
]
COMMANDS = {
    "plane": ["surface", "run=run", "x=[-1,1,3]", "y=[-1,1,3]"],
    "line": ["surface", "run=run", "x=[-1,1,3]", "y=null"],
    "path": ["trajectory", "run=run", "x=[-1,1,3]", "y=[-1,1,3]"],
    "spectrum": ["spectrum", "run=run", "epoch=init,last", "method=lanczos", "k=2"],
    "density": ["spectrum", "run=run", "by=layer", "method=slq", "probes=2", "steps=3"],
    "descent": ["descend", "optimizer=gd,adam", "start=grid:3", "steps=4"],
}


def change(path: Path, draw: random.Random) -> None:
    """Give an attribute another value, or a dataset another type, shape, content or place."""
    with h5py.File(path, "r+") as file:
        if draw.random() < 0.4:
            name = draw.choice(sorted(file.attrs))
            del file.attrs[name]
            if draw.random() < 0.8:
                file.attrs[name] = draw.choice(ATTRIBUTES)
            return
        names: list[str] = []
        file.visit(names.append)
        name = draw.choice(names)
        shape = getattr(file[name], "shape", ())
        del file[name]
        match draw.randrange(8):
            case 0:
                file.create_group(name)
            case 1:
                file[name] = "text"
            case 2:
                file[name] = np.zeros((2, 2, 2))
            case 3:
                file[name] = np.zeros(shape, np.float32)
            case 4:
                file[name] = np.full(shape, draw.choice([np.nan, np.inf, -np.inf, 0, -1, 1e308]))
            case 5:  # a file of some kB that would be 8 TB in memory
                file.create_dataset(name, shape=(10**6, 10**6), chunks=(10, 10), dtype="f8")
            case 6:
                file[name] = h5py.SoftLink(f"/{draw.choice([*names, 'nothing'])}")


@pytest.mark.slow
def test_changed_files_end_in_no_traceback(copy: Path, sound: Sound) -> None:
    draw, refused = random.Random(SEED), 0
    draws = [["plot", "out=m.png"], ["plot", "out=m.html"], ["export", "out=m.csv"]]
    draws += [
        ["plot", "kind=surface3d", "out=m.svg"],
        ["plot", "kind=heatmap", "value=accuracy", "out=m.png"],
    ]
    for number in range(CHANGES):
        name = sorted(COMMANDS)[number % len(COMMANDS)]
        shutil.copy(copy / f"{name}.h5", copy / "m.h5")
        change(copy / "m.h5", draw)
        command, *options = draw.choice(draws)
        told = sound(command, "file=m.h5", *options)
        told += sound(*COMMANDS[name], "out=m.h5")
        refused += bool(told)
    assert CHANGES / 4 < refused < CHANGES


def test_what_lies_in_another_file_is_not_read(copy: Path) -> None:
    """A page that is made of a stranger's file must not show the reader's own."""
    secret = copy / "secret.bin"
    secret.write_bytes(np.full((3, 3), 0.42).tobytes())
    shutil.copy(copy / "plane.h5", copy / "mine.h5")

    def external(file: h5py.File) -> None:
        file["train/loss"] = h5py.ExternalLink("mine.h5", "/train/loss")

    def raw(file: h5py.File) -> None:
        place = [(str(secret), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("train/loss", (3, 3), "f8", external=place)

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(shape=(3, 3), dtype="f8")
        layout[...] = h5py.VirtualSource(str(copy / "mine.h5"), "train/loss", shape=(3, 3))
        file.create_virtual_dataset("train/loss", layout)

    for put in (external, raw, virtual):
        shutil.copy(copy / "plane.h5", copy / "m.h5")
        with h5py.File(copy / "m.h5", "r+") as file:
            del file["train/loss"]
            put(file)
        with pytest.raises(LandscapeError, match=r"train/loss (is no dataset|holds is in another file)"):
            store.read(copy / "m.h5")


def test_what_a_picture_shows_of_a_stranger_is_text(copy: Path, landscape: Landscape) -> None:
    """Names with formulas, tags and control characters are drawn as they are, in pictures and on pages."""
    evil = '<a href="http://x">$\\frac</a><script>\x1b[31m\n'
    for name in ("plane.h5", "line.h5"):
        with h5py.File(copy / name, "r+") as file:
            file.attrs["marks"] = json.dumps([[evil, 0, 0]])
            file.attrs["run_config"] = "architecture: {name: '<b>$\\frac</b>'}\nloss: mse"
        assert landscape("plot", f"file={name}", "out=p.png").status == 0
        assert landscape("report", "run=run", f"file={name}", "out=p.html").status == 0
        page = (copy / "p.html").read_text()
        assert "\x1b" not in page
        body = page.partition("<body>")[2]
        assert "<a href=" not in body
        assert "<b>$" not in body
        assert "<script>\\u001b" not in body
    (label, *_), *_ = store.read(copy / "plane.h5").marks
    assert label.isprintable()


def test_a_file_that_may_only_be_read_is_refused_when_something_is_to_be_written(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy / "plane.h5"
    before = path.read_bytes()
    opened = store.writer.os.open

    def refusing(name: Any, flags: int, *more: Any) -> int:
        if flags & store.writer.os.O_RDWR:
            raise PermissionError(13, "Permission denied", str(name))
        return int(opened(name, flags, *more))

    monkeypatch.setattr(store.writer.os, "open", refusing)
    with store.writing(path) as writer:
        writer.write_array("train/loss", writer.values["train/loss"])  # as it is
    with pytest.raises(PermissionError, match="Permission denied"), store.writing(path) as writer:
        writer.write_point((0, 0), {"train/loss": 1.0})
    assert path.read_bytes() == before
