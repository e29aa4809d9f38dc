"""Randomness of training that regularizes: units dropped, images shifted (Bishop and Bishop 2024, ch. 9)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

NEIGHBOURS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]


def dropout(lab: Lab, *, plain: str, dropped: str, masks: int) -> Measured:
    """Measure what dropout does to the outputs of a layer on average, and to the gap of the losses.

    A feature is dropped with probability p and else divided by 1 - p (inverted dropout), so the mean over
    masks of a linear layer's outputs is that of evaluation mode. After the ReLU that follows it is not.

    Args:
        lab: has the runs, of ``architecture=cnn``.
        plain: the run without dropout.
        dropped: the run with it.
        masks: how many are drawn, for the first test image.
    """
    model, image = lab.network(dropped).cpu(), lab.data(dropped).test.inputs[:1].cpu()
    outputs = masked_outputs(model, image, masks, lab.seed)
    losses = {
        run: {split: lab.metrics(run)[f"{split}_loss"] for split in ("train", "test")}
        for run in (plain, dropped)
    }
    gap = {run: each["test"][-1] - each["train"][-1] for run, each in losses.items()}
    return {
        "standard_errors": {
            name: float(np.sqrt((((each["mean"] - each["evaluated"]) / each["error"]) ** 2).mean()))
            for name, each in outputs.items()
        },
        "gap_difference": gap[dropped] - gap[plain],
        "gap": gap,
        "output": outputs,
        "loss": losses,
    }


def masked_outputs(model: nn.Module, image: Tensor, masks: int, seed: int) -> dict[str, dict[str, Array]]:
    """Return the outputs of the hidden layer of ``architecture=cnn`` under random masks of its dropout.

    Args:
        model: the network, on the CPU; left in evaluation mode.
        image: of shape (1, C, H, W).
        masks: how many are drawn.
        seed: of the masks.

    Returns:
        For ``linear``, and ``after the ReLU`` of it, each of shape (units,): the ``mean`` over masks, its
        standard ``error``, and what is ``evaluated`` without a mask. Units that never vary are left out.
    """
    model.double().eval()
    linear, *others = model.get_submodule("hidden").children()
    with torch.no_grad():
        features = model.get_submodule("flatten")(model.get_submodule("features")(image.double()))
        drop = model.get_submodule("dropout").train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            masked = linear(drop(features.expand(masks, -1)))
        drop.eval()
        plain = linear(features)
        rest = nn.Sequential(*others)
        pairs = {"linear": (masked, plain), "after the ReLU": (rest(masked), rest(plain))}
    found = {}
    for name, (values, evaluated) in pairs.items():
        error = values.std(dim=0) / masks**0.5
        parts = {"mean": values.mean(dim=0), "error": error, "evaluated": evaluated[0]}
        found[name] = {key: part[error > 0].numpy() for key, part in parts.items()}
    return found


def draw_dropout(seeds: Sequence[Measured], *, label: str) -> dict[str, Figure]:
    """Draw how far the first seed's mean outputs lie off those of evaluation mode, and the losses."""
    outputs, losses = seeds[0]["output"], across(seeds, "loss")
    layer = Panel(
        "Units behind dropout",
        "output in evaluation mode",
        "mean output over masks, less that",
        points={
            name: (each["evaluated"], each["mean"] - each["evaluated"]) for name, each in outputs.items()
        },
        level=0.0,
    )
    curves = [
        Series(f"{run}, {words} loss", np.arange(values[split].shape[1]), values[split], look=2 + number)
        for number, (run, values, split, words) in enumerate(
            (run, values, split, words)
            for run, values in losses.items()
            for split, words in (("train", "training"), ("test", "test"))
        )
    ]
    return {
        "dropout": draw_panels([layer, Panel(label, "epoch", "loss (cross-entropy, nats)", curves, log="y")])
    }


def augmentation(lab: Lab, *, pairs: Mapping[str, Sequence[str]], mirrored: Sequence[str]) -> Measured:
    """Measure what training on randomly shifted images gives on the test images, and on shifted ones.

    Args:
        lab: has the runs.
        pairs: name -> the run without augmentation, and that with ``augment=shift``.
        mirrored: the runs without augmentation and with one that keeps no label: ``augment=crop_flip``, whose
            shifts are by half of the digits' size.
    """
    accuracy = {run: 100 * lab.metrics(run)["test_accuracy"] for run in lab.runs}
    shifted = {run: _shifted_accuracy(lab, run) for pair in pairs.values() for run in pair}
    off = []
    for run in lab.runs:
        recorded = lab.metrics(run)["train_loss"][-1]
        off.append(
            abs(evaluate(lab.network(run), lab.data(run).train, lab.loss(run)).loss - recorded) / recorded
        )
    return {
        "evaluation_off": off,
        "accuracy_gain": {
            name: accuracy[augmented][-1] - accuracy[plain][-1] for name, (plain, augmented) in pairs.items()
        },
        "shifted_gain": {
            name: shifted[augmented] - shifted[plain] for name, (plain, augmented) in pairs.items()
        },
        "mirrored_gain": accuracy[mirrored[1]][-1] - accuracy[mirrored[0]][-1],
        "accuracy": accuracy,
        "shifted_accuracy": shifted,
    }


def shifted(inputs: Tensor, zero: Tensor, down: int, right: int) -> Tensor:
    """Return images moved by at most a pixel each way; what comes in is a raw 0.

    Args:
        inputs: (n, C, H, W), normalized.
        zero: (C,), the normalized value of a raw 0.
        down: -1, 0 or 1; negative: up.
        right: likewise; negative: left.
    """
    n, channels, height, width = inputs.shape
    padded = zero.to(inputs).view(1, channels, 1, 1).repeat(n, 1, height + 2, width + 2)
    padded[:, :, 1:-1, 1:-1] = inputs
    return padded[:, :, 1 - down : 1 - down + height, 1 - right : 1 - right + width]


def draw_augmentation(
    seeds: Sequence[Measured], *, curves: Mapping[str, Mapping[str, str]]
) -> dict[str, Figure]:
    """Draw the test accuracy over epochs, and that of the last on shifted images, a dot a seed.

    Args:
        seeds: what was measured.
        curves: title -> run -> label, the run without augmentation first, that with shifts second.
    """
    accuracy, moved = across(seeds, "accuracy"), across(seeds, "shifted_accuracy")
    panels = [
        Panel(
            title,
            "epoch",
            "test accuracy (%)",
            [
                Series(words, np.arange(accuracy[run].shape[1]), accuracy[run], look=number)
                for number, (run, words) in enumerate(labels.items())
            ],
        )
        for title, labels in curves.items()
    ]
    dots = {
        f"{kind}, a seed": (
            np.repeat(np.arange(len(curves)), len(seeds)),
            np.concatenate([moved[list(labels)[place]] for labels in curves.values()]),
        )
        for place, kind in enumerate(list(next(iter(curves.values())).values())[:2])
    }
    test = Panel("Test images shifted by a pixel", "", "test accuracy (%)", points=dots, ticks=list(curves))
    return {"augmentation": draw_panels([*panels, test])}


def _shifted_accuracy(lab: Lab, run: str) -> float:
    """Return the accuracy on the test images in percent, mean over their eight shifts by a pixel."""
    data, model, loss = lab.data(run), lab.network(run), lab.loss(run)
    moved = [
        Split(shifted(data.test.inputs, data.zero, *shift).contiguous(), data.test.targets)
        for shift in NEIGHBOURS
    ]
    return 100 * float(np.mean([evaluate(model, split, loss).accuracy for split in moved]))
