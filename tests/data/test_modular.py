"""Tables of operations as tokens, against the operations spelt out."""

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from landscape_cli.data.load import load
from landscape_cli.data.modular import OPERATIONS, modular
from landscape_cli.errors import LandscapeError

CPU = torch.device("cpu")
P = 7
SPELT_OUT = {
    "add": lambda a, b: (a + b) % P,
    "subtract": lambda a, b: (a - b) % P,
    "multiply": lambda a, b: (a * b) % P,
    "divide": lambda a, b: next(c for c in range(P) if b * c % P == a),
    "squares": lambda a, b: (a * a + b * b) % P,
    "quadratic": lambda a, b: (a * a + a * b + b * b) % P,
    "cubic": lambda a, b: (a * a * a + a * b) % P,
    "cubic_mixed": lambda a, b: (a * a * a + a * b * b + b) % P,
}


def options(**changes: Any) -> dict[str, Any]:
    return {"operation": "add", "p": P, "fraction": 0.7, "seed": 3} | changes


def equations(arrays: dict[str, Any]) -> list[list[int]]:
    rows = [
        np.column_stack([arrays[f"{split}_images"], arrays[f"{split}_labels"]]) for split in ("train", "test")
    ]
    return np.concatenate(rows).tolist()


@pytest.mark.parametrize("operation", SPELT_OUT)
def test_every_equation_occurs_once_and_is_right(operation: str) -> None:
    found = equations(modular(options(operation=operation)))
    pairs = [(a, b) for a in range(P) for b in range(1 if operation == "divide" else 0, P)]
    assert sorted((a, b) for a, _, b, _, _ in found) == pairs
    for a, sign, b, equals, answer in found:
        assert (sign, equals, answer) == (P, P + 1, SPELT_OUT[operation](a, b))


def test_permutations_are_composed() -> None:
    elements = list(permutations(range(5)))
    found = equations(modular(options(operation="permutations")))
    assert len(found) == 120**2
    for a, sign, b, equals, answer in found[::97]:
        assert (sign, equals) == (120, 121)
        assert elements[answer] == tuple(elements[a][place] for place in elements[b])


def test_every_operation_is_tested() -> None:
    assert {*SPELT_OUT, "permutations"} == set(OPERATIONS)


def test_the_fraction_is_drawn_by_the_seed() -> None:
    first, same, other = (modular(options(p=31, fraction=0.4, seed=seed)) for seed in (3, 3, 4))
    assert len(first["train_labels"]) == round(0.4 * 31**2)
    assert len(first["test_labels"]) == 31**2 - round(0.4 * 31**2)
    assert np.array_equal(first["train_images"], same["train_images"])
    assert not np.array_equal(first["train_images"], other["train_images"])


def test_the_data_set_has_whole_numbers_and_their_number() -> None:
    config: Any = OmegaConf.to_container(
        OmegaConf.load(Path(__file__).parents[2] / "conf/dataset/modular.yaml")
    )
    data = load(config | {"train_size": 970}, CPU)
    assert (data.classes, data.vocabulary, data.input_shape) == (97, 99, (4,))
    assert data.train.inputs.dtype == data.test.inputs.dtype == torch.int64
    assert len(data.train) == 970
    assert len(data.test) == 97**2 - round(97**2 / 2)
    a, sign, b, equals = data.test.inputs.T
    assert torch.equal((a + b) % 97, data.test.targets)
    assert set(sign.tolist()) == {97}
    assert set(equals.tolist()) == {98}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"p": 9}, "dataset.p must be a prime of at most 1000, got 9"),
        ({"p": 1009}, "dataset.p must be a prime of at most 1000, got 1009"),
        ({"p": 1}, "dataset.p must be a whole number of at least 2, got 1"),
        ({"fraction": 1.5}, "dataset.fraction must be a number from 0 to 1, got 1.5"),
        ({"fraction": 1.0}, "dataset.fraction=1 of 49 equations leaves none to train on or to test"),
        (
            {"fraction": 0.04},
            "dataset.fraction=0.04: 6 of 7 answers are not among those of 2 training equations; raise it",
        ),
        ({"operation": "plus"}, "no dataset.operation 'plus'; choose from"),
    ],
)
def test_refusals(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        modular(options(**changes))
    assert str(caught.value).startswith(message)


def tokens(path: Path, **changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    arrays = {
        "train_images": random.integers(0, 9, (20, 5)),
        "train_labels": np.arange(20) % 2,
        "test_images": np.full((4, 5), 11),
        "test_labels": np.arange(4) % 2,
    }
    np.savez(path, **(arrays | changes))
    return {"name": "custom", "source": str(path), "scaling": "tokens"}


def test_tokens_of_ones_own_stay_what_they_are(tmp_path: Path) -> None:
    options = tokens(tmp_path / "own.npz")
    data = load(options, CPU)
    assert data.vocabulary == 12
    assert np.array_equal(data.train.inputs.numpy(), np.load(tmp_path / "own.npz")["train_images"])
    assert load(options | {"scaling": "none"}, CPU).vocabulary == 0


@pytest.mark.parametrize(
    ("changes", "more", "message"),
    [
        ({"train_images": np.full((20, 5), -1)}, {}, "dataset.scaling=tokens needs whole numbers from 0"),
        ({"test_images": np.full((4, 5), 0.5)}, {}, "dataset.scaling=tokens needs whole numbers from 0"),
        (
            {"train_images": np.ones((20, 5, 5), int), "test_images": np.ones((4, 5, 5), int)},
            {},
            "dataset.scaling=tokens needs whole numbers from 0, (n, length)",
        ),
        ({}, {"pixels": "shuffled"}, "dataset.pixels, mean and std are for numbers"),
        ({}, {"mean": 0.5, "std": 1.0}, "dataset.pixels, mean and std are for numbers"),
    ],
)
def test_what_is_no_token_is_refused(
    tmp_path: Path, changes: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(LandscapeError) as caught:
        load(tokens(tmp_path / "own.npz", **changes) | more, CPU)
    assert str(caught.value).startswith(message)
