"""Ensembles of made-up members, and bias and variance: fits beside loops, and closed forms."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from landscape_cli.data.load import Dataset, Split
from landscape_cli.phenomena import averaging
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

ENSEMBLES, BIAS = "model-averaging", "bias-variance"


class Fixed(nn.Module):
    """Returns these probabilities of class 1 for the first samples, whatever they are."""

    def __init__(self, *ones: float) -> None:
        super().__init__()
        ones_ = torch.tensor(ones)
        self.outputs = torch.stack([1 - ones_, ones_], dim=1).log()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.outputs[: len(inputs)]


class TwoClasses(MadeLab):
    """Its networks answer four test samples of class 1; a run's checkpoints differ."""

    def __init__(self, answers: dict[str, Sequence[float]], seed: int = 0) -> None:
        networks = {run: Fixed(*each) for run, each in answers.items()}
        super().__init__({run: {} for run in answers}, networks=networks, seed=seed)

    def data(self, name: str) -> Dataset:
        split = Split(torch.zeros(4, 1), torch.ones(4, dtype=torch.int64))
        return Dataset("made", split, split, 2, (1,), torch.zeros(1), "made")

    def network(self, name: str, epoch: object = "last") -> nn.Module:
        return super().network(name if epoch == "last" else f"{name} at {epoch}")


# each errs in one place, and no place is that of two
GOOD = {"a": [0.9, 0.9, 0.9, 0.2], "b": [0.9, 0.9, 0.2, 0.9], "c": [0.9, 0.2, 0.9, 0.9]}
STILL = {f"a at {epoch}": [0.9, 0.9, 0.9, 0.2] for epoch in (1, 2)}


def averaged(answers: dict[str, Sequence[float]]) -> list[Measured]:
    labs = [TwoClasses({**answers, **STILL}, seed=seed) for seed in range(3)]
    return measure(ENSEMBLES, labs, members=["a", "b", "c"], epochs=[1, 2])


def test_an_ensemble_as_written_out() -> None:
    (found, *_) = averaged(GOOD)
    assert found["member"]["seeds"]["error"].tolist() == [25, 25, 25]
    np.testing.assert_allclose(found["member"]["seeds"]["loss"], -(3 * np.log(0.9) + np.log(0.2)) / 4)
    assert found["ensemble"]["seeds"]["error"].tolist() == [25, 0, 0]  # of two: (0.9 + 0.2) / 2 > 1/2
    two, three = (0.9 + 0.2) / 2, (0.9 + 0.9 + 0.2) / 3
    expected = [-(2 * np.log(0.9) + 2 * np.log(two)) / 4, -(np.log(0.9) + 3 * np.log(three)) / 4]
    np.testing.assert_allclose(found["ensemble"]["seeds"]["loss"][1:], expected, rtol=1e-6)
    assert found["error_gain"] == {"seeds": 25, "checkpoints": 0}
    assert found["loss_above_the_mean"]["checkpoints"] == pytest.approx([0, 0], abs=1e-15)


def test_claims_on_ensembles() -> None:
    assert verdicts(ENSEMBLES, averaged(GOOD)) == ["holds"] * 4
    # two that are slightly right and one that is sure of the other class: the mean errs
    worse = averaged({run: [0.01 if run == "c" else 0.55] * 4 for run in GOOD})
    assert verdicts(ENSEMBLES, worse) == ["holds", "fails", "holds", "fails"]


def test_jensens_inequality_is_judged() -> None:
    found = [{**seed, "loss_above_the_mean": {"seeds": np.array([0.0, 1e-3])}} for seed in averaged(GOOD)]
    assert verdicts(ENSEMBLES, found)[0] == "fails"


def test_ensembles_are_drawn() -> None:
    pictures = drawn(ENSEMBLES, averaged(GOOD))
    assert list(pictures) == ["ensembles"]
    lines = pictures["ensembles"].axes[1].get_lines()
    assert [list(line.get_ydata()) for line in lines] == [[25, 0, 0], [25] * 3, [25] * 2, [25] * 2]


def test_errors_of_polynomials_by_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Least squares in powers of x by the normal equations, one fit and one place at a time."""
    grid = np.linspace(-1, 1, 21)
    monkeypatch.setattr(averaging, "GRID", grid)
    found = averaging.polynomial_errors(12, 2, 5, 0.3, np.random.RandomState(3))

    random, truth = np.random.RandomState(3), np.sin(np.pi * grid)
    powers = np.stack([grid**0, grid, grid**2], axis=1)

    def fit(rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        design = powers[rows]
        return powers @ np.linalg.solve(design.T @ design, design.T @ targets)

    best = fit(np.arange(21), truth)
    fits = []
    for _ in range(5):
        rows = random.randint(21, size=12)
        fits.append(fit(rows, truth[rows] + 0.3 * random.standard_normal(12)))
    sums = dict.fromkeys(("total", "bias", "variance", "modelling", "estimation"), 0.0)
    for place in range(21):
        values = [each[place] for each in fits]
        mean = sum(values) / 5
        sums["total"] += sum((value - truth[place]) ** 2 for value in values) / 5
        sums["variance"] += sum((value - mean) ** 2 for value in values) / 5
        sums["estimation"] += sum((value - best[place]) ** 2 for value in values) / 5
        sums["bias"] += (mean - truth[place]) ** 2
        sums["modelling"] += (best[place] - truth[place]) ** 2
    assert found == {key: pytest.approx(value / 21) for key, value in sums.items()}


def test_the_variance_of_a_constant_is_that_of_a_mean() -> None:
    """Degree 0: the variance of the mean of n samples is (1/2 + noise^2) / n."""
    found = averaging.polynomial_errors(25, 0, 4000, 0.5, np.random.RandomState(0))
    half = float((np.sin(np.pi * averaging.GRID) ** 2).mean())
    assert found["variance"] == pytest.approx((half + 0.25) / 25, rel=0.12)  # 5 sd
    assert found["modelling"] == pytest.approx(half)


NETWORKS = {"10": ["small 1", "small 2"], "20": ["large 1", "large 2"]}
SPREAD = {"small 1": [0.9] * 4, "small 2": [0.1] * 4, "large 1": [0.7] * 4, "large 2": [0.5] * 4}
SUMS, POLYNOMIALS, OF_NETWORKS, MODELLING, ESTIMATION = range(5)


def decomposed(answers: dict[str, Sequence[float]] | None = None, **settings: object) -> list[Measured]:
    labs = [TwoClasses({**SPREAD, **(answers or {})}, seed=seed) for seed in range(3)]
    given = {"resamples": 30, "degrees": [3, 5, 7], "sizes": [20, 80], "degree": 1, "networks": NETWORKS}
    return measure(BIAS, labs, **{**given, **settings})


def test_the_variance_of_networks_as_written_out() -> None:
    (found, *_) = decomposed()
    # over both classes: mean of 2 (p - 1)^2, 2 (mean p - 1)^2, 2 var p
    assert found["networks"]["total"] == pytest.approx(
        [2 * (0.01 + 0.81) / 2, 2 * (0.09 + 0.25) / 2], rel=1e-6
    )
    assert found["networks"]["bias"] == pytest.approx([2 * 0.25, 2 * 0.16], rel=1e-6)
    assert found["networks"]["variance"] == pytest.approx([2 * 0.16, 2 * 0.01], rel=1e-6)
    assert found["network_sizes"].tolist() == [10, 20]


@pytest.mark.parametrize(
    ("changed", "failing"),
    [
        ({}, []),
        ({"sizes": [80, 20]}, [POLYNOMIALS]),
        ({"answers": {"large 1": [1.0] * 4, "large 2": [0.0] * 4}}, [OF_NETWORKS]),
        ({"degrees": [7, 5, 3]}, [MODELLING, ESTIMATION]),
    ],
)
def test_claims_on_bias_and_variance(changed: dict[str, object], failing: Sequence[int]) -> None:
    expected = ["fails" if number in failing else "holds" for number in range(5)]
    assert verdicts(BIAS, decomposed(**changed)) == expected  # type: ignore[arg-type]


def test_a_sum_that_is_off_is_judged() -> None:
    found = [{**seed, "off_the_sum": {"bias and variance": [1e-9]}} for seed in decomposed()]
    assert verdicts(BIAS, found)[SUMS] == "fails"


def test_bias_and_variance_are_drawn() -> None:
    pictures = drawn(BIAS, decomposed())
    assert list(pictures) == ["bias_variance"]
    assert [len(axes.get_lines()) for axes in pictures["bias_variance"].axes] == [3, 3, 3]
    np.testing.assert_allclose(
        pictures["bias_variance"].axes[2].get_lines()[1].get_ydata(), [0.32, 0.02], rtol=1e-5
    )
