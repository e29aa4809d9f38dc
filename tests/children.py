"""Commands in children of one warm process: each is a process of its own that can be killed, for 0.2 s.

Run as a script this file is that process: it reads an order a line, in JSON, and answers each with a line.
"""

import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from conftest import Outcome


class Children:
    """`children("surface", "run=run")` is the command line in a new process, in the folder given here.

    Args:
        folder: where the commands run.
        warm_up: the words of a command that is run first, in the warm process itself, for what it imports.
        prefix: words before those that start the warm process.
    """

    def __init__(self, folder: Path, warm_up: Iterable[str], *prefix: str) -> None:
        line = [*prefix, sys.executable, __file__, *warm_up]
        self._process = subprocess.Popen(
            line, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        self._answer()

    def __call__(
        self, *words: str, kill_after: float | None = None, largest_file: int | None = None
    ) -> Outcome:
        """Run a command; its status is minus the signal where one ended it.

        Args:
            words: of the command line.
            kill_after: seconds until SIGKILL; None: never.
            largest_file: bytes that a file may have; None: no limit.
        """
        assert self._process.stdin is not None
        order = {"words": words, "kill_after": kill_after, "largest_file": largest_file}
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return Outcome(**self._answer())

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()  # its input ends, and so does it

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def command(words: list[str]) -> int:
    from landscape_cli import cli

    sys.argv = ["landscape", *words]
    return cli.main()


def run(words: list[str], kill_after: float | None, largest_file: int | None) -> dict[str, object]:
    pipes = [os.pipe(), os.pipe()]  # no files: their size may be limited
    alive, end_of_child = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            for target, (_, end) in zip((1, 2), pipes, strict=True):
                os.dup2(end, target)
            if largest_file is not None:
                # Python ignores SIGXFSZ: a file above the limit is an OSError
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
            status = command(words)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    for end in (end_of_child, *(end for _, end in pipes)):
        os.close(end)
    if kill_after is not None:
        select.select([alive], [], [], kill_after)  # the end of this pipe comes with the child's
        os.kill(pid, signal.SIGKILL)
    os.close(alive)
    told = []
    for end, _ in pipes:
        with open(end) as file:
            told.append(file.read())
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {"status": status, "out": told[0], "err": told[1]}


def serve() -> None:
    tqdm.monitor_interval = 0  # no thread: this process forks
    tqdm.set_lock(threading.RLock())  # a killed child would hold the usual one, of all processes, for ever
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    assert command(sys.argv[1:]) == 0
    for module in ("landscape_cli.plots.draw", "plotly.graph_objects"):  # they take seconds to import
        importlib.import_module(module)
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    serve()
