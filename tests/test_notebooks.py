"""The notebooks of docs/, run from top to bottom in a kernel."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS] == ["torchvision.ipynb"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_what_is_stored_in_it(path: Path, tmp_path: Path) -> None:
    """Every cell that has a picture, or prints, as it is committed does so when it is run here."""
    shutil.copy(path, tmp_path)
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    NotebookClient(fresh, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()

    def shown(cell: nbformat.NotebookNode) -> set[str]:
        kinds = {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}
        return kinds | {output["name"] for output in cell.get("outputs", []) if "name" in output}

    pairs = [pair for pair in zip(stored.cells, fresh.cells, strict=True) if pair[0].cell_type == "code"]
    assert len(pairs) == 6
    assert [shown(one) for one, _ in pairs] == [shown(other) for _, other in pairs]
    assert sum("image/png" in shown(cell) for cell, _ in pairs) == 3
    (losses,) = (cell for cell, _ in pairs if "recorder.close()" in cell.source)
    assert float(losses.outputs[0].text.splitlines()[-1].partition("accuracy ")[2].rstrip("%")) > 90
