"""A run whose data are no longer those on which it was trained is refused, and nothing is written."""

from pathlib import Path

import numpy as np
import pytest

from conftest import Landscape

COMMANDS = {
    "surface": ["y=null", "x=-1:1:3"],
    "hessian": ["x=null", "y=null"],
    "spectrum": [],
    "noise": ["draws=4"],
    "sharpness": ["measures=eigenvalue"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_changed_data_are_refused(command: str, tmp_path: Path, landscape: Landscape) -> None:
    random = np.random.default_rng(0)
    arrays = {f"{split}_images": random.normal(size=(40, 5)) for split in ("train", "test")}
    arrays |= {f"{split}_labels": np.arange(40) % 3 for split in ("train", "test")}
    np.savez(tmp_path / "d.npz", **arrays)
    words = ["train", "dataset=custom", "dataset.source=d.npz", "architecture.widths=[3]", "batch_size=10"]
    assert landscape(*words, "epochs=1", "out=run").status == 0
    arrays["train_images"][0, 0] += 1
    np.savez(tmp_path / "d.npz", **arrays)
    outcome = landscape(command, "run=run", *COMMANDS[command])
    assert outcome.status == 1
    assert "the data have changed since run was trained on them" in outcome.err
    assert not (tmp_path / "outputs").exists()
