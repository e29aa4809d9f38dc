"""Every entry of the catalogue: its function exists and takes its settings, and its words compose."""

import importlib
import inspect
import json
from collections import Counter
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from conftest import Landscape
from landscape_cli.composition import settings_from
from landscape_cli.errors import LandscapeError
from landscape_cli.reproduction.catalogue import catalogue, default_folder, ids, phenomenon, status
from landscape_cli.reproduction.claims import parsed
from landscape_cli.reproduction.gallery import SECTIONS as TITLES
from landscape_cli.reproduction.measured import Measured
from landscape_cli.reproduction.source import digest
from landscape_cli.schemas.training import TrainConfig

SECTIONS = {
    "A": 3,
    "B": 8,
    "C": 10,
    "F": 10,
    "G": 13,
    "H": 8,
    "I": 13,
    "J": 14,
    "K": 7,
    "L": 18,
    "M": 4,
    "N": 5,
}  # how many phenomena each has

EVERY = [(name, scale) for name in ids() for scale in phenomenon(name).scales]


def test_none_is_forgotten() -> None:
    entries = [(entry.section, entry.id) for entry in catalogue()]
    assert Counter(section for section, _ in entries) == SECTIONS
    assert entries == sorted(entries)
    assert sorted(ids()) == sorted(name for _, name in entries)


@pytest.mark.parametrize("name", ids())
def test_every_entry_says_what_it_is(name: str) -> None:
    entry = phenomenon(name)
    assert len(entry.line) > 20
    assert not entry.line.startswith("#")
    assert entry.section in TITLES
    assert len(entry.source) > 10
    assert {"small", "paper"} <= set(entry.scales)
    for scale in entry.scales.values():
        assert scale.cost
        assert scale.seeds >= 3


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_the_functions_take_exactly_what_the_record_gives(name: str, scale: str) -> None:
    """The lab first, by position; then the settings by name, each of which is needed or has a default."""
    function = name.replace("-", "_")
    topic = importlib.import_module(f"landscape_cli.phenomena.{phenomenon(name).topic}")
    measure, draw = getattr(topic, function), getattr(topic, f"draw_{function}")
    chosen = phenomenon(name).scales[scale]
    for code, first, given in ((measure, "lab", chosen.settings), (draw, "seeds", chosen.drawing)):
        own, *others = inspect.signature(code).parameters.values()
        assert own.name == first
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in others)
        assert set(given) <= {parameter.name for parameter in others}
        assert {parameter.name for parameter in others if parameter.default is parameter.empty} <= set(given)
    assert inspect.signature(measure).return_annotation == Measured
    assert len(digest(topic.__name__.rpartition(".")[2], function)) == 16


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_every_claim_can_be_read_and_counts(name: str, scale: str) -> None:
    """A claim at least counts for the verdict, and no note is of a quantity that nothing is claimed of."""
    chosen = phenomenon(name).scales[scale]
    lines = {line: parsed(line) for line in chosen.claims}
    assert any(kind != "report" for kind, _, _, _ in lines.values())
    for line, text in chosen.claims.items():
        words = text.format_map({**chosen.settings, **chosen.drawing, "each": "one", "quantity": "it"})
        assert len(words) > 10
        assert ("{each}" in text) <= ("/*" in line)
    quantities = {quantity for _, quantity, _, _ in lines.values()}
    for quantity in chosen.notes:
        assert any(fnmatch(quantity, claimed) or fnmatch(claimed, quantity) for claimed in quantities)


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_every_run_composes(name: str, scale: str) -> None:
    folders = []
    runs = phenomenon(name).scales[scale].runs
    for words in runs.values():
        assert not any(word.startswith(("out=", "outputs_dir=", "device=")) for word in words)
        seeds = [word for word in words if word.startswith("seed=")]
        assert all(int(word.removeprefix("seed=")) >= 1000 for word in seeds)
        settings = settings_from("train", words if seeds else [*words, "seed=0"])
        assert isinstance(settings, TrainConfig)
        folders.append(settings.out)
    assert len(set(folders)) == len(runs), "two runs with the same words"


@pytest.mark.parametrize(("name", "scale"), EVERY)
def test_what_identifies_a_reproduction_survives_json(name: str, scale: str) -> None:
    chosen = phenomenon(name).scales[scale]
    asked = {
        "runs": chosen.runs,
        "words": chosen.words,
        "settings": chosen.settings,
        "drawing": chosen.drawing,
    }
    assert json.loads(json.dumps(asked, allow_nan=False)) == asked


def test_a_word_of_a_run_takes_the_place_of_the_shared_one() -> None:
    words = phenomenon("losses-mse-ce").scales["small"].runs
    assert words["cross-entropy"] == ["dataset=digits", "architecture=mlp", "epochs=10", "optimizer.lr=0.01"]
    assert words["zero weights"] == [
        *["dataset=digits", "architecture=mlp", "epochs=0", "optimizer.lr=0.01", "init=zeros"]
    ]


@pytest.mark.parametrize("name", ["nn-compositon", "../dataset/digits", ""])
def test_an_unknown_id_is_refused(name: str) -> None:
    with pytest.raises(LandscapeError, match="no phenomenon") as caught:
        phenomenon(name)
    assert all(known in str(caught.value) for known in ids())


def write(outputs: Path, scale: str, content: Any) -> None:
    folder = default_folder(outputs, "nn-composition", scale)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(content if isinstance(content, str) else json.dumps(content))


def result(verdict: str) -> dict[str, Any]:
    return {"id": "nn-composition", "scale": "small", "verdict": verdict, "claims": []}


@pytest.mark.parametrize("verdict", ["holds", "fails", "undecided"])
def test_the_status_is_the_verdict_of_its_scale(tmp_path: Path, verdict: str) -> None:
    assert status(tmp_path, "nn-composition", "small") == "not run"
    write(tmp_path, "small", result(verdict))
    assert status(tmp_path, "nn-composition", "small") == verdict
    assert status(tmp_path, "nn-composition", "paper") == "not run"


def listed(landscape: Landscape, *words: str) -> list[list[str]]:
    """Return the lines of each phenomenon in the list: id and line, source, and one a scale."""
    outcome = landscape("list", "phenomena", *words)
    assert outcome.status == 0, outcome.err
    lines = outcome.out.splitlines()
    starts = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    return [[line.strip() for line in lines[start:stop]] for start, stop in pairwise([*starts, len(lines)])]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"id": "x"}'])
def test_a_damaged_result_is_told_and_stops_no_list(
    tmp_path: Path, landscape: Landscape, content: str
) -> None:
    write(tmp_path / "outputs", "small", content)
    found = listed(landscape)
    assert len(found) == sum(SECTIONS.values())
    damaged = [lines for lines in found if any("result.json cannot be read" in line for line in lines)]
    assert [lines[0].split()[0] for lines in damaged] == ["nn-composition"]


def test_the_list_shows_line_source_scales_status_and_cost(tmp_path: Path, landscape: Landscape) -> None:
    write(tmp_path / "elsewhere", "paper", result("fails"))
    expected = []
    for entry in catalogue():
        known = dict.fromkeys(entry.scales, "not run")
        if entry.id == "nn-composition":
            known["paper"] = "fails"
        scales = [f"scale={name}: {known[name]} ({scale.cost})" for name, scale in entry.scales.items()]
        expected.append([entry.id, entry.line, entry.source, *scales])
    found = listed(landscape, "outputs_dir=elsewhere")
    assert [[*first.split(maxsplit=1), *others] for first, *others in found] == expected
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]
