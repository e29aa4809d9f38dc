"""Runs of the shell that notebooks open."""

from pathlib import Path

import pytest

from conftest import carry_out

DATA = ["dataset.train_size=100", "dataset.test_size=50"]
MLP = ["train", *DATA, "architecture.widths=[8]", "batch_size=20", "checkpoint_every=1"]
BATCH = ["train", *DATA, "architecture=cnn", "normalization=batch", "batch_size=50", "checkpoint_every=1"]
RUNS = [
    [*MLP, "epochs=4", "out=walk"],
    [*BATCH, "epochs=3", "out=batch"],
    ["trajectory", "run=walk", "out=walk.h5"],
    ["trajectory", "run=batch", "x=-2:2:3", "y=-1:1:3", "out=batch.h5"],
    ["surface", "run=walk", "x=-1:1:3", "y=-1:1:3", "out=walk_surface.h5"],
    ["surface", "run=batch", "x=-1:1:3", "y=-1:1:3", "direction.seed=3", "out=batch_surface.h5"],
    ["hessian", "run=walk", "x=-1:1:3", "y=null", "precision=fp64", "tolerance=1e-6", "out=walk_hessian.h5"],
]


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that kept all checkpoints, one with BatchNorm, and what the shell made of them."""
    folder = tmp_path_factory.mktemp("shell")
    return carry_out(folder, RUNS)


@pytest.fixture
def there(shell: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That folder, as the working directory."""
    monkeypatch.chdir(shell)
    return shell
