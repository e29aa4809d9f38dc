"""The types of arrays, spelled out once."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
Index = tuple[int, ...]
"""Of a point of a grid: (row, column), or (column,) on a line."""
