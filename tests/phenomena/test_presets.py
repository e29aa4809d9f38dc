"""The paper scale is real: every distinct setting of it is composed, built and trained for two steps.

On random images of the right shape, in the place where the data sets lie.
"""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from conftest import Landscape
from landscape_cli.composition import settings_from
from landscape_cli.reproduction.catalogue import ids, phenomenon
from landscape_cli.runs import Run

SHAPES = {"cifar10": (32, 32, 3), "fashion_mnist": (28, 28), "mnist": (28, 28)}
SIZE = 10  # samples, in batches of half as many
NUMBER = re.compile(r"[\w.]+=\[?[-+.\de,]+\]?")  # or a list of them
WIDTHS = ("architecture.width", "architecture.widths")


def setting(words: list[str]) -> tuple[str, ...]:
    """Return what tells two runs apart but for numbers, which change no code that runs."""
    wide = [f"{key}=more" for key in WIDTHS if any(word.startswith(f"{key}=") for word in words)]
    return (*sorted(word for word in words if not NUMBER.fullmatch(word)), *wide)


def distinct() -> dict[str, list[str]]:
    """Return the words of one run for each distinct setting of the paper scales, by a readable name."""
    found: dict[tuple[str, ...], tuple[str, list[str]]] = {}
    for name in ids():
        for run, words in phenomenon(name).scales["paper"].runs.items():
            found.setdefault(setting(words), (f"{name}: {run}", words))
    return dict(found.values())


PRESETS = distinct()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for name, shape in SHAPES.items():
        arrays = {
            f"{split}_images": random.integers(0, 256, (2 * SIZE, *shape), dtype=np.uint8)
            for split in ("train", "test")
        }
        labels = np.arange(2 * SIZE) % 10  # some classes alone are half of them
        np.savez(folder / f"{name}.npz", **arrays, train_labels=labels, test_labels=labels)
    return folder


def test_the_networks_of_the_papers_are_among_them() -> None:
    configs = [settings_from("train", words).architecture for words in PRESETS.values()]
    names = {(each["name"], each.get("skip"), each.get("width")) for each in configs}
    assert names >= {
        *((f"resnet{depth}", skip, 1) for depth in (20, 56, 110) for skip in (True, False)),
        *(("resnet56", skip, 2) for skip in (True, False)),
        *((f"vgg{depth}", None, 1) for depth in (9, 16, 19)),
        ("densenet121", None, None),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_of_the_paper_scale_trains(
    root: Path, tmp_path: Path, landscape: Landscape, name: str
) -> None:
    words = PRESETS[name]
    config = settings_from("train", words)
    where = [f"dataset.root={root}"] if "root" in config.dataset else []
    sizes = [f"dataset.train_size={SIZE}", f"dataset.test_size={SIZE}", f"batch_size={SIZE // 2}", "epochs=1"]
    sizes += ["steps=null", "schedule.warmup=0"]  # which are for longer trainings
    outcome = landscape("train", *words, *where, *sizes, "out=run")
    assert outcome.status == 0, outcome.err
    run = Run(tmp_path / "run", {})
    assert run.finished
    first, last = run.metrics()
    assert (first["step"], last["step"]) == (0, 2)
    assert np.isfinite([*first.values(), *last.values()]).all()
    assert last["gradient_norm"] != first["gradient_norm"]
    shutil.rmtree(tmp_path / "run")  # up to a gigabyte
