from typing import Any

import pytest

from landscape_cli.reproduction.catalogue import Phenomenon, Scale
from landscape_cli.reproduction.verdicts import Claim, overall


def made_result(claims: list[Claim], scale: str = "small") -> dict[str, Any]:
    """Return what results.json has of a phenomenon with these claims."""
    return {
        "scale": scale,
        "verdict": overall(claims),
        "claims": [claim.record() for claim in claims],
        "pictures": ["components.png", "paths.png"],
        "train_losses": {"small": [0.001, 0.003]},
        "seconds": 12.0,
        "training_seconds": 240.0,
        "provenance": {
            "versions": {"landscape-cli": "0.1", "torch": "2.15"},
            "device": "cpu",
            "hardware": "x86_64",
            "end": "2026-11-26T12:30:00+00:00",
        },
    }


@pytest.fixture
def results() -> dict[str, Any]:
    """Of two phenomena: one that fails, one that holds but for a claim that is reported only."""
    good = Claim("the sun rises", [2.0, 2.5, 3.0], ">", 1.0)
    bad = Claim("the moon | falls", [2.0, 2.5, 3.0], "<", 1.0, note="it does not")
    return {
        "pca-trajectory": made_result([good, bad]),
        "scale-invariance": made_result([good, Claim("it flips", [1.5, 1.4, 1.6], "<", 1.0, soft=True)]),
        "scale-invariance_paper": made_result([good], "paper"),
    }


@pytest.fixture
def entry() -> Phenomenon:
    """A phenomenon that nobody has measured, of a topic that is there."""
    claims = {
        "least_share >= 0.4": "It holds |this| share",
        "always end <= 0": "It ends",
        "report r < 1": "{each} flips above {rise:g}",
    }
    runs = {"small": ["dataset=digits", "epochs=3"]}
    small = Scale("a minute", 3, runs, {"rise": 0.5}, {}, {"surface": ["y=null"]}, claims, {"r": "or not"})
    return Phenomenon(
        "pca-trajectory", "The path is flat", "C", "Somebody 2018", "trajectories", {"small": small}
    )
