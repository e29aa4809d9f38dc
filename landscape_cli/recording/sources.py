"""Which files of weights a word names, in the order of the training, and the epochs that they are of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from landscape_cli.errors import LandscapeError
from landscape_cli.progress import note
from landscape_cli.weights.files import SUFFIXES

# what trainers put beside weights, under the same suffixes
OTHERS = re.compile(r"opt_state|optimizer|scheduler|rng_state|training_args|scaler")
ONE_MODEL = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")  # of a folder
NUMBERED = re.compile(r"(?:epoch|step|checkpoint|ckpt|iter|model)[=_-]?(\d+)", re.IGNORECASE)
LAST_NUMBER = re.compile(r"(\d+)$")


@dataclass(frozen=True)
class Source:
    """A file of weights.

    Attributes:
        path: where.
        number: the epoch, or the step, that its name tells; None: it tells none.
    """

    path: Path
    number: int | None


def sources(words: Sequence[str]) -> list[Source]:
    """Return the files of weights that are meant, in training order.

    Args:
        words: files or folders in training order. In a folder files are ordered as a person orders them,
            ``ckpt_5`` before ``ckpt_10``; of those whose names have numbers and others only the former count.
            A folder with one model, as Hugging Face writes it, is one file; one with such folders is all of
            theirs.

    Raises:
        LandscapeError: there is no such file, or no weights in the folder.
    """
    found = [source for word in words for source in _of(Path(word).expanduser())]
    if len(found) == 1:
        return [Source(found[0].path, _number(found[0].path, alone=True))]
    return found


def _of(path: Path) -> list[Source]:
    if path.is_file():
        return [Source(path, _number(path))]
    if not path.is_dir():
        raise LandscapeError(f"weights={path}: there is no such file or folder")
    files = [file for one in sorted(path.iterdir(), key=_natural) for file in _in_folder(one)]
    model = _model_of(path)
    if model is not None:
        return [Source(model, _number(path))]
    if not files:
        raise LandscapeError(
            f"weights={path} holds no weights; expected files that end in {', '.join(SUFFIXES)}"
        )
    numbered = [Source(file, _number(_named(file))) for file in files]
    if len({source.number for source in numbered} - {None}) < 2:
        return numbered
    left_out = [source.path.name for source in numbered if source.number is None]
    if left_out:
        note(f"left out, for their names have no number: {', '.join(left_out)}")
    return sorted((one for one in numbered if one.number is not None), key=lambda one: one.number or 0)


def _in_folder(path: Path) -> list[Path]:
    """Return the file of weights that an entry of a folder is, if it is one."""
    if path.is_dir():
        model = _model_of(path)
        return [] if model is None else [model]
    return [path] if path.suffix in SUFFIXES and not OTHERS.search(path.name) else []


def _model_of(folder: Path) -> Path | None:
    return next((folder / name for name in ONE_MODEL if (folder / name).is_file()), None)


def _named(file: Path) -> Path:
    """Return what carries the number: the file, or its folder where all files have one name."""
    return file.parent if file.name in ONE_MODEL else file


def _natural(path: Path) -> list[tuple[int, str]]:
    pieces = re.split(r"(\d+)", path.name)
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces]


def _number(path: Path, *, alone: bool = False) -> int | None:
    """Return the number of an epoch or a step in a name; `alone`: that of the architecture may be in it."""
    stem = path.name
    for suffix in SUFFIXES:
        stem = stem.removesuffix(suffix)
    found = NUMBERED.search(stem) or (None if alone else LAST_NUMBER.search(stem))
    return int(found[1]) if found else None
