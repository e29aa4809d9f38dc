"""Mistakes with one's own data and code."""

import pytest
from mistakes.workshop import TINY, Told, named

OWN = f"train {TINY} architecture=custom trust=true"
CODE = f"train {TINY} dataset=custom trust=true"
MISTAKES = {
    # data that is not there, or not data
    "train dataset=cifar10 dataset.root=file/data": "cifar10 can neither be read dataset.root=",
    "train dataset=custom": "missing: dataset.source; say dataset.source=",
    "train dataset.source=nothing.npz": "dataset.source=nothing.npz there is no such file",
    "train dataset.source=nothing": "dataset.source=nothing is not there; expected a .npz file",
    "train dataset.source=file": "dataset.source=file is neither a folder nor a .npz file",
    "train dataset.source=thesis": "dataset.source=thesis has no folder train; expected",
    "train dataset.source=no_test.npz": "no_test has no test_images, test_labels; expected",
    "train dataset.source=cut.npz": "cut.npz cannot be read as a .npz file",
    # a user's own code
    f"train {TINY} dataset=custom dataset.source=users_own:number": "users_own:number trust=true",
    f"train {TINY} architecture=custom architecture.source=users_own:layers": "users_own:layers trust=true",
    f"{CODE} dataset.source=users_own:number": "users_own:number returned int expected train_images",
    f"{CODE} dataset.source=users_own:fails": "users_own:fails IndexError",
    f"{CODE} dataset.source=users_broken:f": "users_broken:f SyntaxError",
    f"{OWN} architecture.source=users_nowhere:f": "users_nowhere:f cannot import 'users_nowhere' install",
    f"{OWN} architecture.source=users_own:nothing": "users_own:nothing module 'users_own' has no 'nothing'",
    f"{OWN} architecture.source=users_own": "'users_own' is not of the form package.module:name",
    f"{OWN} architecture.source=users_own:number": "users_own:number must make an nn.Module, got",
    f"{OWN} architecture.source=users_own:three_outputs": "users_own:three_outputs (2, 10), got (2, 3)",
}


def test_the_table_is_long() -> None:
    assert len(MISTAKES) >= 18


@pytest.mark.parametrize("line", MISTAKES, ids=named)
def test_a_mistake_is_told_in_words(told: Told, line: str) -> None:
    told(line, MISTAKES[line])
