"""A `Recorder` in Hugging Face's `Trainer`."""

import math
from typing import Any

from transformers import TrainerCallback

from landscape_cli.recording.recording import Recording


def callback(recording: Recording) -> TrainerCallback:
    """Return a callback that saves into a recording, and closes it when the training has ended.

    Of several processes the first one saves.
    """

    class RecorderCallback(TrainerCallback):
        """Saves before training and after each epoch."""

        lr = math.nan

        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            """Save epoch 0, unless training goes on from a later step."""
            if state.is_world_process_zero and state.global_step == 0:
                recording.save(given["model"], 0, step=0)

        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            """Remember the learning rate of the step, before a scheduler changes it for the next."""
            self.lr = float(given["optimizer"].param_groups[0]["lr"])

        def on_epoch_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            """Save the epoch that has ended; one that ``max_steps`` cuts short counts as the next."""
            if state.is_world_process_zero:
                epoch = math.ceil(round(state.epoch, 6))
                recording.save(given["model"], epoch, step=state.global_step, lr=self.lr)

        def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            """Mark the run as finished."""
            if state.is_world_process_zero:
                recording.close()

    return RecorderCallback()
