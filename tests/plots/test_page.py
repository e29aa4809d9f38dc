import base64
import re
from html.parser import HTMLParser

from landscape_cli.plots.draw import draw, save
from landscape_cli.plots.interactive import interactive_fragment, plotly_js
from landscape_cli.plots.page import Section, page_html


class Outline(HTMLParser):
    """What a reader meets: each start tag with its attributes, and each text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip() and self.open[-1] not in ("style", "script"):
            self.texts.append(data.strip())


def test_pictures_are_in_the_page_byte_for_byte(tmp_path, plane):
    save(draw([plane()]), tmp_path / "a.png")
    picture = (tmp_path / "a.png").read_bytes()
    outline = Outline(
        page_html("Demo", [Section("One", picture=picture), Section("Two", picture=b"\x89PNG")])
    )
    sources = [attributes["src"] for tag, attributes in outline.tags if tag == "img"]
    assert [source[:22] for source in sources] == ["data:image/png;base64,"] * 2
    assert [base64.b64decode(source[22:]) for source in sources] == [picture, b"\x89PNG"]
    assert [attributes["alt"] for tag, attributes in outline.tags if tag == "img"] == ["One", "Two"]


def test_words_and_tables_are_text(plane):
    table = [["run", "test accuracy"], ["batch <128>", "97.1 % & more"]]
    outline = Outline(page_html("a < b", [Section("Head & shoulders", caption="x < y", table=table)]))
    assert outline.open == []
    assert outline.texts == ["a < b", "a < b", "Head & shoulders", "x < y", *table[0], *table[1]]
    assert [tag for tag, _ in outline.tags if tag in ("th", "td")] == ["th", "th", "td", "td"]


def test_a_page_of_pictures_has_no_script_and_no_address():
    page = page_html("Demo", [Section("One", caption="Words.", picture=b"\x89PNG", table=[["a"], ["1"]])])
    assert "<script" not in page
    assert "http" not in page
    assert not re.search(r"\b(src|href)=\"(?!data:)", page)


def test_interactive_pictures_bring_plotly_once(plane, line):
    sections = [Section("3D", interactive=interactive_fragment([plane()]))]
    sections.append(Section("Line", interactive=interactive_fragment([line()])))
    page = page_html("Demo", sections)
    assert page.count(plotly_js()) == 1
    assert page.index(plotly_js()) < page.index("<body>")
    body = page.partition("<body>")[2]
    assert body.count("Plotly.newPlot(") == 2
    assert not re.search(r"\b(src|href)=\"", body)
