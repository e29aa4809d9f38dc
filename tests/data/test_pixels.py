"""Pixels that are shuffled or replaced: what stays of an image and what does not."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.data.load import load
from landscape_cli.data.pixels import PIXELS, scrambled
from landscape_cli.data.raw import Raw
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError

CPU = torch.device("cpu")


def splits(*shape: int, train: int = 30, test: int = 20) -> tuple[Raw, Raw]:
    """Bytes, all of one image different."""
    random, size = np.random.default_rng(0), int(np.prod(shape))
    return tuple(  # type: ignore[return-value]
        Raw(
            np.stack([random.permutation(size) for _ in range(n)]).reshape(n, *shape).astype(np.uint8),
            np.arange(n) % 3,
        )
        for n in (train, test)
    )


def places(before: Raw, after: Raw) -> list[list[int]]:
    """Where each pixel of each image came from, by its first channel."""
    found = []
    for one, other in zip(before.inputs, after.inputs, strict=True):
        rows = one.reshape(one.shape[0], -1)[0] if one.ndim == 3 else one
        moved = other.reshape(other.shape[0], -1)[0] if other.ndim == 3 else other
        found.append([rows.tolist().index(value) for value in moved.tolist()])
    return found


@pytest.mark.parametrize("shape", [(3, 4, 5), (20,)])
def test_shuffled_is_one_permutation_of_all_images(shape: tuple[int, ...]) -> None:
    train, test = splits(*shape)
    moved = scrambled(train, test, "shuffled", partial(stream, 0))
    orders = [
        order for before, after in zip((train, test), moved, strict=True) for order in places(before, after)
    ]
    assert all(order == orders[0] for order in orders)
    assert sorted(orders[0]) == list(range(20))
    assert orders[0] != list(range(20))
    if len(shape) == 3:  # the channels of a pixel stay together
        by_hand = train.inputs.reshape(30, 3, 20)[:, :, orders[0]].reshape(train.inputs.shape)
        assert np.array_equal(moved[0].inputs, by_hand)
    assert np.array_equal(moved[0].targets, train.targets)


def test_random_is_a_permutation_of_its_own_in_each_image() -> None:
    train, test = splits(3, 4, 5)
    moved = scrambled(train, test, "random", partial(stream, 0))
    orders = [
        order for before, after in zip((train, test), moved, strict=True) for order in places(before, after)
    ]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert len({tuple(order) for order in orders}) == 50
    by_hand = train.inputs.reshape(30, 3, 20)[4][:, orders[4]].reshape(3, 4, 5)
    assert np.array_equal(moved[0].inputs[4], by_hand)


def test_gaussian_has_the_moments_of_each_channel() -> None:
    random = np.random.default_rng(0)
    scales = np.array([10.0, 40.0]).reshape(1, 2, 1, 1)
    train, test = (
        Raw((scales * random.random((n, 2, 9, 9))).astype(np.float32), np.arange(n)) for n in (400, 200)
    )
    made = scrambled(train, test, "gaussian", partial(stream, 0))
    for split in made:
        assert split.inputs.mean(axis=(0, 2, 3)) == pytest.approx([5.0, 20.0], rel=0.02)
        assert split.inputs.std(axis=(0, 2, 3)) == pytest.approx(scales.ravel() / np.sqrt(12), rel=0.02)
    assert not np.isclose(made[0].inputs[:200], made[1].inputs).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("kind", PIXELS)
def test_a_data_set_with_them(kind: str) -> None:
    options: dict[str, Any] = {"name": "digits", "train_size": 100, "test_size": 50}
    plain, made, again = (load(options | {"pixels": given}, CPU) for given in (None, kind, kind))
    other = load(options | {"pixels": kind, "seed": 1}, CPU)
    assert made.fingerprint == again.fingerprint
    assert len({plain.fingerprint, made.fingerprint, other.fingerprint}) == 3
    assert torch.equal(made.train.targets, plain.train.targets)
    assert made.input_shape == plain.input_shape
    rows, expected = made.train.inputs, plain.train.inputs
    if kind == "shuffled":  # the same pixels, of each image, in other places
        assert torch.equal(rows.flatten(1).sort().values, expected.flatten(1).sort().values)
    assert not torch.equal(rows, expected)


def test_another_word_is_refused() -> None:
    with pytest.raises(
        LandscapeError, match=r"no dataset.pixels 'shufled'; choose from gaussian, .*shuffled\)"
    ):
        load({"name": "digits", "pixels": "shufled"}, CPU)
