"""The pages of the lectures, in Markdown: each statement beside what was measured of it.

A lecture is a file ``docs/lectures/<n>.yaml``::

    title, by, about
    slides:
      - slide: what it is called
        statements:
          - says: the statement, in a line
            ids: [phenomena that measure it]    # none: context, nothing is claimed
            wrong: what the text gets wrong

Whether a phenomenon is in the catalogue, and what was measured of it, is looked up when the site is built.
Never imports torch or Sphinx.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from landscape_cli.config import from_yaml
from landscape_cli.reproduction.catalogue import Phenomenon
from phenomena_pages import NOT_MEASURED, Results, command, label, results_of

Lecture = Mapping[str, Any]


def read(folder: Path) -> dict[str, Lecture]:
    """Return name -> lecture of the files of a folder."""
    return {
        path.stem: from_yaml(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("[0-9]*.yaml"))
    }


def statements(lecture: Lecture) -> list[Mapping[str, Any]]:
    """Return all statements of a lecture, in order."""
    return [statement for slide in lecture["slides"] for statement in slide["statements"]]


def pages(lectures: Mapping[str, Lecture], entries: Sequence[Phenomenon], results: Results) -> dict[str, str]:
    """Return name -> Markdown of a page a lecture, and of ``index``."""
    known = {entry.id: entry for entry in entries}
    made = {name: page(lecture, known, results) for name, lecture in lectures.items()}
    return {"index": index(lectures, known, results), **made}


def index(lectures: Mapping[str, Lecture], known: Mapping[str, Phenomenon], results: Results) -> str:
    """Return the page that lists the lectures, with how much of each was measured here."""
    rows = []
    for name, lecture in lectures.items():
        ids = {each for statement in statements(lecture) for each in statement.get("ids", ())}
        found = sum(bool(each in known and results_of(known[each], results)) for each in ids)
        wrong = sum("wrong" in statement for statement in statements(lecture))
        rows.append(f"| [{lecture['title']}]({name}.md) | {lecture['by']} | {len(ids)} | {found} | {wrong} |")
    return "\n".join(
        [
            "# Lectures\n",
            "Lectures on the landscapes of neural networks, statement by statement in the order of their"
            " slides: what each says, what measures it here, what came of it, and where the text is wrong.\n",
            "| lecture | by | phenomena | measured here | corrections |\n|---|---|---|---|---|",
            *rows,
            "\n```{toctree}\n:hidden:\n",
            *(f"{lecture['title']} <{name}>" for name, lecture in lectures.items()),
            "```\n",
        ]
    )


def page(lecture: Lecture, known: Mapping[str, Phenomenon], results: Results) -> str:
    """Return the page of one lecture."""
    parts = [f"# {lecture['title']}\n", f"{lecture['by']}. {lecture['about']}\n"]
    for slide in lecture["slides"]:
        parts += [f"## {slide['slide']}\n", ":::{table}\n:class: statements\n"]
        parts += ["| the text says | measured here |\n|---|---|"]
        parts += [_row(statement, known, results) for statement in slide["statements"]]
        parts.append(":::\n")
    return "\n".join(parts)


def _row(statement: Mapping[str, Any], known: Mapping[str, Phenomenon], results: Results) -> str:
    says = statement["says"]
    if "wrong" in statement:
        says += f"<br>[wrong in the text]{{.fails}} {statement['wrong']}"
    says = says.replace("|", "\\|")
    told = [_told(each, known, results) for each in statement.get("ids", ())] or ["context"]
    return f"| {says} | {'<br>'.join(told)} |"


def _told(name: str, known: Mapping[str, Phenomenon], results: Results) -> str:
    """Return a phenomenon's link, verdict and command, or that it is planned."""
    if name not in known:
        return f"{name} [planned]{{.unmeasured}}"
    found = results_of(known[name], results)
    verdicts = " ".join(label(result, named=len(found) > 1) for result in found.values()) or NOT_MEASURED
    scale = next(iter(found), next(iter(known[name].scales)))
    return f"[{name}](/phenomena/{name}.md) {verdicts}<br>`{command(name, scale)}`"
