"""The cost of a program from its start to its end.

The kernel's peak of a process is never less than that of the process that started it, at that moment. So the
benchmarks that measure so import nothing large, and `cost` refuses a figure that may be their own.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LANDSCAPE = (sys.executable, "-m", "landscape_cli")
UNIT = 2**20 if sys.platform == "darwin" else 2**10  # of ru_maxrss, in a MiB


class Cost(NamedTuple):
    """Of a program: its time and memory.

    Attributes:
        seconds: by the clock.
        mebibytes: the peak of resident memory, of the largest process, not their sum.
        processor: seconds of a processor, which other programs on the machine disturb less.
    """

    seconds: float
    mebibytes: float
    processor: float


def cost(words: Sequence[str | Path], folder: Path) -> Cost:
    """Run a program to its end in `folder`; return what it cost, the processes it started included.

    Raises:
        SystemExit: it failed, with what it said; or it needed less memory than this process.
    """
    checkout = str(Path(__file__).parents[1])
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            words,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": checkout},
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{words} failed:\n{said.read().decode()}")
    peak = usage.ru_maxrss / UNIT
    if peak <= own_peak():
        raise SystemExit(f"{words} needed no more memory than the process that measured it")
    return Cost(seconds, peak, usage.ru_utime + usage.ru_stime)


def own_peak() -> float:
    """Return the peak of this process in MiB, without its starter's; 0 where there is no /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
