"""The words on a picture: titles from the run's configuration, axis labels with their units."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from landscape_cli.plots.phrases import (
    Phrase,
    flat,
    is_told,
    joined,
    run_phrases,
    settings,
    surface_phrases,
    value_words,
)
from landscape_cli.store import Surface
from landscape_cli.terminal import printable

_LOSSES = {
    "cross_entropy": "cross-entropy, nats",
    "mse": "squared error, summed over outputs",
    "l1": "absolute error, summed over outputs",
    "huber": "Huber loss, summed over outputs",
    "hinge": "hinge loss, summed over outputs",
    "squared_hinge": "half the squared hinge loss, summed over outputs",
}
_HESSIAN = {
    "largest_eigenvalue": "largest Hessian eigenvalue",
    "smallest_eigenvalue": "smallest Hessian eigenvalue",
    "eigenvalue_ratio": "|\N{GREEK SMALL LETTER LAMDA}min / \N{GREEK SMALL LETTER LAMDA}max|",
}
_SPLITS = {"train": "training", "test": "test"}
_NORMS = {"filter": "filter-normalized ", "layer": "layer-normalized ", "none": "Gaussian "}

MOST = 3  # settings that a title tells besides those that it knows words for


def run_title(run_config: Mapping[str, Any]) -> str:
    """Return a run in words: ``resnet20 without shortcuts, cifar10, SGD, batch 128, weight decay 5e-4``.

    Keys that the configuration does not have are left out.
    """
    return joined(run_phrases(run_config))


def run_titles(configs: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """Return what configurations of trainings have in common, in words, and what sets each apart.

    The latter are the phrases of titles, and after them ``schedule cosine`` or ``optimizer momentum 0.5`` of
    keys that these leave out, where all have them. An empty one is of a configuration that nothing tells
    apart.
    """
    leaves = [flat(config) for config in configs]
    phrases = [run_phrases(config) for config in configs]
    shared = [key for key in leaves[0] if all(key in each for each in leaves)]
    for each, words in zip(leaves, phrases, strict=True):
        for key in shared:
            nothing = each[key] is None or each[key] == []
            if not is_told(key) and not nothing and any(one[key] != each[key] for one in leaves):
                name = key.removesuffix(".name").replace("_", " ").replace(".", " ")
                words[key] = Phrase(printable(f"{name} {value_words(each[key])}"))
    same = _same(phrases)
    return joined({key: phrases[0][key] for key in same}), _differing(phrases, same)


def panel_titles(
    surfaces: Sequence[Surface], title: str | None = None, own: Sequence[str] | None = None
) -> tuple[str, list[str]]:
    """Return what all surfaces have in common, and what sets each apart; a single one has its whole title.

    The label of the only solution on all of them, such as ``epoch 200``, is told once. Surfaces that their
    configurations do not tell apart, or tell nothing of, are named by their files. A `title` that was asked
    for takes the place of the common one, or of the only one; `own` that of the others.
    """
    if own is not None:
        return title or "", list(own)
    phrases = [surface_phrases(surface) for surface in surfaces]
    if len(surfaces) == 1:
        return "", [joined(phrases[0]) if title is None else title]
    same = _same(phrases)
    common = {key: phrases[0][key] for key in same}
    mark = shared_mark(surfaces)
    if mark is not None and "epoch" in same and common["epoch"].usual:
        common["epoch"] = Phrase(mark)
    apart, names = _apart(surfaces, phrases, same), _file_names(surfaces)
    if len(set(apart)) < len(apart):
        apart = names
    told = [words or name for words, name in zip(apart, names, strict=True)]
    return joined(common) if title is None else title, told


def shared_mark(surfaces: Sequence[Surface]) -> str | None:
    """Return the label of the only solution on each of several planes, where it is the same on all."""
    labels = {tuple(label for label, *_ in surface.marks) for surface in surfaces}
    if len(surfaces) == 1 or len(labels) > 1 or len(only := labels.pop()) != 1:
        return None
    return only[0]


def without_shared_mark(surfaces: Sequence[Surface]) -> list[Surface]:
    """Return the surfaces with their solutions unlabelled where the label is the same on all."""
    if shared_mark(surfaces) is None:
        return list(surfaces)
    return [replace(surface, marks=[("", x, y) for _, x, y in surface.marks]) for surface in surfaces]


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


def _same(phrases: Sequence[Mapping[str, Phrase]]) -> list[str]:
    """Return the keys of the phrases that are the same for all."""
    keys = list(dict.fromkeys(key for each in phrases for key in each))
    return [key for key in keys if all(each.get(key) == phrases[0].get(key) for each in phrases)]


def _differing(phrases: Sequence[Mapping[str, Phrase]], same: Sequence[str]) -> list[str]:
    """Return the phrases that are not the same for all, of each; the usual ones where all have one."""
    apart = []
    for each in phrases:
        told = {
            key: Phrase(phrase.text)
            for key, phrase in each.items()
            if key not in same and (not phrase.usual or all(key in other for other in phrases))
        }
        apart.append(joined(told))
    return apart


def _apart(
    surfaces: Sequence[Surface], phrases: Sequence[Mapping[str, Phrase]], same: Sequence[str]
) -> list[str]:
    """Return what sets each surface apart: phrases, or settings where these do not tell all apart."""
    apart = _differing(phrases, same)
    if len(set(apart)) == len(apart):
        return apart
    return _differences(surfaces) or apart


def _differences(surfaces: Sequence[Surface]) -> list[str]:
    """Return the few settings that tell all files apart where no phrase does; none if there are none."""
    each = [settings(surface) for surface in surfaces]
    keys = [key for key in each[0] if all(key in other for other in each)]
    different = [key for key in keys if any(other[key] != each[0][key] for other in each)]
    words = [
        ", ".join(f"{key.replace('_', ' ').replace('.', ' ')} {one[key]}" for key in different)
        for one in each
    ]
    return words if 0 < len(different) <= MOST and len(set(words)) == len(words) else []


def _file_names(surfaces: Sequence[Surface]) -> list[str]:
    stems = [printable(surface.path.stem) for surface in surfaces]
    if len(set(stems)) == len(stems):
        return stems
    paths = (Path(surface.path.parent.name, surface.path.stem) for surface in surfaces)
    return [printable(path.as_posix()) for path in paths]
