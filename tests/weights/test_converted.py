"""Names in files of Transformers: `converting.py`, in a process of its own.

Transformers ties handlers of logs to the standard error of the moment when it is imported.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(find_spec("transformers") is None, reason="Transformers is not installed")
def test_in_a_process_of_its_own() -> None:
    file = Path(__file__).with_name("converting.py")
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    done = subprocess.run(line, cwd=file.parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout.splitlines()[-1]
