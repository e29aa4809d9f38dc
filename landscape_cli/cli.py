"""The front door: `landscape <command> [key=value …] [--multirun] [--cfg job] [--help]`.

The command word names a primary configuration and a module of `landscape_cli.commands`; all the rest is
Hydra's. A command's module is imported when its task starts, so that help, composition and listing never
import torch.
"""

import importlib
import os
import sys
import tempfile
import traceback
from importlib.metadata import version

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from landscape_cli import config as configs
from landscape_cli.completion import complete
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.messages import explain

COMMANDS = {
    "train": "train a network and keep its checkpoints in a run folder",
    "surface": "the loss on a line or a plane through a run's weights, into an HDF5 file",
    "interpolate": "the loss on the straight line from one run's weights to another's",
    "plot": "draw HDF5 files: pictures (png, pdf, svg) or an interactive page (html)",
    "report": "one self-contained HTML page of runs and surfaces",
    "list": "what there is to choose from: data sets, architectures, …, and the runs there are",
}

USAGE = f"""landscape: train neural networks, sweep their loss surfaces, interpolate, and draw all of it

usage: landscape <command> [key=value …] [--multirun] [--cfg job] [--help]

{chr(10).join(f"  {name:<12} {line}" for name, line in COMMANDS.items())}

  landscape train dataset=fashion_mnist architecture=cnn batch_size=512
  landscape <command> --help     keys, groups and defaults of a command
  landscape <command> key=1,2,3 --multirun     one job for each value
  eval "$(landscape -sc install=bash)"     completion of commands, groups, options and keys (or zsh, fish)
  landscape --version"""

HYDRA_FLAGS = {
    *("-h", "--help", "--hydra-help", "-c", "--cfg", "--resolve", "-p", "--package", "-r", "--run"),
    *("-m", "--multirun", "-cp", "--config-path", "-cn", "--config-name", "-cd", "--config-dir"),
    *("--experimental-rerun", "-i", "--info"),
}

failures: list[tuple[str, str]] = []  # (overrides, message) of the jobs of this process that failed


def task(config: DictConfig) -> str | None:
    """Run one job: the composed configuration becomes the command's dataclass, and its module does the work.

    A mistake is noted for `main` to tell. In a multirun it is told at once too, and raised where the launcher
    works in other processes, whose notes `main` does not see.
    """
    job = HydraConfig.get()
    overrides = list(job.overrides.task)
    try:
        for word in overrides:
            if word.startswith("+") and not word.lstrip("+").startswith("architecture.options."):
                raise LandscapeError(
                    f"no key {word.lstrip('+').partition('=')[0]!r}; only architecture.options.… can grow"
                )
        settings = configs.to_object(config)
        if settings.out is None and hasattr(settings, "default_out"):
            settings.out = str(settings.default_out(overrides))
        written = importlib.import_module(f"landscape_cli.commands.{job.job.config_name}").run(settings)
    except Exception as error:
        message = explain(error)
        if message is None:
            if job.mode != RunMode.MULTIRUN:
                raise
            traceback.print_exc()  # a fault of ours or of the user's code: the other jobs go on
            message = f"{type(error).__name__}: {error}"
        failures.append((" ".join(overrides), message))
        if job.mode == RunMode.MULTIRUN:
            print(f"failed: {' '.join(overrides)}: {message}", file=sys.stderr, flush=True)
            if job.runtime.choices["hydra/launcher"] != "basic":
                raise
        return None
    if written is not None:
        print(written, flush=True)
    return None if written is None else str(written)


def _words(command: str, rest: list[str]) -> list[str]:
    """Return Hydra's words for a command's: its overrides must not be interrupted by options.

    `list runs` is `list kind=runs`.
    """
    if command == "list" and rest and not rest[0].startswith("-") and "=" not in rest[0]:
        rest = [f"kind={rest[0]}", *rest[1:]]
    for word in rest:
        flag, equals, _ = word.partition("=")
        if flag.startswith("-") and flag not in HYDRA_FLAGS:
            hint = f": {word.lstrip('-')}" if equals else f"; `landscape {command} --help` lists the keys"
            raise LandscapeError(f"cannot read {word!r}; options are written key=value{hint}")
        if equals and not flag:
            raise LandscapeError(f"cannot read {word!r}; write key=value")
    overrides = [word for word in rest if "=" in word and not word.startswith("-")]
    options = [word for word in rest if word not in overrides]
    return [*overrides, *options]


def _is_multirun(words: list[str]) -> bool:
    return "-m" in words or "--multirun" in words


def _hydra(command: str, words: list[str]) -> None:
    """Let Hydra compose the configuration and run the task, with errors raised rather than printed."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what CUDA needs to be deterministic
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait by spinning starve each other
    configs.register()
    sys.argv = [sys.argv[0], *words]
    hydra.main(version_base="1.3", config_path=str(configs.CONF), config_name=command)(task)()


def main() -> int:
    """Run the command line; return the exit status: 0 done, 1 a mistake (told in a line), 130 interrupted."""
    arguments = sys.argv[1:]
    failures.clear()
    try:
        _dispatch(arguments)
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on where it stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of the output has gone, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit as leaving:  # Hydra leaves this way after --help and the like
        return 0 if leaving.code in (None, 0) else 1
    except Exception as error:
        message = explain(error, *arguments[:1])
        if message is None:
            raise
        if not failures:  # it was not a job that failed
            if _is_multirun(arguments):
                of_a_job = isinstance(
                    error, LandscapeError
                )  # in another process: the launcher hands on the first
                message = (
                    f"jobs failed, as told above; the first: {message}"
                    if of_a_job
                    else f"{message} (no job was run)"
                )
            print(message, file=sys.stderr)
            return 1
    if failures and _is_multirun(arguments):
        jobs = (f"{overrides}: {message}" for overrides, message in failures)
        print("\n  ".join([f"{len(failures)} of the jobs failed:", *jobs]), file=sys.stderr)
    elif failures:
        print(failures[0][1], file=sys.stderr)
    return 1 if failures else 0


def _dispatch(arguments: list[str]) -> None:
    """Do what the words of the command line say."""
    first, *rest = arguments or ["--help"]
    if first in ("-sc", "--shell-completion"):
        complete(arguments, COMMANDS, _hydra)
    elif first == "--version":
        print(f"landscape {version('landscape-cli')}")
    elif first in ("-h", "--help", "help") and not rest:
        print(USAGE)
    else:
        command, rest = (rest[0], ["--help"]) if first == "help" else (first, rest)
        if command not in COMMANDS:
            raise unknown("command", command, COMMANDS)
        if not _is_multirun(rest):
            _hydra(command, _words(command, rest))
            return
        with tempfile.TemporaryDirectory(prefix="landscape-") as scratch:
            # Hydra's own record of a sweep goes there: runs keep their own
            _hydra(command, _words(command, [f"hydra.sweep.dir={scratch}", *rest]))


if __name__ == "__main__":
    sys.exit(main())
