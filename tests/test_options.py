"""Every option of every group composes, builds and trains a step; so does every preset."""

import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import Landscape
from landscape_cli.config import CONF
from landscape_cli.runs import Run
from landscape_cli.store.descent import read_descent

COUNTS = {
    "dataset": 12,
    "architecture": 18,
    "normalization": 9,
    "init": 14,
    "optimizer": 7,
    "schedule": 6,
    "direction": 2,
    "function": 16,
    "experiment": 18,
}
OPTIONS = [
    (group, str(path.relative_to(CONF / group).with_suffix("")))
    for group in COUNTS
    for path in sorted((CONF / group).rglob("*.yaml"))
]
TINY = ["dataset.train_size=20", "dataset.test_size=10", "batch_size=10", "epochs=1", "out=run"]
SHAPES = {
    **dict.fromkeys(("mnist", "fashion_mnist"), (28, 28)),
    **dict.fromkeys(("cifar10", "cifar100", "svhn"), (32, 32, 3)),
}
NEEDS = {  # what else an option wants
    **{("dataset", name): ["dataset.root=."] for name in SHAPES},
    ("dataset", "custom"): ["dataset.source=cifar10.npz"],
    ("architecture", "custom"): ["architecture.source=mine:network", "trust=true"],
    ("dataset", "modular"): ["architecture=transformer"],
    ("dataset", "teacher"): ["loss=mse"],
    ("architecture", "transformer"): ["dataset=modular"],
    ("normalization", "instance"): ["architecture=cnn"],
    ("init", "pretrained"): ["init.run=before"],
    ("schedule", "multistep"): ["schedule.epochs=[1]"],
}


@pytest.fixture
def around(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, shape in SHAPES.items():
        arrays = {
            f"{split}_images": random.integers(0, 256, (20, *shape), dtype=np.uint8)
            for split in ("train", "test")
        }
        np.savez(
            tmp_path / f"{name}.npz",
            **arrays,
            train_labels=np.arange(20) % 10,
            test_labels=np.arange(20) % 10,
        )
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "def network(num_classes, input_shape):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(input_shape[0] * 64, num_classes))\n"
    )


def test_none_is_forgotten() -> None:
    assert {group: sum(option[0] == group for option in OPTIONS) for group in COUNTS} == COUNTS


@pytest.mark.parametrize(
    ("group", "name"),
    [option for option in OPTIONS if option[0] not in ("direction", "function", "experiment")],
)
def test_every_option_trains(
    around: None, tmp_path: Path, landscape: Landscape, group: str, name: str
) -> None:
    if name == "pretrained":
        assert landscape("train", *TINY[:-1], "out=before").status == 0
    outcome = landscape("train", f"{group}={name}", *TINY, *NEEDS.get((group, name), []))
    assert outcome.status == 0, outcome.err
    run = Run(tmp_path / "run", {})
    assert run.finished
    first, last = run.metrics()
    assert last["step"] == 2
    assert np.isfinite(last["train_loss"])
    if name != "zeros":
        assert last["weight_norm"] != first["weight_norm"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for group, name in OPTIONS if group == "experiment"])
def test_every_preset_trains(around: None, tmp_path: Path, landscape: Landscape, name: str) -> None:
    outcome = landscape("train", f"experiment={name}", "dataset.root=.", *TINY)
    assert outcome.status == 0, outcome.err
    run = Run(tmp_path / "run", {})
    assert run.finished
    assert np.isfinite(run.metrics()[-1]["train_loss"])


@pytest.mark.parametrize("name", [name for group, name in OPTIONS if group == "direction"])
def test_every_direction_makes_a_surface(tmp_path: Path, landscape: Landscape, name: str) -> None:
    for seed in (0, 1, 2):
        assert landscape("train", *TINY[:-1], f"seed={seed}", f"out=run{seed}").status == 0
    words = ["run=run0", f"direction={name}", "x=[-1,1,3]", "y=[-1,1,3]", "out=s.h5"]
    outcome = landscape("surface", *words, *(["direction.to=[run1,run2]"] if name == "runs" else []))
    assert outcome.status == 0, outcome.err
    assert (tmp_path / "s.h5").is_file()


@pytest.mark.parametrize("name", [name for group, name in OPTIONS if group == "function"])
def test_every_function_is_descended(tmp_path: Path, landscape: Landscape, name: str) -> None:
    (tmp_path / "bowls.py").write_text("def bowl(x):\n    return (x ** 2).sum()\n")
    own = ["function.source=bowls:bowl", "trust=true"] if name == "custom" else []
    outcome = landscape("descend", f"function={name}", *own, "steps=20", "out=d.h5")
    assert outcome.status == 0, outcome.err
    path = read_descent(tmp_path / "d.h5").paths["gd"]
    assert path.loss[0, -1] < path.loss[0, 0]


def test_a_network_that_reshapes_with_view_goes_all_the_way(tmp_path: Path, landscape: Landscape) -> None:
    """Such a network cannot run channels-last, in which images are stored."""
    (tmp_path / "views.py").write_text(
        "from torch import nn\n"
        "class Views(nn.Module):\n"
        "    def __init__(self, num_classes):\n"
        "        super().__init__()\n"
        "        self.features = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU())\n"
        "        self.out = nn.Linear(6 * 64, num_classes)\n"
        "    def forward(self, x):\n"
        "        return self.out(self.features(x).view(len(x), -1))\n"
    )
    custom = ["architecture=custom", "architecture.source=views:Views", "trust=true"]
    for seed in (0, 1):
        outcome = landscape("train", *custom, *TINY[:-1], f"seed={seed}", f"out=run{seed}")
        assert outcome.status == 0, outcome.err
    words = ["from_run=run0", "to_run=run1", "alpha=[0,1,3]", "trust=true"]
    for batchnorm in ("interpolate", "recompute", "keep"):
        outcome = landscape("interpolate", *words, f"batchnorm={batchnorm}", f"out={batchnorm}.h5")
        assert outcome.status == 0, outcome.err


def test_what_a_users_module_does_when_imported_does_not_move_the_seed(
    tmp_path: Path, landscape: Landscape
) -> None:
    (tmp_path / "seeds.py").write_text(
        "import torch\n"
        "torch.manual_seed(0)\n"
        "def network(num_classes):\n"
        "    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, num_classes))\n"
    )
    custom = ["architecture=custom", "architecture.source=seeds:network", "trust=true"]
    norms = []
    for seed in (1, 2, 1):
        sys.modules.pop("seeds", None)  # each as in a process of its own
        assert landscape("train", *custom, *TINY[:-1], f"seed={seed}", f"out=run{len(norms)}").status == 0
        norms.append(Run(tmp_path / f"run{len(norms)}", {}).metrics()[0]["weight_norm"])
    assert norms[0] != norms[1]
    assert norms[0] == norms[2]


def test_a_multirun_goes_on_after_a_fault_in_a_users_code(tmp_path: Path, landscape: Landscape) -> None:
    (tmp_path / "moody.py").write_text(
        "import torch\n"
        "class Network(torch.nn.Sequential):\n"
        "    def __init__(self, num_classes):\n"
        "        super().__init__(torch.nn.Flatten(), torch.nn.Linear(64, num_classes))\n"
        "    def forward(self, x):\n"
        "        if len(x) == 7: raise KeyError('seven')\n"
        "        return super().forward(x)\n"
    )
    custom = ["architecture=custom", "architecture.source=moody:Network", "trust=true"]
    outcome = landscape("train", *custom, *TINY[:2], "epochs=1", "batch_size=7,10", "outputs_dir=o", "-m")
    assert outcome.status == 1
    assert "1 of the jobs failed" in outcome.err
    assert "batch_size=7" in outcome.err.splitlines()[-1]
    assert "seven" in outcome.err.splitlines()[-1]
    assert [path.name for path in (tmp_path / "o" / "runs").iterdir() if Run(path, {}).finished]
