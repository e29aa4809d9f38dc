"""The pages of the phenomena, in Markdown: what is claimed, what was measured, the code that measures it.

They are made of the catalogue (``conf/phenomena``), of ``docs/gallery/results.json`` and of the text of the
topic modules, none of which is imported. Never imports torch or Sphinx.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from landscape_cli.progress import duration
from landscape_cli.reproduction.catalogue import Phenomenon, Scale
from landscape_cli.reproduction.claims import parsed
from landscape_cli.reproduction.gallery import (
    HEAD,
    SECTIONS,
    cells,
    holding,
    result_name,
    training_losses,
    verdict,
)
from landscape_cli.reproduction.source import listing

Results = Mapping[str, Mapping[str, Any]]
"""Name of a result (see `result_name`) -> what ``results.json`` has of it."""

NOT_MEASURED = "[not measured yet]{.unmeasured}"


def read_results(path: Path) -> Results:
    """Return what ``results.json`` has."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


def pages(entries: Sequence[Phenomenon], results: Results) -> dict[str, str]:
    """Return name -> Markdown of a page a phenomenon, and of ``index``, the table of all."""
    made = {entry.id: page(entry, results) for entry in entries}
    return {"index": index(entries, results), **made}


def index(entries: Sequence[Phenomenon], results: Results) -> str:
    """Return the page that lists phenomena, a table a section."""
    measured = [found for entry in entries if (found := results_of(entry, results))]
    parts = [
        HEAD,
        f"Of the {len(entries)} phenomena {len(measured)} have been measured. Each has a page: its"
        " figures, its claims and what was measured of them, the command, and the code.\n",
    ]
    for section in sorted({entry.section for entry in entries}):
        own = [entry for entry in entries if entry.section == section]
        parts += [
            f"## {section}. {SECTIONS.get(section, '')}\n",
            "| phenomenon | what it is | verdict | claims that hold |\n|---|---|---|---|",
            *(_row(entry, results) for entry in own),
            "\n```{toctree}\n:hidden:\n",
            *(f"{entry.id} <{entry.id}>" for entry in own),
            "```\n",
        ]
    return "\n".join(parts)


def _row(entry: Phenomenon, results: Results) -> str:
    link = f"[{entry.id}]({entry.id}.md)"
    found = results_of(entry, results)
    if not found:
        return f"| {link} | {entry.line} | {NOT_MEASURED} | |"
    told = "; ".join(label(result, named=len(found) > 1) for result in found.values())
    return f"| {link} | {entry.line} | {told} | {'; '.join(map(holding, found.values()))} |"


def results_of(entry: Phenomenon, results: Results) -> dict[str, Mapping[str, Any]]:
    """Return scale -> result of the scales at which a phenomenon was measured."""
    names = {scale: result_name(entry.id, scale) for scale in entry.scales}
    return {scale: results[name] for scale, name in names.items() if name in results}


def label(result: Mapping[str, Any], *, named: bool = False) -> str:
    """Return the verdict of a result as a coloured word, with what else is to be said; `named`: its scale."""
    first, _, rest = verdict(result).partition("; ")
    scale = f" (scale={result['scale']})" if named else ""
    return f"[{first}]{{.{result['verdict']}}}{scale}{f'; {rest}' if rest else ''}"


def page(entry: Phenomenon, results: Results) -> str:
    """Return the page of one phenomenon."""
    found = results_of(entry, results)
    parts = [
        f"# {entry.line}\n",
        f"`{entry.id}`. {entry.source}.\n",
    ]
    if not found:
        parts += [f"{NOT_MEASURED} {_commands(entry)}", *_claims_as_written(entry)]
    for scale, result in found.items():
        if len(entry.scales) > 1:
            parts.append(f"## Measured, scale={scale}\n")
        parts += _measured(entry, scale, result)
    parts += ["## Scales\n", *(_scale(name, scale) for name, scale in entry.scales.items())]
    return "\n".join([*parts, *_code(entry)])


def _measured(entry: Phenomenon, scale: str, result: Mapping[str, Any]) -> Iterator[str]:
    yield f"Verdict: {label(result)}, {holding(result)} claims hold.\n"
    yield _fenced("session", f"$ {command(entry.id, scale)}")
    if result.get("older"):
        yield f":::{{warning}}\n{result['older']}\n:::\n"
    name = result_name(entry.id, scale)
    for picture in result["pictures"]:
        yield f"```{{image}} /gallery/{name}_{picture}\n:alt: {entry.line}\n```\n"
    yield "| claim | measured | wanted | verdict |\n|---|---|---|---|"
    for claim in result["claims"]:
        text, value, wanted, told = cells(claim)
        value = re.sub(r" (?=[±=])|(?<=[±=]) ", "\N{NO-BREAK SPACE}", value)
        yield f"| {text} | {value} | {wanted} | [{told}]{{.{told}}} |"
    yield ""
    yield from training_losses(result)
    made = result["provenance"]
    versions, training = made["versions"], duration(result["training_seconds"])
    yield (
        f"Measured on {made.get('end', '')[:10]} with landscape-cli {versions['landscape-cli']}, torch"
        f" {versions['torch']}, {made['device']} ({made['hardware']}): {training} of training,"
        f" {duration(result['seconds'])} of measuring.\n"
    )


def _commands(entry: Phenomenon) -> str:
    lines = [f"$ {command(entry.id, scale)}" for scale in entry.scales]
    return "What measures it:\n\n" + _fenced("session", "\n".join(lines))


def command(name: str, scale: str = "small") -> str:
    """Return the command that reproduces a phenomenon."""
    return f"landscape reproduce id={name}" + ("" if scale == "small" else f" scale={scale}")


def _claims_as_written(entry: Phenomenon) -> list[str]:
    """Return the table of the claims of the smallest scale, before anything is measured."""
    smallest = next(iter(entry.scales.values()))
    rows = ["## Claims\n", "| claim | quantity | wanted |\n|---|---|---|"]
    for line, text in smallest.claims.items():
        kind, quantity, relation, threshold = parsed(line)
        which = {"always": "; an identity", "report": "; reported only"}.get(kind, "")
        words = {**smallest.settings, **smallest.drawing, "quantity": quantity, "each": "each"}
        note = f"<br>*{smallest.notes[quantity]}*" if quantity in smallest.notes else ""
        safe = f"{text.format_map(words)}{note}".replace("|", "\\|")
        rows.append(f"| {safe} | `{quantity}`{which} | {relation} {threshold:g} |")
    return [*rows, ""]


def _scale(name: str, scale: Scale) -> str:
    lines = [f"`scale={name}`: {scale.cost}; {scale.seeds} seeds.\n"]
    if scale.settings:
        told = ", ".join(f"{key} {json.dumps(value)}" for key, value in scale.settings.items())
        lines.append(f"- settings: `{told}`")
    words = {**{f"train `{run}`": own for run, own in scale.runs.items()}, **scale.words}
    lines += [f"- {what}: `{' '.join(own) or 'the defaults'}`" for what, own in words.items()]
    return "\n".join([*lines, ""])


def _code(entry: Phenomenon) -> Iterator[str]:
    """Yield the code that measures, and that which draws; what both use stands once."""
    function = entry.id.replace("-", "_")
    measuring = listing(entry.topic, [function])
    drawing = [part for part in listing(entry.topic, [f"draw_{function}"]) if part not in measuring]
    for title, parts in (("The code that measures", measuring), ("The code that draws", drawing)):
        if parts:
            yield f"## {title}\n"
            yield f"`landscape_cli/phenomena/{entry.topic}.py`, from line {parts[0][0]}:\n"
            yield _fenced("python", "\n\n\n".join(text for _, text in parts))


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n"
