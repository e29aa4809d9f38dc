"""The path of a training lies in few dimensions (Li et al. 2018, section 7; figure 9)."""

from collections.abc import Sequence
from itertools import product

from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface, Trajectory

SHOWN = 10  # components in the picture


def path_in_few_dimensions(
    lab: Lab, *, names: dict[str, str], plane: Sequence[str], share: float, times: float
) -> Findings:
    """Measure how much of a path the plane of its first two principal components holds.

    Args:
        lab: has the runs, with a checkpoint an epoch.
        names: run -> what the picture calls it.
        plane: words of `landscape trajectory`.
        share: of the variance that two components hold at least.
        times: how many times that of a random plane it is at least.
    """
    rows: list[Row] = []
    drawn: dict[tuple[str, int], Surface] = {}
    paths: dict[tuple[str, int], Trajectory] = {}
    for seed, name in product(lab.seeds, names):
        surface = drawn[name, seed] = lab.trajectory(lab.run(name, seed), *plane)
        assert surface.trajectory is not None
        path = paths[name, seed] = surface.trajectory
        held = float(path.explained_variance_ratio[:2].sum())
        rows.append(
            {
                "run": name,
                "seed": seed,
                "two_components": held,
                "random_plane": float(path.random_plane_ratio),
                "last_distance_from_origin": float(abs(path.x[-1]) + abs(path.y[-1])),
            }
        )
    worst = [min(row["two_components"] for row in rows if row["seed"] == seed) for seed in lab.seeds]
    ratio = [
        min(row["two_components"] / row["random_plane"] for row in rows if row["seed"] == seed)
        for seed in lab.seeds
    ]
    claims = [
        Claim(
            "Two principal components hold this share of the path's squared distances to its end (the least"
            f" of {len(names)} trainings)",
            worst,
            ">=",
            share,
        ),
        Claim(
            "Two principal components hold so many times what a random plane holds (the least of"
            f" {len(names)} trainings)",
            ratio,
            ">",
            times,
        ),
        Claim(
            "The last point of the path is the origin of the plane",
            [row["last_distance_from_origin"] for row in rows],
            "<=",
            0.0,
            identity=True,
        ),
    ]
    shown = min(SHOWN, *(len(path.explained_variance_ratio) for path in paths.values()))
    components = Panel(
        "Share of each principal component",
        "component",
        "share of the squared distances",
        series=[
            Series(
                text,
                range(1, shown + 1),
                [paths[name, seed].explained_variance_ratio[:shown] for seed in lab.seeds],
            )
            for name, text in names.items()
        ],
        log="y",
    )
    title = "The path of the training on the plane of its first two principal components"
    surfaces = [drawn[name, lab.seeds[0]] for name in names]
    pictures = {
        "paths": draw(surfaces, kind="contour", title=title, titles=list(names.values())),
        "components": draw_panels([components]),
    }
    return Findings(claims, {"components": rows}, pictures)
