import numpy as np
import pytest

from landscape_cli.evaluation.barrier import barrier

ALPHA = np.linspace(-0.5, 1.5, 41)


def test_of_a_parabola_over_a_chord() -> None:
    chord = 1 + 2 * ALPHA
    height, where = barrier(ALPHA, chord + 4 * ALPHA * (1 - ALPHA) * 3)
    assert height == pytest.approx(3)
    assert where == pytest.approx(0.5)


def test_what_lies_outside_of_the_segment_does_not_count() -> None:
    height, _ = barrier(ALPHA, np.where((ALPHA < -0.01) | (ALPHA > 1.01), 100.0, 0.5))
    assert height == 0


def test_is_zero_below_the_chord_and_infinite_where_the_loss_is() -> None:
    assert barrier(ALPHA, ALPHA**2 - ALPHA)[0] == pytest.approx(0, abs=1e-12)
    loss = np.zeros(41)
    loss[20] = np.inf
    assert barrier(ALPHA, loss) == (np.inf, pytest.approx(0.5))


@pytest.mark.parametrize(("alpha", "loss"), [(ALPHA[11:], np.zeros(30)), (ALPHA, np.full(41, np.inf))])
def test_needs_finite_ends(alpha: np.ndarray, loss: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"alpha 0 and 1|not finite"):
        barrier(alpha, loss)
