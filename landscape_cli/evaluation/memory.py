"""What is told where a batch does not fit the memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from landscape_cli.errors import LandscapeError, is_out_of_memory


@contextmanager
def enough_for(batch_size: int) -> Iterator[None]:
    """Let a failure of the body for lack of memory say which `batch_size` to try.

    Raises:
        LandscapeError: the memory does not suffice for passes of `batch_size` samples.
    """
    smaller = f"say batch_size={batch_size // 2}" if batch_size > 1 else "choose a smaller network"
    with _told(batch_size, f"{smaller}: what is finished is kept, and the same command goes on"):
        yield


@contextmanager
def enough_to_train(size: int) -> Iterator[None]:
    """Let a failure of the body for lack of memory say which `micro_batch` to try.

    Args:
        size: samples of a forward pass, with its graph.

    Raises:
        LandscapeError: the memory does not suffice.
    """
    advice = "choose a smaller network"
    if size > 1:
        advice = (
            f"say micro_batch={size // 2}: gradients of a batch's parts add up (BatchNorm sees the parts)."
            "\nOr lower batch_size; either is another training, in another out="
        )
    with _told(size, advice):
        yield


@contextmanager
def _told(size: int, advice: str) -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise LandscapeError(f"the memory does not suffice for passes of {size} samples; {advice}") from error
