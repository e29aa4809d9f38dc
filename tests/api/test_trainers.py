"""The callbacks of a `Recorder` in real trainings of Lightning and Transformers, each in its own process."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from landscape_cli import checkpoint
from landscape_cli.runs import open_run


def needs(library: str) -> None:
    """Skip where it is not installed; imported here, it would tie handlers of logs to this test's streams."""
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")


NETWORK = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.BatchNorm1d(5), nn.Dropout(0.1))
        self.head = nn.Linear(5, 10)

    def forward(self, images):
        return self.head(self.body(images))
"""

SETTING = """
import sys
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from landscape_cli import LandscapeError, Recorder
from landscape_cli.data.load import load
from network import Net

split = load({"name": "digits", "train_size": 120, "test_size": 40}, torch.device("cpu")).train
torch.manual_seed(0)
recorder = lambda: Recorder("mine", "dataset=digits", "dataset.train_size=120", "dataset.test_size=40",
                            "architecture=custom", "architecture.source=network:Net", device="cpu")
"""

LIGHTNING = """
import PACKAGE as L

class Module(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = Net()
        self.other = nn.Linear(2, 2)

    def training_step(self, batch, number):
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.net.parameters(), 0.1)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)]

class Keep(L.Callback):
    def on_train_start(self, trainer, module):
        self.keep(module, trainer.current_epoch)
    def on_train_epoch_end(self, trainer, module):
        self.keep(module, trainer.current_epoch + 1)
        trainer.save_checkpoint(f"own_{trainer.current_epoch + 1}.ckpt")
        if trainer.current_epoch + 1 == fails_at:
            raise ZeroDivisionError
    def keep(self, module, epoch):
        torch.save({k: v.clone() for k, v in module.net.state_dict().items()}, f"kept_{epoch}.pt")

def fit(epochs, ckpt_path=None, **options):
    found = recorder()
    trainer = L.Trainer(max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_model_summary=False, enable_progress_bar=False,
                        callbacks=[found.lightning(), Keep()], **options)
    loader = DataLoader(TensorDataset(split.inputs, split.targets), 40, shuffle=True)
    trainer.fit(Module(), loader, ckpt_path=ckpt_path)
fails_at = None
"""

TRANSFORMERS = """
from transformers import Trainer, TrainerCallback, TrainingArguments

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Net()

    def forward(self, images, labels=None):
        logits = self.net(images)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

class Keep(TrainerCallback):
    seen = 0
    def on_train_begin(self, args, state, control, model=None, **given):
        self.keep(model)
    def on_epoch_end(self, args, state, control, model=None, **given):
        self.keep(model)
    def keep(self, model):
        torch.save({k: v.clone() for k, v in model.net.state_dict().items()}, f"kept_{self.seen}.pt")
        self.seen += 1

def train(**options):
    rows = [{"images": x, "labels": y} for x, y in zip(split.inputs, split.targets)]
    with recorder() as found:
        arguments = TrainingArguments("out", per_device_train_batch_size=40, learning_rate=0.1, report_to=[],
                                      lr_scheduler_type="linear", use_cpu=True, disable_tqdm=True,
                                      save_strategy="no", **options)
        Trainer(Model(), arguments, train_dataset=rows, callbacks=[found.transformers(), Keep()]).train()
"""


def run(folder: Path, *parts: str) -> str:
    (folder / "network.py").write_text(NETWORK)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([SETTING, *parts])], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(folder: Path, epochs: list[int], lr: list[float] | None = None, finished: bool = True) -> None:
    """Rows of these epochs, with the weights that the trainer had, and the losses of these."""
    found = open_run(folder / "mine")
    assert found.finished == finished
    assert found.epochs() == epochs
    rows = found.metrics()
    assert [row["epoch"] for row in rows] == epochs
    assert all(row["gradient_norm"] > 0 for row in rows)
    for epoch in epochs:
        stored = checkpoint.load(found.checkpoint_path(epoch))
        kept = torch.load(folder / f"kept_{epoch}.pt", weights_only=True)
        assert stored["model"].keys() == kept.keys()
        for name, tensor in kept.items():
            assert torch.equal(stored["model"][name], tensor), (epoch, name)
    if lr is not None:
        assert [row["lr"] for row in rows[1:]] == pytest.approx(lr)
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    assert len({row["train_loss"] for row in rows}) == len(epochs)


@pytest.mark.slow
@pytest.mark.parametrize("package", ["lightning", "pytorch_lightning"])
def test_a_training_of_lightning(tmp_path: Path, package: str) -> None:
    needs(package)
    run(tmp_path, LIGHTNING.replace("PACKAGE", package), "fit(3)")
    check(tmp_path, [0, 1, 2, 3], [0.1, 0.05, 0.025])
    assert [row["step"] for row in open_run(tmp_path / "mine").metrics()] == [0, 3, 6, 9]


@pytest.mark.slow
def test_a_training_of_lightning_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    needs("lightning")
    start = LIGHTNING.replace("PACKAGE", "lightning")
    failing = (
        "fails_at = 3\n"
        "try:\n    fit(5)\nexcept ZeroDivisionError:\n    print('failed')\n"
        "fails_at = None\n"
        # in the same process: the folder was let go of
        "fit(5, 'own_2.ckpt')"
    )
    assert "failed" in run(tmp_path, start, failing)
    check(tmp_path, [0, 1, 2, 3, 4, 5], [0.1 * 0.5**epoch for epoch in range(5)])
    assert [row["step"] for row in open_run(tmp_path / "mine").metrics()] == [0, 3, 6, 9, 12, 15]


@pytest.mark.slow
def test_a_training_of_lightning_that_failed_is_unfinished(tmp_path: Path) -> None:
    needs("lightning")
    start = LIGHTNING.replace("PACKAGE", "lightning")
    run(tmp_path, start, "fails_at = 2\ntry:\n    fit(5)\nexcept ZeroDivisionError:\n    pass")
    check(tmp_path, [0, 1, 2], finished=False)
    assert not list(tmp_path.glob(".*.lock"))


@pytest.mark.slow
def test_a_training_of_transformers(tmp_path: Path) -> None:
    needs("transformers")
    needs("accelerate")
    run(tmp_path, TRANSFORMERS, "train(num_train_epochs=3)")
    check(tmp_path, [0, 1, 2, 3], [0.1 * (9 - step) / 9 for step in (2, 5, 8)])
    assert [row["step"] for row in open_run(tmp_path / "mine").metrics()] == [0, 3, 6, 9]


@pytest.mark.slow
def test_an_epoch_that_max_steps_cuts_short_counts(tmp_path: Path) -> None:
    needs("transformers")
    needs("accelerate")
    run(tmp_path, TRANSFORMERS, "train(max_steps=4)")
    check(tmp_path, [0, 1, 2])
    assert [row["step"] for row in open_run(tmp_path / "mine").metrics()] == [0, 3, 4]


def test_the_trainers_are_imported_only_for_their_callbacks(tmp_path: Path) -> None:
    code = (
        "import json\nwith recorder() as found: found.save(Net())\n"
        "print(json.dumps([name for name in ('lightning', 'pytorch_lightning', 'transformers', 'accelerate')"
        " if name in sys.modules]))"
    )
    assert json.loads(run(tmp_path, code).splitlines()[-1]) == []


@pytest.mark.parametrize("name", ["lightning", "transformers"])
def test_a_trainer_that_is_not_installed_is_named_with_what_to_install(tmp_path: Path, name: str) -> None:
    code = (
        f"sys.modules.update(dict.fromkeys(('lightning', 'pytorch_lightning', 'transformers')))\n"
        f"try: recorder().{name}()\nexcept LandscapeError as error: print(error)"
    )
    told: Any = run(tmp_path, code)
    assert f'pip install "landscape-cli[{name}]"' in told
