"""How far vectors lie apart."""

import numpy as np

from landscape_cli.arrays import Array


def relative_distance(found: Array, expected: Array) -> float:
    """Return the norm of the difference, relative to that of what is expected."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
