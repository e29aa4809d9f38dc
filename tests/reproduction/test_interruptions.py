"""Reproductions that are interrupted, killed, and done by several processes at once."""

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from children import Children

import landscape_cli.plots.draw
from conftest import Landscape
from landscape_cli.reproduction import lab, record
from landscape_cli.training.record import Record
from tests.reproduction.conftest import Made, result, tree

CLAIM_KEYS = {
    *("text", "measured", "sd", "n", "relation", "threshold", "verdict", "values", "identity", "soft", "note")
}


@pytest.mark.parametrize("fault", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("stage", ["training", "measuring", "drawing", "writing"])
def test_an_interruption_leaves_no_result_and_is_resumed(
    made: Made,
    tmp_path: Path,
    landscape: Landscape,
    trained: list[str],
    monkeypatch: pytest.MonkeyPatch,
    fault: type[BaseException],
    stage: str,
) -> None:
    """In the second seed: what the first gave is kept, and not measured again."""
    calls = itertools.count()

    def broken(*arguments: Any, **options: Any) -> Any:
        if stage in ("training", "measuring") and next(calls) == 0:
            return works(*arguments, **options)
        raise fault("in the middle")

    where, name = {
        "training": (Record, "finish"),
        "measuring": (record.measured, "save"),
        "drawing": (landscape_cli.plots.draw, "save"),
        "writing": (record, "write_text"),
    }[stage]
    works = getattr(where, name)
    with monkeypatch.context() as patched:
        patched.setattr(where, name, broken)
        if fault is KeyboardInterrupt:
            outcome = landscape("reproduce", "id=tiny")
            assert outcome.status == 130
            assert "interrupted; the same command goes on where it stopped" in outcome.err
        else:
            with pytest.raises(RuntimeError, match="in the middle"):
                landscape("reproduce", "id=tiny")
    folder = tmp_path / "outputs/reproduce/tiny_small"
    assert not (folder / "result.json").exists()
    kept = sorted(path.name for path in (folder / "data").glob("seed_?.h5"))
    assert kept == [f"seed_{seed}.h5" for seed in range({"training": 1, "measuring": 1}.get(stage, 3))]
    assert not list(tmp_path.rglob("*.lock"))
    assert landscape("list", "phenomena").out.count(": not run (nothing)") == 4
    before = list(trained)
    outcome = landscape("reproduce", "id=tiny")
    assert outcome.status == 0, outcome.err
    assert ("2 of 3 seeds to measure" in outcome.err) == (stage in ("training", "measuring"))
    assert result(folder)["verdict"] == "holds"
    again = trained[len(before) :]
    assert len(again) == {"training": 2, "measuring": 1}.get(stage, 0)
    assert again[:1] == before[-1:] or stage != "training"  # it goes on with the second
    assert len(set(trained)) == 3


def test_an_interruption_leaves_no_result_of_what_was_measured_before(
    made: Made, tmp_path: Path, landscape: Landscape, monkeypatch: pytest.MonkeyPatch
) -> None:
    landscape("reproduce", "id=tiny", "seeds=1")
    folder = tmp_path / "outputs/reproduce/tiny_small"
    before = tree(folder)

    def broken(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Record, "finish", broken)
        assert landscape("reproduce", "id=tiny").status == 130
    assert tree(folder) == before  # more seeds: what was there still stands
    made.change(settings={"points": 5})
    with monkeypatch.context() as patched:
        patched.setattr(record, "write_text", broken)
        assert landscape("reproduce", "id=tiny", "seeds=1").status == 130
    assert not (folder / "result.json").exists()  # it was of three points
    assert landscape("reproduce", "id=tiny", "seeds=1").status == 0
    assert result(folder)["settings"] == {"points": 5}


HOLD = (
    "import sys; from pathlib import Path; from landscape_cli.files import only_writer\n"
    "with only_writer(Path(sys.argv[1])):\n"
    "    print('held', flush=True); sys.stdin.readline()"
)


@pytest.mark.parametrize("what", ["run", "surface"])
def test_it_waits_for_what_another_process_is_writing(
    made: Made, tmp_path: Path, landscape: Landscape, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    landscape("reproduce", "id=tiny", "seeds=1")
    folder = tmp_path / "outputs" / f"{what}s"
    wanted = sorted(path for path in folder.iterdir())[0]
    if what == "run":
        provenance = wanted / "provenance.json"  # as if its training had not come to its end
        provenance.write_text(json.dumps({**json.loads(provenance.read_text()), "end": None}))
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(wanted)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    looks = itertools.count(1)

    def sleep(seconds: float) -> None:
        if next(looks) == 3:
            other.communicate("done\n")

    monkeypatch.setattr(lab.time, "sleep", sleep)
    outcome = landscape("reproduce", "id=tiny-too", "seeds=1")
    assert outcome.status == 0, outcome.err
    assert next(looks) == 4
    assert outcome.err.count("waiting: ") == 1
    assert f"{wanted.name} is being written by another process" in outcome.err
    assert result(tmp_path / outcome.last_line)["id"] == "tiny-too"


def test_one_process_writes_a_reproduction(made: Made, tmp_path: Path, landscape: Landscape) -> None:
    folder = tmp_path / "outputs/reproduce/tiny_small"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        outcome = landscape("reproduce", "id=tiny", "seeds=1")
        assert outcome.status == 1
        assert "tiny_small is being written by another process" in outcome.err
        other.communicate("done\n")
    assert not (tmp_path / "outputs").exists()


@pytest.mark.slow
def test_two_processes_share_the_runs(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "landscape_cli", "reproduce", "id=nn-composition", "seeds=1"]
    processes = [
        subprocess.Popen([*words, f"out={name}"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        for name in ("one", "other")
    ]
    told = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    values = [[claim["values"] for claim in result(tmp_path / name)["claims"]] for name in ("one", "other")]
    assert values[0] == values[1]
    assert len(list((tmp_path / "outputs/runs").iterdir())) == 3


@pytest.mark.slow
def test_killed_at_any_moment_it_resumes_to_the_same_result(tmp_path: Path) -> None:
    words = ["reproduce", "id=nn-composition", "seeds=1", "device=cpu"]
    kills = 0
    with Children(tmp_path, [*words, "outputs_dir=whole"]) as children:
        for delay in itertools.count(1):
            outcome = children(*words, kill_after=0.25 * delay)
            if outcome.status == 0:
                break
            assert outcome.status == -9, outcome.err
            kills += 1
    assert kills >= 1
    first, second = (
        result(tmp_path / outputs / "reproduce/nn-composition_small") for outputs in ("whole", "outputs")
    )
    assert first["claims"] == second["claims"]
