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


def test_the_nearest_shares_the_longest_beginning() -> None:
    assert nearest("resnet21", ["resnet32", "resnet20", "mlp"]) == " (nearest: resnet20)"
    assert nearest("qqq", ["resnet32"]) == ""
