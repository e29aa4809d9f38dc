"""A `Recorder` in Hugging Face's `Trainer`."""

from typing import Any

from transformers import TrainerCallback

from landscape_cli.recording.recording import Recording


def callback(recording: Recording) -> TrainerCallback:
    """Return a callback that saves into a recording, and closes it when the training has ended.

    Of several processes the first one saves.
    """

    class RecorderCallback(TrainerCallback):
        """Saves before training and after each epoch."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            """Save epoch 0, unless training goes on from a later one."""
            if state.is_world_process_zero and state.global_step == 0:
                recording.save(given["model"], 0, step=0)

        def on_epoch_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            """Save the epoch that has ended."""
            if state.is_world_process_zero:
                lr = given["optimizer"].param_groups[0]["lr"]
                recording.save(given["model"], round(state.epoch), step=state.global_step, lr=lr)

        def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            """Mark the run as finished."""
            if state.is_world_process_zero:
                recording.close()

    return RecorderCallback()
