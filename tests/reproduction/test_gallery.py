"""`landscape gallery`: the page says what the results say, and its pictures are there."""

import json
from pathlib import Path

from PIL import Image

from conftest import Landscape
from landscape_cli.reproduction.verdicts import Claim, overall


def made_result(folder: Path, claims: list[Claim]) -> None:
    folder.mkdir(parents=True)
    Image.effect_noise((2400, 900), 80).convert("RGB").save(folder / "first.png")
    result = {
        "id": folder.name.rpartition("_")[0],
        "scale": "small",
        "verdict": overall(claims),
        "seconds": 12.0,
        "training_seconds": 240.0,
        "train_losses": {"small batch": [0.001, 0.003], "large": [0.25]} if len(claims) > 1 else {},
        "claims": [claim.record() for claim in claims],
        "pictures": ["first.png"],
        "provenance": {
            "versions": {"landscape-cli": "0.1", "torch": "2.15"},
            "device": "cpu",
            "hardware": "x86_64",
        },
    }
    (folder / "result.json").write_text(json.dumps(result))


def test_the_page(landscape: Landscape, tmp_path: Path) -> None:
    reproduced = tmp_path / "outputs" / "reproduce"
    good = Claim("the sun rises", [2.0, 2.5, 3.0], ">", 1.0)
    bad = Claim("the moon | falls", [2.0, 2.5, 3.0], "<", 1.0, note="it does not")
    beyond = Claim("it is far", [float("inf")] * 3, ">", 1.0, soft=True)
    made_result(reproduced / "nn-composition_small", [good])
    made_result(reproduced / "pca-trajectory_small", [good, bad, beyond])
    missed = Claim("it flips", [1.5, 1.4, 1.6], "<", 1.0, soft=True)
    made_result(reproduced / "condition-number_small", [good, missed])
    made_result(reproduced / "scale-invariance_small", [good, missed, missed])
    outcome = landscape("gallery")
    assert (outcome.status, outcome.last_line) == (0, "outputs/gallery/README.md")
    page = Path(outcome.last_line).read_text(encoding="utf-8")
    assert "| [nn-composition](#nn-composition) | holds | 1 of 1 | 4 min, 12 s |" in page
    assert "| [pca-trajectory](#pca-trajectory) | fails | 1 of 2 | 4 min, 12 s |" in page
    assert "(#condition-number) | holds; 1 reported claim fails | 1 of 1 |" in page
    assert "(#scale-invariance) | holds; 2 reported claims fail | 1 of 1 |" in page
    assert "\nTraining losses at the end: small batch 0.002 ± 0.001, large 0.25.\n" in page
    assert page.count("Training losses") == 3  # nn-composition trains nothing
    assert "Measured with landscape-cli 0.1, torch 2.15, cpu (x86_64).\n" in page
    assert "| the sun rises | 2.5 ± 0.5, n = 3 | > 1 | holds |" in page
    assert "| the moon \\| falls<br>*it does not* | 2.5 ± 0.5, n = 3 | < 1 | fails |" in page
    assert "| it is far *(reported only)* | beyond what was looked at, n = 3 | > 1 | holds |" in page
    assert page.index("## Objective") < page.index("### nn-composition") < page.index("## Batch size")
    for name in ("nn-composition", "pca-trajectory"):
        assert f"]({name}_first.png)" in page
        with Image.open(tmp_path / "outputs" / "gallery" / f"{name}_first.png") as picture:
            assert (picture.size, picture.mode) == ((1400, 525), "P")


def test_nothing_to_show(landscape: Landscape, tmp_path: Path) -> None:
    outcome = landscape("gallery", "scale=paper")
    assert outcome.status == 1
    assert "no reproduction of scale paper under outputs/reproduce" in outcome.err
    assert not list(tmp_path.iterdir())


def test_a_damaged_result_is_told(landscape: Landscape, tmp_path: Path) -> None:
    folder = tmp_path / "outputs" / "reproduce" / "nn-composition_small"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text("{")
    outcome = landscape("gallery")
    assert outcome.status == 1
    assert "result.json cannot be read" in outcome.err
