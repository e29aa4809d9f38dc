"""The commands of README and site are typed into shells as they stand and compose; README's links lead on."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from shells import SHELLS, scripts, touched, words

from conftest import Landscape
from landscape_cli.cli import COMMANDS, USAGE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SITE = sorted((ROOT / "docs").glob("*.md"))
SCRIPTS = scripts(README)
OTHERS = {
    **{name: scripts((ROOT / name).read_text(encoding="utf-8")) for name in ("CONTRIBUTING.md",)},
    **{str(path.relative_to(ROOT)): scripts(path.read_text(encoding="utf-8")) for path in SITE},
    "docs/gallery": scripts((ROOT / "docs/gallery/README.md").read_text(encoding="utf-8")),
    "landscape --help": re.findall(r"^  (landscape .*?)(?:   .*)?$", USAGE, re.MULTILINE),
}
TYPED = [*SCRIPTS, *(script for path in SITE for script in OTHERS[str(path.relative_to(ROOT))])]
MISTAKES = ("architecture=resnet21", "batch_size=1")  # shown with what is said of them


def test_the_commands_are_found() -> None:
    assert len(SCRIPTS) >= 35
    assert {script.split()[0] for script in TYPED} >= {
        "landscape",
        "make",
        "torchrun",
        "pip",
        "for",
        "eval",
    }
    assert len(OTHERS["docs/gallery"]) >= 22
    assert len(OTHERS["docs/cookbook.md"]) >= 6
    assert len(OTHERS["docs/reading-pictures.md"]) >= 5
    assert len(OTHERS["landscape --help"]) >= 4
    assert len(OTHERS["CONTRIBUTING.md"]) >= 4


@pytest.mark.parametrize("script", [script for page in (SCRIPTS, *OTHERS.values()) for script in page])
def test_no_shell_touches_a_command(script: str) -> None:
    assert not touched(script.replace("<command>", "train"))


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_read_alike_by_every_shell(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    for script in TYPED:
        if "$(" in script:  # the shell's own completion
            continue
        expected = [
            shlex.split(re.sub(r"\$\w+", "", plain))
            for plain in script.replace("\\\n", " ").splitlines()
            if plain.split()[0] not in ("for", "done")
        ]
        calls = words(shell, script, tmp_path)
        if script.startswith("for "):
            assert len(calls) == 2 * 2 + 2
            assert [word.partition("=")[0] for word in calls[1]] == [
                word.partition("=")[0] for word in expected[1]
            ]
        else:
            assert calls == expected
    assert not list(tmp_path.iterdir())


def composed() -> list[list[str]]:
    """Return the words of each command of README and site that Hydra composes, as bash gives them."""
    found: list[list[str]] = []
    for script in TYPED:
        if "$(" in script or any(word in script.split() for word in MISTAKES):
            continue
        for name, *arguments in words("bash", script, ROOT):
            if name == "torchrun":
                arguments = arguments[arguments.index("landscape_cli") + 1 :]
            if (
                name in ("landscape", "torchrun")
                and arguments[0] in COMMANDS
                and "--help" not in arguments
                and arguments not in found
            ):
                found.append(arguments)
    return found


def test_most_commands_compose() -> None:
    assert len(composed()) >= 30


@pytest.mark.parametrize("words", composed(), ids=" ".join)
def test_every_command_composes(landscape: Landscape, words: list[str]) -> None:
    sweeps = "--multirun" in words
    first = [re.sub(r"=([^,]*),.*", r"=\1", word) if sweeps else word for word in words]
    outcome = landscape(*(word for word in first if word != "--multirun"), "--cfg", "job", "--resolve")
    assert outcome.status == 0, outcome.err


@pytest.mark.parametrize("link", re.findall(r"\]\(((?!#)[^)]+)\)", README))
def test_every_link_leads_to_a_file_and_its_heading(link: str) -> None:
    name, _, anchor = link.partition("#")
    text = (ROOT / name).read_bytes()
    headings = re.findall(r"^#+ (.*)$", text.decode("utf-8", "ignore"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert not anchor or anchor in anchors


def test_the_makefile_writes_what_people_would_type() -> None:
    assert "=[" not in (ROOT / "Makefile").read_text(encoding="utf-8")
