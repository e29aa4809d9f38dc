"""What the stages share: where they put results, commands as processes, numbers with their provenance."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from landscape_cli import provenance
from landscape_cli.files import write_text

MODULE = [sys.executable, "-m", "landscape_cli"]


@dataclass(frozen=True)
class Kit:
    """What was asked for.

    Attributes:
        device: ``cuda``, ``cuda:0``, … or ``cpu``.
        out: the folder of the results; runs and surfaces are kept there too.
        data: as `dataset.root`.
        tiny: whether all is as small as it can be, to see that it works.
        seconds: after which a stage is stopped; said again, it goes on.
    """

    device: torch.device
    out: Path
    data: Path
    tiny: bool
    seconds: float

    def result(self, stage: str) -> dict[str, Any]:
        """Return what a stage has found so far; an empty mapping before its first time."""
        path = self.out / f"{stage}.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def keep(self, stage: str, found: dict[str, Any], *, finished: bool) -> None:
        """Write what a stage has found, with what it was found on."""
        content = {"finished": finished, "tiny": self.tiny, "made_on": made_on(self.device), **found}
        write_text(self.out / f"{stage}.json", json.dumps(content, indent=1) + "\n")

    def environment(self) -> dict[str, str]:
        """Return the environment of a command: one thread, for the device does the work."""
        return {**os.environ, "OMP_NUM_THREADS": "1"}

    def landscape(self, *words: str) -> Path:
        """Let a command do its work in a process of its own; return the path it wrote.

        Raises:
            SystemExit: it failed.
        """
        done = subprocess.run(
            [*MODULE, *words], capture_output=True, text=True, env=self.environment(), check=False
        )
        if done.returncode:
            raise SystemExit(f"landscape {' '.join(words)}: {done.stderr.strip().splitlines()[-1]}")
        return Path(done.stdout.splitlines()[-1])

    def all_at_once(self, commands: Sequence[Sequence[str]]) -> float:
        """Let commands work side by side until all have ended or the time is up; return the seconds.

        Those that are stopped leave what the same words resume.

        Raises:
            SystemExit: one failed.
        """
        started = time.perf_counter()
        processes = [
            subprocess.Popen(
                [*MODULE, *words],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                env=self.environment(),
            )
            for words in commands
        ]
        failed = []
        for process, words in zip(processes, commands, strict=True):
            try:
                _, told = process.communicate(
                    timeout=max(0.1, self.seconds - (time.perf_counter() - started))
                )
            except subprocess.TimeoutExpired:
                process.terminate()
                process.communicate()
            else:
                if process.returncode:
                    failed.append(f"landscape {' '.join(words)}: {told.strip().splitlines()[-1]}")
        if failed:
            raise SystemExit("\n".join(failed))
        return time.perf_counter() - started


def made_on(device: torch.device) -> dict[str, Any]:
    """Return machine, driver and versions."""
    made = provenance.record(device, "")
    keys = ("command", "commit", "versions", "device", "hardware", "start")
    found = {key: made[key] for key in keys}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        driver = subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        found |= {
            "driver": driver,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "memory_GiB": round(properties.total_memory / 2**30, 1),
            "processors": properties.multi_processor_count,
        }
    return found
