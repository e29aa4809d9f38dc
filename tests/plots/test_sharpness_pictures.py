"""Pictures of a table of sharpness: what stands where, and the correlations in words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from landscape_cli.errors import LandscapeError
from landscape_cli.measures import spearman
from landscape_cli.plots import sharpness
from landscape_cli.plots.sharpness import draw_measures, draw_rank_correlations, told, write_pictures
from landscape_cli.store.sharpness import columns
from landscape_cli.store.table import Table, fill

VALUES: dict[str, Any] = {
    "test_error": [3.0, 5.0, 4.0, 9.0],
    "sam": [0.1, 0.2, 0.3, 4.0],
    "normalized_sam": [np.inf, 0.4, 0.3, 0.2],
    "sam_error": [0.01, 0.0, 0.0, 0.5],
}


def table(path: Path, rows: int = 4, **changed: Any) -> Table:
    values = VALUES | changed

    def measure(row: Any) -> dict[str, float]:
        at = int(row["run"][-1])
        return {name: values[name][at] if name in values else 0.5 + at for name in columns(["sam", "radius"])}

    of = [{"run": f"runs/r{at}", "epoch": 1, "checkpoint": str(at)} for at in range(rows)]
    return fill(path / "t.csv", of, {"seed": 0}, columns(["sam", "radius"]), measure)


def titles(figure: Figure) -> list[str]:
    return [axes.get_title().replace("\n", " ") for axes in figure.axes]


def test_each_measure_has_a_panel_with_its_rows_errors_and_correlation(tmp_path: Path) -> None:
    figure = draw_measures(table(tmp_path))
    assert titles(figure) == [
        "SAM's ball (+0.80)",
        "SAM's ball, normalized (\N{MINUS SIGN}0.80)",
        "SAM, first order (+0.80)",
        "radius (+0.80)",
        "radius, normalized (+0.80)",
    ]
    first = figure.axes[0]
    places = np.concatenate([np.asarray(dots.get_offsets()) for dots in first.collections[:4]])
    np.testing.assert_allclose(places, np.transpose([VALUES["sam"], VALUES["test_error"]]))
    bars = np.array(first.collections[4].get_segments())  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.diff(bars[:, :, 0])[:, 0], 2 * np.array(VALUES["sam_error"]))
    assert (first.get_xscale(), figure.axes[1].get_xscale()) == ("log", "linear")
    assert first.get_ylabel() == "test error (%)"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["r0", "r1", "r2", "r3"]


def test_an_infinite_measure_has_a_rank_and_no_place(tmp_path: Path) -> None:
    second = draw_measures(table(tmp_path)).axes[1]
    places = np.concatenate([np.ma.filled(dots.get_offsets(), np.nan) for dots in second.collections[:4]])
    assert np.isnan(places[:, 0]).tolist() == [True, False, False, False]


def test_the_matrix_has_all_correlations(tmp_path: Path) -> None:
    figure = draw_rank_correlations(table(tmp_path))
    axes, *_ = figure.axes
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names[0] == "SAM's ball"
    assert names[-1] == "test error"
    shown = np.array([text.get_text().replace("\N{MINUS SIGN}", "-") for text in axes.texts]).reshape(6, 6)
    for row, one in ((0, "sam"), (1, "normalized_sam")):
        expected = spearman(np.array(VALUES[one]), np.array(VALUES["test_error"]))
        assert float(shown[row, -1]) == float(shown[-1, row]) == round(expected, 2)


def test_the_correlations_are_told_in_lines(tmp_path: Path) -> None:
    assert told(table(tmp_path))[:3] == [
        "over 4 rows        rank correlation with the test error",
        "sam                +0.80",
        "normalized_sam     -0.80",
    ]


@pytest.mark.parametrize(("rows", "pictures"), [(1, []), (2, ["t.png"]), (3, ["t.png", "t_ranks.png"])])
def test_pictures_need_two_rows_and_correlations_three(
    tmp_path: Path, rows: int, pictures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharpness, "save", lambda figure, path, look: None)  # half a second each
    made = table(tmp_path, rows)
    assert [path.name for path in write_pictures(made, made.path)] == pictures
    assert bool(told(made)) == (rows == 3)


def test_without_classes_it_is_the_test_loss(tmp_path: Path) -> None:
    of_a_regression = table(tmp_path, test_error=[np.nan] * 4, test_loss=[4.0, 3.0, 2.0, 1.0])
    assert draw_measures(of_a_regression).axes[0].get_ylabel() == "test loss"
    assert told(of_a_regression)[0].endswith("rank correlation with the test loss")
    assert told(of_a_regression)[1].endswith("-1.00")


def test_a_constant_measure_has_no_rank(tmp_path: Path) -> None:
    same = table(tmp_path, sam=[1.0] * 4)
    assert titles(draw_measures(same))[0] == "SAM's ball"
    assert told(same)[1].endswith("not known")
    assert draw_rank_correlations(same).axes[0].texts[0].get_text() == ""


def test_many_rows_have_no_legend(tmp_path: Path) -> None:
    many = np.arange(10.0)
    figure = draw_measures(table(tmp_path, 10, **dict.fromkeys(VALUES, many)))
    assert not figure.legends


def test_another_table_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    other = fill(path, [{"run": "r"}], {}, ["test_error"], lambda row: {"test_error": 1.0}, keys=["run"])
    with pytest.raises(LandscapeError, match=r"t.csv has no measure of sharpness; `landscape sharpness`"):
        draw_measures(other)
