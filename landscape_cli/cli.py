"""The front door: `landscape <command> [key=value …] [--multirun] [--cfg job] [--help]`.

The command word names a primary configuration and a module of `landscape_cli.commands`; all the rest is
Hydra's. A command's module is imported when its task starts, so that help, composition and listing never
import torch.
"""

import importlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from contextlib import redirect_stdout, suppress
from keyword import iskeyword
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from landscape_cli.completion import complete
from landscape_cli.composition import register, settings_of, spelled, with_lists
from landscape_cli.config import CONF
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.files import write_text
from landscape_cli.messages import explain
from landscape_cli.terminal import close_output, interruptible, open_streams, reader_has_gone, tell
from landscape_cli.words import hydra_words, is_multirun, value_of

COMMANDS = {
    "train": "train a network and keep its checkpoints in a run folder",
    "import": "a run folder of weights that were trained elsewhere",
    "surface": "the loss on a line or a plane through a run's weights, into an HDF5 file",
    "interpolate": "the loss on the straight line from one run's weights to another's",
    "trajectory": "a run's path through weight space by PCA, and the loss on its plane",
    "hessian": "the largest and smallest eigenvalue of the loss's Hessian on a line or plane",
    "spectrum": "eigenvalues of the loss's Hessian, their density and trace, along a training or by layer",
    "noise": "the noise of batches' gradients: its scale, its tails, the top eigenspace; a table",
    "sharpness": "how sharp the minima of runs are, by all measures, beside the test error",
    "descend": "optimizers on a function that can be drawn: saddles, ravines, wells, factorizations",
    "plot": "draw HDF5 files: pictures (png, pdf, svg) or an interactive page (html)",
    "report": "one self-contained HTML page of runs and surfaces",
    "export": "an HDF5 file for other programs: CSV, NumPy, ParaView, Goldstein's tools",
    "reproduce": "a phenomenon of the literature: train, measure, draw, and check its claims",
    "gallery": "a page of all reproductions: figures, claims, verdicts",
    "list": "what there is to choose from: data sets, architectures, …, and the runs there are",
}

USAGE = f"""landscape: train neural networks, sweep their loss surfaces, interpolate, and draw all of it

usage: landscape <command> [key=value …] [--multirun] [--cfg job] [--help]

{chr(10).join(f"  {name:<12} {line}" for name, line in COMMANDS.items())}

  landscape train dataset=fashion_mnist architecture=cnn batch_size=512
  landscape <command> --help     keys, groups and defaults of a command
  landscape <command> key=1,2,3 --multirun     one job for each value
  landscape plot file=a.h5,b.h5     without --multirun: several values of one key
  eval "$(landscape -sc install=bash)"     completion of commands, groups, options and keys (or zsh, fish)
  landscape --version"""

# what the processes of torchrun do together
SHARED = ("train", "surface", "interpolate", "trajectory", "hessian", "spectrum")
GRACE = 5.0  # seconds for rank 0 to tell of a failure: torchrun ends all when the first process exits with 1

failures: list[tuple[str, str]] = []  # (overrides, message) of the jobs that failed


def task(config: DictConfig) -> None:
    """Run one job: the composed configuration becomes the command's dataclass, and its module does the work.

    A mistake is noted for `main` to tell; in a multirun it is told at once too. Where the launcher works in
    other processes, or on other machines, what came of the job is put into a file of the sweep's folder.
    """
    job = HydraConfig.get()
    command, sweeps = str(job.job.config_name), job.mode == RunMode.MULTIRUN
    overrides, written, failure = "", None, None
    try:
        words = list(job.overrides.task)  # interpolations in them are resolved
        overrides = " ".join(words)
        written = _run(command, settings_of(config, words))
    except Exception as error:
        if isinstance(error, BrokenPipeError) and reader_has_gone():
            sys.exit(1)  # as for any program before `| head`: no other job is wanted, and nothing is said
        if isinstance(error, OSError):
            close_output()  # may be what could not be written
        failure = explain(error, command)
        if failure is None:
            if not sweeps:
                raise
            traceback.print_exc()  # a fault of ours or of the user's code: the other jobs go on
            failure = f"{type(error).__name__}: {error}"
        if sweeps and not _rank():
            tell(f"failed: {overrides}: {failure}")
    if sweeps and job.runtime.choices["hydra/launcher"] != "basic":
        outcome = json.dumps([overrides, written and str(written), failure])
        write_text(Path(job.runtime.output_dir, f"{job.job.num}.json"), outcome)
    elif failure is not None:
        failures.append((overrides, failure))
    elif written is not None:
        print(written, flush=True)


def _run(command: str, settings: Any) -> Path | None:
    """Let the command's module do the work; return what it wrote."""
    try:
        module = importlib.import_module(f"landscape_cli.commands.{_module_of(command)}")
        written: Path | None = module.run(settings)
    except Exception as error:
        if _rank():
            _tell_as_follower(error)
        raise
    return written


def _module_of(command: str) -> str:
    """Return the name of a command's module: Python cannot call one ``import``."""
    return f"{command}_" if iskeyword(command) else command


def _tell_as_follower(error: Exception) -> None:
    """Tell what only this process may know: `StoppedError` is told by the one of rank 0."""
    from landscape_cli.workers.rendezvous import StoppedError

    message = explain(error)
    if message is not None and not isinstance(error, StoppedError):
        time.sleep(GRACE)  # torchrun ends this process meanwhile where that of rank 0 has failed, too
        tell(f"rank {_rank()}: {message}")


def _rank() -> int:
    """Return the rank of this process: 0 for the one that leads, or where there is no other."""
    return int(os.environ.get("RANK", "0")) if _size() > 1 else 0


def _size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def _hydra(command: str, words: list[str]) -> None:
    """Let Hydra compose the configuration and run the task, with errors raised rather than printed."""
    from hydra._internal.hydra import Hydra  # which `landscape --help` need not wait for

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what CUDA needs to be deterministic
    # threads that spin for long while they wait starve each other, threads that sleep at once wake late
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    register(command)
    sys.argv = [sys.argv[0], *words]
    # Hydra composes everything twice, the first time only to read hydra.mode, which the words have said: None
    # lets it take --multirun's, or a single run's
    Hydra.get_mode = lambda self, config_name, overrides: None  # type: ignore[method-assign]
    hydra.main(version_base="1.3", config_path=str(CONF), config_name=command)(task)()


def _sweep(command: str, rest: list[str]) -> None:
    """Let Hydra run one job for each value; its own record of them goes elsewhere: runs keep their own."""
    launcher = value_of(rest, "hydra/launcher", "basic")
    if launcher != "basic":
        _launch(command, rest, launcher)
        return
    with tempfile.TemporaryDirectory(prefix="landscape-") as scratch:
        _hydra(command, hydra_words(command, [f"hydra.sweep.dir={scratch}", *rest]))


def _launch(command: str, rest: list[str], launcher: str) -> None:
    """Let a launcher run the jobs in other processes, and tell what became of them.

    Its files are beside the runs, where all machines of a cluster see them, and stay: the logs are among
    them, and some jobs may still be waiting for their turn when this process ends.
    """
    if _size() > 1:
        raise LandscapeError("torchrun shares one job after the other; leave out hydra/launcher=")
    hydra_words(command, rest)  # refuses before a folder is made
    sweeps = Path(value_of(rest, "outputs_dir", "outputs"), "sweeps").absolute()
    made = [folder for folder in (sweeps, *sweeps.parents) if not folder.exists()]
    sweeps.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=time.strftime("%Y-%m-%d_%H-%M-%S_"), dir=sweeps))
    if launcher.startswith("submitit"):
        tell(f"the jobs write their logs into {folder}/.submitit")
    quoted = str(folder).replace("'", r"\'")
    places = [f"hydra.sweep.dir='{quoted}'", f"hydra.sweep.subdir='{quoted}/jobs'"]
    try:
        _hydra(command, hydra_words(command, [*places, *rest]))
    except Exception as error:
        if explain(error, command) is not None:  # no job was run
            (folder / "multirun.yaml").unlink(missing_ok=True)
            for empty in (folder, *made):
                with suppress(OSError):
                    empty.rmdir()
            raise
        reason = " ".join(line for line in str(error).splitlines()[:3] if line)  # logs may follow
        failures.append((f"hydra/launcher={launcher}", f"{type(error).__name__}: {reason}"))
    for path in sorted(folder.glob("jobs/*.json"), key=lambda path: int(path.stem)):
        overrides, written, failure = json.loads(path.read_text(encoding="utf-8"))
        if failure is not None:
            failures.append((overrides, failure))
        elif written is not None:
            print(written)


def main() -> int:
    """Run the command line; return the exit status: 0 done, 1 a mistake (told in a line).

    Where a signal ends it, that is 128 and the number of the signal. Of several processes the one of rank 0
    alone writes to standard output, and tells of mistakes.
    """
    open_streams()
    if not _rank():
        status, told = _status(sys.argv[1:])
        if told:
            tell(told)
        close_output()
        return status
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        status, _ = _status(sys.argv[1:])
        if status == 1:
            time.sleep(GRACE)
        return status


def _status(arguments: list[str]) -> tuple[int, str]:
    """Do what the words of the command line say; return the exit status and what to tell of it."""
    failures.clear()
    multirun = is_multirun(arguments)
    try:
        with interruptible():
            _dispatch(arguments)
            sys.stdout.flush()
    except KeyboardInterrupt as interruption:
        number = getattr(interruption, "number", signal.SIGINT)
        return 128 + number, "\ninterrupted; the same command goes on where it stopped"
    except SystemExit as leaving:  # Hydra leaves this way after --help and the like
        return 0 if leaving.code in (None, 0) else 1, ""
    except Exception as error:
        if isinstance(error, BrokenPipeError) and reader_has_gone():
            return 1, ""
        message = explain(error, *arguments[:1]) or _of_composition(error)
        if message is None:
            raise
        return 1, f"{message} (no job was run)" if multirun else message
    if not failures:
        return 0, ""
    if not multirun:
        return 1, failures[0][1]
    jobs = (f"{overrides}: {message}" for overrides, message in failures)
    return 1, "\n  ".join([f"{len(failures)} of the jobs failed:", *jobs])


def _of_composition(error: Exception) -> str | None:
    """Return what to tell of an error that Hydra raised before it ran the task; None of any other."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if any(frame.f_code is task.__code__ for frame in frames):
        return None
    if not str(frames[-1].f_globals.get("__name__")).startswith(("hydra.", "omegaconf.")):
        return None
    text = " ".join(str(error).split())
    return (
        f"these words cannot be read ({type(error).__name__}: {text}); `landscape --help` shows how they look"
    )


def _dispatch(arguments: list[str]) -> None:
    """Do what the words of the command line say."""
    first, *rest = arguments or ["--help"]
    if first in ("-sc", "--shell-completion"):
        complete(arguments, COMMANDS, _hydra)
    elif first == "--version":
        from importlib.metadata import version  # which help need not wait for

        print(f"landscape {version('landscape-cli')}")
    elif first in ("-h", "--help", "help") and not rest:
        print(USAGE)
    else:
        command, rest = (rest[0], ["--help"]) if first == "help" else (first, rest)
        if command not in COMMANDS:
            raise unknown("command", command, COMMANDS)
        if command not in SHARED and _size() > 1:
            raise LandscapeError(f"landscape {command} is the work of one process; start it without torchrun")
        rest = spelled(command, rest)
        if is_multirun(rest):
            _sweep(command, rest)
        else:
            _hydra(command, hydra_words(command, with_lists(command, rest)))


if __name__ == "__main__":
    sys.exit(main())
