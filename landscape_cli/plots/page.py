"""One HTML page that tells a whole story: headings, captions, pictures and small tables, in one file."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

from landscape_cli.plots.interactive import plotly_js

_CSS = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; color: #262626;
       background: #fff; max-width: 62rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 1.5rem; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .4rem; border-top: 1px solid #ddd; padding-top: 1.25rem; }
p { margin: .4rem 0 1rem; max-width: 46rem; }
img { display: block; max-width: 100%; height: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .9rem; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; border-bottom: 1px solid #e4e4e4; }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; border-bottom-color: #999; }
.wide { overflow-x: auto; }
"""


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        heading: its title.
        caption: what is to be seen, as plain text.
        picture: a PNG file's bytes, or None.
        interactive: HTML of `interactive_fragment`, or None.
        table: rows of plain text, the first one the head, or None.
    """

    heading: str
    caption: str = ""
    picture: bytes | None = None
    interactive: str | None = None
    table: Sequence[Sequence[str]] | None = None


def page_html(title: str, sections: Sequence[Section]) -> str:
    """Return the page; it needs no other file and no network.

    Pictures are embedded, and plotly.js once if a section is interactive; without one the page has no script.
    """
    script = f"<script>{plotly_js()}</script>\n" if any(section.interactive for section in sections) else ""
    body = "\n".join(_section_html(section) for section in sections)
    name = html.escape(title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{_CSS}</style>\n{script}</head>\n"
        f"<body>\n<h1>{name}</h1>\n{body}\n</body>\n</html>\n"
    )


def _section_html(section: Section) -> str:
    parts = [f"<h2>{html.escape(section.heading)}</h2>"]
    if section.caption:
        parts.append(f"<p>{html.escape(section.caption)}</p>")
    if section.table:
        parts.append(_table_html(section.table))
    if section.picture is not None:
        data = base64.b64encode(section.picture).decode("ascii")
        parts.append(f'<img alt="{html.escape(section.heading)}" src="data:image/png;base64,{data}">')
    if section.interactive is not None:
        parts.append(f'<div class="wide">{section.interactive}</div>')
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def _table_html(rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in rows[0])
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:]
    )
    rows_html = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return f'<div class="wide"><table>\n{rows_html}\n</table></div>'
