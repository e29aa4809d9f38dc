"""The straight line through two points that training found: its start and its end, or the ends of two."""

from itertools import combinations

from landscape_cli.evaluation.batchnorm import layers
from landscape_cli.measures import barrier, increases, loss_at
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface

STEPS = 50  # of the path whose increases are counted
PATH, PAIR = "initial to trained", "two trained"


def linear_interpolation_1d(lab: Lab, *, alpha: str) -> Findings:
    """Measure L((1 - alpha) theta + alpha theta') on lines from init to trained and between trained networks.

    Where a network has BatchNorm its running statistics are, in turn, interpolated like the weights (the
    "states" of Li et al. 2018's code) and estimated anew at every point. Outside of [0, 1] interpolated
    variances may be negative: there is no loss there.

    Args:
        lab: the runs.
        alpha: the grid, as `landscape interpolate` takes it; it holds the points k / 50 of [0, 1].
    """
    curves: dict[tuple[str, str], list[Surface]] = {}
    rows: list[Row] = []
    vanilla = [name for name in lab.scale.runs if not _has_batchnorm(lab, name)]
    for name in lab.scale.runs:
        for mode in ("interpolate",) if name in vanilla else ("interpolate", "recompute"):
            label = name if name in vanilla else f"{name}, statistics {mode}d"
            words = (f"alpha={alpha}", "splits=[train]", f"batchnorm={mode}")
            runs = {seed: lab.run(name, seed) for seed in lab.seeds}
            lines = {(seed, seed): (PATH, "from_epoch=init") for seed in lab.seeds}
            lines |= dict.fromkeys(combinations(lab.seeds, 2), (PAIR, "from_epoch=last"))
            for (one, other), (kind, start) in lines.items():
                line = lab.interpolate(runs[one], runs[other], start, *words)
                curves.setdefault((kind, label), []).append(line)
                recorded = [
                    lab.solution(runs[one], start.partition("=")[2]).recorded_loss("train"),
                    lab.solution(runs[other]).recorded_loss("train"),
                ]
                measured = {"line": kind, "network": name, "statistics": mode, "from": one, "to": other}
                rows.append({**measured, **_measured(line, recorded)})
    # statistics that are estimated anew are others than training ended with, also at the ends
    kept = [row for row in rows if row["statistics"] == "interpolate"]
    claims = [
        Claim(
            "At alpha 0 and 1 the loss on the line is, to 1e-4 of it, the one that training recorded for the"
            " two networks",
            [row["largest_error_at_the_ends"] for row in kept],
            "<=",
            1e-4,
            identity=True,
        )
    ]
    for name in vanilla:
        claims.append(
            Claim(
                f"{name}: of {STEPS} equal steps from the initial to the trained weights at most 3 raise the"
                " training loss",
                [row["increases"] for row in rows if row["line"] == PATH and row["network"] == name],
                "<=",
                3,
                soft=True,
                note="the number 3 is recalled, not Goodfellow et al.'s, hence this is reported only",
            )
        )
    for kind, label in curves:
        if kind != PAIR:
            continue
        name, _, mode = label.partition(", statistics ")
        chosen = [
            row
            for row in rows
            if row["line"] == PAIR and row["network"] == name and mode in ("", f"{row['statistics']}d")
        ]
        claims += [
            Claim(
                f"{label}: the training loss on the line between two networks of different seeds rises above"
                " its chord (barrier)",
                [row["barrier"] for row in chosen],
                ">",
                0,
            ),
            Claim(
                f"{label}: half way between the two networks the training loss exceeds the higher of theirs",
                [row["half_way"] - max(row["start"], row["end"]) for row in chosen],
                ">",
                0,
            ),
        ]
    return Findings(
        claims, {"lines": rows}, {"lines": draw_panels([_panel(curves, k) for k in (PATH, PAIR)])}
    )


def _has_batchnorm(lab: Lab, name: str) -> bool:
    run = lab.run(name, lab.seeds[0])
    return bool(layers(lab.solution(run).network(lab.dataset(run), trust=False)))


def _measured(line: Surface, recorded: list[float]) -> Row:
    loss = line.values["train/loss"]
    start, half_way, end = (loss_at(line.x, loss, place) for place in (0.0, 0.5, 1.0))
    height, place = barrier(line.x, loss)
    errors = [abs(got - wanted) / wanted for got, wanted in zip((start, end), recorded, strict=True)]
    return {
        "start": start,
        "half_way": half_way,
        "end": end,
        "increases": increases(line.x, loss, STEPS),
        "barrier": height,
        "barrier_at": place,
        "largest_error_at_the_ends": max(errors),
    }


def _panel(curves: dict[tuple[str, str], list[Surface]], kind: str) -> Panel:
    chosen = {label: lines for (of, label), lines in curves.items() if of == kind}
    return Panel(
        "From initial to trained weights" if kind == PATH else "Between two trained networks",
        "alpha",
        "training loss",
        [
            Series(label, lines[0].x, [line.values["train/loss"] for line in lines])
            for label, lines in chosen.items()
        ],
        log="y",
        marks={"initial": 0.0, "trained": 1.0} if kind == PATH else {"one": 0.0, "the other": 1.0},
    )
