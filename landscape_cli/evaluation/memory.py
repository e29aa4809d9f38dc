"""What is told where a batch does not fit the memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from landscape_cli.errors import LandscapeError, is_out_of_memory

GOES_ON = "what is finished is kept, and the same command goes on"


@contextmanager
def enough_for(batch_size: int, key: str = "batch_size", then: str = GOES_ON) -> Iterator[None]:
    """Let a failure of the body for lack of memory say which size to try.

    Args:
        batch_size: samples of a pass in the body.
        key: of the option that makes it smaller.
        then: what becomes of what is there, in words.

    Raises:
        LandscapeError: the memory does not suffice for passes of `batch_size` samples.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        smaller = f"say {key}={batch_size // 2}" if batch_size > 1 else "choose a smaller network"
        raise LandscapeError(
            f"the memory does not suffice for passes of {batch_size} samples; {smaller}: {then}"
        ) from error
