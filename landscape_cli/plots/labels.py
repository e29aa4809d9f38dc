"""The words on a picture: titles from the run's configuration, axis labels with their units."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from landscape_cli.plots.levels import number
from landscape_cli.store import Surface
from landscape_cli.terminal import printable

_OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "adagrad": "Adagrad", "rmsprop": "RMSprop"}
_LOSSES = {
    "cross_entropy": "cross-entropy, nats",
    "mse": "squared error, summed over outputs",
    "l1": "absolute error, summed over outputs",
    "huber": "Huber loss, summed over outputs",
}
_HESSIAN = {
    "largest_eigenvalue": "largest Hessian eigenvalue",
    "smallest_eigenvalue": "smallest Hessian eigenvalue",
    "eigenvalue_ratio": "|\N{GREEK SMALL LETTER LAMDA}min / \N{GREEK SMALL LETTER LAMDA}max|",
}
_BATCHNORM = {"recompute": "recomputed", "keep": "kept"}
_SPLITS = {"train": "training", "test": "test"}
_NORMS = {"filter": "filter-normalized ", "layer": "layer-normalized ", "none": "Gaussian "}

# What a title leaves out unless it is what tells several panels apart: these keys, and what is usual.
_DETAILS = ("widths", "blocks", "growth", "lr", "epochs", "seed", "trained", "direction_seed")
_USUAL = ("width 1", "with shortcuts", "no dropout")


def run_title(run_config: Mapping[str, Any]) -> str:
    """Return a run in words: ``resnet20, without shortcuts, cifar10, SGD, batch 128, weight decay 5e-4``.

    Keys that the configuration does not have are left out.
    """
    return _joined(_run_phrases(run_config))


def panel_titles(
    surfaces: Sequence[Surface], title: str | None = None, own: Sequence[str] | None = None
) -> tuple[str, list[str]]:
    """Return what all surfaces have in common, and what sets each apart; a single one has its whole title.

    Surfaces that their configurations do not tell apart, or tell nothing of, are named by their files. A
    `title` that was asked for takes the place of the common one, or of the only one; `own` that of the
    others.
    """
    if own is not None:
        return title or "", list(own)
    phrases = [_surface_phrases(surface) for surface in surfaces]
    if len(surfaces) == 1:
        return "", [_joined(phrases[0]) if title is None else title]
    keys = list(dict.fromkeys(key for each in phrases for key in each))
    same = [key for key in keys if all(each.get(key) == phrases[0].get(key) for each in phrases)]
    common = _joined({key: phrases[0][key] for key in same}) if title is None else title
    apart = [", ".join(text for key, text in each.items() if key not in same) for each in phrases]
    names = _file_names(surfaces)
    if len(set(apart)) < len(apart):
        return common, names
    return common, [words or name for words, name in zip(apart, names, strict=True)]


def value_label(split: str, value: str, run_configs: Sequence[Mapping[str, Any]]) -> str:
    """Return the label of a value with its unit, such as ``training loss (cross-entropy, nats)``.

    The loss is named when all runs minimized the same one. An empty `split` leaves the split out.
    """
    words = f"{_SPLITS.get(split, split)} {value.replace('_', ' ')}".strip()
    if value == "accuracy":
        return f"{words} (%)"
    if value in _HESSIAN:
        return f"{_HESSIAN[value]} ({_SPLITS.get(split, split)} loss)".replace("( ", "(")
    losses = {str(config.get("loss")) for config in run_configs}
    unit = _LOSSES.get(losses.pop()) if len(losses) == 1 else None
    return f"{words} ({unit})" if unit else words


def axis_label(surface: Surface, axis: str) -> str:
    """Return the label of the axis ``x`` or ``y``: a step along a direction, or alpha between two ends."""
    if surface.kind == "interpolation":
        marked = {x: label for label, x, _ in surface.marks}
        return (
            f"\N{GREEK SMALL LETTER ALPHA} (0 = {marked.get(0.0, 'first')}, 1 = {marked.get(1.0, 'second')})"
        )
    if surface.trajectory is not None:
        share = surface.trajectory.explained_variance_ratio[{"x": 0, "y": 1}[axis]]
        return f"{direction_name(surface, axis)} ({100 * share:.1f} % of variance)"
    direction = surface.config.get("direction") or {}
    norm = _NORMS.get(str(direction.get("norm")), "") if direction.get("name") == "random" else ""
    which = direction_name(surface, axis)
    return f"step along {norm}{which}" if which.startswith("direction") else f"step {which}"


def direction_name(surface: Surface, axis: str) -> str:
    """Return the short name of a direction: ``direction 1``, or ``toward seed1`` where it leads there."""
    if surface.trajectory is not None:
        return {"x": "PCA direction 1", "y": "PCA direction 2"}[axis]
    target = {"x": (1.0, 0.0), "y": (0.0, 1.0)}[axis]
    for label, *place in surface.marks:
        if tuple(place) == target and (surface.config.get("direction") or {}).get("name") != "random":
            return f"toward {label}"
    if surface.y is None:
        return "direction"
    return {"x": "direction 1", "y": "direction 2"}[axis]


def _run_phrases(config: Mapping[str, Any]) -> dict[str, str]:
    architecture, dataset, optimizer = (
        config.get(group) or {} for group in ("architecture", "dataset", "optimizer")
    )
    phrases = _architecture_phrases(architecture) if "name" in architecture else {}
    normalization = (config.get("normalization") or {}).get("name")
    if normalization is not None and normalization != architecture.get("normalization", normalization):
        phrases["normalization"] = (
            "no normalization" if normalization == "none" else f"{normalization} normalization"
        )
    if "name" in dataset:
        size = dataset.get("train_size")
        phrases["dataset"] = (
            f"{dataset['name']} ({size:,} samples)" if isinstance(size, int) else str(dataset["name"])
        )
    if "name" in optimizer:
        phrases["optimizer"] = _OPTIMIZERS.get(str(optimizer["name"]), str(optimizer["name"]))
    if config.get("batch_size") is not None:
        phrases["batch_size"] = (
            "full batch" if config["batch_size"] == "full" else f"batch {config['batch_size']}"
        )
    if optimizer.get("weight_decay") is not None:
        phrases["weight_decay"] = f"weight decay {number(optimizer['weight_decay'])}"
    if optimizer.get("lr") is not None:
        phrases["lr"] = f"learning rate {number(optimizer['lr'])}"
    for key, word in (("epochs", "epochs"), ("seed", "seed")):
        if isinstance(config.get(key), int):
            phrases[key] = f"{config[key]} {word}" if key == "epochs" else f"{word} {config[key]}"
    return phrases


def _architecture_phrases(architecture: Mapping[str, Any]) -> dict[str, str]:
    phrases = {"architecture": _architecture_name(architecture)}
    for key, words in (("depth", "{} layers"), ("width", "width {}"), ("growth", "growth {}")):
        value = architecture.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            phrases[key] = words.format(number(value))
    for key, words in (("widths", "hidden layers"), ("blocks", "blocks")):
        values = architecture.get(key)
        if isinstance(values, list) and all(isinstance(value, int) for value in values):
            phrases[key] = f"{words} {'-'.join(map(str, values))}"
    if isinstance(architecture.get("skip"), bool):
        phrases["skip"] = "with shortcuts" if architecture["skip"] else "without shortcuts"
    dropout = architecture.get("dropout")
    if isinstance(dropout, int | float):
        phrases["dropout"] = f"dropout {number(dropout)}" if dropout else "no dropout"
    return phrases


def _architecture_name(architecture: Mapping[str, Any]) -> str:
    """Return the name; of a custom one that of its factory, or of the model that timm's makes."""
    source, options = architecture.get("source"), architecture.get("options")
    if architecture["name"] != "custom" or not isinstance(source, str):
        return str(architecture["name"])
    model = options.get("model_name") if isinstance(options, Mapping) else None
    return str(model or source.rpartition(":")[2])


def _surface_phrases(surface: Surface) -> dict[str, str]:
    phrases = _run_phrases(surface.run_config)
    usual = "interpolate" if surface.trajectory is None else "keep"
    if surface.config.get("batchnorm", usual) != usual:
        how = str(surface.config["batchnorm"])
        phrases["batchnorm"] = f"BatchNorm {_BATCHNORM.get(how, how)}"
    if surface.kind == "interpolation":
        return phrases
    if "eigenvalues_of" in surface.config:
        phrases["eigenvalues_of"] = f"eigenvalues of the {surface.config['eigenvalues_of']}"
    epoch = surface.config.get("epoch")
    if epoch in ("init", 0):
        phrases["epoch"] = "initial weights"
    elif isinstance(epoch, int):
        phrases["epoch"] = f"epoch {epoch}"
    elif epoch == "last":
        phrases["trained"] = "trained weights"
    direction = surface.config.get("direction") or {}
    if direction.get("seed") is not None:
        phrases["direction_seed"] = f"direction seed {direction['seed']}"
    return phrases


def _joined(phrases: Mapping[str, str]) -> str:
    return ", ".join(text for key, text in phrases.items() if key not in _DETAILS and text not in _USUAL)


def _file_names(surfaces: Sequence[Surface]) -> list[str]:
    stems = [printable(surface.path.stem) for surface in surfaces]
    if len(set(stems)) == len(stems):
        return stems
    paths = (Path(surface.path.parent.name, surface.path.stem) for surface in surfaces)
    return [printable(path.as_posix()) for path in paths]
