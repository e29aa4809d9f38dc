"""The README's commands compose, and its links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from conftest import Landscape

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    text = README.replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        match = re.match(
            r"\s+(?:\$ )?landscape (train|surface|interpolate|plot|trajectory|hessian|reproduce|export) (.*)",
            line,
        )
        if match and "architecture=resnet21" not in line and "batch_size=1 " not in line:
            arguments = shlex.split(match[2].replace("$skip", "false"), comments=True)
            found.append([match[1], *arguments])
    return found


def test_the_commands_are_found() -> None:
    assert len(commands()) >= 15


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_composes(landscape: Landscape, words: list[str]) -> None:
    first = [re.sub(r"=([^\[]*?),.*", r"=\1", word) for word in words if word not in ("--multirun", "-m")]
    outcome = landscape(*first, "--cfg", "job", "--resolve")
    assert outcome.status == 0, outcome.err


@pytest.mark.parametrize("link", re.findall(r"\]\(((?!#)[^)]+)\)", README))
def test_every_link_leads_to_a_file_and_its_heading(link: str) -> None:
    name, _, anchor = link.partition("#")
    text = (ROOT / name).read_bytes()
    headings = re.findall(r"^#+ (.*)$", text.decode("utf-8", "ignore"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert not anchor or anchor in anchors
