"""Files are written whole or not at all."""

import errno
import fcntl
import glob
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from landscape_cli.errors import BusyError

SECONDS_OF_A_WRITE = 3600  # no file takes longer to write
PART = ".part"  # ends the names of files that are being written


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError of the body that names no file name `path`: those of writes and of flushes do not."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success flush it to the disk and rename it to `path`.

    Readers see the old file or the new one, never a part. If the body raises, the temporary file is removed
    and `path` is as it was. Missing parent folders are made. Where `path` is a link, its target is written.
    While the body runs, the temporary file is locked: what a kill left is not, and `forget_parts` knows it.
    """
    path = resolved(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    forget_parts(path.parent, path.name)
    handle, temporary = _locked_part(path)
    try:
        with naming(path):
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes files that only their owner can read
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def _locked_part(path: Path) -> tuple[int, Path]:
    """Return an open temporary file beside `path` that is locked for as long as it is open."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=PART, dir=path.parent)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_SH)
        if os.fstat(handle).st_nlink:  # no other process took it for forgotten before it was locked
            return handle, Path(name)
        os.close(handle)


def forget_parts(folder: Path, name: str | None = None) -> None:
    """Remove the temporary files of `replacing` that no living process writes: those that kills left.

    Args:
        folder: where they lie.
        name: of the file that they were to become; None: any.
    """
    for part in folder.glob(f".{'*' if name is None else glob.escape(name)}-*{PART}"):
        with suppress(OSError):
            descriptor = os.open(part, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            try:
                if time.time() - os.fstat(descriptor).st_mtime < SECONDS_OF_A_WRITE:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where it is being written
                part.unlink()
            finally:
                os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def resolved(path: Path) -> Path:
    """Return a path without links, the same for all its spellings; it need not exist.

    Raises:
        OSError: links lead round in a circle.
    """
    try:
        return path.resolve()
    except RuntimeError as error:  # of Python 3.11 and 3.12
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error


def read_bytes(path: Path, largest: int) -> bytes:
    """Return the content of a file that may be a stranger's.

    Raises:
        OSError: it cannot be read, or is no plain file: a named pipe would let its reader wait for ever.
        ValueError: it has more than `largest` bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"it has more than {largest:,} bytes")
    return content


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Be the only process that writes `path`, a file or a folder, while the body runs.

    A file that this process may not write needs no lock.

    Raises:
        BusyError: another process is writing it.
    """
    path = resolved(path)  # one lock for all spellings
    effective = os.access in os.supports_effective_ids
    if path.is_file() and not os.access(path, os.W_OK, effective_ids=effective):
        yield
        return
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.lock")
    lock = FileLock(beside)
    try:
        beside.touch()  # a lock that cannot be made is told as one that is held
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BusyError(
            f"{path} is being written by another process; wait for it, or choose another out="
        ) from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(
            missing_ok=True
        )  # while it is held: a process that waits sees it gone, and retries
        lock.release()
        for folder in made:  # a refused command leaves no folder behind
            with suppress(OSError):
                folder.rmdir()
