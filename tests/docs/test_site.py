"""The site builds without a warning, its links lead somewhere, and it asks no other machine for anything."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import landscape_cli
from landscape_cli.reproduction.catalogue import ids

ROOT = Path(__file__).parents[2]


def test_the_reference_names_all_that_is_public() -> None:
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    named = re.findall(r"\.\. auto\w+:: landscape_cli\.(\w+)$", text, re.MULTILINE)
    assert sorted(named) == sorted(landscape_cli.__all__)


@pytest.mark.slow
def test_the_site_builds(tmp_path: Path) -> None:
    for name in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(name)
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("_build", "phenomena"))
    for name in ("README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    words = ["-q", "-W", "--keep-going", str(tmp_path / "docs"), str(tmp_path / "html")]
    done = subprocess.run([sys.executable, "-m", "sphinx", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    html = tmp_path / "html"
    built = {path.relative_to(html): path.read_text(encoding="utf-8") for path in html.rglob("*.html")}
    assert {Path("phenomena", f"{name}.html") for name in ids()} <= built.keys()
    for page, text in built.items():
        assert not re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', text), page
        for target in re.findall(r'(?:src|href)="([^"#:]+)(?:[?#][^"]*)?"', text):
            assert (html / page.parent / target.partition("?")[0]).exists(), f"{page}: {target}"
