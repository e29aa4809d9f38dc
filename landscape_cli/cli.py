"""The front door: `landscape <command> [key=value …] [--multirun] [--cfg job] [--help]`.

The command word names a primary configuration and a module of `landscape_cli.commands`; all the rest is
Hydra's. A command's module is imported when its task starts, so that help, composition and listing never
import torch.
"""

import importlib
import os
import sys
import tempfile
from importlib.metadata import version

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from landscape_cli import config as configs
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

failures: list[tuple[str, str]] = []  # (overrides, message) of the jobs of this process that failed


def task(config: DictConfig) -> str | None:
    """Run one job: the composed configuration becomes the command's dataclass, and its module does the work.

    A mistake is noted for `main` to tell. In a multirun it is told at once and raised too, so that a launcher
    that works in other processes learns of it.
    """
    job = HydraConfig.get()
    overrides = list(job.overrides.task)
    try:
        settings = configs.to_object(config)
        if getattr(settings, "out", "") is None:
            settings.out = str(settings.default_out(overrides))
        written = importlib.import_module(f"landscape_cli.commands.{job.job.name}").run(settings)
    except (LandscapeError, OSError) as error:
        message = explain(error)
        if message is None:
            raise
        failures.append((" ".join(overrides), message))
        if job.mode == RunMode.MULTIRUN:
            print(f"failed: {' '.join(overrides)}: {message}", file=sys.stderr, flush=True)
            raise
        return None
    if written is not None:
        print(written, flush=True)
    return None if written is None else str(written)


def _words(command: str, rest: list[str], scratch: str) -> list[str]:
    """Return Hydra's words for a command's: its overrides must not be interrupted by options.

    `list runs` is `list kind=runs`. Hydra's own record of a sweep goes to `scratch`: runs keep their own.
    """
    if command == "list" and rest and not rest[0].startswith("-") and "=" not in rest[0]:
        rest = [f"kind={rest[0]}", *rest[1:]]
    overrides = [word for word in rest if "=" in word and not word.startswith("-")]
    options = [word for word in rest if word not in overrides]
    if _is_multirun(options) and not any(word.startswith("hydra.sweep.dir=") for word in overrides):
        overrides.append(f"hydra.sweep.dir={scratch}")
    return [*overrides, *options]


def _is_multirun(words: list[str]) -> bool:
    return "-m" in words or "--multirun" in words


def _hydra(command: str, words: list[str]) -> None:
    """Let Hydra compose the configuration and run the task, with errors raised rather than printed."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait by spinning starve each other
    configs.register()
    sys.argv = [sys.argv[0], *words]
    hydra.main(version_base="1.3", config_path=str(configs.CONF), config_name=command)(task)()


def _complete(arguments: list[str]) -> None:
    """Complete the word at the end of the shell's line: a command here, all after it by Hydra.

    The shell passes its line in COMP_LINE. Hydra knows of no commands, so the command word is taken out.
    """
    line = os.environ.get("COMP_LINE", "")
    words = line.split()
    if "query=" not in "".join(arguments):
        _hydra("train", arguments)  # install or uninstall: the script is the same for all commands
    elif len(words) <= 1 or (len(words) == 2 and not line.endswith(" ")):
        typed = words[1] if len(words) == 2 else ""
        print(" ".join(command for command in COMMANDS if command.startswith(typed)))
    elif words[1] in COMMANDS:
        rest = line.lstrip()[len(words[0]) :].lstrip()[len(words[1]) :]
        os.environ["COMP_LINE"] = words[0] + (rest or " ")
        _hydra(words[1], arguments)


def main() -> int:
    """Run the command line; return the exit status: 0 done, 1 a mistake (told in a line), 130 interrupted."""
    arguments = sys.argv[1:]
    if arguments[:1] in (["-sc"], ["--shell-completion"]):
        _complete(arguments)
        return 0
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0
    if arguments[0] == "--version":
        print(f"landscape {version('landscape-cli')}")
        return 0
    command = arguments[0]
    failures.clear()
    try:
        if command not in COMMANDS:
            raise unknown("command", command, COMMANDS)
        with tempfile.TemporaryDirectory(prefix="landscape-") as scratch:
            _hydra(command, _words(command, arguments[1:], scratch))
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on where it stopped", file=sys.stderr)
        return 130
    except Exception as error:
        message = explain(error, command)
        if message is None:
            raise
        if not failures:  # it was not a job that failed
            print(message, file=sys.stderr)
            return 1
    if failures and _is_multirun(arguments):
        jobs = (f"{overrides}: {message}" for overrides, message in failures)
        print("\n  ".join([f"{len(failures)} of the jobs failed:", *jobs]), file=sys.stderr)
    elif failures:
        print(failures[0][1], file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
