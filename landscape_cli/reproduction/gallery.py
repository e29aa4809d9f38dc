"""A page of all reproductions: each with its pictures, its claims and their verdicts, and its command.

Never imports torch.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from landscape_cli.files import replacing, write_text
from landscape_cli.progress import duration
from landscape_cli.reproduction.catalogue import Phenomenon

COLOURS = 128  # of a picture's palette: enough for a colour map, and a quarter of the size
WIDTH = 1400  # pixels

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


def write(folder: Path, entries: Sequence[tuple[Phenomenon, Path, Mapping[str, Any]]]) -> None:
    """Write ``README.md`` and the pictures into a folder.

    Args:
        folder: where to.
        entries: each phenomenon with the folder of its reproduction and the content of its result.json.
    """
    results = [(entry, result) for entry, _, result in entries]
    parts = [HEAD, _overview(results), _made_with([result for _, result in results])]
    section = ""
    for entry, source, result in entries:
        if entry.section != section:
            section = entry.section
            parts.append(f"\n## {SECTIONS.get(section, section)}\n")
        parts.append(_part(entry, result))
        for name in result["pictures"]:
            target = folder / f"{entry.id}_{name}"
            with replacing(target) as temporary:
                temporary.write_bytes(_smaller(source / name))
            parts.append(f"![{entry.line}]({target.name})\n")
    write_text(folder / "README.md", "\n".join(parts))


def _smaller(path: Path) -> bytes:
    """Return a picture as a PNG with a palette, no wider than a page shows it."""
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


def _overview(results: Sequence[tuple[Phenomenon, Mapping[str, Any]]]) -> str:
    rows = ["| phenomenon | verdict | claims that hold | training, then measuring |", "|---|---|---|---|"]
    for entry, result in results:
        counted = [claim for claim in result["claims"] if not claim["soft"]]
        holding = sum(claim["verdict"] == "holds" for claim in counted)
        times = f"{duration(result['training_seconds'])}, {duration(result['seconds'])}"
        rows.append(
            f"| [{entry.id}](#{entry.id}) | {verdict(result)} | {holding} of {len(counted)} | {times} |"
        )
    return "\n".join(rows) + "\n"


def verdict(result: Mapping[str, Any]) -> str:
    """Return the verdict of a result.json in words: with the claims that fail though they do not count."""
    failing = sum(claim["soft"] and claim["verdict"] == "fails" for claim in result["claims"])
    if not failing:
        return str(result["verdict"])
    words = "reported claim fails" if failing == 1 else "reported claims fail"
    return f"{result['verdict']}; {failing} {words}"


def _part(entry: Phenomenon, result: Mapping[str, Any]) -> str:
    rows = ["| claim | measured | wanted | verdict |", "|---|---|---|---|"]
    for claim in result["claims"]:
        rows.append(f"| {_text(claim)} | {measured(claim)} | {_wanted(claim)} | {claim['verdict']} |")
    words = "" if result["scale"] == "small" else f" scale={result['scale']}"
    lines = [
        f"### {entry.id}\n",
        f"{entry.line}. {entry.source}.\n",
        f"    landscape reproduce id={entry.id}{words}\n",
        "\n".join(rows) + "\n",
        *_losses(result.get("train_losses", {})),
    ]
    return "\n".join(lines)


def _losses(losses: Mapping[str, Sequence[float]]) -> list[str]:
    """Return how far the networks were trained, in a line, or none where nothing was trained."""
    told = [f"{name} {_mean(values)}" for name, values in losses.items()]
    return [f"Training losses at the end: {', '.join(told)}.\n"] if told else []


def _mean(values: Sequence[float]) -> str:
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
