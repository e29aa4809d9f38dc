import time
from itertools import pairwise
from typing import Any

import pytest

from landscape_cli.config import first_difference, from_yaml, in_common, readable_name, to_yaml
from landscape_cli.errors import nearest

ONE = {"a": 1, "group": {"x": 0.1, "name": "sgd"}, "out": "here"}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (ONE, None),
        ({**ONE, "out": "there", "device": "cuda"}, None),
        ({**ONE, "a": 2}, "a: saved 1, asked for 2"),
        ({**ONE, "group": {"x": 0.2, "name": "sgd"}}, "group.x: saved 0.1, asked for 0.2"),
        ({**ONE, "b": 3}, "b: saved (not set), asked for 3"),
        ({key: value for key, value in ONE.items() if key != "a"}, "a: saved 1, asked for (not set)"),
    ],
)
def test_first_difference(other: dict[str, Any], expected: str | None) -> None:
    assert first_difference(ONE, other) == expected


def test_in_common_is_what_all_agree_on() -> None:
    other = {"a": 2, "group": {"x": 0.1, "name": "adam"}, "out": "here", "more": 1}
    assert in_common([ONE, other]) == {"group": {"x": 0.1}, "out": "here"}
    assert in_common([ONE]) == ONE


def test_yaml_and_back() -> None:
    assert from_yaml(to_yaml(ONE)) == ONE


BOMB = "a: &a [x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]\n" for old, new in pairwise("abcdefghi")
)
NOT_PLAIN = {
    "": "no mapping of keys to values",
    "[1, 2]": "no mapping of keys to values",
    "text": "no mapping of keys to values",
    "a: 1\nb: ${oc.env:HOME}": "line 2: an interpolation",
    "a: {b: ['x ${a}']}": "line 1: an interpolation",
    "${a}: 1": "line 1: an interpolation",
    "a: !!python/name:os.system x": "line 1: the tag",
    "a: !mine {b: 1}": "line 1: the tag",
    "a: &a [*a]": "line 1: the alias 'a' names nothing, or what it is in",
    "a: *b": "line 1: the alias 'b'",
    BOMB: "line 5: more than 10,000 values",
    "[" * 300: "line 1: more than 10,000 values, or 20 in one another",
    "a: [" + "1," * 20_000 + "]": "more than 10,000 values",
    "a: " + "x" * 100_000: "100,003 characters, where a configuration has at most 100,000",
    "a: [1,\n": "line 2: did not find expected node content",
    "a: 1\na: 2": "line 2: found duplicate key a",
    "a: 1\n---\nb: 2": "line 2: but found another document",
    "a: " + "9" * 5000: "Exceeds the limit",
    "a: {b: [-9223372036854775808]}": "a.b must be of at most 64 bits, got -9223372036854775808",
    "a: \0": "control characters are not allowed",
    "? [1, 2]\n: 3": "line 1: found unhashable key",
}


@pytest.mark.parametrize("text", NOT_PLAIN, ids=NOT_PLAIN.values())
def test_what_is_no_plain_configuration_is_refused_at_once(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        from_yaml(text)
    assert NOT_PLAIN[text] in str(refusal.value)
    assert time.monotonic() - started < 2


def test_aliases_in_moderation_are_read() -> None:
    assert from_yaml("a: &a {b: 1e-3}\nc: *a\nd: [*a, 2020-01-01]") == {
        "a": {"b": 0.001},
        "c": {"b": 0.001},
        "d": [{"b": 0.001}, "2020-01-01"],
    }


def test_a_name_tells_the_overrides_in_any_order() -> None:
    words = ["optimizer.lr=0.1", "x=[-1,1,21]", "seed=3", "out=here", "hydra.sweep.dir=/tmp/a"]
    name = readable_name("digits-mlp", words, {"out"})
    assert name == "digits-mlp_optimizer.lr-0.1_seed-3_x-1+1+21"
    assert readable_name("digits-mlp", reversed(words), {"out"}) == name
    assert readable_name("s", ["x=-0.5:1.5:41"], set()) == readable_name("s", ["x=[-0.5,1.5,41]"], set())
    assert readable_name("s", ["a=my.model:make"], set()) == "s_a-my.model-make"
    assert not set(name) & set("=,/ []")


def test_long_names_stay_short_and_distinct() -> None:
    one, other = (
        readable_name("s", [f"key{i}=value{i}" for i in range(60)] + [last], set()) for last in ("z=1", "z=2")
    )
    assert len(one) < 200
    assert one != other


def test_a_long_name_counts_bytes_and_ends_no_letter_in_its_middle() -> None:
    for letter in ("a", "é", "漢", "\N{GOTHIC LETTER HWAIR}"):
        name = readable_name("s", [f"title={letter * 200}"], set())
        assert len(f".{name}.h5-12345678.part".encode()) < 255
        assert name.startswith(f"s_title-{letter * 30}")


def test_the_nearest_shares_the_longest_beginning() -> None:
    assert nearest("resnet21", ["resnet32", "resnet20", "mlp"]) == " (nearest: resnet20)"
    assert nearest("qqq", ["resnet32"]) == ""
