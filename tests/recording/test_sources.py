"""Which files are the weights, in which order, of which epochs."""

import os
from pathlib import Path

import pytest

from landscape_cli.errors import LandscapeError
from landscape_cli.recording.sources import sources


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(folder: Path, *words: str) -> list[tuple[str, int | None]]:
    """The files, named from the folder on, and their numbers."""
    places = [str(folder / word) for word in words or ("",)]
    return [(str(one.path.relative_to(folder)), one.number) for one in sources(places)]


NAMES: dict[str, int | None] = {
    "epoch_0012.pt": 12,
    "epoch=3-step=1000.ckpt": 3,
    "step=1000.ckpt": 1000,
    "model_300.t7": 300,
    "checkpoint-500.bin": 500,
    "ckpt10.pth": 10,
    "iter_20000.pth": 20000,
    "checkpoint_epoch_7.pth.tar": 7,
    "net_model2_epoch7_acc0.93.pt": 7,
    "EPOCH-4.pt": 4,
    "best.pt": None,
    "resnet18-5c106cde.pth": None,
    "resnet18-f37072fd.pth": None,
    "net-9a8e7d01.pt": None,
    "epoch_202401011234.pt": None,  # a time, not a number of an epoch
}


@pytest.mark.parametrize("name", NAMES)
def test_the_number_in_the_name_of_a_single_file(tmp_path: Path, name: str) -> None:
    make(tmp_path, name)
    assert found(tmp_path, name) == found(tmp_path) == [(name, NAMES[name])]


def test_the_number_of_an_architecture_is_none_of_an_epoch(tmp_path: Path) -> None:
    make(tmp_path, "resnet18.pth")
    assert found(tmp_path, "resnet18.pth") == [("resnet18.pth", None)]
    make(tmp_path, "resnet34-333f7ec4.pth", "vgg16.pth")
    assert [name for name, _ in found(tmp_path, "vgg16.pth", "resnet18.pth")] == ["vgg16.pth", "resnet18.pth"]


@pytest.mark.parametrize(
    "names",
    [
        ["ckpt_5.pt", "ckpt_10.pt", "ckpt_100.pt"],
        ["epoch=3-step=1000.ckpt", "epoch=10-step=3000.ckpt", "epoch=20-step=500.ckpt"],
        ["w5.pth", "w10.pth"],
        ["5.t7", "10.t7"],
        ["model.5.pt", "model.10.pt"],
        ["checkpoint-500/model.safetensors", "checkpoint-1000/model.safetensors"],
        ["checkpoint-500/pytorch_model.bin", "checkpoint-1000/model.safetensors.index.json"],
        ["epoch_9.safetensors", "epoch_10.bin"],
    ],
    ids=lambda names: names[-1],
)
def test_a_folder_is_in_the_order_of_its_numbers(tmp_path: Path, names: list[str]) -> None:
    make(tmp_path, *sorted(names))
    listed = found(tmp_path)
    assert [name for name, _ in listed] == names
    numbers = [number for _, number in listed]
    assert None not in numbers
    assert numbers == sorted(set(numbers))  # type: ignore[type-var]


def test_accuracies_and_hashes_are_not_taken_for_numbers(tmp_path: Path) -> None:
    for folder, names in {
        "accuracies": ["net_01_acc0.52.pt", "net_02_acc0.61.pt", "net_10_acc0.58.pt"],
        "hashes": ["a-1e2b3c44.pt", "b-9f8e7d01.pt"],
    }.items():
        make(tmp_path / folder, *names)
        assert found(tmp_path / folder) == [(name, None) for name in names]


def test_two_steps_of_an_epoch_stay_in_order(tmp_path: Path) -> None:
    names = ["epoch=1-step=900.ckpt", "epoch=1-step=1000.ckpt", "epoch=2-step=1500.ckpt"]
    make(tmp_path, *names)
    assert found(tmp_path) == list(zip(names, [1, 1, 2], strict=True))


def test_others_beside_numbered_files_are_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, "ckpt_5.pt", "ckpt_10.pt", "best.pt", "last.pt")
    assert found(tmp_path) == [("ckpt_5.pt", 5), ("ckpt_10.pt", 10)]
    assert "left out, for their names have no number: best.pt, last.pt" in capsys.readouterr().err


def test_where_no_name_has_a_number_the_order_is_that_of_the_names(tmp_path: Path) -> None:
    make(tmp_path, "b.pt", "a.pt", "c2x.pt", "c10x.pt")
    assert found(tmp_path) == [("a.pt", None), ("b.pt", None), ("c2x.pt", None), ("c10x.pt", None)]


def test_what_is_no_weights_is_passed_over(tmp_path: Path) -> None:
    make(
        tmp_path, "log.txt", "optimizer.pt", "opt_state_5.t7", "scheduler.pt", "rng_state_0.pth", "scaler.pt"
    )
    make(tmp_path, "training_args.bin", "config.json", "more/deep.pt", "model_5.t7", "model_10.t7")
    os.mkfifo(tmp_path / "model_7.t7")
    (tmp_path / "model_8.t7").symlink_to("nowhere")
    assert found(tmp_path) == [("model_5.t7", 5), ("model_10.t7", 10)]


def test_a_list_stays_as_it_is(tmp_path: Path) -> None:
    make(tmp_path, "ckpt_5.pt", "ckpt_10.pt", "end/ckpt_20.pt", "end/ckpt_15.pt")
    assert found(tmp_path, "ckpt_10.pt", "ckpt_5.pt") == [("ckpt_10.pt", 10), ("ckpt_5.pt", 5)]
    assert [number for _, number in found(tmp_path, "ckpt_5.pt", "end")] == [5, 15, 20]


def test_a_folder_with_one_model_is_that(tmp_path: Path) -> None:
    make(tmp_path, "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    make(tmp_path, "model.safetensors.index.json", "config.json", "optimizer.pt")
    assert found(tmp_path) == [("model.safetensors.index.json", None)]
    make(tmp_path, "checkpoint-500/model.safetensors", "checkpoint-500/optimizer.pt")
    assert found(tmp_path, "checkpoint-500") == [("checkpoint-500/model.safetensors", 500)]
    assert found(tmp_path, "checkpoint-500/model.safetensors") == found(tmp_path, "checkpoint-500")


@pytest.mark.parametrize("above", ["run", "lightning_logs/version_0"])
def test_a_run_folder_is_its_checkpoints(tmp_path: Path, above: str) -> None:
    names = [f"{above}/checkpoints/epoch_{epoch:04d}.pt" for epoch in (0, 2, 10)]
    make(tmp_path, f"{above}/config.yaml", f"{above}/metrics.csv", *names)
    expected = list(zip(names, [0, 2, 10], strict=True))
    assert found(tmp_path, above) == found(tmp_path, f"{above}/checkpoints") == expected


def test_the_home_folder_has_its_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    make(tmp_path, "w.pt")
    assert [one.path for one in sources(["~/w.pt"])] == [tmp_path / "w.pt"]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LandscapeError, match=r"nothing\.pt: there is no such file or folder"):
        found(tmp_path, "nothing.pt")
    with pytest.raises(LandscapeError, match=r"holds no weights; expected files that end in \.pt, \.pth"):
        found(tmp_path)
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(LandscapeError, match="there is no such file or folder"):
        found(tmp_path, "pipe.pt")
