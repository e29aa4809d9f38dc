"""What the hand-written pages take from elsewhere, as functions that stand in double braces in them.

    {{ measured("pca-trajectory", "Two principal components") }}    the value of the claim that begins so
    {{ verdict("pca-trajectory") }}                                 the verdict of a phenomenon, with a link
    {{ readme("A tour") }}                                          a section of README.md
    {{ document("CONTRIBUTING.md") }}                               a whole file

So no number is typed by hand, and nothing stands in two places. What is not there stops the build. Never
imports torch or Sphinx.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2

from landscape_cli.reproduction.catalogue import phenomenon
from landscape_cli.reproduction.gallery import measured as value
from phenomena_pages import NOT_MEASURED, Results, label, results_of

PAGES = {"docs/gallery/README.md": "/phenomena/index.md", "CONTRIBUTING.md": "/contributing.md"}
HEAD = "landscape-cli"  # the first section of README.md: what stands above the second heading
LANGUAGES = {"landscape": "bash", "torchrun": "bash", "make": "bash", "for": "bash", "$": "session"}


def expanded(text: str, functions: Mapping[str, Callable[..., str]]) -> str:
    """Return a page with what stands in double braces replaced.

    Raises:
        jinja2.UndefinedError: there is no such function.
        LandscapeError, LookupError: it was asked for what is not there.
    """
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, comment_start_string="{##"
    )
    return environment.from_string(text).render(**functions)


def functions(root: Path, results: Results) -> dict[str, Callable[..., str]]:
    """Return the functions of the pages by name.

    Args:
        root: the folder of README.md, with docs/ in it.
        results: what was measured.
    """
    homes = homes_of(root / "docs")
    readme_text = (root / "README.md").read_text(encoding="utf-8")
    return {
        "measured": lambda name, claim: measured(name, claim, results),
        "verdict": lambda name: verdict(name, results),
        "readme": lambda heading: adapted(section(readme_text, heading), homes),
        "document": lambda name: adapted((root / name).read_text(encoding="utf-8"), homes),
    }


def measured(name: str, claim: str, results: Results) -> str:
    """Return the value of a claim, ``mean ± standard deviation (n = 3)``, or that there is none yet.

    Args:
        name: the phenomenon.
        claim: how the text of the claim begins.
        results: what was measured; of the smallest scale that was.

    Raises:
        LandscapeError: there is no such phenomenon.
        LookupError: none of its claims begins so, or several do.
    """
    found = list(results_of(phenomenon(name), results).values())
    if not found:
        return f"({NOT_MEASURED})"
    own = [entry for entry in found[0]["claims"] if entry["text"].startswith(claim)]
    if len(own) != 1:
        raise LookupError(f"{len(own)} claims of {name} begin with {claim!r}, wanted one")
    number, _, seeds = value(own[0]).rpartition(", ")
    return f"{number} ({seeds})" if number else seeds


def verdict(name: str, results: Results) -> str:
    """Return a link to a phenomenon, with its verdict at the smallest scale that was measured.

    Raises:
        LandscapeError: there is no such phenomenon.
    """
    found = list(results_of(phenomenon(name), results).values())
    return f"[{name}](/phenomena/{name}.md) {label(found[0]) if found else NOT_MEASURED}"


def section(page: str, heading: str) -> str:
    """Return a section of a Markdown page, its heading (of the second level) included.

    Raises:
        LookupError: there is none.
    """
    parts = re.split(r"^(?=##? )", page, flags=re.MULTILINE)
    found = [part for part in parts if part.partition("\n")[0].lstrip("# ") == heading]
    if len(found) != 1:
        raise LookupError(f"{len(found)} sections are called {heading!r}, wanted one")
    return found[0]


def homes_of(docs: Path) -> dict[str, str]:
    """Return the anchor of each section of README.md that a page takes -> that page."""
    return {
        anchor(heading): f"/{path.relative_to(docs)}"
        for path in sorted(docs.glob("*.md"))
        for heading in re.findall(r'readme\("([^"]+)"\)', path.read_text(encoding="utf-8"))
    }


def anchor(heading: str) -> str:
    """Return what a heading is called in links."""
    return re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")


def adapted(text: str, homes: Mapping[str, str]) -> str:
    """Return Markdown of the repository as the site has it: links lead to its pages, code has a language.

    Raises:
        LookupError: a link leads to a section of README.md that no page takes.
    """
    blocks = re.split(r"(^```(?s:.*?)^```$|(?:^ {4}.*\n+)+)", text, flags=re.MULTILINE)
    return "".join(
        block
        if block.startswith("```")
        else _fenced(block)
        if block.startswith("    ")
        else _links(block, homes)
        for block in blocks
    )


def _fenced(block: str) -> str:
    code = re.sub(r"^ {4}", "", block, flags=re.MULTILINE).strip("\n")
    language = (
        "session" if re.search(r"^\$ ", code, re.MULTILINE) else LANGUAGES.get(code.split()[0], "python")
    )
    return f"```{language}\n{code}\n```\n\n"


def _links(prose: str, homes: Mapping[str, str]) -> str:
    def changed(link: re.Match[str]) -> str:
        mark, text, target = link.groups()
        name, _, place = target.partition("#")
        if mark:
            return f"![{text}](/{name.removeprefix('docs/')})"
        if not name:
            return f"[{text}]({homes[place]}#{place})"
        if name in PAGES:
            return f"[{text}]({PAGES[name]}{f'#{place}' if place else ''})"
        return f"{text} (`{name}`)"

    return re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", changed, prose)
