"""A `Recorder` in Lightning's `Trainer`."""

import importlib
import math
import sys
from typing import Any

from landscape_cli.recording.recording import Recording


def callback(recording: Recording) -> Any:
    """Return a Lightning callback that saves into a recording, and closes it when the fit has ended.

    The network is found in the LightningModule's state dict by its names. Of several processes the first
    one saves. A fit that an exception ends leaves the run unfinished.
    """
    # a Trainer takes the callbacks of its own package
    older = "pytorch_lightning" in sys.modules and "lightning" not in sys.modules
    name = "pytorch_lightning" if older else "lightning.pytorch"
    base: Any = importlib.import_module(name).Callback

    class RecorderCallback(base):  # type: ignore[misc]
        """Saves before training and after each epoch."""

        lr = math.nan

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            """Save epoch 0, unless training goes on from a later step."""
            if trainer.is_global_zero and trainer.global_step == 0:
                recording.save(pl_module, 0, step=0)

        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            """Remember the learning rate of the step, before a scheduler changes it for the next."""
            self.lr = float(optimizer.param_groups[0]["lr"])

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            """Save the epoch that has ended."""
            if trainer.is_global_zero:
                recording.save(pl_module, trainer.current_epoch + 1, step=trainer.global_step, lr=self.lr)

        def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
            """Mark the run as finished."""
            if trainer.is_global_zero:
                recording.close()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            """Leave the run unfinished, to be gone on with."""
            recording.abandon()

    return RecorderCallback()
