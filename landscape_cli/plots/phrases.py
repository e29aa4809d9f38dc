"""What a configuration says, in phrases: ``ResNet``, ``56 layers``, ``without shortcuts``, ``batch 128``."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from landscape_cli.config import CIRCUMSTANCES
from landscape_cli.plots.levels import number
from landscape_cli.store import Surface

_NAMES = {"resnet": "ResNet", "densenet": "DenseNet"}  # of any size: the size is told beside the name
_OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "adagrad": "Adagrad", "rmsprop": "RMSprop"}
_OPTIMIZERS |= {"entropy_sgd": "Entropy-SGD", "lars": "LARS"}
_BATCHNORM = {"recompute": "recomputed", "keep": "kept"}
# Of an architecture, told in phrases of their own or of no size.
_TOLD = ("name", "source", "options", "normalization", "depth", "width", "skip")
_SPOKEN_FOR = {
    *("normalization.name", "dataset.name", "dataset.train_size", "epochs", "seed", "batch_size"),
    *("optimizer.name", "optimizer.weight_decay", "optimizer.lr", "optimizer.sam", "optimizer.asam"),
    *("grow_batch_at", "grow_batch_by"),
}
# How a file came about, not what it shows.
_ASIDE = {*CIRCUMSTANCES, "run", "from_run", "to_run", "checkpoint_every", "compile"}


class Phrase(NamedTuple):
    """A text, and whether it says the usual: that is left out unless it tells several panels apart."""

    text: str
    usual: bool = False


def run_phrases(config: Mapping[str, Any]) -> dict[str, Phrase]:
    """Return what a run's configuration says, by key; what it does not have is left out."""
    architecture, dataset, optimizer = (
        config.get(group) or {} for group in ("architecture", "dataset", "optimizer")
    )
    phrases = _architecture_phrases(architecture)
    normalization = (config.get("normalization") or {}).get("name")
    if normalization is not None:
        usual = normalization == architecture.get("normalization", normalization)
        named = "no normalization" if normalization == "none" else f"{normalization} normalization"
        phrases["normalization"] = Phrase(named, usual)
    if "name" in dataset:
        size = dataset.get("train_size")
        phrases["dataset"] = Phrase(
            f"{dataset['name']} ({size:,} samples)" if isinstance(size, int) else str(dataset["name"])
        )
    if "name" in optimizer:
        phrases["optimizer"] = Phrase(_OPTIMIZERS.get(str(optimizer["name"]), str(optimizer["name"])))
    for name in ("sam", "asam"):
        if optimizer.get(name):
            phrases[name] = Phrase(f"{name.upper()} {value_words(optimizer[name])}")
    size = config.get("batch_size")
    if size is not None:
        phrases["batch_size"] = Phrase("full batch" if size == "full" else f"batch {size}")
    if config.get("grow_batch_at") and "grow_batch_by" in config:
        times, at = value_words(config["grow_batch_by"]), " and ".join(map(str, config["grow_batch_at"]))
        phrases["grow_batch"] = Phrase(f"\N{MULTIPLICATION SIGN}{times} after epoch {at}")
    if optimizer.get("weight_decay") is not None:
        phrases["weight_decay"] = Phrase(f"weight decay {number(optimizer['weight_decay'])}")
    if optimizer.get("lr") is not None:
        phrases["lr"] = Phrase(f"learning rate {number(optimizer['lr'])}", usual=True)
    if isinstance(config.get("epochs"), int):
        phrases["epochs"] = Phrase(f"{config['epochs']} epochs", usual=True)
    if isinstance(config.get("seed"), int):
        phrases["seed"] = Phrase(f"seed {config['seed']}", usual=True)
    return phrases


def surface_phrases(surface: Surface) -> dict[str, Phrase]:
    """Return what a stored file says: of the run, of its weights and of the directions."""
    phrases = run_phrases(surface.run_config)
    usual = "interpolate" if surface.trajectory is None else "keep"
    how = str(surface.config.get("batchnorm", usual))
    if how != usual:
        phrases["batchnorm"] = Phrase(f"BatchNorm {_BATCHNORM.get(how, how)}")
    if surface.kind == "interpolation":
        return phrases
    if "eigenvalues_of" in surface.config:
        phrases["eigenvalues_of"] = Phrase(f"eigenvalues of the {surface.config['eigenvalues_of']}")
    epoch = surface.config.get("epoch")
    if epoch in ("init", 0):
        phrases["epoch"] = Phrase("initial weights")
    elif isinstance(epoch, int):
        phrases["epoch"] = Phrase(f"epoch {epoch}")
    elif epoch == "last":
        phrases["epoch"] = Phrase("trained weights", usual=True)
    direction = surface.config.get("direction") or {}
    if direction.get("seed") is not None:
        phrases["direction_seed"] = Phrase(f"direction seed {direction['seed']}", usual=True)
    return phrases


def joined(phrases: Mapping[str, Phrase]) -> str:
    """Return the phrases as a text, without those that say the usual."""
    told = {key: phrase.text for key, phrase in phrases.items() if not phrase.usual}
    if "architecture" in told and "skip" in told and not {"depth", "width"} & told.keys():
        told["architecture"] += f" {told.pop('skip')}"
    return ", ".join(told.values())


def settings(surface: Surface) -> dict[str, Any]:
    """Return the settings of the run and of the command that computed the file, by dotted key."""
    return {**flat(surface.run_config), **flat(surface.config)}


def is_told(key: str) -> bool:
    """Whether `run_phrases` tells of a key such as ``optimizer.lr``."""
    return key.startswith("architecture.") or key in _SPOKEN_FOR


def value_words(value: object) -> str:
    """Return a value of a configuration as a title shows it."""
    if isinstance(value, list):
        return "-".join(map(value_words, value))
    return number(value) if isinstance(value, float) and math.isfinite(value) else str(value)


def _architecture_phrases(architecture: Mapping[str, Any]) -> dict[str, Phrase]:
    if "name" not in architecture:
        return {}
    phrases = {"architecture": Phrase(_architecture_name(architecture))}
    if isinstance(architecture.get("depth"), int):
        phrases["depth"] = Phrase(f"{architecture['depth']} layers")
    width = architecture.get("width")
    if isinstance(width, int | float) and math.isfinite(width):
        phrases["width"] = Phrase(f"width {number(width)}", usual=width == 1)
    if isinstance(architecture.get("skip"), bool):
        skip = architecture["skip"]
        phrases["skip"] = Phrase("with shortcuts" if skip else "without shortcuts", usual=skip)
    for key, value in architecture.items():
        if key not in _TOLD:
            words = "\N{MULTIPLICATION SIGN}".join(map(str, value)) if isinstance(value, list) else value
            phrases[f"architecture.{key}"] = Phrase(f"{key.replace('_', ' ')} {words}", usual=True)
    return phrases


def _architecture_name(architecture: Mapping[str, Any]) -> str:
    """Return the name; of a custom one that of its factory, or of the model that timm's makes."""
    source, options = architecture.get("source"), architecture.get("options")
    name = str(architecture["name"])
    if name != "custom" or not isinstance(source, str):
        return _NAMES.get(name, name) if "depth" in architecture or "blocks" in architecture else name
    model = options.get("model_name") if isinstance(options, Mapping) else None
    return str(model or source.rpartition(":")[2])


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of a configuration that say what it is, by keys such as ``optimizer.lr``."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        if f"{prefix}{key}" in _ASIDE:
            continue
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
