"""What every command needs of the configuration of a training, whoever wrote it."""

import reprlib
from collections.abc import Mapping
from typing import Any

GROUPS = ("dataset", "architecture", "normalization", "init", "optimizer", "schedule")
NEEDED = ("dataset", "architecture", "normalization", "loss")
LONGEST = 200  # characters of a name, which stands in titles


def check_run_config(config: Mapping[str, Any], *, part: bool = False) -> None:
    """Refuse what is no configuration of a training.

    The options of a group are checked where it is built; here is what titles and tables are made of.

    Args:
        config: a mapping of plain values.
        part: whether keys may be missing, as in what several runs have in common.

    Raises:
        ValueError: naming the key, what was got and what was expected.
    """
    for key in GROUPS:
        group = config.get(key)
        if group is None and (part or key not in NEEDED):
            continue
        _require(isinstance(group, Mapping), key, group, "a mapping with a name")
        assert group is not None
        name = group.get("name")
        if not (part and name is None):
            is_name = isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST
            _require(is_name, f"{key}.name", name, f"a name of at most {LONGEST} visible characters")
    loss = config.get("loss")
    _require(isinstance(loss, str) or (part and loss is None), "loss", loss, "a name")
    seed, epochs = config.get("seed"), config.get("epochs")
    _require(seed is None or _is_whole(seed), "seed", seed, "a whole number")
    several = isinstance(epochs, list) and all(map(_is_whole, epochs))  # of imported checkpoints
    _require(epochs is None or _is_whole(epochs) or several, "epochs", epochs, "a whole number")
    batch_size = config.get("batch_size")
    known = batch_size is None or batch_size == "full" or _is_whole(batch_size)
    _require(known, "batch_size", batch_size, "a whole number or full")
    for key in ("lr", "weight_decay"):
        value = (config.get("optimizer") or {}).get(key)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        _require(value is None or is_number, f"optimizer.{key}", value, "a number")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _require(holds: bool, key: str, got: object, expected: str) -> None:
    if not holds:
        raise ValueError(f"{key} must be {expected}, got {reprlib.repr(got)}")
