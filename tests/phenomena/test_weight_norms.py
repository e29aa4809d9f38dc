"""Norms and spreads of weights: measured on checkpoints that are made up."""

from pathlib import Path
from typing import cast

import numpy as np
import torch

from landscape_cli import checkpoint
from landscape_cli.phenomena.weight_norms import weight_norms
from landscape_cli.reproduction.whole_lab import Lab
from made_lab import MadeLab, MadeRun

RUNS = ["wd0_small", "wd0_large", "wd_small", "wd_large"]


def test_norms_and_spreads_of_weights(tmp_path: Path) -> None:
    spread = {"wd0_small": 2.0, "wd0_large": 1.0, "wd_small": 0.01, "wd_large": 1.0}

    def run(name: str, seed: int) -> MadeRun:
        folder = tmp_path / f"{name}_{seed}"
        made = MadeRun(name, seed, weight_norms=[1, 2, 3, 4 * spread[name]], path=folder)
        if not folder.exists():
            generator = torch.Generator().manual_seed(seed)
            weights = {
                "w": spread[name] * torch.randn(40, 50, generator=generator),
                "b": torch.full((9,), 1e6),
            }
            keys = ("epoch", "step", "optimizer", "schedule", "rng")
            checkpoint.save(made.checkpoint_path(3), {"model": weights, **dict.fromkeys(keys, 0)})
        return made

    found = weight_norms(cast("Lab", MadeLab(run, RUNS)), decay="2e-3", small_weight=0.01, note="")
    growing, norm, sd, norm_wd, small_wd = (claim.values for claim in found.claims)
    np.testing.assert_allclose(growing, 1.0)
    np.testing.assert_allclose(norm, 2.0)
    np.testing.assert_allclose(sd, 2.0, rtol=1e-5)  # the same draws; vectors are left out
    np.testing.assert_allclose(norm_wd, 0.01)
    assert min(small_wd) > 10
    assert [claim.verdict for claim in found.claims] == ["holds"] * 5
