"""Random numbers of one purpose each, the same on every machine and NumPy version."""

import numpy as np


def stream(seed: int, purpose: str) -> np.random.RandomState:
    """Return a generator that depends on `seed` and `purpose` alone.

    Two purposes draw independently, so asking for label noise does not change which samples are selected.
    RandomState, unlike NumPy's Generator, promises the same numbers in every version (NEP 19).
    """
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence([seed, *purpose.encode()])))
