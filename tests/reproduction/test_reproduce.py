"""`landscape reproduce`: its folder, several of them, mistakes."""

import csv
from pathlib import Path

import numpy as np
import pytest

from conftest import Landscape
from landscape_cli.reproduction import catalogue, measured
from tests.reproduction.conftest import SHARED, Made, result, tree

CLAIM_KEYS = {
    *("text", "measured", "sd", "n", "relation", "threshold", "verdict", "values", "identity", "soft", "note")
}


@pytest.mark.slow
def test_a_reproduction_end_to_end(tmp_path: Path, landscape: Landscape) -> None:
    """The real thing, with one seed instead of three."""
    outcome = landscape("reproduce", "id=nn-composition", "scale=small", "seeds=1")
    assert outcome.status == 0, outcome.err
    assert outcome.last_line == "outputs/reproduce/nn-composition_small"
    folder = tmp_path / outcome.last_line
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        *("result.json", "data/seed_0.h5", "data/numbers.csv", "parameters.png", "parameters.pdf")
    }
    assert (folder / "parameters.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "parameters.pdf").read_bytes().startswith(b"%PDF")
    content = result(folder)
    assert (content["id"], content["scale"], content["seeds"]) == ("nn-composition", "small", [0])
    assert content["verdict"] == "holds"
    assert content["seconds"] >= content["training_seconds"] > 0
    assert content["pictures"] == ["parameters.png"]
    assert content["settings"] == {}
    assert set(content["runs"]) == set(content["train_losses"]) == {"linear", "mlp", "cnn"}
    assert all(0 < loss < 2.3 for losses in content["train_losses"].values() for loss in losses)
    made_by = content["provenance"]
    assert {"command", "versions", "device", "dataset_fingerprint", "start", "end"} <= set(made_by)
    assert len(made_by["run_folders"]) == 3
    assert all((tmp_path / path / "checkpoints").is_dir() for path in made_by["run_folders"])
    assert len(content["claims"]) == 4
    for claim in content["claims"]:
        assert set(claim) == CLAIM_KEYS
        assert isinstance(claim["text"], str)
        assert isinstance(claim["measured"], float)
        assert claim["sd"] is None or isinstance(claim["sd"], float)
        assert claim["n"] == len(claim["values"]) > 0
        assert isinstance(claim["threshold"], float)
        assert claim["verdict"] == "holds"
        assert f"holds: {claim['text']}: " in outcome.out
    with (folder / "data" / "numbers.csv").open(newline="") as file:
        numbers = {row["quantity"]: float(row["value"]) for row in csv.DictReader(file)}
    assert [name for name in numbers if name.startswith("parameters/")] == [
        *("parameters/linear", "parameters/mlp", "parameters/cnn")
    ]
    assert numbers["parameters/linear"] == 650
    cost = catalogue.phenomenon("nn-composition").scales["small"].cost
    lines = landscape("list", "phenomena").out.splitlines()
    (here,) = (number for number, line in enumerate(lines) if line.startswith("nn-composition "))
    assert lines[here + 2].strip() == f"scale=small: holds ({cost})"


def test_what_is_left_behind(made: Made, tmp_path: Path, landscape: Landscape, trained: list[str]) -> None:
    outcome = landscape("reproduce", "id=tiny")
    assert outcome.status == 0, outcome.err
    folder = tmp_path / "outputs/reproduce/tiny_small"
    content = result(folder)
    assert (content["verdict"], content["seeds"], len(trained)) == ("holds", [0, 1, 2], 3)
    assert content["settings"] == {"points": 3}
    claim = content["claims"][0]
    table = (folder / "data" / "numbers.csv").read_text().splitlines()
    rows = list(csv.DictReader(table))
    assert [(row["quantity"], row["seed"]) for row in rows] == [("loss", str(seed)) for seed in range(3)]
    losses = [float(row["value"]) for row in rows]
    assert claim["values"] == losses
    assert claim["measured"] == pytest.approx(np.mean(losses))
    assert claim["sd"] == pytest.approx(np.std(losses, ddof=1))
    assert outcome.out.splitlines()[0].startswith("holds: The loss is positive: ")
    assert outcome.err.count("seed 0, run 1 of 1: linear") == 1
    assert not list(tmp_path.rglob("*.part")) + list(tmp_path.rglob("*.lock"))


def test_the_same_command_again_does_nothing_and_says_so(
    made: Made, tmp_path: Path, landscape: Landscape, trained: list[str]
) -> None:
    first = landscape("reproduce", "id=tiny", "seeds=1")
    before = tree(tmp_path)
    again = landscape("reproduce", "id=tiny", "seeds=1")
    assert again.status == 0
    assert again.err == "outputs/reproduce/tiny_small is finished; nothing to do\n"
    assert again.out == first.out
    assert tree(tmp_path) == before
    assert len(trained) == 1


def test_what_fails_is_told_as_failing(made: Made, tmp_path: Path, landscape: Landscape) -> None:
    made.rewrite('"loss": lab.metrics("linear")["train_loss"][-1]', '"loss": lab.seed + 1')
    made.change(claims={"loss > 99": "The loss is huge"})
    outcome = landscape("reproduce", "id=tiny")
    assert outcome.status == 0  # a finding, no mistake
    assert outcome.out.splitlines()[0] == "fails: The loss is huge: 2 ± 1, n = 3; wanted > 99"
    assert result(tmp_path / outcome.last_line)["verdict"] == "fails"
    listed = landscape("list", "phenomena").out.splitlines()
    statuses = [line.split()[1] for line in listed if "scale=" in line]
    assert statuses == ["fails", "not", "not", "not"]


def test_several_ids(made: Made, tmp_path: Path, landscape: Landscape, trained: list[str]) -> None:
    folders = ["outputs/reproduce/tiny_small", "outputs/reproduce/tiny-too_small"]
    outcome = landscape("reproduce", "id=[tiny,tiny-too]", "seeds=1")
    assert outcome.status == 0
    assert [line for line in outcome.out.splitlines() if line in folders] == folders
    assert outcome.last_line == folders[1]
    assert len(trained) == 1
    assert [result(tmp_path / folder)["id"] for folder in folders] == ["tiny", "tiny-too"]


def test_a_multirun(made: Made, tmp_path: Path, landscape: Landscape) -> None:
    outcome = landscape("reproduce", "id=tiny,tiny-too", "scale=small,paper", "seeds=1", "--multirun")
    assert outcome.status == 0, outcome.err
    names = [f"{name}_{scale}" for name in ("tiny", "tiny-too") for scale in ("small", "paper")]
    folders = [f"outputs/reproduce/{name}" for name in names]
    assert [line for line in outcome.out.splitlines() if line in folders] == folders
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]


def test_out_is_the_folder_of_one_and_above_those_of_several(
    made: Made, tmp_path: Path, landscape: Landscape
) -> None:
    assert landscape("reproduce", "id=tiny", "seeds=1", "out=here/one").last_line == "here/one"
    assert result(tmp_path / "here/one")["id"] == "tiny"
    several = landscape("reproduce", "id=[tiny,tiny-too]", "scale=paper", "seeds=1", "out=these")
    assert several.last_line == "these/tiny-too_paper"
    assert result(tmp_path / "these/tiny_paper")["scale"] == "paper"
    assert not (tmp_path / "outputs/reproduce").exists()


def test_runs_and_surfaces_made_by_hand_are_reused(
    made: Made, tmp_path: Path, landscape: Landscape, trained: list[str]
) -> None:
    run = landscape("train", "seed=0", "epochs=1", *reversed(SHARED)).last_line
    line = landscape("surface", f"run={run}", "splits=[train]", "x=[-1,1,3]", "y=null").last_line
    before = tree(tmp_path)
    landscape("reproduce", "id=tiny", "seeds=2")
    assert len(trained) == 2  # that by hand, and the other seed
    after = tree(tmp_path)
    assert {name: after[name] for name in before} == before
    assert line in after


def test_outputs_dir_holds_runs_surfaces_and_the_result(
    made: Made, tmp_path: Path, landscape: Landscape
) -> None:
    outcome = landscape("reproduce", "id=tiny", "seeds=1", "outputs_dir=elsewhere")
    assert outcome.last_line == "elsewhere/reproduce/tiny_small"
    inside = sorted(path.name for path in (tmp_path / "elsewhere").iterdir())
    assert inside == ["reproduce", "runs", "surfaces"]
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


@pytest.mark.parametrize(
    "names",
    [
        ["notes.txt"],
        ["config.yaml", "checkpoints/epoch_0000.pt"],
        ["package.json"],
        ["Makefile"],
        ["data/MNIST/raw/images"],
        ["data/photographs.zip", "picture.png"],
    ],
)
def test_a_folder_of_other_things_is_refused(
    made: Made, tmp_path: Path, landscape: Landscape, names: list[str]
) -> None:
    for name in names:
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    before = tree(tmp_path)
    outcome = landscape("reproduce", "id=tiny", "seeds=1", "out=mine")
    assert outcome.status == 1
    assert outcome.err == "mine holds other things than a reproduction; choose another out=\n"
    assert tree(tmp_path) == before


@pytest.mark.parametrize("words", [["id=tiny-too"], ["id=tiny", "scale=paper"]])
def test_the_folder_of_another_reproduction_is_refused(
    made: Made, tmp_path: Path, landscape: Landscape, words: list[str]
) -> None:
    landscape("reproduce", "id=tiny", "seeds=1", "out=mine")
    before = tree(tmp_path)
    outcome = landscape("reproduce", *words, "seeds=1", "out=mine")
    assert outcome.status == 1
    assert outcome.err == "mine holds tiny, scale small; choose another out=\n"
    assert tree(tmp_path) == before


def test_a_damaged_result_is_refused_by_name(made: Made, tmp_path: Path, landscape: Landscape) -> None:
    landscape("reproduce", "id=tiny", "seeds=1")
    path = tmp_path / "outputs/reproduce/tiny_small/result.json"
    path.write_text(path.read_text()[:100])
    outcome = landscape("reproduce", "id=tiny", "seeds=1")
    assert outcome.status == 1
    assert "outputs/reproduce/tiny_small/result.json cannot be read" in outcome.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["id=nn-compositon"], "no phenomenon 'nn-compositon'; choose from "),
        (["id=nn-compositon"], "(nearest: nn-composition)"),
        (["id=[nn-composition,losses]"], "no phenomenon 'losses'; choose from "),
        (["id=../dataset/digits"], "no phenomenon '../dataset/digits'"),
        (
            ["id=nn-composition", "scale=medium"],
            "nn-composition has no scale 'medium'; choose from small, paper",
        ),
        (["id=nn-composition", "scale=tiny"], "no scale 'tiny'; choose from medium, paper, small"),
        (["id=nn-composition", "seeds=0"], "seeds must be a positive whole number or null, got 0"),
        (["id=nn-composition", "seed=-1"], "seed must be zero or more, got -1"),
        (["id=[]"], "id must be a phenomenon or a list of them, got []"),
        (["id=3"], "id must be a word or a list of words, got 3"),
        ([], "missing: id; say id=…"),
        (["id=nn-composition", "dataset.name=mnist"], "dataset.name"),
        (["id=nn-composition", "epochs=3"], "no key 'epochs'"),
    ],
)
def test_mistakes_are_told_in_a_line(
    tmp_path: Path, landscape: Landscape, words: list[str], message: str
) -> None:
    outcome = landscape("reproduce", *words)
    assert outcome.status == 1
    assert message in outcome.err
    assert len(outcome.err.splitlines()) <= 2
    assert outcome.out == ""
    assert not list(tmp_path.iterdir())


def test_the_data_may_lie_elsewhere_the_next_time(
    made: Made, tmp_path: Path, landscape: Landscape, trained: list[str]
) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 8, 8), dtype=np.uint8)
    labels = np.arange(20) % 10
    (tmp_path / "before").mkdir()
    arrays = {f"{split}_images": images for split in ("train", "test")}
    arrays |= {f"{split}_labels": labels for split in ("train", "test")}
    np.savez(tmp_path / "before/mnist.npz", **arrays)
    for path in made.records.glob("*.yaml"):
        path.write_text(path.read_text().replace("dataset=digits", "dataset=mnist"))
    made.rewrite('"line": plane', '"inputs": lab.data("linear").train.inputs.flatten().numpy()')
    outcome = landscape("reproduce", "id=tiny", "seeds=1", "dataset.root=before")
    assert outcome.status == 0, outcome.err
    (tmp_path / "before").rename(tmp_path / "after")
    outcome = landscape("reproduce", "id=tiny-too", "seeds=1", "dataset.root=after")
    assert outcome.status == 0, outcome.err
    assert len(trained) == 1
    seen = [
        measured.load(tmp_path / f"outputs/reproduce/{name}_small/data/seed_0.h5")["inputs"].tolist()
        for name in ("tiny", "tiny-too")
    ]
    assert len(seen[0]) == 20 * 64
    assert seen[0] == seen[1]
