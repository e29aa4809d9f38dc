"""Pictures of tables of noise: what each panel shows."""

from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.plots.noise import draw
from landscape_cli.store.table import Table

COLUMNS = ["noise_scale", "noise_scale_error", "tail_index", "tail_index_error", "top_share", "top_overlap"]


def made(runs: list[str], epochs: list[int], without: tuple[str, ...] = ()) -> Table:
    rows = []
    for run in runs:
        for epoch in epochs:
            values: dict[str, Any] = {"noise_scale": 10 * (epoch + 1), "noise_scale_error": epoch + 1}
            values |= {"tail_index": 1.5, "tail_index_error": 0.1, "top_share": 0.5}
            values["top_overlap"] = 0.9 if epoch != epochs[0] else ""
            told = {"run": run, "epoch": epoch, "loss": 1.0, **dict.fromkeys(without, "")}
            rows.append({name: str(value) for name, value in ({**values, **told}).items()})
    return Table(Path("noise.csv"), ["run", "epoch", "loss", *COLUMNS], rows)


def test_of_one_run_quantities_share_panels() -> None:
    figure = draw(made(["runs/a"], [5, 0, 1]))  # rows in any order
    scale, tails, top = figure.axes
    assert [axes.get_title() for axes in figure.axes] == [
        "Noise scale",
        "Tail index (Gaussian: 2)",
        "Top eigenspace",
    ]
    assert scale.get_yscale() == "log"
    assert scale.lines[0].get_xdata().tolist() == [0, 1, 5]  # type: ignore[union-attr]
    assert scale.lines[0].get_ydata().tolist() == [10, 20, 60]  # type: ignore[union-attr]
    assert [line.get_ydata()[0] for line in tails.lines if list(line.get_ydata()) == [2.0, 2.0]] == [2.0]  # type: ignore[index, arg-type]
    bars = scale.collections[0].get_segments()  # type: ignore[attr-defined]
    np.testing.assert_allclose([bar[:, 1] for bar in bars], [[9, 11], [18, 22], [54, 66]])
    assert len([line for line in top.lines if line.get_linestyle() != "None"]) == 2


def test_of_several_runs_each_quantity_has_a_panel() -> None:
    figure = draw(made(["runs/a", "runs/b"], [0, 1]))
    labels = ["noise scale (samples)", "tail index, all coordinates"]
    assert [axes.get_ylabel().replace("\n", " ") for axes in figure.axes][:2] == labels
    assert len(figure.axes) == 4
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]


def test_of_runs_of_one_epoch_the_runs_are_the_axis() -> None:
    figure = draw(made(["runs/a", "runs/b", "runs/c"], [3]))
    assert len(figure.axes) == 3  # there is no overlap
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["a", "b", "c"]
    assert {line.get_linestyle() for line in figure.axes[0].lines} == {"None"}


def test_where_nothing_was_finite_the_loss_is_drawn() -> None:
    figure = draw(made(["a"], [0, 1], without=tuple(COLUMNS)))
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss"]
