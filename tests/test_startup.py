"""A command starts at once: what its options did not ask for is not imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import carry_out

COMPILER = {"torch._dynamo", "torch._inductor", "sympy", "triton"}
DRAWING = {"matplotlib", "plotly", "PIL"}
DATA = {"sklearn", "torchvision", "pandas"}
SCIPY = {"scipy"}
CALCULATING = COMPILER | DRAWING | DATA | SCIPY
TEXT = {"torch", "h5py", *DRAWING, *DATA, *SCIPY}

LISTED = {
    "--help": TEXT | {"numpy"},
    "surface --help": TEXT | {"numpy"},
    "train --help": TEXT | {"numpy"},
    "list architectures": {"torch", *DRAWING, *DATA, *SCIPY},
    "list runs outputs_dir=.": {"torch", *DRAWING, *DATA, *SCIPY},
    "plot file=line.h5 out=line.png": {"torch", "plotly", "matplotlib.pyplot", *DATA, *SCIPY},
    "plot file=plane.h5 out=plane.png": {"torch", "plotly", "matplotlib.pyplot", *DATA, *SCIPY},
    "plot file=plane.h5 out=plane.html": {"torch", "matplotlib.pyplot", *DATA, *SCIPY},
    "train batch_size=full epochs=1 out=again": CALCULATING,
    "train optimizer=rmsprop epochs=1 out=rmsprop": CALCULATING,
    "surface run=run x=[-1,1,2] y=null out=new.h5": CALCULATING,
    "surface run=run x=[-1,1,2] y=[-1,1,2] samples=50 out=subset.h5": CALCULATING,
    "interpolate from_run=run to_run=other alpha=[0,1,2] out=between.h5": CALCULATING,
    "trajectory run=run x=[-1,1,2] y=[-1,1,2] out=path.h5": CALCULATING,
    "hessian run=run x=null y=null samples=50 out=hessian.h5": COMPILER | DRAWING | DATA | {"scipy.stats"},
}
"""Words of a command -> the modules that it must not import."""


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
            )
        ],
    )


def imported(code: str, folder: Path, *words: str) -> set[str]:
    """Return the modules that a new process has at its end."""
    ending = "import json, sys; open('modules', 'w').write(json.dumps([status, *sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{ending}", *words], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    status, *modules = json.loads((folder / "modules").read_text())
    assert status in (None, 0), done.stderr
    return set(modules)


@pytest.mark.slow
@pytest.mark.parametrize("words", LISTED)
def test_a_command_imports_no_more_than_it_needs(folder: Path, words: str) -> None:
    modules = imported("from landscape_cli.cli import main\nstatus = main()", folder, *words.split())
    assert "landscape_cli.cli" in modules
    assert modules & LISTED[words] == set()


def test_a_surface_from_python_waits_for_no_pictures(tmp_path: Path) -> None:
    modules = imported("from landscape_cli import surface\nstatus = 0", tmp_path)
    assert "landscape_cli.surfaces.loss_field" in modules
    assert modules & CALCULATING == set()
