"""Every figure shows itself as the last line of a notebook's cell, and is drawn on axes that are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from firmfate import plots
from firmfate.errors import EstimateError
from firmfate.plots import style
from firmfate.survival import example


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
