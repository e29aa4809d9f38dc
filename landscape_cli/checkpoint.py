"""A checkpoint file: the weights of one epoch and what an exact resume needs, without any code."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from landscape_cli.errors import LandscapeError
from landscape_cli.files import replacing

FORMAT = 1
KEYS = ("format", "epoch", "step", "model", "optimizer", "schedule", "rng")

# What torch.load raises of files that are cut or changed.
DAMAGE = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, TypeError, LookupError, AttributeError)


def save(path: Path, checkpoint: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all; `checkpoint` holds KEYS but ``format``."""
    with replacing(path) as temporary:
        content = io.BytesIO()  # on a full disk torch's own writer does not raise an OSError
        torch.save({"format": FORMAT, **checkpoint}, content)
        temporary.write_bytes(content.getbuffer())


def load(path: Path) -> dict[str, Any]:
    """Return the checkpoint at `path`, its tensors on the CPU; nothing in the file is executed.

    Raises:
        LandscapeError: there is no such file, or it is no checkpoint of this software.
    """
    try:
        if not path.is_file():  # a named pipe would let its reader wait for ever
            raise LandscapeError(f"no checkpoint {path}")
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise LandscapeError(f"{path} cannot be read ({error.strerror}); copy the run again") from error
    except DAMAGE as error:
        reason = str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__
        raise LandscapeError(f"{path} is no readable checkpoint ({reason}); train the run again") from error
    if not isinstance(checkpoint, dict) or any(key not in checkpoint for key in KEYS):
        raise LandscapeError(
            f"{path} is no checkpoint of landscape: expected a dictionary of {', '.join(KEYS)}"
        )
    if checkpoint["format"] != FORMAT:
        raise LandscapeError(
            f"{path} is of checkpoint format {checkpoint['format']}, this version reads {FORMAT}"
        )
    model = checkpoint["model"]
    if not isinstance(model, dict) or not all(isinstance(value, torch.Tensor) for value in model.values()):
        raise LandscapeError(f"{path} is no checkpoint of landscape: its model is no dictionary of tensors")
    return checkpoint
