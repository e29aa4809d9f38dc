"""What reaches the terminal: text without control characters, on streams that are there."""

import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asks the process to end: Ctrl-C, SIGTERM, or that its terminal has gone.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the signals that ask a process to end raise `Interrupted` in the body, so that it tidies up.

    Those that are ignored, as `nohup` does, stay so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    try:
        for number in heeded:
            signal.signal(number, interrupt)
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


def leave(number: int, frame: FrameType | None) -> None:
    """End the process at a signal at once, in a line: before there is anything to tidy up."""
    with suppress(OSError):
        os.write(2, b"\ninterrupted\n")
    os._exit(128 + number)


def printable(text: str) -> str:
    r"""Return `text` with what is no visible character as ``\x1b``: names may be a stranger's."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def tell(text: str) -> None:
    """Say lines on standard error, if anybody listens."""
    with suppress(OSError):
        print("\n".join(map(printable, text.split("\n"))), file=sys.stderr, flush=True)


def open_streams() -> None:
    """Let a standard stream that was closed (``2>&-``) lead nowhere, before a file takes its number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def close_output() -> None:
    """Flush standard output; what cannot be written is given up, so that Python's own end is silent."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def reader_has_gone() -> bool:
    """Whether standard output is a pipe from which nobody reads any more, as after ``| head``."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):  # it is no file
        return False
