"""A wheel in an empty environment works from any folder, configurations included."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*words: str | Path, folder: Path) -> str:
    done = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def copy_of_the_tracked_files(to: Path) -> Path:
    tracked = run("git", "ls-files", "-z", folder=ROOT).rstrip("\0").split("\0")
    assert len(tracked) > 150
    for name in tracked:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, to / name)
    return to


@pytest.mark.slow
def test_a_wheel_in_an_empty_environment(tmp_path: Path) -> None:
    checkout = copy_of_the_tracked_files(tmp_path / "checkout")
    dist, environment, elsewhere = tmp_path / "dist", tmp_path / "environment", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist, ".", folder=checkout)
    (wheel,) = dist.glob("landscape_cli-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    options = {str(path.relative_to(checkout)) for path in (checkout / "conf").rglob("*.yaml")}
    modules = {str(path.relative_to(checkout)) for path in (checkout / "landscape_cli").rglob("*.py")}
    assert len(options) > 60
    assert len(modules) > 60
    assert {f"landscape_cli/{option}" for option in options} <= names
    assert modules <= names
    unwanted = [name for name in names if "README" in Path(name).name or "tests" in Path(name).parts]
    assert not unwanted
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"landscape_cli"}

    run(sys.executable, "-m", "venv", environment, folder=tmp_path)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, folder=elsewhere)
    (site,) = environment.glob("lib/python*/site-packages")
    # The dependencies of this environment, without its landscape_cli: an editable install is a .pth file,
    # and those are not read in a folder that a .pth file adds.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    where = run(python, "-c", "import landscape_cli; print(landscape_cli.__file__)", folder=elsewhere)
    assert Path(where.strip()).is_relative_to(environment)
    landscape = environment / "bin" / "landscape"
    words = ["train", "epochs=1", "dataset.train_size=200", "batch_size=20"]
    trained = run(landscape, *words, folder=elsewhere).splitlines()[-1]
    assert (elsewhere / trained / "checkpoints" / "epoch_0001.pt").is_file()
    assert "resnet56" in run(landscape, "list", "architectures", folder=elsewhere)
    assert os.listdir(elsewhere) == ["outputs"]
