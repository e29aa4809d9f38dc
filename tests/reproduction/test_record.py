"""What is measured is kept a seed; verdicts and pictures follow what is asked now."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import Landscape
from landscape_cli import store
from landscape_cli.reproduction import measured
from tests.reproduction.conftest import SCALE, Made, result, tree

FOLDER = "outputs/reproduce/tiny_small"


def seeds(folder: Path) -> dict[str, bytes]:
    """The files of the seeds."""
    return {name: content for name, content in tree(folder / "data").items() if name.endswith(".h5")}


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.p[nd][gf]"))}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test that needs a finished reproduction leaves it for the others."""
    return tmp_path_factory.mktemp("finished")


@pytest.fixture
def folder(made: Made, tmp_path: Path, landscape: Landscape, finished: Path) -> Path:
    """That of a reproduction that is finished."""
    if not (finished / FOLDER).exists():
        assert landscape("reproduce", "id=tiny").status == 0
        shutil.copytree(tmp_path / "outputs", finished / "outputs")
    else:
        shutil.copytree(finished / "outputs", tmp_path / "outputs")
    return tmp_path / FOLDER


def test_a_file_a_seed_and_the_surfaces_beside_it(folder: Path, tmp_path: Path) -> None:
    assert sorted(seeds(folder)) == [f"seed_{seed}{rest}.h5" for seed in range(3) for rest in ("", "_line")]
    for seed in range(3):
        found = measured.load(folder / "data" / f"seed_{seed}.h5")
        assert list(found) == ["seed", "loss", "line"]
        assert found["seed"] == seed
        assert found["line"].x.tolist() == [-1.0, 0.0, 1.0]
        assert found["line"].path == folder / "data" / f"seed_{seed}_line.h5"
        (original,) = (tmp_path / "outputs/surfaces").glob(f"*seed-{seed}_*")
        assert original.read_bytes() == found["line"].path.read_bytes()
        assert result(folder)["claims"][0]["values"][seed] == found["loss"]


def test_a_changed_threshold_is_judged_anew_and_nothing_else_is_done(
    folder: Path, made: Made, landscape: Landscape, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, drawn = seeds(folder), pictures(folder)
    made.change(claims={"loss > 99": "The loss is huge"})
    outcome = landscape("reproduce", "id=tiny")
    assert outcome.status == 0, outcome.err
    assert outcome.out.startswith("fails: The loss is huge: ")
    assert "wanted > 99" in outcome.out
    assert result(folder)["verdict"] == "fails"
    assert result(folder)["claims"][0]["threshold"] == 99
    assert (seeds(folder), pictures(folder), trained) == (before, drawn, [])
    again = landscape("reproduce", "id=tiny")
    assert f"{FOLDER} is finished; nothing to do" in again.err
    assert again.out == outcome.out


@pytest.mark.parametrize(
    "change",
    [
        {"claims": {"report loss > 0": "The loss is positive"}},
        {"claims": {"loss > 0": "Other words"}},
        {"notes": {"loss": "it is known"}},
        {"cost": "less", "source": "somebody"},
    ],
    ids=["soft", "text", "note", "cost"],
)
def test_words_measure_nothing_and_draw_nothing(
    folder: Path, made: Made, landscape: Landscape, trained: list[str], change: dict[str, Any]
) -> None:
    before, drawn = seeds(folder), pictures(folder)
    made.change(**change)
    assert landscape("reproduce", "id=tiny").status == 0
    assert (seeds(folder), pictures(folder), trained) == (before, drawn, [])


def test_a_changed_label_is_drawn_anew_and_not_measured(
    folder: Path, made: Made, landscape: Landscape
) -> None:
    before, drawn = seeds(folder), pictures(folder)
    made.rewrite("figure.subplots()", "figure.subplots(subplot_kw={'title': label})")
    assert landscape("reproduce", "id=tiny").status == 0
    titled = pictures(folder)
    assert titled["losses.png"] != drawn["losses.png"]  # the code that draws has changed
    made.change(drawing={"label": "another"})
    assert landscape("reproduce", "id=tiny").status == 0
    assert pictures(folder)["losses.png"] != titled["losses.png"]
    assert seeds(folder) == before


@pytest.mark.parametrize("name", ["losses.png", "losses.pdf"])
def test_a_deleted_picture_is_drawn_again(folder: Path, landscape: Landscape, name: str) -> None:
    before, drawn = seeds(folder), pictures(folder)
    (folder / name).unlink()
    assert landscape("reproduce", "id=tiny").status == 0
    assert pictures(folder)["losses.png"] == drawn["losses.png"]
    assert (folder / name).is_file()
    assert seeds(folder) == before


@pytest.mark.parametrize(
    "change", [{"settings": {"points": 5}}, {"surface": ["samples=10"]}, {"runs": {"linear": ["epochs=2"]}}]
)
def test_what_determines_a_measurement_measures_anew(
    folder: Path, made: Made, landscape: Landscape, change: dict[str, Any]
) -> None:
    before = seeds(folder)
    scale = {**SCALE, **change}
    made.change(small=scale)
    assert landscape("reproduce", "id=tiny").status == 0
    after = seeds(folder)
    assert [name for name in before if after[name] == before[name]] == []
    line = store.read(folder / "data" / "seed_0_line.h5")
    assert len(line.x) == scale["settings"]["points"]
    assert "finished" in landscape("reproduce", "id=tiny").err


def test_another_measuring_function_measures_anew_and_its_comments_do_not(
    folder: Path, made: Made, landscape: Landscape
) -> None:
    before = seeds(folder)
    made.rewrite('    """Measure."""', '    """Measure it."""  # well')
    assert "finished" in landscape("reproduce", "id=tiny").err
    assert seeds(folder) == before
    made.rewrite('["train_loss"][-1]', '["train_loss"][0]')
    assert "3 of 3 seeds to measure" in landscape("reproduce", "id=tiny").err
    assert seeds(folder) != before


def test_more_seeds_measure_only_the_new_ones(
    made: Made, tmp_path: Path, landscape: Landscape, trained: list[str]
) -> None:
    folder = tmp_path / FOLDER
    assert "undecided: The loss is positive: " in landscape("reproduce", "id=tiny", "seeds=1").out
    assert [claim["verdict"] for claim in result(folder)["claims"]] == ["undecided", "holds"]
    first = seeds(folder)
    outcome = landscape("reproduce", "id=tiny")
    assert "2 of 3 seeds to measure" in outcome.err
    assert (result(folder)["verdict"], len(trained)) == ("holds", 3)
    assert {name: seeds(folder)[name] for name in first} == first
    landscape("reproduce", "id=tiny", "seeds=1", "seed=2")
    assert result(folder)["seeds"] == [2]
    assert len(result(folder)["claims"][0]["values"]) == 1
    assert len(trained) == 3
    assert "1 of 4 seeds to measure" in landscape("reproduce", "id=tiny", "seeds=4").err
    assert (result(folder)["seeds"], len(trained)) == ([0, 1, 2, 3], 4)


def test_a_lost_seed_is_measured_alone(folder: Path, landscape: Landscape, trained: list[str]) -> None:
    before, said = seeds(folder), result(folder)["claims"]
    (folder / "data" / "seed_1.h5").unlink()
    outcome = landscape("reproduce", "id=tiny")
    assert "1 of 3 seeds to measure" in outcome.err
    assert trained == []  # the runs are kept
    after = seeds(folder)
    assert [name for name in before if after[name] != before[name]] == ["seed_1.h5"]  # its times
    assert result(folder)["claims"] == said


def test_a_damaged_seed_is_told_by_name(folder: Path, landscape: Landscape) -> None:
    path = folder / "data" / "seed_1.h5"
    path.write_bytes(path.read_bytes()[:100])
    outcome = landscape("reproduce", "id=tiny")
    assert outcome.status == 1
    assert "data/seed_1.h5 cannot be read" in outcome.err
    assert "delete it to measure that seed again" in outcome.err


def test_a_claim_of_what_was_not_measured_is_told(folder: Path, made: Made, landscape: Landscape) -> None:
    made.change(claims={"gain > 0": "It gains"})
    outcome = landscape("reproduce", "id=tiny")
    assert outcome.status == 1
    assert outcome.err == "the claim 'gain > 0' is of gain, which was not measured\n"


def test_without_runs_nothing_is_trained(
    made: Made, tmp_path: Path, landscape: Landscape, trained: list[str]
) -> None:
    made.rewrite("lab.surface(", "None and lab.surface(")
    made.rewrite('lab.metrics("linear")["train_loss"][-1], "line": plane', "lab.random('loss').uniform(1, 2)")
    made.change(small={"cost": "nothing", "settings": {"points": 3}, "drawing": {"label": "it"}})
    outcome = landscape("reproduce", "id=tiny")
    assert outcome.status == 0, outcome.err
    found = result(tmp_path / FOLDER)
    assert (found["verdict"], found["runs"], found["training_seconds"]) == ("holds", {}, 0)
    assert len(set(found["claims"][0]["values"])) == 3
    assert trained == []
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["reproduce"]


def test_a_run_with_a_seed_of_its_own(made: Made, tmp_path: Path, landscape: Landscape) -> None:
    made.change(runs={"linear": ["epochs=1"], "another": ["epochs=1", "seed=1000"]})
    assert landscape("reproduce", "id=tiny", "seeds=2", "seed=4").status == 0
    names = {path.name.rpartition("seed-")[2] for path in (tmp_path / "outputs/runs").iterdir()}
    assert names == {"4", "5", "1004", "1005"}


def test_the_scale_in_between(made: Made, tmp_path: Path, landscape: Landscape) -> None:
    outcome = landscape("reproduce", "id=tiny", "scale=medium")
    assert outcome.status == 1
    assert outcome.err == "tiny has no scale 'medium'; choose from small, paper\n"
    made.change(medium={**SCALE, "claims": {"loss > 1000": "Here it is huge"}})
    outcome = landscape("reproduce", "id=tiny", "scale=medium")
    assert outcome.status == 0, outcome.err
    assert [claim["text"] for claim in result(tmp_path / outcome.last_line)["claims"]] == [
        "The loss is positive",
        "The loss is positive, always",
        "Here it is huge",
    ]
    assert "scale=medium: fails (nothing)" in landscape("list", "phenomena").out


@pytest.mark.slow
def test_judging_needs_no_torch(tmp_path: Path, landscape: Landscape) -> None:
    assert landscape("reproduce", "id=condition-number").status == 0
    code = (
        "import sys; from landscape_cli.cli import main\n"
        "status = main()\n"
        "sys.stderr.write(f\"{status} torch: {'torch' in sys.modules}\")"
    )
    words = ["reproduce", "id=condition-number"]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.endswith("0 torch: False"), done.stderr
    assert "nothing to do" in done.stderr
