"""What a user did wrong, said in one or two lines."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path

# of a processor, of CUDA itself, and of cuBLAS and cuDNN for what they need beside the tensors
NO_MEMORY = ("t allocate memory", "out of memory", "ALLOC_FAILED")


class LandscapeError(Exception):
    """A mistake that its user can mend: the thing, what was got, what was expected, the next step.

    The command line prints the message alone, without a traceback, and ends with exit status 1.
    """


class BusyError(LandscapeError):
    """Another process is writing what was to be written: it will be there later."""


class DivergedError(LandscapeError):
    """A training whose loss is no number any more; its last row of metrics.csv says so."""

    folder: Path  # of the run


def unknown(kind: str, name: object, choices: Iterable[str]) -> LandscapeError:
    """Return the error for a name that is none of the choices, with the nearest one pointed out."""
    options = sorted(choices)
    return LandscapeError(
        f"no {kind} {str(name)!r}; choose from {', '.join(options)}{nearest(str(name), options)}"
    )


def nearest(name: str, options: Iterable[str]) -> str:
    """Return " (nearest: …)" with the option most like `name`, or nothing where none is like it."""

    def likeness(option: str) -> tuple[float, int]:
        same = [one == other for one, other in zip(name, option, strict=False)]
        return SequenceMatcher(None, name, option).ratio(), [*same, False].index(False)

    best = max(options, key=likeness, default=None)
    return f" (nearest: {best})" if best is not None and likeness(best)[0] >= 0.5 else ""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory, of the processor or of an accelerator, did not suffice."""
    return (
        isinstance(error, MemoryError)
        or "OutOfMemory" in type(error).__name__
        or any(words in str(error) for words in NO_MEMORY)
    )
