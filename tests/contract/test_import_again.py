"""`landscape import` once more: finished, stopped, killed, of other weights; and what it refuses."""

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from children import Children
from contract.foreign import MLP, Weights, elsewhere, refused, state, weights_of
from contract.made import succeed

from conftest import Landscape
from landscape_cli import checkpoint


def test_the_same_command_again_says_so_and_does_nothing(here: Landscape, runs: Path) -> None:
    words = [*MLP, "weights=seed0", "out=imported"]
    first = here(*words)
    before = state(runs)
    again = here(*words)
    assert again.status == 0
    assert again.out == f"imported is finished (epoch 2); nothing to do\n{first.out}"
    assert state(runs) == before


def without_times(run: Path) -> tuple[str, dict[str, Any], list[bytes]]:
    provenance = json.loads((run / "provenance.json").read_text())
    kept = {key: value for key, value in provenance.items() if key not in ("start", "end", "command")}
    files = sorted((run / "checkpoints").iterdir())
    return (run / "metrics.csv").read_text(), kept, [path.read_bytes() for path in files]


@pytest.mark.parametrize("moment", range(3))
def test_it_goes_on_where_it_was_stopped(
    here: Landscape, runs: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    names = {f"ckpt_{number}.pt": (f"seed{number}", 2) for number in range(3)}
    elsewhere(runs, runs / "files", names, lambda weights, epoch: weights)
    succeed(here, *MLP, "weights=files", "out=whole")
    save, left = checkpoint.save, [moment]

    def stopped(path: Path, content: dict[str, Any]) -> None:
        if not left[0]:  # the row is written, its checkpoint is not
            raise KeyboardInterrupt
        left[0] -= 1
        save(path, content)

    monkeypatch.setattr(checkpoint, "save", stopped)
    outcome = here(*MLP, "weights=files", "out=stopped")
    assert outcome.status == 130
    assert len(list((runs / "stopped/checkpoints").iterdir())) == moment
    monkeypatch.setattr(checkpoint, "save", save)
    if moment:
        untouched = (runs / "stopped/checkpoints/epoch_0000.pt").stat().st_mtime_ns
        message = here("surface", "run=stopped", "x=[-1,1,3]", "y=null", "out=s.h5").err
        assert "run stopped is not finished" in message
    succeed(here, *MLP, "weights=files", "out=stopped")
    assert without_times(runs / "stopped") == without_times(runs / "whole")
    if moment:
        assert (runs / "stopped/checkpoints/epoch_0000.pt").stat().st_mtime_ns == untouched


def test_a_checkpoint_that_was_lost_is_made_again(here: Landscape, runs: Path) -> None:
    names = {f"ckpt_{number}.pt": (f"seed{number}", 2) for number in range(3)}
    elsewhere(runs, runs / "files", names, lambda weights, epoch: weights)
    succeed(here, *MLP, "weights=files", "out=whole")
    shutil.copytree(runs / "whole", runs / "lost")
    (runs / "lost/checkpoints/epoch_0001.pt").unlink()
    made_by = json.loads((runs / "lost/provenance.json").read_text())
    (runs / "lost/provenance.json").write_text(json.dumps({**made_by, "end": None}))
    succeed(here, *MLP, "weights=files", "out=lost")
    assert without_times(runs / "lost") == without_times(runs / "whole")


def test_killed_at_any_moment_it_goes_on(here: Landscape, runs: Path) -> None:
    many = {f"ckpt_{number}.pt": (f"seed{number % 3}", 2) for number in range(20)}
    elsewhere(runs, runs / "files", many, lambda weights, epoch: weights)
    words = [*MLP, "weights=files", "device=cpu"]
    kills = 0
    with Children(runs, [*words, "out=whole"]) as children:
        for number in range(3):
            run = f"killed{number}"
            for attempt in range(3):
                outcome = children(*words, f"out={run}", kill_after=0.06 + 0.07 * number + 0.1 * attempt)
                kills += outcome.status == -9
            assert children(*words, f"out={run}").status == 0
            assert without_times(runs / run) == without_times(runs / "whole")
    assert kills >= 1


def test_other_weights_under_the_same_names_are_refused(here: Landscape, runs: Path) -> None:
    elsewhere(runs, runs / "files", {"ckpt_1.pt": ("seed0", 0), "ckpt_2.pt": ("seed0", 2)}, lambda w, e: w)
    words = [*MLP, "weights=files", "out=imported"]
    succeed(here, *words)
    torch.save(weights_of(runs / "seed1"), runs / "files/ckpt_2.pt")
    assert refused(here, *words) == (
        "imported was made of other weights than files/ckpt_2.pt (epoch 2); choose another out= or delete it"
    )
    torch.save(weights_of(runs / "seed0"), runs / "files/ckpt_2.pt")
    succeed(here, *words)  # the same ones are back
    (runs / "files/ckpt_2.pt").unlink()
    assert "imported was made of 2 files of weights, not of these 1" in refused(here, *words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["architecture.widths=[13]"], "architecture.widths: saved [12], asked for [13]"),
        (["loss=mse"], "loss: saved cross_entropy, asked for mse"),
        (["match=order"], "match: saved names, asked for order"),
        (["epochs=3,4"], "epochs: saved None, asked for [3, 4]"),
        (["dataset.train_size=90"], "dataset.train_size: saved 100, asked for 90"),
    ],
)
def test_another_configuration_is_refused_by_its_key(
    here: Landscape, runs: Path, words: list[str], told: str
) -> None:
    succeed(here, *MLP, "weights=seed0", "out=imported")
    message = refused(here, *MLP, "weights=seed0", *words, "out=imported")
    assert message == (
        f"imported holds a run of another configuration ({told}); choose another out= or delete it"
    )
    assert "seed0 holds a run of another configuration" in refused(here, *MLP, "weights=seed0", "out=seed0")


class Code:
    def __reduce__(self) -> Any:
        return os.system, ("touch ran",)


def broken(weights: Weights, name: str) -> object:
    """What is in a file that is refused."""
    changed = {key: tensor.clone() for key, tensor in weights.items()}
    if name == "nan":
        changed["4.weight"][3, 5] = math.nan
    elif name == "missing":
        del changed["4.bias"]
    elif name == "unexpected":
        changed["7.bias"] = torch.ones(3)
    elif name == "other names":
        changed = {f"{key}.x": tensor for key, tensor in changed.items()}
    return {"code": {"model": changed, "more": Code()}, "nothing": {"epoch": 3}}.get(name, changed)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "nan",
            "files/ckpt_2.pt: 4.weight has 1 NaN among 120 numbers, the first at [3, 5]; leave this file out",
        ),
        (
            "missing",
            "files/ckpt_2.pt: the weights do not fit the network:\n  1 missing: 4.bias\n  the network has",
        ),
        ("unexpected", "files/ckpt_2.pt: the weights do not fit the network:\n  1 unexpected: 7.bias\n"),
        (
            "other names",
            "match=order pairs them by order and shape, if it is the same network under other names",
        ),
        ("code", "files/ckpt_2.pt holds posix.system, which could run code: it is not loaded"),
        ("nothing", "files/ckpt_2.pt holds no weights: among epoch there is no mapping of names to tensors"),
    ],
)
def test_what_is_wrong_with_the_last_file_is_told_and_nothing_is_written(
    here: Landscape, runs: Path, name: str, told: str
) -> None:
    elsewhere(runs, runs / "files", {"ckpt_1.pt": ("seed0", 2)}, lambda weights, epoch: weights)
    torch.save(broken(weights_of(runs / "seed0"), name), runs / "files/ckpt_2.pt")
    message = refused(here, *MLP, "weights=files", "out=new/imported")
    assert told in message
    assert len(message.splitlines()) <= 4
    assert not (runs / "ran").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "missing: weights; say weights=…"),
        (["weights=nothing.pt"], "weights=nothing.pt: there is no such file or folder"),
        (["weights=empty"], "weights=empty holds no weights; expected files that end in .pt, .pth"),
        (["weights=[]"], "weights must be a file, files or a folder, got []"),
        (["weights=3"], "weights must be a word or a list of words, got 3"),
        (["weights=seed0", "match=shape"], "no match 'shape'; choose from names, order"),
        (["weights=seed0", "loss=nll"], "no loss 'nll'; choose from"),
        (["weights=seed0", "entry=ema"], "epoch_0000.pt has no entry 'ema' with weights; there is model"),
        (["weights=seed0", "epochs=soon"], "epochs must be whole numbers of zero or more, one a file"),
        (["weights=seed0", "epochs=1,-1"], "epochs must be whole numbers of zero or more, one a file"),
        (["weights=seed0", "epochs=1,true"], "epochs must be whole numbers of zero or more, one a file"),
        (
            ["weights=seed0", "epochs=1,12345678901"],
            "epochs must be whole numbers of zero or more, one a file",
        ),
        (
            ["weights=seed0", "epochs=1,2,3"],
            "epochs must be 2 increasing numbers, one a file of weights, got [1, 2, 3]",
        ),
        (
            ["weights=seed0", "epochs=2,1"],
            "epochs must be 2 increasing numbers, one a file of weights, got [2, 1]",
        ),
        (["weights=seed0", "dataset=custom", "dataset.source=own:load"], "trust=true"),
        (["weights=seed0", "architecture=resnet21"], "no architecture 'resnet21'"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(
    here: Landscape, runs: Path, words: list[str], told: str
) -> None:
    (runs / "empty").mkdir()
    assert told in refused(here, *MLP, *words, "out=new/imported")


def test_a_pipe_among_the_files_is_not_waited_for(here: Landscape, runs: Path) -> None:
    (runs / "files").mkdir()
    os.mkfifo(runs / "files/ckpt_1.pt")
    assert "files holds no weights" in refused(here, *MLP, "weights=files", "out=imported")
    (runs / "files/ckpt_1.pt").unlink()
