"""The fit of steps over batch sizes, on steps that are made of it."""

import numpy as np
import pytest

from landscape_cli.measures.hyperbola import hyperbola

BATCHES = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256])


def test_what_is_a_hyperbola_is_found_again() -> None:
    steps = 20 + 900 / BATCHES
    found = hyperbola(BATCHES, steps)
    assert found.critical == pytest.approx(45, rel=1e-6)
    assert found.r_squared == pytest.approx(1, abs=1e-10)
    np.testing.assert_allclose(found.fitted, steps, rtol=1e-6)
    samples = BATCHES * steps
    np.testing.assert_allclose((steps / 20 - 1) * (samples / 900 - 1), 1, rtol=1e-6)  # as the paper has it


def test_steps_that_are_not_known_are_left_out() -> None:
    steps = 20 + 900 / BATCHES
    found = hyperbola(BATCHES, np.where(BATCHES == 8, np.inf, steps))
    assert found.critical == pytest.approx(45, rel=1e-6)
    assert found.fitted[3] == pytest.approx(steps[3], rel=1e-6)
    with pytest.raises(ValueError, match="needs three batch sizes with finite steps, got 2"):
        hyperbola(BATCHES, np.where(BATCHES < 3, steps, np.inf))


def test_of_noisy_steps_it_is_near_and_of_others_it_explains_little() -> None:
    random = np.random.default_rng(0)
    steps = (20 + 900 / BATCHES) * np.exp(0.05 * random.standard_normal(len(BATCHES)))
    found = hyperbola(BATCHES, steps)
    assert found.critical == pytest.approx(45, rel=0.3)
    assert 0.95 < found.r_squared < 1
    assert hyperbola(BATCHES, 10 + 1.0 * BATCHES).r_squared < 0.1
