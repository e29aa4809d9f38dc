"""What the table of `landscape sharpness` holds: the columns of each measure, and how pictures name them."""

from landscape_cli.store.table import ERROR

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
FLATNESS = ("radius", "normalized_radius")  # large where a minimum is flat; the others where it is sharp

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
