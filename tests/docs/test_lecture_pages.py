"""The lectures: their phenomena are known ones, and each statement stands beside what came of it."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from landscape_cli.reproduction.catalogue import catalogue, ids, phenomenon
from lecture_pages import page, pages, read, statements
from phenomena_pages import Results, command, read_results

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "lectures"
LECTURES = read(FOLDER)
IDS = (FOLDER / "ids.txt").read_text(encoding="utf-8").split()
LECTURE = {
    "title": "Landscapes",
    "by": "Somebody",
    "about": "What they are like.",
    "slides": [
        {
            "slide": "One",
            "statements": [{"says": "It is flat.", "ids": ["pca-trajectory", "scale-invariance"]}],
        },
        {
            "slide": "Two",
            "statements": [
                {"says": "It is | steep.", "ids": ["nn-composition", "unheard-of"], "wrong": "It is not."},
                {"says": "Thank you."},
            ],
        },
    ],
}


def test_the_ids_are_those_of_the_catalogue() -> None:
    assert len(IDS) == len(set(IDS)) == 129
    assert set(ids()) <= set(IDS)


def test_there_are_five_lectures() -> None:
    assert list(LECTURES) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("name", LECTURES)
def test_a_lecture_is_complete(name: str) -> None:
    lecture = LECTURES[name]
    assert lecture.keys() == {"title", "by", "about", "slides"}
    assert len(lecture["slides"]) >= 15
    assert max(Counter(slide["slide"] for slide in lecture["slides"]).values()) == 1
    for slide in lecture["slides"]:
        assert slide.keys() == {"slide", "statements"}
        assert slide["statements"]
    for statement in statements(lecture):
        assert {"says"} <= statement.keys() <= {"says", "ids", "wrong"}
        assert set(statement.get("ids", ())) <= set(IDS)
        assert statement["says"].endswith((".", "?"))


def test_every_phenomenon_is_in_a_lecture() -> None:
    said = {
        each for lecture in LECTURES.values() for part in statements(lecture) for each in part.get("ids", ())
    }
    assert said == set(IDS)


def test_a_statement_stands_beside_what_came_of_it(results: Results) -> None:
    known = {
        entry.id: entry for entry in map(phenomenon, ("pca-trajectory", "scale-invariance", "nn-composition"))
    }
    text = page(LECTURE, known, results)
    rows = [line for line in text.splitlines() if line.startswith("| It") or line.startswith("| Thank")]
    assert rows == [
        "| It is flat. | [pca-trajectory](/phenomena/pca-trajectory.md) [fails]{.fails}"
        "<br>`landscape reproduce id=pca-trajectory`"
        "<br>[scale-invariance](/phenomena/scale-invariance.md) [holds]{.holds} (scale=small);"
        " 1 reported claim fails [holds]{.holds} (scale=paper)"
        "<br>`landscape reproduce id=scale-invariance` |",
        "| It is \\| steep.<br>[wrong in the text]{.fails} It is not."
        " | [nn-composition](/phenomena/nn-composition.md) [not measured yet]{.unmeasured}"
        "<br>`landscape reproduce id=nn-composition`<br>unheard-of [planned]{.unmeasured} |",
        "| Thank you. | context |",
    ]
    assert text.startswith("# Landscapes\n\nSomebody. What they are like.\n")
    assert text.index("## One") < text.index(rows[0]) < text.index("## Two") < text.index(rows[1])


def test_the_index_counts(results: Results) -> None:
    made: dict[str, Any] = pages({"7": LECTURE}, catalogue(), results)
    assert made.keys() == {"index", "7"}
    assert "| [Landscapes](7.md) | Somebody | 4 | 2 | 1 |" in made["index"]


def test_what_is_planned_is_in_no_catalogue() -> None:
    made = pages(LECTURES, catalogue(), read_results(DOCS / "gallery" / "results.json"))
    text = "".join(made.values())
    there_are = {command(entry.id, scale) for entry in catalogue() for scale in entry.scales}
    assert set(re.findall("`(landscape [^`]*)`", text)) <= there_are
    for name in IDS:
        assert (f"{name} [planned]" in text) == (name not in ids())
        assert (f"`landscape reproduce id={name}`" in text) == (name in ids())
