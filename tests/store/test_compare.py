"""A file goes on for the same configuration, and is refused to another."""

from pathlib import Path

import pytest
from store.made import HERE, create

from landscape_cli import store
from landscape_cli.errors import LandscapeError


def test_the_same_file_goes_on_whatever_its_paths_are_called(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    same = {"x": [-1, 1, 5], "samples": None, "run": "./elsewhere", "out": "elsewhere", "device": "cuda"}
    store.check_same(
        path, {**same, "tolerance": 0.02}, [{"path": "./elsewhere/epoch_0001.pt", "sha256": "c"}]
    )


@pytest.mark.parametrize(
    ("config", "checkpoints", "words"),
    [
        ({"x": [-1, 1, 7], "samples": None}, HERE, r"x: saved \[-1, 1, 5\], asked for \[-1, 1, 7\]"),
        (
            {"x": [-1, 1, 5], "samples": None},
            [{"path": "b", "sha256": "d"}],
            r"b is not, or no longer, the run/epoch_0001",
        ),
        (
            {"x": [-1, 1, 5], "samples": None},
            [*HERE, {"path": "b", "sha256": "d"}],
            r"the no checkpoint of then",
        ),
    ],
)
def test_a_file_of_another_configuration_is_refused(
    tmp_path: Path, config: dict[str, object], checkpoints: list[dict[str, str]], words: str
) -> None:
    path = create(tmp_path / "s.h5")
    with pytest.raises(LandscapeError, match=words):
        store.check_same(path, config, checkpoints)
