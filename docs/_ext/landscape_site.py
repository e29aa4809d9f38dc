"""What Sphinx does beside its own: pages are generated before the build, and hand-written ones are filled in.

docs/phenomena/*.md   of conf/phenomena, docs/gallery/results.json and the topic modules
docs/lectures/*.md    of docs/lectures/*.yaml
"""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import lecture_pages
import phenomena_pages
import site_text
from landscape_cli.files import write_text
from landscape_cli.reproduction.catalogue import catalogue
from session_lexer import SessionLexer

GENERATED = ("phenomena", "lectures")


def setup(app: Sphinx) -> dict[str, Any]:
    """Say when each is done, and how what stands in a terminal is coloured."""
    app.add_lexer("session", SessionLexer)
    app.connect("builder-inited", generate)
    app.connect("source-read", fill_in)
    app.connect("autodoc-process-docstring", plain_marks, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def generate(app: Sphinx) -> None:
    """Write the pages that are made of data; those of what is no more are removed."""
    docs = Path(app.srcdir)
    results = phenomena_pages.read_results(docs / "gallery" / "results.json")
    entries = catalogue()
    made = {
        "phenomena": phenomena_pages.pages(entries, results),
        "lectures": lecture_pages.pages(lecture_pages.read(docs / "lectures"), entries, results),
    }
    for folder in GENERATED:
        (docs / folder).mkdir(exist_ok=True)
        for path in (docs / folder).glob("*.md"):
            if path.stem not in made[folder]:
                path.unlink()
        for name, text in made[folder].items():
            path = docs / folder / f"{name}.md"
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                write_text(path, text)


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace what stands in double braces in a hand-written page."""
    if not docname.startswith(tuple(f"{folder}/" for folder in GENERATED)) and "{{" in source[0]:
        docs = Path(app.srcdir)
        for path in (
            docs / "gallery" / "results.json",
            docs.parent / "README.md",
            docs.parent / "CONTRIBUTING.md",
        ):
            app.env.note_dependency(path, docname=docname)  # where one changes, the page is made anew
        results = phenomena_pages.read_results(docs / "gallery" / "results.json")
        source[0] = site_text.expanded(source[0], site_text.functions(docs.parent, results))


def plain_marks(app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    """Let bars and asterisks of a docstring be such; Sphinx takes them for substitutions and emphasis."""
    lines[:] = [
        re.sub(r"(``.*?``)|([|*])", lambda found: found[1] or f"\\{found[2]}", line) for line in lines
    ]
