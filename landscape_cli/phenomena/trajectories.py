"""The path of a training lies in few dimensions: Li et al. 2018 (arXiv:1712.09913), section 7, figure 9."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

SHARES = "Share of each principal component"


def pca_trajectory(lab: Lab) -> Measured:
    """Measure how much of each run's path the plane of its first two principal components holds."""
    planes, paths = zip(*(lab.trajectory(run) for run in lab.runs), strict=True)
    held = [path.explained_variance_ratio[:2].sum() for path in paths]
    return {
        "least_share": min(held),
        "least_times_random": min(
            share / path.random_plane_ratio for share, path in zip(held, paths, strict=True)
        ),
        "end_off_origin": [abs(path.x[-1]) + abs(path.y[-1]) for path in paths],
        "plane": dict(zip(lab.runs, planes, strict=True)),
        "shares": {
            run: path.explained_variance_ratio[:10] for run, path in zip(lab.runs, paths, strict=True)
        },
    }


def draw_pca_trajectory(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the first seed's paths on their planes, and the share of each component."""
    title = "The path of the training on the plane of its first two principal components"
    curves = [
        Series(names[run], range(1, 1 + values.shape[1]), values)
        for run, values in across(seeds, "shares").items()
    ]
    return {
        "paths": draw(
            [seeds[0]["plane"][run] for run in names],
            kind="contour",
            title=title,
            titles=list(names.values()),
        ),
        "components": draw_panels(
            [Panel(SHARES, "component", "share of the squared distances", curves, log="y")]
        ),
    }
