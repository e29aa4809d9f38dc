"""`landscape import`: a run folder of weights that were trained elsewhere."""

import dataclasses
import math
from pathlib import Path

from landscape_cli import device as devices
from landscape_cli.recording.imported import Import, write
from landscape_cli.recording.sources import sources
from landscape_cli.runs import open_run
from landscape_cli.schemas.training import ImportConfig
from landscape_cli.solutions import build_network, load_dataset


def run(config: ImportConfig) -> Path:
    """Put the weights into the run folder `config.out`, print their losses; return the folder."""
    assert config.out is not None
    out, resolved = Path(config.out), dataclasses.asdict(config)
    found = sources(config.weights)
    device = devices.resolve(config.device)
    dataset = load_dataset(resolved, device, trust=config.trust)
    model = build_network(resolved, dataset, trust=config.trust).to(device).eval()
    wanted = Import(found, config.match, config.entry, config.epochs)
    write(out, resolved, wanted, model, dataset)
    for row in open_run(out).metrics():
        accuracies = f", accuracy {row['train_accuracy']:.2%} and {row['test_accuracy']:.2%}"
        known = not math.isnan(row["train_accuracy"])  # as it is in a regression
        print(
            f"epoch {row['epoch']:.0f}: loss {row['train_loss']:.6g} on the training split,"
            f" {row['test_loss']:.6g} on the test split{accuracies if known else ''}"
        )
    return out
