"""The file of a surface as it is made: its layout, whole or not at all."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from store.made import NAMES, create


def test_the_layout_is_the_contracts(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    with h5py.File(path) as file:
        assert file["x"].shape == (5,)
        assert file["y"].dtype == np.float64
        for name in NAMES:
            assert file[name].shape == (4, 5)
            assert file[name].dtype == np.float64
            assert np.isnan(file[name]).all()
        assert file["directions/x/0.weight"].dtype == np.float32
        wanted = {"format", "version", "config", "command", "checkpoint", "provenance", "origin_check"}
        assert wanted <= set(file.attrs)
        assert file.attrs["format"] == "landscape-surface"


def test_an_interrupted_creation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["landscape_cli.store.create"]  # the package has a function of that name
    monkeypatch.setattr(module, "to_yaml", lambda config: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        create(tmp_path / "s.h5")
    assert not list(tmp_path.iterdir())
