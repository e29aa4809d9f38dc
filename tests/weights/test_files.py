"""Files of weights: every container and suffix; nothing in them runs; what is wrong is told in a line."""

import argparse
import io
import json
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from landscape_cli.errors import LandscapeError
from landscape_cli.weights.files import SUFFIXES, parts, read

WEIGHTS = {"1.weight": torch.arange(6.0).reshape(2, 3), "1.bias": torch.ones(2)}
OTHER = {name: tensor + 1 for name, tensor in WEIGHTS.items()}
CONTAINERS: dict[str, Any] = {
    "": WEIGHTS,
    **{
        name: {"epoch": 7, name: WEIGHTS}
        for name in ("state_dict", "model", "model_state_dict", "net", "params", "ema", "model_state")
    },
    "their_name": {"their_name": WEIGHTS, "epoch": 7},
    "ema/module": {"ema": {"module": WEIGHTS, "decay": 0.99}},
}


class Code:
    """Unpickled, it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


def saved(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor] = WEIGHTS) -> None:
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


def refused(path: Path, *words: str, entry: str | None = None) -> None:
    with pytest.raises(LandscapeError) as caught:
        read(path, entry)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".safetensors"])
def test_every_suffix_of_torch_save_is_read(tmp_path: Path, suffix: str) -> None:
    assert_equal(read(saved(tmp_path / f"weights{suffix}", WEIGHTS)).tensors)


@pytest.mark.parametrize("entry", CONTAINERS)
def test_weights_are_found_in_every_container(tmp_path: Path, entry: str) -> None:
    found = read(saved(tmp_path / "c.pt", CONTAINERS[entry]))
    assert_equal(found.tensors)
    assert (found.entry, found.others) == (entry, ())
    assert found.epoch == (7 if "epoch" in CONTAINERS[entry] else None)


def test_older_files_and_subclasses_of_mappings_and_tensors_are_read(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert_equal(read(tmp_path / "old.pth").tensors)
    ordered = OrderedDict((name, nn.Parameter(tensor)) for name, tensor in WEIGHTS.items())
    assert_equal(read(saved(tmp_path / "o.pt", OrderedDict(model=ordered))).tensors)


def test_epoch_and_step_are_what_the_file_says(tmp_path: Path) -> None:
    lightning = {
        "epoch": 3,
        "global_step": 1000,
        "state_dict": WEIGHTS,
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5), "best_k_models": {}}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": []}],
        "loops": {"fit_loop": {"state_dict": {}}},
        "hyper_parameters": {"lr": 0.1},
    }
    found = read(saved(tmp_path / "last.ckpt", lightning))
    assert_equal(found.tensors)
    assert (found.epoch, found.step) == (3, 1000)
    for wrong in (-1, True, 0.5, "7", torch.tensor(7)):
        found = read(saved(tmp_path / "w.pt", {"model": WEIGHTS, "epoch": wrong, "step": wrong}))
        assert (found.epoch, found.step) == (None, None)


def test_a_tensor_beside_the_weights_is_none_of_them(tmp_path: Path) -> None:
    assert_equal(read(saved(tmp_path / "b.pt", {"model": WEIGHTS, "best_loss": torch.tensor(0.3)})).tensors)
    assert_equal(read(saved(tmp_path / "e.pt", {**WEIGHTS, "epoch": 4})).tensors)


def test_an_entry_can_be_chosen_and_the_others_are_named(tmp_path: Path) -> None:
    moments = {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}
    content = {"model": WEIGHTS, "ema": OTHER, "optimizer": moments, "optim": moments, "rng": OTHER}
    path = saved(tmp_path / "two.pt", content)
    found = read(path)
    assert_equal(found.tensors)
    assert (found.entry, found.others) == ("model", ("ema",))
    chosen = read(path, "ema")
    assert_equal(chosen.tensors, OTHER)
    assert (chosen.entry, chosen.others) == ("ema", ("model",))
    refused(path, "no entry 'emma' with weights; there is model, ema", entry="emma")
    refused(saved(tmp_path / "bare.pt", WEIGHTS), "there is (the file itself, without entry=)", entry="ema")


def test_plain_values_beside_weights_are_fine(tmp_path: Path) -> None:
    beside = {
        "args": argparse.Namespace(lr=0.1, layers=[1, 2], best=np.float64(0.5)),
        "numbers": [np.float64(0.5), np.float32(0.5), np.int64(3), np.int32(3), np.bool_(True), np.str_("a")],
        "random": ("MT19937", np.arange(4, dtype=np.uint32), 4, 0, 0.0),
    }
    assert_equal(read(saved(tmp_path / "beside.pt", {"net": WEIGHTS, **beside})).tensors)


def test_numbers_of_numpy_1_are_read(tmp_path: Path) -> None:
    path, old = saved(tmp_path / "new.pt", {"net": WEIGHTS, "acc": np.float64(93.5)}), tmp_path / "old.pt"
    with zipfile.ZipFile(path) as new, zipfile.ZipFile(old, "w") as written:
        for entry in new.infolist():
            content = new.read(entry)
            assert not entry.filename.endswith("data.pkl") or b"numpy._core" in content
            written.writestr(entry.filename, content.replace(b"numpy._core", b"numpy.core"))
    assert_equal(read(old).tensors)


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "model.safetensors", {"format": "pt"})
    found = read(tmp_path / "model.safetensors")
    assert_equal({name: found.tensors[name] for name in WEIGHTS})
    assert (found.epoch, found.step, found.entry) == (None, None, "")


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_an_index_of_several_files_is_all_of_them(tmp_path: Path, suffix: str) -> None:
    files = {}
    for number, (name, tensor) in enumerate(WEIGHTS.items(), start=1):
        files[name] = f"model-0000{number}-of-00002.{suffix}"
        write: Any = save_file if suffix == "safetensors" else torch.save
        write({name: tensor}, tmp_path / files[name])
    index = tmp_path / f"model.{suffix}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 32}, "weight_map": files}))
    assert_equal(read(index).tensors)
    assert parts(index) == [tmp_path / name for name in files.values()]
    part = tmp_path / files["1.bias"]
    part.unlink()
    with pytest.raises(LandscapeError, match="there is no such file") as caught:
        read(index)
    assert str(part) in str(caught.value)
    if suffix == "bin":
        torch.save([1], part)
        with pytest.raises(LandscapeError, match=r"a list, not a part of model\.bin\.index\.json"):
            read(index)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"weight_map": 3}', '{"weight_map": {"a": 3}}', "\xff"])
def test_what_is_no_index_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_bytes(text.encode("latin-1"))
    refused(path, "is no index of weights in several files")


def test_an_index_reads_no_file_outside_of_its_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    torch.save(WEIGHTS, tmp_path / "secret.bin")
    index = inside / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"1.weight": "../secret.bin"}}))
    with pytest.raises(LandscapeError, match="there is no such file"):
        read(index)


@pytest.mark.parametrize("where", ["entry", "beside", "legacy", "plain", "protocol 4"])
def test_a_pickle_with_code_is_refused_and_does_not_run(tmp_path: Path, where: str) -> None:
    mark, path = tmp_path / "ran", tmp_path / "evil.pt"
    code = Code(mark)
    if where == "plain":
        path.write_bytes(pickle.dumps(code, protocol=2))
    elif where == "protocol 4":
        torch.save({"model": WEIGHTS, "x": code}, path, pickle_protocol=4)
    elif where == "legacy":
        torch.save({"model": WEIGHTS, "x": code}, path, _use_new_zipfile_serialization=False)
    else:
        torch.save({"model": code} if where == "entry" else {"model": WEIGHTS, "x": code}, path)
    refused(path)
    if where in ("entry", "beside", "legacy"):
        refused(
            path, "holds posix.system, which could run code: it is not loaded", "model.state_dict() alone"
        )
    assert not mark.exists()


def test_an_array_of_objects_runs_no_code(tmp_path: Path) -> None:
    array = np.array([Code(tmp_path / "ran")], dtype=object)
    refused(saved(tmp_path / "objects.pt", {"model": WEIGHTS, "x": array}))
    assert not (tmp_path / "ran").exists()


def test_a_whole_module_is_refused_by_name(tmp_path: Path) -> None:
    path = saved(tmp_path / "module.pt", nn.Linear(2, 3))
    refused(path, "holds torch.nn.modules.linear.Linear, which could run code", "save model.state_dict()")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("kind", ["empty", "text", "page", "zeros", "noise", "cut", "cut late", "flipped"])
def test_what_is_damaged_is_refused_in_a_line(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    if suffix == ".pt":
        torch.save(WEIGHTS, path)
    else:
        save_file(WEIGHTS, path)
    whole = path.read_bytes()
    contents = {
        "empty": b"",
        "text": b"hello world",
        "page": b"<html>404 not found</html>",
        "zeros": bytes(1000),
        "noise": np.random.RandomState(0).bytes(2000),
        "cut": whole[: len(whole) // 3],
        "cut late": whole[:-10],
        "flipped": whole[:30] + bytes(255 - byte for byte in whole[30:90]) + whole[90:],
    }
    path.write_bytes(contents[kind])
    refused(path, "cannot be read as weights (")


def test_an_older_file_that_is_cut_is_refused(tmp_path: Path) -> None:
    whole = io.BytesIO()
    torch.save(WEIGHTS, whole, _use_new_zipfile_serialization=False)
    path = tmp_path / "cut.t7"
    for length in (2, 50, 300, len(whole.getvalue()) - 10):
        path.write_bytes(whole.getvalue()[:length])
        refused(path)


def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    (tmp_path / "folder.pt").mkdir()
    for name in ("pipe.pt", "folder.pt", "nothing.pt", "nothing.safetensors"):
        refused(tmp_path / name, "cannot be read as weights (there is no such file)")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([1, 2], "holds a list, not weights by name; save model.state_dict()"),
        (torch.ones(3), "holds a Tensor, not weights by name"),
        ({}, "holds no weights: among nothing"),
        ({"epoch": 3, "lr": 0.1}, "holds no weights: among epoch, lr"),
        ({"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": []}, "among state, param_groups"),
        ({str(number): number for number in range(20)}, "among 0, 1, 2, 3, 4, 5, 6, 7, …"),
    ],
    ids=["list", "tensor", "empty", "no tensors", "optimizer", "long"],
)
def test_what_holds_no_weights_is_refused(tmp_path: Path, content: object, told: str) -> None:
    refused(saved(tmp_path / "none.pt", content), told)
