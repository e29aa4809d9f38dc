"""What made a file: the command, the versions, the machine, the data, the time."""

import datetime
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

PACKAGE = Path(__file__).parent


def _commit() -> str | None:
    """Return the git commit of the checkout this package runs from, or None for an installed one."""
    if not (PACKAGE.parent / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(PACKAGE.parent), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def command() -> str:
    """Return the command line of this process as a person would type it."""
    words = sys.orig_argv  # sys.argv loses the command word on its way to Hydra
    if "-m" in words:  # torchrun puts options of Python before it
        words = [words[0], *words[words.index("-m") :]]
    program = 0 if words[1:2] == ["-m"] or len(words) < 2 else 1
    return shlex.join([Path(words[program]).name, *words[program + 1 :]])


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def record(device: torch.device, dataset_fingerprint: str) -> dict[str, Any]:
    """Return what is to be known of a result besides its configuration."""
    hardware = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else platform.processor() or platform.machine()
    )
    return {
        "command": command(),
        "versions": {
            "landscape-cli": version("landscape-cli"),
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy", "h5py")},
        },
        "commit": _commit(),
        "device": str(device),
        "hardware": hardware,
        "threads": torch.get_num_threads(),
        "dataset_fingerprint": dataset_fingerprint,
        "start": now(),
    }
