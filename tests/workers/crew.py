"""What tests of several processes share: the points, their values, and connections to one store."""

import math
from collections.abc import Callable
from concurrent.futures import Future

from torch.distributed import Store, TCPStore

GRID = [(row, column) for row in range(4) for column in range(5)]
Start = Callable[..., Future[None]]


def values_at(index: tuple[int, ...]) -> dict[str, float]:
    """Values of every kind that a float can be."""
    number = 5 * index[0] + index[-1]
    special = {0: math.inf, 1: math.nan, 2: -0.0, 3: 5e-324}
    return {"train/loss": special.get(number, math.sqrt(number) / 3), "test/loss": 1 / (number + 3)}


def stores(store: TCPStore) -> tuple[Store, Store]:
    """Return what a process of its own would have, but for the first connection."""
    return store, store.clone()


def keys(store: TCPStore) -> list[str]:
    return [key for key in store.list_keys() if key != "init/"]
