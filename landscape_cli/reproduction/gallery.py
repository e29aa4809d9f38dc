"""A page of all reproductions: each with its pictures, its claims and their verdicts, and its command.

Never imports torch.
"""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from landscape_cli.errors import LandscapeError
from landscape_cli.files import replacing, write_text
from landscape_cli.progress import duration
from landscape_cli.reproduction.catalogue import Phenomenon, catalogue

COLOURS = 128  # of a picture's palette: enough for a colour map, and a quarter of the size
WIDTH = 1400  # pixels

KEPT = ("scale", "verdict", "claims", "pictures", "train_losses", "seconds", "training_seconds")
KEPT_PROVENANCE = ("versions", "device", "hardware", "end")

Entry = tuple[Phenomenon, Path, Mapping[str, Any]]
Result = tuple[Phenomenon, Mapping[str, Any]]

SECTIONS = {
    "A": "Objective, losses, first example",
    "B": "Slices of the surface",
    "C": "Batch size and architectures (Li et al. 2018)",
    "D": "Other constructions of landscapes",
    "E": "Connectivity of minima",
    "F": "Generalization",
    "G": "Initialization and signal propagation",
    "H": "Normalization",
    "I": "Theory of non-convex optimization",
    "J": "Quadratic models, optimizers, schedules",
    "K": "Regularization",
    "L": "Large batches, sharpness, gradient noise",
    "M": "Spectrum of the Hessian",
    "N": "Parallelism and systems",
}

HEAD = """# Gallery

What `landscape reproduce` measured: every figure with its claims and verdicts. A claim holds when at least
two thirds of at least three seeds satisfy it and their mean does so by more than its standard error; it fails
when the same is true of its opposite; all else is undecided. Identities must hold for every number.
Thresholds stood before the measurement, but where a note says otherwise; a failing claim is a finding.
Values are mean ± standard deviation over n seeds.

"""


def write(folder: Path, entries: Sequence[Entry]) -> None:
    """Write ``README.md``, the pictures and ``results.json`` into a folder.

    What ``results.json`` there has of other phenomena and scales, measured elsewhere or long ago, stays.

    Args:
        folder: where to.
        entries: each phenomenon with the folder of its reproduction and the content of its result.json.

    Raises:
        LandscapeError: ``results.json`` cannot be read.
    """
    results = _kept(folder)
    for entry, source, result in entries:
        name = result_name(entry.id, result["scale"])
        for picture in set(results.get(name, {}).get("pictures", ())) - set(result["pictures"]):
            (folder / f"{name}_{picture}").unlink(missing_ok=True)
        for picture in result["pictures"]:
            with replacing(folder / f"{name}_{picture}") as temporary:
                temporary.write_bytes(_smaller(source / picture))
        results[name] = {key: result[key] for key in KEPT if key in result}
        made = result["provenance"]
        results[name]["provenance"] = {key: made[key] for key in KEPT_PROVENANCE if key in made}
    known = [
        (entry, results[name])
        for entry in catalogue()
        for scale in entry.scales
        if (name := result_name(entry.id, scale)) in results
    ]
    write_text(folder / "results.json", json.dumps(results, indent=1, sort_keys=True) + "\n")
    write_text(folder / "README.md", _page(known))


def result_name(phenomenon_id: str, scale: str) -> str:
    """Return what a result is called in ``results.json``; a small one goes by the id of its phenomenon."""
    return phenomenon_id if scale == "small" else f"{phenomenon_id}_{scale}"


def _kept(folder: Path) -> dict[str, Any]:
    path = folder / "results.json"
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise LandscapeError(f"{path} cannot be read ({error}); bring it back or delete it") from error


def _page(results: Sequence[Result]) -> str:
    parts = [HEAD, _overview(results), _made_with([result for _, result in results])]
    section = ""
    for entry, result in results:
        if entry.section != section:
            section = entry.section
            parts.append(f"\n## {SECTIONS.get(section, section)}\n")
        parts.append(_part(entry, result))
        name = result_name(entry.id, result["scale"])
        parts += [f"![{entry.line}]({name}_{picture})\n" for picture in result["pictures"]]
    return "\n".join(parts)


def _smaller(path: Path) -> bytes:
    """Return a picture as a PNG with a palette, no wider than a page shows it; a film stays what it is."""
    if path.suffix == ".gif":
        return path.read_bytes()
    with Image.open(path) as picture:
        image = picture.convert("RGB")
    if image.width > WIDTH:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    content = io.BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(content, format="PNG", optimize=True)
    return content.getvalue()


def _made_with(results: Sequence[Mapping[str, Any]]) -> str:
    """Return which software and hardware the results are of."""
    made = {
        f"landscape-cli {versions['landscape-cli']}, torch {versions['torch']}, {provenance['device']}"
        f" ({provenance['hardware']})"
        for result in results
        for provenance in [result["provenance"]]
        for versions in [provenance["versions"]]
    }
    return f"Measured with {'; '.join(sorted(made))}.\n"


def _overview(results: Sequence[Result]) -> str:
    rows = [
        "| phenomenon | verdict | claims that hold | training, then measuring | finished |",
        "|---|---|---|---|---|",
    ]
    for entry, result in results:
        times = f"{duration(result['training_seconds'])}, {duration(result['seconds'])}"
        title = _title(entry, result)
        anchor = title.replace("=", "").replace(",", "").replace(" ", "-")
        day = result["provenance"].get("end", "")[:10]
        rows.append(f"| [{title}](#{anchor}) | {verdict(result)} | {holding(result)} | {times} | {day} |")
    return "\n".join(rows) + "\n"


def verdict(result: Mapping[str, Any]) -> str:
    """Return the verdict of a result in words: with the claims that fail though they do not count.

    What ``results.json`` calls ``older``, in a sentence, was measured before its recipe changed.
    """
    failing = sum(claim["soft"] and claim["verdict"] == "fails" for claim in result["claims"])
    words = [str(result["verdict"])]
    if failing:
        words.append(f"{failing} reported claim{' fails' if failing == 1 else 's fail'}")
    return "; ".join([*words, *(["of an older recipe"] if result.get("older") else [])])


def holding(result: Mapping[str, Any]) -> str:
    """Return how many of the claims that count hold: ``3 of 4``."""
    counted = [claim for claim in result["claims"] if not claim["soft"]]
    return f"{sum(claim['verdict'] == 'holds' for claim in counted)} of {len(counted)}"


def _title(entry: Phenomenon, result: Mapping[str, Any]) -> str:
    return entry.id if result["scale"] == "small" else f"{entry.id}, scale={result['scale']}"


def _part(entry: Phenomenon, result: Mapping[str, Any]) -> str:
    rows = ["| claim | measured | wanted | verdict |", "|---|---|---|---|"]
    rows += [f"| {' | '.join(cells(claim))} |" for claim in result["claims"]]
    words = "" if result["scale"] == "small" else f" scale={result['scale']}"
    lines = [
        f"### {_title(entry, result)}\n",
        f"{entry.line}. {entry.source}.\n",
        f"    landscape reproduce id={entry.id}{words}\n",
        *([f"**{result['older']}**\n"] if result.get("older") else []),
        "\n".join(rows) + "\n",
        *training_losses(result),
    ]
    return "\n".join(lines)


def cells(claim: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return the cells of a claim's row in a Markdown table: claim, measured, wanted, verdict."""
    return _text(claim), measured(claim), _wanted(claim), claim["verdict"]


def training_losses(result: Mapping[str, Any]) -> list[str]:
    """Return how far the networks were trained, in a line, or none where nothing was trained."""
    told = [f"{name} {_mean(values)}" for name, values in result.get("train_losses", {}).items()]
    return [f"Training losses at the end: {', '.join(told)}.\n"] if told else []


def _mean(all_values: Sequence[float | None]) -> str:
    values = [value for value in all_values if value is not None]
    if len(values) < len(all_values):
        lost = f"diverged in {len(all_values) - len(values)} of {len(all_values)}"
        return f"{_mean(values)} ({lost})" if values else lost
    spread = f" ± {np.std(values, ddof=1):.1g}" if len(values) > 1 else ""
    return f"{np.mean(values):.2g}{spread}"


def _text(claim: Mapping[str, Any]) -> str:
    extra = " *(reported only)*" if claim["soft"] else ""
    note = f"<br>*{claim['note']}*" if claim["note"] else ""
    return f"{claim['text']}{extra}{note}".replace("|", "\\|")


def _wanted(claim: Mapping[str, Any]) -> str:
    sign = {">=": "≥", "<=": "≤"}.get(claim["relation"], claim["relation"])
    return f"{sign} {claim['threshold']:.4g}"


def measured(claim: Mapping[str, Any]) -> str:
    """Return the measured value of a claim of result.json in words: mean ± standard deviation, and n."""
    if claim["measured"] is None:
        return f"beyond what was looked at, n = {claim['n']}" if claim["n"] else "no value"
    spread = "" if claim["sd"] is None else f" ± {claim['sd']:.2g}"
    return f"{claim['measured']:.4g}{spread}, n = {claim['n']}"
