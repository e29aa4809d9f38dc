"""Files are written whole or not at all."""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from landscape_cli.errors import BusyError

SECONDS_OF_A_WRITE = 3600  # no file takes longer to write


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
    and `path` is as it was. Missing parent folders are made.
    """
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    for part in path.parent.glob(f".{path.name}-*.part"):
        if time.time() - part.stat().st_mtime > SECONDS_OF_A_WRITE:  # left by a kill
            part.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
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


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Be the only process that writes `path`, a file or a folder, while the body runs.

    Raises:
        BusyError: another process is writing it.
    """
    path = path.resolve()  # one lock for all spellings
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
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
