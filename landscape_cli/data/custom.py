"""A user's own data: a .npz file, a folder of class folders, or a function."""

import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from landscape_cli.data.raw import KEYS, SYNONYMS, Arrays
from landscape_cli.errors import LandscapeError
from landscape_cli.sources import described, load_source

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
GREY = {"1", "L", "LA"}
COLOUR = {"RGB", "RGBA", "P", "PA", "CMYK", "YCbCr"}


def read(source: str, *, trust: bool) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the four arrays of the data that `source` points to.

    Args:
        source: a path to a .npz file or a folder, or ``package.module:name``.
        trust: whether the user said that code of theirs may run.

    Raises:
        LandscapeError: `source` is none of these, or cannot be read as such.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        return path.resolve().name, read_folder(path)
    if path.suffix == ".npz":
        return path.stem, read_npz(path)
    if ":" in source:
        return source.partition(":")[2], _call(source, trust=trust)
    state = "is neither a folder nor a .npz file" if path.exists() else "is not there"
    raise LandscapeError(
        f"dataset.source={source} {state}; "
        "expected a .npz file, a folder of class folders or package.module:name"
    )


def read_npz(path: Path) -> Arrays:
    """Return the arrays of a .npz file.

    Raises:
        LandscapeError: there is no such file, or it is damaged or holds Python objects.
    """
    if not path.is_file():
        raise LandscapeError(f"dataset.source={path}: there is no such file")
    try:
        with zipfile.ZipFile(path):
            pass
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files if key in (*KEYS, *SYNONYMS)}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise LandscapeError(f"dataset.source={path} cannot be read as a .npz file ({error})") from error


def read_folder(folder: Path) -> Arrays:
    """Return the images under ``folder/train/<class>/`` and ``folder/test/<class>/``.

    Classes are numbered in the order of their sorted names, images follow in the order of theirs. All are
    brought to one channel if every one is grey, else to RGB; transparency is dropped.

    Raises:
        LandscapeError: the layout is another, a class is missing, an image cannot be read, is not of 8 bits a
            channel, or is of another size than the first.
    """
    layout = f"expected {folder}/train/<class>/*.png and {folder}/test/<class>/*.png"
    for split in ("train", "test"):
        if not (folder / split).is_dir():
            raise LandscapeError(f"dataset.source={folder} has no folder {split}; {layout}")
    names = _class_names(folder / "train")
    if len(names) < 2:
        raise LandscapeError(
            f"dataset.source={folder}/train has {len(names)} class folders, not 2 or more; {layout}"
        )
    strangers = sorted(set(_class_names(folder / "test")) - set(names))
    if strangers:
        raise LandscapeError(f"{folder}/test/{strangers[0]} is a class that {folder}/train does not have")

    files: dict[str, list[Path]] = {}
    arrays: Arrays = {}
    for split in ("train", "test"):
        by_class = [_images_in(folder / split / name) for name in names]
        empty = [name for name, found in zip(names, by_class, strict=True) if not found]
        if empty and (split == "train" or len(empty) == len(names)):
            raise LandscapeError(f"{folder}/{split}/{empty[0]} holds no image; {layout}")
        files[split] = [path for found in by_class for path in found]
        arrays[f"{split}_labels"] = np.repeat(np.arange(len(names)), [len(found) for found in by_class])
    size, mode = _common_form([*files["train"], *files["test"]])
    for split, paths in files.items():
        arrays[f"{split}_images"] = _decode(paths, size, mode)
    return arrays


def _call(source: str, *, trust: bool) -> Mapping[str, Any]:
    function = load_source(source, key="dataset.source", trust=trust)
    if not callable(function):
        raise LandscapeError(
            f"dataset.source={source} is of type {type(function).__name__}; expected a function"
        )
    try:
        returned = function()
    except Exception as error:
        raise LandscapeError(f"dataset.source={source} failed: {described(error)}") from error
    if isinstance(returned, Mapping):
        return returned
    if isinstance(returned, tuple | list) and len(returned) == len(KEYS):
        return dict(zip(KEYS, returned, strict=True))
    got = (
        f"{len(returned)} values"
        if isinstance(returned, tuple | list)
        else f"an object of type {type(returned).__name__}"
    )
    raise LandscapeError(
        f"dataset.source={source} returned {got}; expected a dict or tuple of {', '.join(KEYS)}"
    )


def _class_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _images_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != "."
    )


def _common_form(paths: list[Path]) -> tuple[tuple[int, int], str]:
    """Return the (width, height) of all images and the mode to read them in, from their headers alone."""
    from PIL import Image

    size = None
    colour = False
    for path in _progress(paths, "checking"):
        try:
            with Image.open(path) as image:
                found, mode = image.size, image.mode
        except OSError as error:
            raise LandscapeError(f"{path} cannot be read as an image ({error})") from error
        if mode not in GREY | COLOUR:
            raise LandscapeError(
                f"{path} has mode {mode}, not 8 bits a channel; put such images into a .npz file"
            )
        if size is None:
            size = found
        elif found != size:
            raise LandscapeError(
                f"{path} is {found[0]}x{found[1]} but {paths[0]} is {size[0]}x{size[1]}; "
                "all images must have one size: resize them first"
            )
        colour = colour or mode in COLOUR
    assert size is not None
    return size, "RGB" if colour else "L"


def _decode(paths: list[Path], size: tuple[int, int], mode: str) -> NDArray[np.uint8]:
    from PIL import Image

    width, height = size
    images = np.empty((len(paths), height, width, *([3] if mode == "RGB" else [])), dtype=np.uint8)
    for index, path in enumerate(_progress(paths, "reading")):
        try:
            with Image.open(path) as image:
                images[index] = np.asarray(image.convert(mode))
        except OSError as error:
            raise LandscapeError(f"{path} cannot be read as an image ({error})") from error
    return images


def _progress(paths: list[Path], verb: str) -> Iterable[Path]:
    interval = 0.1 if sys.stderr.isatty() else 30.0
    bar: Iterable[Path] = tqdm(
        paths, desc=f"{verb} images", unit="image", file=sys.stderr, mininterval=interval
    )
    return bar
