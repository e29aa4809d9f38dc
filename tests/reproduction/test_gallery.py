"""`landscape gallery`: the page says what the results say, and its pictures are there."""

import json
import shutil
from pathlib import Path

from PIL import Image

from conftest import Landscape
from landscape_cli.reproduction.verdicts import Claim, overall


def made_result(folder: Path, claims: list[Claim]) -> None:
    folder.mkdir(parents=True)
    Image.linear_gradient("L").resize((1600, 600)).convert("RGB").save(folder / "first.png")
    result = {
        "id": folder.name.rpartition("_")[0],
        "scale": folder.name.rpartition("_")[2],
        "verdict": overall(claims),
        "seconds": 12.0,
        "training_seconds": 240.0,
        "train_losses": {
            "small batch": [0.001, 0.003],
            "large": [0.25],
            "steep": [0.5, None, 0.7],
            "lost": [None],
        }
        if len(claims) > 1
        else {},
        "claims": [claim.record() for claim in claims],
        "pictures": ["first.png"],
        "provenance": {
            "versions": {"landscape-cli": "0.1", "torch": "2.15"},
            "device": "cpu",
            "hardware": "x86_64",
            "command": "landscape reproduce",
            "end": "2026-11-26T12:30:00+00:00",
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
    assert "| [nn-composition](#nn-composition) | holds | 1 of 1 | 4 min, 12 s | 2026-11-26 |" in page
    assert "| [pca-trajectory](#pca-trajectory) | fails | 1 of 2 | 4 min, 12 s | 2026-11-26 |" in page
    assert "(#condition-number) | holds; 1 reported claim fails | 1 of 1 |" in page
    assert "(#scale-invariance) | holds; 2 reported claims fail | 1 of 1 |" in page
    told = "small batch 0.002 ± 0.001, large 0.25, steep 0.6 ± 0.1 (diverged in 1 of 3),"
    assert f"\nTraining losses at the end: {told} lost diverged in 1 of 1.\n" in page
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


def test_what_was_measured_elsewhere_stays(landscape: Landscape, tmp_path: Path) -> None:
    reproduced = tmp_path / "outputs" / "reproduce"
    good, bad = Claim("it rises", [2.0, 2.5, 3.0], ">", 1.0), Claim("it falls", [2.0, 2.5, 3.0], "<", 1.0)
    made_result(reproduced / "nn-composition_small", [good])
    made_result(reproduced / "pca-trajectory_small", [bad])
    assert landscape("gallery").status == 0
    shutil.rmtree(reproduced)
    made_result(reproduced / "pca-trajectory_small", [good])
    made_result(reproduced / "pca-trajectory_paper", [bad])
    (reproduced / "pca-trajectory_small" / "first.png").rename(reproduced / "second.png")
    result = json.loads((reproduced / "pca-trajectory_small" / "result.json").read_text())
    (reproduced / "second.png").rename(reproduced / "pca-trajectory_small" / "second.png")
    result["pictures"] = ["second.png"]
    (reproduced / "pca-trajectory_small" / "result.json").write_text(json.dumps(result))
    assert landscape("gallery").status == 0
    folder = tmp_path / "outputs" / "gallery"
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "| [nn-composition](#nn-composition) | holds | 1 of 1 |" in page
    assert "| [pca-trajectory](#pca-trajectory) | holds | 1 of 1 |" in page
    assert "| [pca-trajectory, scale=paper](#pca-trajectory-scalepaper) | fails | 0 of 1 |" in page
    assert "### pca-trajectory, scale=paper\n" in page
    assert "    landscape reproduce id=pca-trajectory scale=paper\n" in page
    pictures = {"nn-composition_first", "pca-trajectory_second", "pca-trajectory_paper_first"}
    assert {path.stem for path in folder.glob("*.png")} == pictures
    assert all(f"]({name}.png)" in page for name in pictures)
    assert "command" not in (folder / "results.json").read_text()
    results = json.loads((folder / "results.json").read_text())
    results["nn-composition"]["older"] = "Measured otherwise."
    (folder / "results.json").write_text(json.dumps(results))
    assert landscape("gallery").status == 0
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "| [nn-composition](#nn-composition) | holds; of an older recipe | 1 of 1 |" in page
    assert "\n**Measured otherwise.**\n" in page
    (folder / "results.json").write_text("{")
    outcome = landscape("gallery")
    assert outcome.status == 1
    assert "results.json cannot be read" in outcome.err


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
