"""A command starts at once: what its options did not ask for is not imported, and it is composed once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig

from conftest import Landscape, carry_out

COMPILER = {"torch._dynamo", "torch._inductor", "sympy", "triton"}
DRAWING = {"matplotlib", "plotly", "PIL"}
DATA = {"sklearn", "torchvision", "pandas"}
SCIPY = {"scipy"}
CALCULATING = COMPILER | DRAWING | DATA | SCIPY
TEXT = {"torch", "h5py", *DRAWING, *DATA, *SCIPY}

LISTED = {
    "help": ({"numpy", *TEXT}, ["--help", "surface --help", "train --help"]),
    "lists": ({"torch", *DRAWING, *DATA, *SCIPY}, ["list architectures", "list runs outputs_dir=."]),
    "pictures": (
        {"torch", "plotly", "matplotlib.pyplot", *DATA, *SCIPY},
        [
            "plot file=line.h5 out=line.png",
            "plot file=plane.h5 kind=heatmap out=plane.png",
            "plot run=run,other out=curves.png",
            "plot file=descent.h5 kind=line out=steps.png",
        ],
    ),
    "contours": (  # smooth ones
        {"torch", "plotly", "matplotlib.pyplot", "scipy.stats", *DATA},
        ["plot file=plane.h5 out=plane.png"],
    ),
    "pages": ({"torch", "matplotlib.pyplot", *DATA, *SCIPY}, ["plot file=plane.h5 out=plane.html"]),
    "calculation": (
        CALCULATING,
        [
            "train batch_size=full epochs=1 out=again",
            "train optimizer=rmsprop epochs=1 out=rmsprop",
            "surface run=run x=[-1,1,2] y=null out=new.h5",
            "surface run=run x=[-1,1,2] y=[-1,1,2] samples=50 out=subset.h5",
            "interpolate from_run=run to_run=other alpha=[0,1,2] out=between.h5",
            "trajectory run=run x=[-1,1,2] y=[-1,1,2] out=path.h5",
            "descend optimizer=gd,adam,newton steps=5 out=descents.h5",
        ],
    ),
    "sharpness": (
        COMPILER | DATA | {"scipy.stats", "plotly", "matplotlib.pyplot"},
        ["sharpness run=run samples=50 measures=keskar,sam,radius out=one.csv"],
    ),
    "eigenvalues": (
        COMPILER | DRAWING | DATA | {"scipy.stats"},
        ["hessian run=run x=null y=null samples=50 out=hessian.h5"],
    ),
}
"""The modules that commands must not import, and the words of each of these commands."""

ONE_AFTER_ANOTHER = """
import json, sys
from landscape_cli.cli import main
after = []
for words in json.loads(sys.argv[1]):
    sys.argv[1:] = words.split()
    assert main() == 0, words
    after.append([words, *sys.modules])
open("modules", "w").write(json.dumps(after))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of three epochs, a line and a plane."""
    made = tmp_path_factory.mktemp("startup")
    return carry_out(
        made,
        [
            words.split()
            for words in (
                "train batch_size=full epochs=3 checkpoint_every=1 out=run",
                "train batch_size=full epochs=1 seed=1 out=other",
                "surface run=run x=[-1,1,3] y=null out=line.h5",
                "surface run=run x=[-1,1,3] y=[-1,1,3] out=plane.h5",
                "descend steps=5 out=descent.h5",
            )
        ],
    )


def run(code: str, folder: Path, *words: str) -> None:
    """Let a new process do it."""
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", LISTED)
def test_a_command_imports_no_more_than_it_needs(folder: Path, kind: str) -> None:
    """One process for all that may import the same: the first that imports more is named."""
    forbidden, commands = LISTED[kind]
    run(ONE_AFTER_ANOTHER, folder, json.dumps(commands))
    after = json.loads((folder / "modules").read_text())
    assert [words for words, *_ in after] == commands
    for words, *modules in after:
        assert "landscape_cli.cli" in modules
        assert set(modules) & forbidden == set(), words


def test_a_surface_from_python_waits_for_no_pictures(tmp_path: Path) -> None:
    code = "import sys; from landscape_cli import surface; open('modules', 'w').write(' '.join(sys.modules))"
    run(code, tmp_path)
    modules = set((tmp_path / "modules").read_text().split())
    assert "landscape_cli.surfaces.loss_field" in modules
    assert modules & CALCULATING == set()


def test_a_job_is_composed_once(landscape: Landscape, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hydra alone would compose all of it a time more."""
    composed = []
    compose = ConfigLoaderImpl.load_configuration

    def noting(loader: ConfigLoaderImpl, *arguments: object, **named: object) -> DictConfig:
        composed.append(named["overrides"])
        return compose(loader, *arguments, **named)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", noting)
    assert landscape("list", "architectures").status == 0
    assert composed == [["kind=architectures", "hydra.mode=RUN"]]
