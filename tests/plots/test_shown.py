"""Every figure shows itself as the last line of a notebook's cell, and is drawn on axes that are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from firmfate import plots
from firmfate.analysis import finding, phase_map
from firmfate.errors import EstimateError
from firmfate.plots import style
from firmfate.survival import example, rmst


@pytest.mark.parametrize(
    "draw",
    [
        plots.survival_curves, plots.incidence, plots.hazard, plots.rmst_curve, plots.lifetimes, plots.phase_map,
        lambda ds, **options: plots.lifetime_map(ds, "execution", "misalignment", **options),
    ],
)  # fmt: skip
def test_a_figure_shows_itself_and_is_drawn_where_asked(draw: Callable[..., Any]) -> None:
    ds = example()
    drawn = draw(ds)
    assert isinstance(drawn, style.ShownAxes | style.Panels)
    several = isinstance(drawn, np.ndarray)
    mine = Figure().subplots(*(drawn.shape if several and drawn.ndim == 2 else (1, drawn.size if several else 1)))
    again = draw(ds, **({"axes": mine} if several else {"ax": mine}))
    first, own = (np.ravel(axes)[0] for axes in (again, mine))
    assert first is own
    assert own.has_data()


def test_axes_of_another_number_are_refused() -> None:
    with pytest.raises(EstimateError, match="axes: 3 given; this figure has 1 x 2 panels"):
        plots.phase_map(example(), axes=Figure().subplots(1, 3))


def test_scattered_cells_are_points_of_a_map() -> None:
    ds = example().stack(cell=("execution", "misalignment")).transpose("cell", ...)
    values = {name: ds[name].values for name in ("execution", "misalignment")}
    ds = ds.drop_vars(["cell", *values]).assign_coords({name: ("cell", column) for name, column in values.items()})
    ax = plots.lifetime_map(ds, "misalignment", "execution")
    assert (
        ax.collections[0].get_offsets().tolist() == np.stack([values["misalignment"], values["execution"]], 1).tolist()
    )
    grid = plots.lifetime_map(example(), "misalignment", "execution").collections[0].get_array()
    np.testing.assert_allclose(ax.collections[0].get_array(), np.ravel(grid))
    with pytest.raises(EstimateError, match="allowed are two different axes"):
        plots.lifetime_map(ds, "misalignment", "cell")


def test_a_single_panel_of_an_array_is_axes_that_show_themselves() -> None:
    drawn = plots.incidence(example())
    shown = drawn._repr_png_()
    assert shown.startswith(b"\x89PNG")
    assert drawn[0]._repr_png_() == shown


def wide(values: int) -> xr.Dataset:
    """Counts of a grid of a and b with so many values each: the larger both are, the earlier firms exit."""
    at = [example().sel(execution=1.0, misalignment=m, drop=True) for m in (0.0, 1.0)]
    rows = [
        xr.concat([at[i * j == (values - 1) ** 2] for j in range(values)], "b", data_vars="all") for i in range(values)
    ]
    numbers = np.arange(values, dtype=float)
    return xr.concat(rows, "a", data_vars="all").assign_coords(a=numbers, b=numbers)


def test_of_a_grid_of_two_axes_the_corners_are_drawn() -> None:
    """Every n-th cell confounded both axes, and left out the worst corner."""
    ax = plots.survival_curves(wide(3))
    assert [line.get_label() for line in ax.lines] == ["a 0, b 0", "a 2, b 0", "a 0, b 2", "a 2, b 2"]
    assert any("4 of 9 cells, the corners" in text.get_text() for text in ax.texts)


def test_of_scattered_cells_the_shortest_and_the_longest_mean_lifetime_are_drawn() -> None:
    grid = wide(6).stack(cell=("a", "b")).transpose("cell", ...)
    values = {name: ("cell", grid[name].values) for name in ("a", "b")}
    ds = grid.drop_vars(["cell", "a", "b"]).assign_coords(values)
    ax = plots.survival_curves(ds)
    assert len(ax.lines) == 7
    assert ax.lines[0].get_label() == "a 5, b 5"  # the one bad cell, the last
    assert any("7 of 36 cells, evenly spaced by mean lifetime" in text.get_text() for text in ax.texts)
    rows = plots.lifetimes(ds)
    assert rows.get_yticklabels()[0].get_text() == "a 5, b 5"
    assert len(rows.get_yticklabels()) == 30


def test_lifetimes_are_drawn_along_any_axis_by_any_other() -> None:
    ds = example()
    ax = plots.lifetimes(ds, "execution", "misalignment")
    assert ax.get_xlabel() == "execution"
    found = rmst(ds).estimate / 52
    for container, m in zip(ax.containers, (0.0, 1.0), strict=True):
        np.testing.assert_array_equal(container[0].get_ydata(), found.sel(misalignment=m))
    assert plots.lifetimes(ds, by="misalignment").get_xlabel() == "execution"
    for x, by in (("execution", "execution"), ("exekution", ""), ("cell", "")):
        with pytest.raises(EstimateError, match="allowed are different axes of a grid"):
            plots.lifetimes(ds, x, by)
    with pytest.raises(EstimateError, match="allowed are different axes of a grid"):
        plots.lifetimes(ds.sel(misalignment=1.0, drop=True), by="execution")


def test_the_phase_map_is_of_any_two_axes() -> None:
    (panels,) = plots.phase_map(wide(3), "a", "b")
    assert (panels[0].get_xlabel(), panels[0].get_ylabel()) == ("a", "b")
    assert panels[1].get_title(loc="left") == "Does more b help?"
    found = phase_map(wide(3), "a", "b").slope.transpose("b", "a")
    np.testing.assert_array_equal(np.asarray(panels[1].collections[0].get_array()).reshape(3, 3), found)


def test_runs_that_were_concatenated_are_drawn_by_their_labels_and_have_no_finding() -> None:
    ds = example().sel(misalignment=1.0, drop=True)
    both = xr.concat([ds, ds], "version", data_vars="all").assign_coords(version=["old", "new"])
    ax = plots.survival_curves(both)
    assert ax.lines[0].get_label() == "version old, execution 0"
    assert plots.lifetimes(both).get_legend().get_texts()[1].get_text() == "version new"
    for refused in (finding, lambda ds: plots.lifetimes(ds, "version")):
        with pytest.raises(EstimateError, match=r"axis 'version' holds text; .* ds.sel\(version='old'\)"):
            refused(both)
