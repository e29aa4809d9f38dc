"""What a reproduction leaves behind: result.json, data/ and pictures, the result last."""

import csv
import io
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from landscape_cli import provenance
from landscape_cli.errors import LandscapeError
from landscape_cli.files import replacing, write_text
from landscape_cli.plots.draw import save
from landscape_cli.reproduction.catalogue import Phenomenon, read_result
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import overall
from landscape_cli.reproduction.whole_lab import Lab

ASKED = ("id", "scale", "seeds", "runs", "settings")


def asked_for(entry: Phenomenon, scale: str, seeds: Sequence[int]) -> dict[str, Any]:
    """Return what identifies a reproduction: equal ones need not be done twice."""
    chosen = entry.scales[scale]
    return {
        "id": entry.id,
        "scale": scale,
        "seeds": list(seeds),
        "runs": {name: list(words) for name, words in chosen.runs.items()},
        "settings": dict(chosen.settings),
    }


def finished(folder: Path, asked: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result in the folder, or None where there is none, or one of other seeds or settings.

    Raises:
        LandscapeError: it is of another phenomenon or scale.
    """
    if not (folder / "result.json").exists():
        return None
    result = read_result(folder)
    if any(result[key] != asked[key] for key in ("id", "scale")):
        raise LandscapeError(f"{folder} holds {result['id']}, scale {result['scale']}; choose another out=")
    return result if all(result.get(key) == asked[key] for key in ASKED) else None


def write(folder: Path, asked: dict[str, Any], lab: Lab, measure: Callable[..., Findings]) -> dict[str, Any]:
    """Train, measure and draw a phenomenon into the folder; return the result, which is written last.

    Args:
        folder: where to; made when there is something to put there.
        asked: from `asked_for`.
        lab: has the runs, still to be trained.
        measure: the phenomenon's function.
    """
    started = time.perf_counter()
    begun = provenance.now()
    lab.train()
    findings = measure(lab, **asked["settings"])
    (folder / "result.json").unlink(missing_ok=True)  # of other settings: it tells nothing of what follows
    for name, rows in findings.tables.items():
        write_text(folder / "data" / f"{name}.csv", _csv(rows))
    for path in lab.surfaces:
        with replacing(folder / "data" / path.name) as temporary:
            shutil.copyfile(path, temporary)
    for name, figure in findings.pictures.items():
        for suffix in ("png", "pdf"):
            save(figure, folder / f"{name}.{suffix}")
    fingerprints = sorted({run.provenance()["dataset_fingerprint"] for run in lab.runs})
    result = {
        **asked,
        "verdict": overall(findings.claims),
        "seconds": round(time.perf_counter() - started, 1),
        "training_seconds": round(sum(row["seconds"] for run in lab.runs for row in run.metrics()), 1),
        "provenance": {
            **provenance.record(lab.device, ", ".join(fingerprints)),
            "start": begun,
            "end": provenance.now(),
            "run_folders": [str(run.path) for run in lab.runs],
        },
        "claims": [claim.record() for claim in findings.claims],
        "pictures": [f"{name}.png" for name in findings.pictures],
    }
    write_text(folder / "result.json", json.dumps(result, indent=2, allow_nan=False) + "\n")
    return result


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
