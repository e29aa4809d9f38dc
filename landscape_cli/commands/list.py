"""`landscape list`: what there is to choose from."""

import math
from pathlib import Path

from landscape_cli.config import CONF
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.files import write_text
from landscape_cli.plots.labels import run_title
from landscape_cli.reproduction.catalogue import Phenomenon, catalogue, status
from landscape_cli.runs import is_run, open_run
from landscape_cli.schemas.files import ListConfig
from landscape_cli.terminal import printable

GROUPS = {
    "datasets": "dataset",
    "architectures": "architecture",
    "normalizations": "normalization",
    "inits": "init",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "directions": "direction",
    "functions": "function",
    "experiments": "experiment",
}
KINDS = (*GROUPS, "phenomena", "plots", "runs")


def run(config: ListConfig) -> Path | None:
    """Print a table of the choices of `config.kind`, or of the kinds; write it to `config.out` if set."""
    if config.kind is None:
        rows = [(kind, f"choices of {group}=") for kind, group in GROUPS.items()]
        rows += [
            ("phenomena", "what `landscape reproduce id=` can reproduce, and what came of it here"),
            ("plots", "choices of plot kind="),
            ("runs", f"run folders under {config.outputs_dir}/"),
        ]
    elif config.kind == "runs":
        rows = _runs(Path(config.outputs_dir))
    elif config.kind == "phenomena":
        rows = [(entry.id, _phenomenon_line(entry, config.outputs_dir)) for entry in catalogue()]
    elif config.kind == "plots":
        from landscape_cli.plots.descents import KINDS as OF_DESCENTS
        from landscape_cli.plots.draw import KINDS as PLOTS  # Matplotlib takes long to import

        own = {kind: text for kind, text in OF_DESCENTS.items() if kind != "auto"}
        rows = [*PLOTS.items(), *((kind, f"of `landscape descend`: {text}") for kind, text in own.items())]
    elif config.kind in GROUPS:
        folder = CONF / GROUPS[config.kind]
        rows = [(_name(path, folder), _description(path)) for path in sorted(folder.rglob("*.yaml"))]
    else:
        raise unknown("kind", config.kind, KINDS)
    width = max((len(name) for name, _ in rows), default=0)
    indent = "\n" + " " * (width + 2)
    table = "".join(f"{name:<{width}}  {text.replace(chr(10), indent)}\n" for name, text in rows)
    print(table, end="")
    if config.out is None:
        return None
    write_text(Path(config.out), table)
    return Path(config.out)


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder).with_suffix(""))


def _description(path: Path) -> str:
    """Return the first comment of a config file that is not Hydra's."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# ") and not line.startswith("# @package"):
            return line[2:]
    raise AssertionError(f"{path} does not say what it is in its first line")


def _phenomenon_line(entry: Phenomenon, outputs_dir: str) -> str:
    scales = (
        f"scale={name}: {status(outputs_dir, entry.id, name)} ({scale.cost})"
        for name, scale in entry.scales.items()
    )
    return "\n".join([entry.line, entry.source, *scales])


def _runs(outputs: Path) -> list[tuple[str, str]]:
    found = sorted(path.parent for path in outputs.rglob("config.yaml") if is_run(path.parent))
    if not found:
        raise LandscapeError(f"no run under {outputs}/; `landscape train` makes one")
    return [(printable(str(path)), printable(_run_line(path))) for path in found]


def _run_line(path: Path) -> str:
    try:
        run = open_run(path)
        if not (path / "metrics.csv").exists():
            return f"{run_title(run.config)}; not begun"
        rows = run.metrics()
        finished = run.finished
        if not rows:
            return f"{run_title(run.config)}; not begun"
    except LandscapeError as error:
        return str(error)
    last = rows[-1]
    state = "finished" if finished else "unfinished"
    reached = f"accuracy {last['train_accuracy']:.1%} train, {last['test_accuracy']:.1%} test"
    if math.isnan(last["train_accuracy"]):  # a regression
        reached = f"loss {last['train_loss']:.3g} train, {last['test_loss']:.3g} test"
    return f"{run_title(run.config)}; {state}, epoch {last['epoch']:.0f}: {reached}"
