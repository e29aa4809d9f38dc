"""A reproduction, seed by seed: measured and kept; then judged and drawn from what was kept.

Nothing is measured twice. Claims are judged anew each time, which needs no torch; pictures are drawn anew
when the code or the words that they are made of have changed, or one is missing. result.json comes last.
"""

import csv
import importlib
import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from landscape_cli.errors import LandscapeError
from landscape_cli.files import sha256, write_text
from landscape_cli.progress import note
from landscape_cli.reproduction import measured
from landscape_cli.reproduction.catalogue import Phenomenon, Scale, read_result
from landscape_cli.reproduction.claims import judge
from landscape_cli.reproduction.source import digest
from landscape_cli.reproduction.verdicts import overall

FILM_DPI = 110  # dots per inch of an animation: a page shows about as many

Measure = Callable[[int], tuple[measured.Measured, dict[str, Any]]]
"""Seed -> what it gave, and how that was made."""


def reproduce(
    folder: Path, entry: Phenomenon, scale_name: str, seeds: Sequence[int], measure: Measure
) -> dict[str, Any]:
    """Measure what is not measured yet, judge, draw what is not drawn yet; return the content of result.json.

    Args:
        folder: where to; made when there is something to put there.
        entry: the phenomenon.
        scale_name: one of its scales.
        seeds: of the runs.
        measure: called for the seeds that are missing.

    Raises:
        LandscapeError: the folder holds another reproduction, or a claim is none.
    """
    before = _before(folder, entry, scale_name)
    scale, function = entry.scale(scale_name), entry.id.replace("-", "_")
    asked = {
        "runs": {name: list(words) for name, words in scale.runs.items()},
        "words": {command: list(words) for command, words in scale.words.items()},
        "settings": dict(scale.settings),
        "code": digest(entry.topic, function),
    }
    files = [folder / "data" / f"seed_{seed}.h5" for seed in seeds]
    missing = {
        seed: path for seed, path in zip(seeds, files, strict=True) if not measured.answers(path, asked)
    }
    if missing:
        what = f"{len(missing)} of {len(seeds)} seeds to measure, {len(scale.runs)} runs each"
        note(f"{entry.id}, scale {scale_name}: {what}; {scale.cost}")
    for seed, path in missing.items():
        started = time.perf_counter()
        found, made = measure(seed)
        made["seconds"] = time.perf_counter() - started
        if path.exists():  # of other runs or settings, as the result that was made of it
            (folder / "result.json").unlink(missing_ok=True)
        measured.save(path, {"seed": seed, **found}, asked, made)
    kept = [measured.load(path) for path in files]
    claims = judge(scale, kept)
    drawn = {
        "code": digest(entry.topic, f"draw_{function}"),
        "drawing": dict(scale.drawing),
        "seeds": [sha256(path) for path in files],
    }
    result = {
        "id": entry.id,
        "scale": scale_name,
        "seeds": list(seeds),
        "runs": asked["runs"],
        "settings": asked["settings"],
        "verdict": overall(claims),
        **_made([each for path in files if (each := measured.answers(path, asked))]),
        "claims": [claim.record() for claim in claims],
        "pictures": _pictures(folder, entry, scale, kept, drawn, before),
        "drawn": drawn,
    }
    if result == before:
        note(f"{folder} is finished; nothing to do")
        return result
    write_text(folder / "data" / "numbers.csv", _table(kept))
    write_text(folder / "result.json", json.dumps(result, indent=2, allow_nan=False) + "\n")
    return result


def _before(folder: Path, entry: Phenomenon, scale_name: str) -> dict[str, Any] | None:
    """Return the result that the folder holds, if any."""
    if not (folder / "result.json").exists():
        return None
    result = read_result(folder)
    if (result["id"], result["scale"]) != (entry.id, scale_name):
        raise LandscapeError(f"{folder} holds {result['id']}, scale {result['scale']}; choose another out=")
    return result


def _pictures(
    folder: Path,
    entry: Phenomenon,
    scale: Scale,
    kept: Sequence[measured.Measured],
    drawn: Mapping[str, Any],
    before: Mapping[str, Any] | None,
) -> list[str]:
    """Return the names of the pictures; draw them where they are not those of before, or one is missing."""
    if before is not None and before.get("drawn") == drawn:
        beside = [Path(name).with_suffix(".pdf").name for name in before["pictures"] if name.endswith(".png")]
        if all((folder / name).is_file() for name in [*before["pictures"], *beside]):
            return list(before["pictures"])
    from landscape_cli.plots.draw import save  # Matplotlib takes long to import
    from landscape_cli.plots.film import save_film
    from landscape_cli.plots.options import Look

    topic = importlib.import_module(f"landscape_cli.phenomena.{entry.topic}")
    pictures = getattr(topic, f"draw_{entry.id.replace('-', '_')}")(kept, **scale.drawing)

    def written(name: str, picture: Any) -> str:
        if isinstance(picture, list):
            save_film(picture, folder / f"{name}.gif", Look(dpi=FILM_DPI))
            return f"{name}.gif"
        for suffix in ("png", "pdf"):
            save(picture, folder / f"{name}.{suffix}")
        return f"{name}.png"

    return [written(name, picture) for name, picture in pictures.items()]


def _made(made: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return times, final training losses and provenance of a result.

    Times are sums over the seeds; losses are a list over the seeds for each run; versions are those of the
    last seed.
    """
    last = made[-1]["provenance"]
    losses = [seed.get("train_losses", {}) for seed in made]  # seeds that older versions measured have none
    return {
        "train_losses": {name: [seed[name] for seed in losses if name in seed] for name in losses[-1]},
        **{key: round(sum(seed[key] for seed in made), 1) for key in ("seconds", "training_seconds")},
        "provenance": {
            **last,
            "start": min(seed["provenance"]["start"] for seed in made),
            "end": max(seed["end"] for seed in made),
            "run_folders": [folder for seed in made for folder in seed["run_folders"]],
        },
    }


def _table(kept: Sequence[measured.Measured]) -> str:
    """Return the numbers of all seeds as CSV: a row a quantity and seed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["quantity", "seed", "value"])
    for seed in kept:
        for name, value in measured.leaves(seed):
            if name != "seed" and getattr(value, "shape", None) == ():
                writer.writerow([name, int(seed["seed"]), repr(float(value))])
    return text.getvalue()
