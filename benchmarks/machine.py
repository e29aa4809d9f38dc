"""What a measurement was made on. It imports nothing large: see `whole_process`."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

TORCH = "import torch; print(torch.__version__, torch.get_num_threads()); print(torch.__config__.show())"


def described() -> str:
    """Return the lines that stand above each table: machine, versions, allocator, system, load."""
    said = subprocess.run([sys.executable, "-c", TORCH], capture_output=True, text=True, check=True).stdout
    version, threads = said.splitlines()[0].split()
    onednn = re.search(r"MKL-DNN v([\d.]+)", said)
    libraries = (
        f"torch {version}, oneDNN {onednn[1] if onednn else 'none'}, Python {platform.python_version()}"
    )
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    lines = {
        "processor": f"{_processor()}; {os.cpu_count()} cores, {threads} threads used",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "versions": libraries,
        "allocator": _allocator(),
        "system": platform.platform(),
        "load before (1, 5, 15 min)": f"{load}; figures of a busy machine are not to be quoted",
    }
    return "\n".join(f"- {name}: {text}" for name, text in lines.items())


def _processor() -> str:
    """Return the processor's name; on Linux with its family and model, for names that say little."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return platform.processor() or platform.machine()
    told = dict(re.findall(r"^(model name|cpu family|model|flags)\s*: (.*)$", path.read_text(), re.MULTILINE))
    if "model name" not in told:
        return platform.machine()
    bf16 = "with" if "avx512_bf16" in told["flags"] or "amx_bf16" in told["flags"] else "without"
    return f"{told['model name']}, family {told['cpu family']}, model {told['model']}, {bf16} bf16 arithmetic"


def _allocator() -> str:
    preloaded = [Path(word).name for word in re.split("[: ]", os.environ.get("LD_PRELOAD", "")) if word]
    name, version = platform.libc_ver()
    system = f"{name} {version} malloc".strip() if name else "the system's malloc"
    return f"{', '.join(preloaded)} by LD_PRELOAD, over {system}" if preloaded else system
