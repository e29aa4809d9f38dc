"""The pages of the phenomena say what results.json and the catalogue say."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from landscape_cli.reproduction.catalogue import Phenomenon, catalogue, phenomenon
from phenomena_pages import Results, index, label, page, pages, read_results

DOCS = Path(__file__).parents[2] / "docs"


def test_a_phenomenon_that_was_measured(results: Results) -> None:
    text = page(phenomenon("pca-trajectory"), results)
    assert text.startswith("# The path of a training lies in very few dimensions\n")
    assert "Verdict: [fails]{.fails}, 1 of 2 claims hold." in text
    assert "$ landscape reproduce id=pca-trajectory\n" in text
    assert "| the sun rises | 2.5\xa0±\xa00.5, n\xa0=\xa03 | > 1 | [holds]{.holds} |" in text
    assert (
        "| the moon \\| falls<br>*it does not* | 2.5\xa0±\xa00.5, n\xa0=\xa03 | < 1 | [fails]{.fails} |"
        in text
    )
    assert "```{image} /gallery/pca-trajectory_components.png\n" in text
    assert text.index("pca-trajectory_components.png") < text.index("pca-trajectory_paths.png")
    assert "Training losses at the end: small 0.002 ± 0.001." in text
    assert "Measured on 2026-11-26 with landscape-cli 0.1, torch 2.15, cpu (x86_64): 4 min of" in text
    assert "`scale=paper`: a day on one GPU" in text
    assert "not measured" not in text


def test_the_code_stands_on_the_page_once() -> None:
    text = page(phenomenon("skip-vs-noskip-depth"), {})
    assert text.count("def skip_vs_noskip_depth(") == 1
    assert text.count("def draw_skip_vs_noskip_depth(") == 1
    assert text.count("def _planes(") == 1  # which it measures with
    assert "def vgg_like_depth_transition(" not in text
    measuring, _, drawing = text.partition("## The code that draws")
    assert "def skip_vs_noskip_depth(" in measuring
    assert "def draw_skip_vs_noskip_depth(" in drawing


def test_a_result_of_each_scale(results: Results) -> None:
    text = page(phenomenon("scale-invariance"), results)
    small, paper = text.index("## Measured, scale=small"), text.index("## Measured, scale=paper")
    assert small < text.index("[holds]{.holds}; 1 reported claim fails, 1 of 1 claims hold") < paper
    assert "$ landscape reproduce id=scale-invariance scale=paper\n" in text[paper:]
    assert "/gallery/scale-invariance_paper_paths.png" in text[paper:]
    assert "_paper_" not in text[small:paper]


def test_a_result_of_an_older_recipe(results: dict[str, Any]) -> None:
    results["pca-trajectory"]["older"] = "It was shorter."
    assert label(results["pca-trajectory"]) == "[fails]{.fails}; of an older recipe"
    assert ":::{warning}\nIt was shorter.\n:::" in page(phenomenon("pca-trajectory"), results)


def test_a_phenomenon_that_was_not_measured(entry: Phenomenon) -> None:
    text = page(entry, {})
    assert text.index("[not measured yet]{.unmeasured}") < text.index("## Claims")
    assert "| It holds \\|this\\| share | `least_share` | >= 0.4 |" in text
    assert "| It ends | `end`; an identity | <= 0 |" in text
    assert "| each flips above 0.5<br>*or not* | `r`; reported only | < 1 |" in text
    assert "- settings: `rise 0.5`\n- train `small`: `dataset=digits epochs=3`\n- surface: `y=null`\n" in text
    assert "Verdict" not in text


def test_a_phenomenon_without_a_drawing_function_is_told(entry: Phenomenon) -> None:
    with pytest.raises(AttributeError, match="no function measured_elsewhere"):
        page(replace(entry, id="measured-elsewhere"), {})


def test_the_index_has_each_under_its_section(entry: Phenomenon, results: Results) -> None:
    other = replace(entry, id="unheard-of", section="N", line="Nobody knows")
    text = index([phenomenon("scale-invariance"), phenomenon("pca-trajectory"), other], results)
    assert "Of the 3 phenomena 2 have been measured" in text
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert [row.split("]")[0] for row in rows] == [
        "| [scale-invariance",
        "| [pca-trajectory",
        "| [unheard-of",
    ]
    assert text.index("## B. ") < text.index(rows[0]) < text.index("## C. ") < text.index(rows[1])
    assert rows[0].endswith(
        "| [holds]{.holds} (scale=small); 1 reported claim fails; [holds]{.holds} (scale=paper)"
        " | 1 of 1; 1 of 1 |"
    )
    assert rows[2] == "| [unheard-of](unheard-of.md) | Nobody knows | [not measured yet]{.unmeasured} | |"


def test_every_phenomenon_has_a_page_with_its_pictures() -> None:
    results = read_results(DOCS / "gallery" / "results.json")
    made = pages(catalogue(), results)
    assert made.keys() == {"index", *(entry.id for entry in catalogue())}
    assert len(results) >= 22
    for name, result in results.items():
        text = made[name.removesuffix(f"_{result['scale']}")]
        for picture in result["pictures"]:
            assert f"/gallery/{name}_{picture}\n" in text
            assert (DOCS / "gallery" / f"{name}_{picture}").exists()
        for claim in result["claims"]:
            assert claim["text"].replace("|", "\\|") in text


def test_no_page_needs_torch() -> None:
    code = "import lecture_pages, phenomena_pages, site_text, sys; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False)
    assert done.returncode == 0
