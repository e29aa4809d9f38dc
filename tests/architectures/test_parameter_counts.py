import re
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from landscape_cli.architectures.build import build

CONF = Path(__file__).parents[2] / "conf" / "architecture"
STATED = re.compile(r"([\d,]+) parameters (?:as it stands )?\((\d+)x(\d+)x(\d+), (\d+) classes\)")


def conv(channels_in: int, channels_out: int, kernel: int, bias: bool = False) -> int:
    return channels_in * channels_out * kernel**2 + bias * channels_out


def linear(features_in: int, features_out: int) -> int:
    return (features_in + 1) * features_out


def norm(channels: int) -> int:
    return 2 * channels


def resnet(depth: int, width: float = 1, skip: bool = True, channels: int = 3) -> int:
    n = (depth - 2) // 6
    a, b, c = (int(base * width) for base in (16, 32, 64))
    total = conv(channels, a, 3) + norm(a) + linear(c, 10)
    for before, after in ((a, a), (a, b), (b, c)):
        total += conv(before, after, 3) + (2 * n - 1) * conv(after, after, 3) + 2 * n * norm(after)
        if before != after and skip:
            total += conv(before, after, 1) + norm(after)
    return total


def vgg(stages: list[list[int]], side: int, channels: int = 3) -> int:
    total = 0
    for stage in stages:
        for maps in stage:
            total += conv(channels, maps, 3, bias=True) + norm(maps)
            channels = maps
    return total + linear(channels * side**2, channels) + norm(channels) + linear(channels, 10)


def wide_resnet(depth: int, k: int) -> int:
    total, before = conv(3, 16, 3), 16
    for base in (16, 32, 64):
        after = base * k
        total += (
            norm(before)
            + conv(before, after, 3)
            + norm(after)
            + conv(after, after, 3)
            + conv(before, after, 1)
        )
        total += ((depth - 4) // 6 - 1) * 2 * (norm(after) + conv(after, after, 3))
        before = after
    return total + norm(before) + linear(before, 10)


def preactivation_resnet(depth: int) -> int:
    total, before = conv(3, 16, 3), 16
    for base in (16, 32, 64):
        inner = 2 * norm(base) + conv(base, base, 3) + conv(base, 4 * base, 1)
        total += norm(before) + conv(before, base, 1) + inner + conv(before, 4 * base, 1)
        total += ((depth - 2) // 9 - 1) * (norm(4 * base) + conv(4 * base, base, 1) + inner)
        before = 4 * base
    return total + norm(before) + linear(before, 10)


def densenet(blocks: list[int], growth: int) -> int:
    maps = 2 * growth
    total = conv(3, maps, 3)
    for index, layers in enumerate(blocks):
        for _ in range(layers):
            total += norm(maps) + conv(maps, 4 * growth, 1) + norm(4 * growth) + conv(4 * growth, growth, 3)
            maps += growth
        if index < len(blocks) - 1:
            total += norm(maps) + conv(maps, maps // 2, 1)
            maps //= 2
    return total + norm(maps) + linear(maps, 10)


VGG9 = [[64, 64], [128, 128], [256, 256, 256]]
VGG16 = [*VGG9, [512, 512, 512], [512, 512, 512]]
VGG19 = [[64, 64], [128, 128], [256] * 4, [512] * 4, [512] * 4]

# (architecture, changed options, input shape, count by hand)
CASES: list[tuple[str, dict[str, Any], tuple[int, int, int], int]] = [
    ("mlp", {}, (1, 8, 8), linear(64, 64) + linear(64, 64) + linear(64, 10)),
    ("mlp", {"widths": []}, (1, 8, 8), linear(64, 10)),
    ("mlp", {"widths": 5}, (1, 8, 8), linear(64, 5) + linear(5, 10)),
    ("cnn", {}, (1, 28, 28), 105_866),
    (
        "cnn",
        {},
        (1, 28, 28),
        conv(1, 16, 3, True) + conv(16, 32, 3, True) + linear(32 * 49, 64) + linear(64, 10),
    ),
    ("lenet5", {}, (1, 28, 28), 61_706),
    ("lenet5", {}, (1, 32, 32), 61_706),
    ("lenet5", {}, (1, 8, 8), 61_706),
    ("vgg9", {}, (3, 32, 32), 2_789_706),
    ("vgg9", {}, (3, 32, 32), vgg(VGG9, 4)),
    ("vgg9", {}, (1, 8, 8), vgg(VGG9, 1, channels=1)),
    ("vgg9", {"width": 0.125}, (3, 32, 32), vgg([[8, 8], [16, 16], [32, 32, 32]], 4)),
    ("vgg16", {}, (3, 32, 32), vgg(VGG16, 1)),
    ("vgg16", {}, (1, 8, 8), vgg(VGG16, 1, channels=1)),
    ("vgg19", {}, (3, 32, 32), vgg(VGG19, 1)),
    ("vgg19", {}, (1, 8, 8), vgg(VGG19, 1, channels=1)),
    ("resnet", {}, (3, 32, 32), resnet(8)),
    ("resnet", {"depth": 56}, (3, 32, 32), 855_770),
    ("resnet", {"depth": 38, "width": 0.5, "skip": False}, (3, 16, 16), resnet(38, 0.5, skip=False)),
    ("resnet20", {}, (3, 32, 32), 272_474),
    ("resnet20", {"width": 0.5}, (1, 8, 8), resnet(20, 0.5, channels=1)),
    ("resnet32", {}, (3, 32, 32), resnet(32)),
    ("resnet44", {}, (3, 32, 32), resnet(44)),
    ("resnet56", {}, (3, 32, 32), 855_770),
    ("resnet56", {"skip": False}, (3, 32, 32), 853_018),
    ("resnet56", {"width": 8}, (3, 32, 32), resnet(56, 8)),
    ("resnet56", {"width": 2, "skip": False}, (3, 32, 32), resnet(56, 2, skip=False)),
    ("resnet110", {}, (3, 32, 32), resnet(110)),
    ("wrn28_10", {}, (3, 32, 32), wide_resnet(28, 10)),
    ("preresnet164", {}, (3, 32, 32), preactivation_resnet(164)),
    ("densenet", {}, (3, 32, 32), densenet([3, 3, 3], 8)),
    ("densenet", {"blocks": [6, 12, 24, 16], "growth": 32}, (3, 32, 32), 6_956_298),
    ("densenet", {"blocks": [2, 5], "growth": 3}, (3, 16, 16), densenet([2, 5], 3)),
    ("densenet121", {}, (3, 32, 32), 6_956_298),
    ("densenet121", {}, (3, 32, 32), densenet([6, 12, 24, 16], 32)),
]


def count(name: str, changes: dict[str, Any], shape: tuple[int, ...], classes: int = 10) -> int:
    options = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))
    with torch.device("meta"):
        model = build(options | changes, {"name": options["normalization"]}, shape, classes)
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(("name", "changes", "shape", "expected"), CASES)
def test_parameters(name: str, changes: dict[str, Any], shape: tuple[int, int, int], expected: int) -> None:
    assert count(name, changes, shape) == expected


def test_published_counts() -> None:
    """In millions, as in He et al. 2016a (table 6), He et al. 2016b and Zagoruyko & Komodakis 2016."""
    assert [round(resnet(depth) / 1e6, 2) for depth in (20, 32, 44, 56)] == [0.27, 0.47, 0.66, 0.86]
    assert round(resnet(110) / 1e6, 1) == 1.7
    assert round(preactivation_resnet(164) / 1e6, 1) == 1.7
    assert round(wide_resnet(28, 10) / 1e6, 1) == 36.5


def test_the_counts_that_the_descriptions_state() -> None:
    checked = 0
    for path in sorted(CONF.glob("*.yaml")):
        description = path.read_text().splitlines()[0]
        assert description.startswith("# ")
        if path.stem in ("custom", "transformer"):
            continue
        stated = STATED.search(description)
        assert stated, path
        number, height, width, channels, classes = (int(text.replace(",", "")) for text in stated.groups())
        assert count(path.stem, {}, (channels, height, width), classes) == number
        checked += 1
    assert checked == 16
