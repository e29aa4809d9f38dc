import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from landscape_cli.plots.style import STYLE
from landscape_cli.plots.text import text_width, wrapped


@pytest.mark.parametrize("text", ["mlp, digits", "0.05", "|λmin / λmax|", "CSG@& §ßé", "loss (nats) 37 %"])
def test_the_width_is_that_of_the_outlines(text):
    font = FontProperties(family=STYLE["font.sans-serif"], size=8)
    outline = TextPath((0, 0), text, prop=font).get_extents()
    assert text_width(text, 8) == pytest.approx(outline.width / 72, rel=1e-12)


def test_width_grows_with_the_text_and_the_font_size():
    assert text_width("wide wide", 8) > text_width("wide", 8)
    assert abs(text_width("wide", 16) - 2 * text_width("wide", 8)) < 1e-3


def test_lines_fit_and_no_word_is_lost():
    title = "resnet20 without shortcuts, cifar10 (5,000 samples), SGD, batch 128, weight decay 5e-4"
    for inches in (1.0, 1.5, 2.5, 4.0):
        lines = wrapped(title, inches, 8).split("\n")
        assert " ".join(lines) == title
        assert all(text_width(line, 8) <= inches for line in lines)


def test_line_breaks_stay_and_empty_text_has_no_width():
    assert wrapped("one\n(two)", 3, 8) == "one\n(two)"
    assert wrapped("", 3, 8) == ""
    assert text_width("", 8) == text_width(" ", 8) == 0


@pytest.mark.parametrize("text", ["a (b", "((a) b) c", "x,,y", "1,5 z, a", ", a", "a) b, c"])
def test_odd_titles_lose_nothing(text):
    assert wrapped(text, 9, 8) == text
    assert wrapped(text, 0.01, 8).replace("\n", " ") == text


def test_text_that_fits_stays_on_one_line():
    assert wrapped("loss (cross-entropy, nats)", 3, 8) == "loss (cross-entropy, nats)"


def test_phrases_stay_whole_where_they_can():
    lines = wrapped("alpha beta, gamma delta, epsilon", text_width("alpha beta, gamma", 8), 8).split("\n")
    assert lines == ["alpha beta,", "gamma delta,", "epsilon"] or lines == [
        "alpha beta,",
        "gamma delta, epsilon",
    ]
    assert wrapped("training loss (cross-entropy, nats)", text_width("(cross-entropy, nats) ", 8), 8) == (
        "training loss\n(cross-entropy, nats)"
    )


def test_a_long_name_of_a_file_breaks_after_an_underscore():
    name = "architecture-resnet_seed-0_x-1+1+25"
    lines = wrapped(name, text_width("architecture-resnet_", 8) + 0.01, 8)
    assert lines == "architecture-resnet_\nseed-0_x-1+1+25"


def test_a_phrase_that_is_too_long_breaks_after_a_hyphen_and_a_number_does_not():
    words = "step along filter-normalized direction 1"
    assert wrapped(words, text_width("normalized direction 1", 8) + 0.01, 8) == (
        "step along filter-\nnormalized direction 1"
    )
    assert "5e-4" in wrapped("weight decay 5e-4", 0.1, 8).split("\n")
