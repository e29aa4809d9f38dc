"""How a command ends that is asked to end, or that nobody listens to any more: quietly, and tidied up."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from contract.made import MLP

from landscape_cli import store
from landscape_cli.cli import COMMANDS

LANDSCAPE = [sys.executable, "-m", "landscape_cli"]
LONG = [*MLP, "epochs=100000"]
TOLD = "interrupted; the same command goes on where it stopped"


@pytest.fixture(autouse=True)
def _as_in_a_terminal() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and so would all that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def shell(line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a line of bash in which L is the command line; its status is that of a pipe's first command."""
    script = f'L() {{ {" ".join(LANDSCAPE)} "$@"; }}\n{line}\nexit ${{PIPESTATUS[0]}}'
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("words", ["list phenomena", "--help", "train --help", "train --cfg job"])
def test_a_reader_that_has_gone_is_not_told_of(tmp_path: Path, words: str) -> None:
    done = shell(f"L {words} | true", tmp_path)
    assert (done.stdout, done.stderr) == ("", "")
    done = shell(f"L {words} | head -1", tmp_path)
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["list", "list phenomena", "--help", "train --help"])
def test_an_output_that_is_full_is_told_of(tmp_path: Path, words: str) -> None:
    done = shell(f"L {words} > /dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "cannot use the output: No space left on device; free space or choose another out=\n"
    )


@pytest.mark.slow
def test_nobody_needs_to_listen_to_the_progress(tmp_path: Path) -> None:
    run = shell(f"L {' '.join(MLP)} out=run 2>&-", tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "run\n", "")
    surface = "L surface run=run x=[-1,1,5] y=null"
    silent = {"closed": "2>&-", "broken": "2> >(true)", "none": "<&- >&- 2>&-"}
    if Path("/dev/full").exists():
        silent["full"] = "2>/dev/full"
    for name, streams in silent.items():
        done = shell(f"{surface} out={name}.h5 {streams}", tmp_path)
        told = "" if name == "none" else f"{name}.h5\n"
        assert (done.returncode, done.stdout, done.stderr) == (0, told, ""), name
        assert store.read(tmp_path / f"{name}.h5").evaluated.all()
    assert shell("L surface 2>&-", tmp_path).returncode == 1


@contextmanager
def begun(folder: Path, line: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """Start a long training; yield when its first checkpoint is there."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(line, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not list(folder.rglob("epoch_0000.pt")):
                assert process.poll() is None
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_a_signal_ends_a_command_like_ctrl_c(tmp_path: Path, number: signal.Signals) -> None:
    with begun(tmp_path, [*LANDSCAPE, *LONG, "seed=0,1", "--multirun"]) as process:
        assert list(tmp_path.glob("landscape-*"))  # the sweep's scratch folder
        assert list(tmp_path.rglob(".*.lock"))
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert err.splitlines()[-1] == TOLD
    assert "Traceback" not in err
    assert not list(tmp_path.glob("landscape-*"))
    assert not [path for path in tmp_path.rglob(".*") if path.suffix in (".lock", ".part")]


@pytest.mark.slow
def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    with begun(tmp_path, ["nohup", *LANDSCAPE, *LONG, "out=run"]) as process:
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert TOLD in err


BEFORE = ["hydra", "omegaconf", "yaml", "filelock"]  # the command line is read
AFTER = ["numpy", "h5py"]


@pytest.mark.parametrize("module", [*BEFORE, *AFTER])
def test_ctrl_c_while_modules_are_imported_is_told_in_a_line(tmp_path: Path, module: str) -> None:
    """A module of that name sends it, in the first fifth of a second."""
    code = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(30)\n"
    (tmp_path / f"{module}.py").write_text(code)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [*LANDSCAPE, "list"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    told = "\ninterrupted\n" if module in BEFORE else f"\n{TOLD}\n"
    assert (done.returncode, done.stdout, done.stderr) == (130, "", told)


@pytest.mark.slow
def test_ctrl_c_at_any_moment_of_the_beginning_leaves_no_traceback(tmp_path: Path) -> None:
    """From when this package has the word: before, Python itself is starting."""
    code = "import sys; from landscape_cli.__main__ import main; print(flush=True); sys.exit(main())"
    moments, statuses = random.Random(0), []
    for _ in range(20):
        line = [sys.executable, "-c", code, moments.choice(sorted(COMMANDS)), "--help"]
        with subprocess.Popen(
            line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.02 + moments.uniform(0, 0.4))
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert err in ("", "\ninterrupted\n", f"\n{TOLD}\n")
        statuses.append(process.returncode)
    assert len(statuses) == 20
    assert 130 in statuses
