"""Processes of this machine for one measurement: what they return, and that none is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import made_processes
import pytest

from landscape_cli.workers.local import together

SCRIPT = """
import sys
import made_processes
from landscape_cli.workers.local import together
if __name__ == "__main__":
    together(2, made_processes.wait, sys.argv[1])
"""


def test_results_come_by_rank(capfd: pytest.CaptureFixture[str]) -> None:
    assert together(3, made_processes.sums, 0.5) == [(3, 1.5)] * 3
    assert together(2, pow, 3) == [0, 1]
    assert capfd.readouterr() == ("", "")


def test_a_failure_is_told_with_its_traceback() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)process 1 of 2 failed:.*second_fails.*out of range"):
        together(2, made_processes.second_fails)


def test_a_death_is_told() -> None:
    with pytest.raises(RuntimeError, match="process 1 of 2 died"):
        together(2, made_processes.second_dies)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_an_interrupted_one(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C reaches them all, as in a terminal; a kill the parent alone, which then tidies nothing up."""
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "script.py", str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as parent:
        try:
            while len(list(tmp_path.glob("*.pid"))) < 2:
                assert parent.poll() is None
                time.sleep(0.02)
            if number is signal.SIGINT:
                os.killpg(parent.pid, number)
            else:
                parent.kill()
            _, err = parent.communicate(timeout=60)
        finally:
            parent.kill()
    assert err.count("Traceback") == (number is signal.SIGINT)
    left = {int(path.read_text()) for path in tmp_path.glob("*.pid")}
    until = time.monotonic() + 30
    while left and time.monotonic() < until:
        left = {pid for pid in left if Path(f"/proc/{pid}").exists()}
        time.sleep(0.02)
    assert not left
    if number is signal.SIGINT:
        assert not list(tmp_path.glob("landscape-*"))
