"""A user's own data: .npz files, folders of images, functions."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from landscape_cli.data.custom import read
from landscape_cli.data.load import load
from landscape_cli.errors import LandscapeError

CPU = torch.device("cpu")
MODULE = """
import numpy as np
images, labels = np.arange(24.0).reshape(6, 2, 2), np.arange(6) % 2
def as_dict():
    return {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
def as_tuple():
    return images, labels, images, labels
def three():
    return images, labels, images
def nothing():
    return None
constant = 3
"""


def write_folder(root: Path, mode: str = "RGB", size: tuple[int, int] = (5, 4)) -> dict[str, np.ndarray]:
    """Write 2 classes, 3 training and 2 test images each, and return the arrays they should be read as."""
    random = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 3), ("test", 2)):
        images = []
        for label in ("cat", "dog"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
                images.append(random.integers(0, 256, shape, dtype=np.uint8))
                Image.fromarray(images[-1]).save(folder / f"{number}.png")
        arrays[f"{split}_images"] = np.stack(images)
        arrays[f"{split}_labels"] = np.repeat([0, 1], count)
    return arrays


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_folder_is_read_as_its_images(
    mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = write_folder(tmp_path / "pets", mode)
    (tmp_path / "pets" / "train" / "cat" / "notes.txt").write_text("not an image")
    (tmp_path / "pets" / "train" / ".cache").mkdir()
    name, arrays = read(str(tmp_path / "pets"), trust=False)
    assert name == "pets"
    assert set(arrays) == set(expected)
    for key, array in expected.items():
        np.testing.assert_array_equal(arrays[key], array)
    out, err = capsys.readouterr()
    assert out == ""
    assert "reading images" in err
    dataset = load({"name": "custom", "source": str(tmp_path / "pets")}, CPU)
    assert dataset.input_shape == (3 if mode == "RGB" else 1, 4, 5)


def test_grey_images_among_coloured_ones_get_three_channels(tmp_path: Path) -> None:
    write_folder(tmp_path)
    grey = np.arange(20, dtype=np.uint8).reshape(4, 5)
    Image.fromarray(grey).save(tmp_path / "train" / "cat" / "0.png")
    _, arrays = read(str(tmp_path), trust=False)
    np.testing.assert_array_equal(arrays["train_images"][0], np.stack([grey] * 3, axis=-1))


def test_images_of_two_sizes_are_both_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    odd = tmp_path / "test" / "dog" / "1.png"
    Image.new("RGB", (7, 4)).save(odd)
    first = tmp_path / "train" / "cat" / "0.png"
    with pytest.raises(
        LandscapeError, match=f"{odd} is 7x4 but {first} is 5x4; all images must have one size"
    ):
        read(str(tmp_path), trust=False)


def test_images_that_are_none_or_of_sixteen_bits_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    odd = tmp_path / "train" / "dog" / "1.png"
    Image.fromarray(np.zeros((4, 5), dtype=np.uint16)).save(odd)
    with pytest.raises(LandscapeError, match=f"{odd} has mode I;16, not 8 bits a channel"):
        read(str(tmp_path), trust=False)
    odd.write_text("no image")
    with pytest.raises(LandscapeError, match=f"{odd} cannot be read as an image"):
        read(str(tmp_path), trust=False)
    whole = (tmp_path / "train" / "dog" / "2.png").read_bytes()
    odd.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(LandscapeError, match=f"{odd} cannot be read as an image"):
        read(str(tmp_path), trust=False)


def test_a_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    layout = rf"expected {tmp_path}/train/<class>/\*.png and {tmp_path}/test/<class>/\*.png"
    with pytest.raises(LandscapeError, match=f"has no folder train; {layout}"):
        read(str(tmp_path), trust=False)
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(LandscapeError, match=f"has no folder test; {layout}"):
        read(str(tmp_path), trust=False)
    (tmp_path / "test" / "cat").mkdir(parents=True)
    with pytest.raises(LandscapeError, match=f"train has 1 class folders, not 2 or more; {layout}"):
        read(str(tmp_path), trust=False)
    (tmp_path / "train" / "dog").mkdir()
    with pytest.raises(LandscapeError, match=f"train/cat holds no image; {layout}"):
        read(str(tmp_path), trust=False)
    for name in ("cat", "dog"):
        Image.new("L", (2, 2)).save(tmp_path / "train" / name / "0.png")
    with pytest.raises(LandscapeError, match=f"test/cat holds no image; {layout}"):
        read(str(tmp_path), trust=False)
    (tmp_path / "test" / "cow").mkdir()
    with pytest.raises(LandscapeError, match=f"test/cow is a class that {tmp_path}/train does not have"):
        read(str(tmp_path), trust=False)


def test_a_class_may_be_absent_from_the_test_split(tmp_path: Path) -> None:
    write_folder(tmp_path)
    for path in (tmp_path / "test" / "cat").iterdir():
        path.unlink()
    (tmp_path / "test" / "cat").rmdir()
    _, arrays = read(str(tmp_path), trust=False)
    assert arrays["test_labels"].tolist() == [1, 1]


def test_a_npz_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    with pytest.raises(LandscapeError, match=f"dataset.source={path}: there is no such file"):
        read(str(path), trust=False)
    path.write_bytes(b"no archive")
    with pytest.raises(LandscapeError, match=r"cannot be read as a \.npz file"):
        read(str(path), trust=False)
    np.savez(path, train_images=np.zeros((300, 30)))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(LandscapeError, match=r"cannot be read as a \.npz file"):
        read(str(path), trust=False)


def test_a_npz_file_never_runs_code(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", train_images=np.array([{"a": 1}, None], dtype=object))
    with pytest.raises(LandscapeError, match=r"cannot be read as a \.npz file .*allow_pickle"):
        read(str(tmp_path / "set.npz"), trust=True)


def test_a_npz_file_without_an_array_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", train_images=np.zeros((3, 2)), train_labels=np.arange(3))
    with pytest.raises(LandscapeError, match="data set set has no test_images, test_labels"):
        load({"name": "custom", "source": str(tmp_path / "set.npz")}, CPU)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own_arrays.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "own_arrays"


@pytest.mark.parametrize("name", ["as_dict", "as_tuple"])
def test_a_function_gives_the_arrays(name: str, module: str) -> None:
    dataset = load({"name": "custom", "source": f"{module}:{name}"}, CPU, trust=True)
    assert (dataset.name, dataset.input_shape, dataset.classes, len(dataset.train)) == (name, (1, 2, 2), 2, 6)


@pytest.mark.parametrize(
    ("name", "trust", "message"),
    [
        ("as_dict", False, "runs code of yours; say trust=true"),
        (
            "three",
            True,
            "own_arrays:three returned 3 values; expected a dict or tuple of train_images, train_labels",
        ),
        ("nothing", True, "own_arrays:nothing returned an object of type NoneType; expected a dict or tuple"),
        ("constant", True, "own_arrays:constant is of type int; expected a function"),
        ("absent", True, "has no 'absent'"),
    ],
)
def test_functions_that_do_not_fit_are_refused(name: str, trust: bool, message: str, module: str) -> None:
    with pytest.raises(LandscapeError, match=message):
        read(f"{module}:{name}", trust=trust)


@pytest.mark.parametrize(
    ("name", "state"), [("absent", "is not there"), ("a.txt", "is neither a folder nor a .npz")]
)
def test_what_is_none_of_the_three_is_refused(name: str, state: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(
        LandscapeError, match=f"{name} {state}.*; expected a .npz file, a folder of class folders or"
    ):
        read(str(tmp_path / name), trust=True)
