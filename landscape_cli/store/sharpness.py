"""What the table of `landscape sharpness` holds: the columns of each measure, and how pictures name them."""

from collections.abc import Sequence

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.store.table import ERROR, Table

MEASURES = {
    "eigenvalue": ("largest_eigenvalue", "normalized_largest_eigenvalue"),
    "trace": ("trace", "normalized_trace"),
    "keskar": ("keskar",),
    "subspace": ("keskar_subspace",),
    "sam": ("sam", "normalized_sam", "sam_first_order"),
    "asam": ("asam", "asam_first_order"),
    "noise": ("expected_rise", "normalized_expected_rise"),
    "radius": ("radius", "normalized_radius"),
}
"""Name of a measure -> the columns of its values, the raw one first."""

EXACT = ("sam_first_order", "asam_first_order")  # no estimates: without a column of errors

LOSS, TEST_LOSS, TEST_ERROR = "loss", "test_loss", "test_error"

LABELS = {
    "largest_eigenvalue": "largest eigenvalue",
    "normalized_largest_eigenvalue": "largest eigenvalue, normalized",
    "trace": "trace",
    "normalized_trace": "trace, normalized",
    "keskar": "Keskar's \N{GREEK SMALL LETTER PHI}",
    "keskar_subspace": "Keskar's \N{GREEK SMALL LETTER PHI}, subspace",
    "sam": "SAM's ball",
    "normalized_sam": "SAM's ball, normalized",
    "sam_first_order": "SAM, first order",
    "asam": "ASAM's ball",
    "asam_first_order": "ASAM, first order",
    "expected_rise": "noisy weights",
    "normalized_expected_rise": "noisy weights, normalized",
    "radius": "radius",
    "normalized_radius": "radius, normalized",
}
"""Column -> its name in pictures."""


def with_errors(measure: str) -> list[str]:
    """Return the columns of a measure, each estimate's followed by that of its error."""
    return [
        column
        for value in MEASURES[measure]
        for column in ([value] if value in EXACT else [value, f"{value}{ERROR}"])
    ]


def columns(measures: Sequence[str]) -> list[str]:
    """Return the columns of values of a table of some measures."""
    return [LOSS, TEST_LOSS, TEST_ERROR, *(column for name in measures for column in with_errors(name))]


def target(table: Table) -> str:
    """Return the column that measures are held against: the test error, or of a regression the test loss."""
    return TEST_LOSS if np.isnan(table.numbers(TEST_ERROR)).all() else TEST_ERROR


def measured(table: Table) -> dict[str, Array]:
    """Return the values of the measures that a table has, by column; infinite where the loss is.

    Raises:
        LandscapeError: it has none: it is no table of `landscape sharpness`.
    """
    found = {name: table.numbers(name) for name in table.columns if name in LABELS}
    if not found:
        raise LandscapeError(f"{table.path} has no measure of sharpness; `landscape sharpness` makes tables")
    return found
