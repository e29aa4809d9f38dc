"""Keeping checkpoints in one's own training loop."""

import dataclasses
from pathlib import Path

import torch

from landscape_cli import device as devices
from landscape_cli.composition import settings_from
from landscape_cli.errors import LandscapeError
from landscape_cli.messages import explain
from landscape_cli.recording.recording import Recording
from landscape_cli.solutions import build_network, load_dataset


class Recorder(Recording):
    """A run folder that your own training loop fills, for all commands of the command line.

    In the loop::

        recorder = Recorder("runs/mine", "dataset=cifar10", "architecture=custom",
                            "architecture.source=torchvision.models:resnet18")
        recorder.save(model)  # before training: epoch 0
        for epoch in range(1, 21):
            ...
            recorder.save(model, epoch)
        recorder.close()

    Then `landscape surface run=runs/mine trust=true`, and so on. `recorder.lightning()` and
    `recorder.transformers()` are callbacks for these trainers; `with Recorder(…) as recorder:` closes by
    itself, and leaves a run whose loop failed unfinished, to be gone on with by the same lines. Nothing is
    written before the first weights that fit.

    Args:
        out: the run folder.
        words: network, data and loss as in `landscape import`: ``dataset=…``, ``architecture=…``, ``loss=…``;
            ``match=order`` for the same network under other names. The code that they name runs, as it is
            yours; commands on the folder ask for ``trust=true``.
        device: on which the losses are evaluated: ``auto``, ``cpu``, ``cuda``, ….

    Raises:
        LandscapeError: a word is wrong, data or network cannot be had, or the folder is of another
            configuration or finished.
    """

    def __init__(self, out: str | Path, *words: str, device: str | torch.device = "auto") -> None:
        given = ["weights=recorded", "trust=true", *words, f"out={_quoted(str(out))}"]
        try:
            resolved = dataclasses.asdict(settings_from("import", given))
        except Exception as error:
            told = explain(error, "import")
            if told is None:
                raise
            raise LandscapeError(told) from error
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers go on as they would
            dataset = load_dataset(resolved, devices.resolve(str(device)), trust=True)
            network = build_network(resolved, dataset, trust=True)
        super().__init__(Path(out), resolved, network.to(dataset.train.inputs.device).eval(), dataset)


def _quoted(path: str) -> str:
    """Return a path as a word of Hydra's grammar."""
    return "'" + path.replace("\\", "\\\\").replace("'", r"\'") + "'"
