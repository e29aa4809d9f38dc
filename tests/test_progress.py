"""Times as a person says them, and totals that were guessed."""

import pytest

from landscape_cli.progress import bar, duration, go_on


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


def test_a_guess_that_was_too_low_leaves_something_to_go(capsys: pytest.CaptureFixture[str]) -> None:
    with bar(10, "spectrum", "products") as progress:
        for _ in range(5):
            go_on(progress, 5)
        assert progress.n == 25
        assert progress.total == 30
    said = capsys.readouterr().err
    assert "of ?" not in said
    assert "25 of 30" in said
