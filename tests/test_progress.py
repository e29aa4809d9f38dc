"""Times as a person says them."""

import pytest

from landscape_cli.progress import duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"),
        (0.034, "0.034 s"),
        (5.3, "5.3 s"),
        (99.4, "99 s"),
        (99.7, "2 min"),
        (125.0, "2 min"),
        (5990.0, "1 h 40 min"),
        (12_000.0, "3 h 20 min"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
