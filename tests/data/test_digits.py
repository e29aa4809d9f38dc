"""The bundled digits and their fixed split."""

import numpy as np
from sklearn.datasets import load_digits

from landscape_cli.data import digits


def test_split_is_balanced_and_covers_the_set_once() -> None:
    arrays = digits.read()
    assert arrays["train_images"].shape == (1437, 8, 8)
    assert arrays["test_images"].shape == (360, 8, 8)
    assert np.bincount(arrays["test_labels"]).tolist() == [36] * 10
    assert max(arrays["train_images"].max(), arrays["test_images"].max()) == 16
    whole = load_digits()
    together = np.concatenate([arrays["train_images"], arrays["test_images"]]).reshape(1797, 64)
    labels = np.concatenate([arrays["train_labels"], arrays["test_labels"]])
    ours = sorted((*pixels, label) for pixels, label in zip(together.tolist(), labels.tolist(), strict=True))
    theirs = zip(whole.data.astype(int).tolist(), whole.target.tolist(), strict=True)
    assert ours == sorted((*pixels, label) for pixels, label in theirs)


def test_split_never_changes() -> None:
    arrays = digits.read()
    assert arrays["test_labels"][:12].tolist() == [0, 3, 6, 1, 5, 8, 9, 7, 1, 2, 7, 3]
    assert int(arrays["test_images"].astype(int).sum()) == 112498
