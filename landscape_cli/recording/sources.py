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
ONE_MODEL = (  # of a folder, as Hugging Face writes it
    *("model.safetensors", "model.safetensors.index.json"),
    *("pytorch_model.bin", "pytorch_model.bin.index.json"),
)
NUMBERED = [
    re.compile(rf"(?:{words})[=_-]?(\d{{1,9}})(?!\d)", re.IGNORECASE)
    for words in ("epoch", "step|iter", "checkpoint|ckpt", "model")
]
LAST_NUMBER = re.compile(r"(?<!\d\.)(?<!\d)(\d{1,9})$")  # not the digits after a decimal point
HASH = re.compile(r"[-_.](?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}$")  # of the content, as torchvision has it


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
            theirs; one with a folder ``checkpoints``, as Lightning and `landscape train` write it, is that.

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
        return [Source(model, _number(model))]
    if not files and (path / "checkpoints").is_dir():
        return _of(path / "checkpoints")
    if not files:
        raise LandscapeError(
            f"weights={path} holds no weights; expected files that end in {', '.join(SUFFIXES)}"
        )
    numbered = [Source(file, _number(file)) for file in files]
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
    is_weights = path.is_file() and path.suffix in SUFFIXES and not OTHERS.search(path.name)
    return [path] if is_weights else []


def _model_of(folder: Path) -> Path | None:
    return next((folder / name for name in ONE_MODEL if (folder / name).is_file()), None)


def _natural(path: Path) -> list[tuple[int, str]]:
    pieces = re.split(r"(\d+)", path.name)
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces]


def _number(path: Path, *, alone: bool = False) -> int | None:
    """Return the number of an epoch or a step in a name; `alone`: that of the architecture may be in it."""
    stem = path.parent.name if path.name in ONE_MODEL else path.name
    for suffix in SUFFIXES:
        stem = stem.removesuffix(suffix)
    stem = HASH.sub("", stem)
    patterns = NUMBERED if alone else [*NUMBERED, LAST_NUMBER]
    found = next((match for pattern in patterns if (match := pattern.search(stem))), None)
    return int(found[1]) if found else None
