"""What hand-written pages take from elsewhere: values, sections of README.md, links that lead somewhere."""

from pathlib import Path
from typing import Any

import jinja2
import pytest

from landscape_cli.errors import LandscapeError
from phenomena_pages import Results, read_results
from site_text import adapted, expanded, functions, homes_of, measured, section, verdict

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
README = """# A tool

It has a [picture](#two).

## One

    $ landscape list
    runs
    # a comment

See [the code](landscape_cli/cli.py), [all](docs/gallery/README.md), [yours](CONTRIBUTING.md#a-b).
![the bowl](docs/gallery/bowl.png)

    from landscape_cli import plot

    plot("a[0](1)")

## Two

    landscape list
"""


def test_a_value_is_that_of_the_claim(results: dict[str, Any]) -> None:
    assert measured("pca-trajectory", "the sun", results) == "2.5 ± 0.5 (n = 3)"
    assert measured("nn-composition", "anything", results) == "([not measured yet]{.unmeasured})"
    results["pca-trajectory"]["claims"][0].update(measured=None, n=0)
    assert measured("pca-trajectory", "the sun", results) == "no value"
    with pytest.raises(LookupError, match="2 claims of pca-trajectory begin with 'the'"):
        measured("pca-trajectory", "the", results)
    with pytest.raises(LookupError, match="0 claims"):
        measured("pca-trajectory", "the stars", results)
    with pytest.raises(LandscapeError, match="no phenomenon 'pca'"):
        measured("pca", "the sun", results)


def test_a_verdict_is_a_link(results: Results) -> None:
    assert (
        verdict("pca-trajectory", results) == "[pca-trajectory](/phenomena/pca-trajectory.md) [fails]{.fails}"
    )
    assert verdict("nn-composition", results).endswith(" [not measured yet]{.unmeasured}")


def test_double_braces_are_filled_and_others_left() -> None:
    assert expanded("{each} {{ f('x') }} {#a}\n", {"f": lambda word: word * 2}) == "{each} xx {#a}\n"
    with pytest.raises(jinja2.UndefinedError):
        expanded("{{ g() }}", {})


def test_a_section_ends_where_the_next_begins() -> None:
    assert section(README, "A tool") == "# A tool\n\nIt has a [picture](#two).\n\n"
    assert section(README, "Two") == "## Two\n\n    landscape list\n"
    with pytest.raises(LookupError, match="'Three'"):
        section(README, "Three")


def test_a_section_as_it_stands_on_the_site() -> None:
    text = adapted(README, {"two": "/cookbook.md"})
    assert "a [picture](/cookbook.md#two)." in text
    assert "```session\n$ landscape list\nruns\n# a comment\n```\n" in text
    assert '```python\nfrom landscape_cli import plot\n\nplot("a[0](1)")\n```\n' in text
    assert text.endswith("```bash\nlandscape list\n```\n\n")
    assert (
        "See the code (`landscape_cli/cli.py`), [all](/phenomena/index.md), [yours](/contributing.md#a-b)."
        in text
    )
    assert "![the bowl](/gallery/bowl.png)" in text
    with pytest.raises(LookupError, match="two"):
        adapted(README, {})


def test_fenced_code_is_left_as_it_is() -> None:
    text = "```yaml\n# a [link](#nowhere)\n\n    indented\n```\n"
    assert adapted(text, {}) == text


def test_a_section_has_the_page_that_takes_it(tmp_path: Path) -> None:
    (tmp_path / "cookbook.md").write_text('{{ readme("The papers\' figures") }}\n{{ readme("On a GPU") }}\n')
    assert homes_of(tmp_path) == {"the-papers-figures": "/cookbook.md", "on-a-gpu": "/cookbook.md"}


def test_there_are_pages() -> None:
    assert len(PAGES) >= 6


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_page_can_be_filled(path: Path) -> None:
    results = read_results(ROOT / "docs" / "gallery" / "results.json")
    text = expanded(path.read_text(encoding="utf-8"), functions(ROOT, results))
    assert "{{" not in text
    assert text.startswith("# ")
