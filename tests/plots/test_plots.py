"""What figures show equals the estimates, and every figure says its n and its error."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from firmfate import analysis, plots
from firmfate.dataset import open_run
from firmfate.errors import EstimateError
from firmfate.plots import style
from firmfate.plots.one_trajectory import kpi_ratio
from firmfate.simulation import replay
from firmfate.survival import cumulative_incidence, example, hazard, kaplan_meier, risk_table, rmst, rmst_curve

YEAR = 52


@pytest.fixture(scope="module")
def ds(finished_run: Path) -> xr.Dataset:
    """Counts of the small run: 2 x 3 cells of 300 firms, ten years."""
    with open_run(finished_run) as found:
        return found.load()


@pytest.fixture(scope="module")
def many(finished_run: Path) -> xr.Dataset:
    """Thirty trajectories of strong misaligned firms."""
    return replay(finished_run, replicate=range(30), execution=0.9, misalignment=1.0)


def words(ax: Axes) -> str:
    """All text of the figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    found = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    return "\n".join(found)


def lines(ax: Axes) -> dict[str, Any]:
    return {str(line.get_label()): line for line in ax.lines}


def test_survival_curves_are_the_estimates(ds: xr.Dataset) -> None:
    chosen = ds.sel(misalignment=1.0)
    ax = plots.survival_curves(chosen)
    found = kaplan_meier(chosen)
    for execution in chosen.execution.values:
        line = lines(ax)[f"execution {execution:g}"]
        np.testing.assert_allclose(line.get_xdata() * YEAR, found.week)
        np.testing.assert_array_equal(line.get_ydata(), found.estimate.sel(execution=execution))
    assert ax.get_title(loc="left") == "misalignment 1"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("age in years", "share of firms alive")
    assert "n = 300 firms a curve" in words(ax)
    assert "95% limits" in words(ax)


def test_bands_are_the_limits(ds: xr.Dataset) -> None:
    ax = plots.survival_curves(ds.sel(execution=0.9, misalignment=1.0))
    found = kaplan_meier(ds.sel(execution=0.9, misalignment=1.0))
    corners = ax.collections[0].get_paths()[0].vertices
    for limit in ("lower", "upper"):
        for week in (0, 260, 520):
            there = np.isclose(corners[:, 0] * YEAR, week)
            assert np.isclose(corners[there, 1], float(found[limit].sel(week=week))).any()


def test_numbers_at_risk_stand_beneath_their_curves(ds: xr.Dataset) -> None:
    chosen = ds.sel(misalignment=1.0)
    ax = plots.survival_curves(chosen)
    at_risk = risk_table(chosen, weeks=[0, 104, 208, 312, 416, 520]).at_risk
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "2", "4", "6", "8", "10"]
    for row in range(2):
        printed = [text.get_text() for text in ax.texts if text.get_gid() == f"at-risk-{row}"]
        assert printed == [f"{count:,.0f}" for count in at_risk.isel(execution=row).values]


def test_of_many_cells_the_corners_are_drawn_and_said(ds: xr.Dataset) -> None:
    wide = xr.concat(
        [ds.assign_coords(misalignment=ds.misalignment + shift) for shift in (0.0, 0.1)], dim="misalignment"
    )
    ax = plots.survival_curves(wide.sortby("misalignment"))
    assert sorted(lines(ax)) == [f"execution {e}, misalignment {m}" for e in (0.1, 0.9) for m in (0, 1.1)]
    assert "4 of 12 cells" in words(ax)


def test_incidence_is_stacked_up_to_the_share_ended(ds: xr.Dataset) -> None:
    cell = ds.sel(execution=0.9, misalignment=1.0)
    (ax,) = plots.incidence(cell)
    found = cumulative_incidence(cell).estimate.isel(week=-1)
    tops = [area.get_paths()[0].vertices[:, 1].max() for area in ax.collections]
    happens = found.values[cell.events.sum("week").values > 0]
    np.testing.assert_allclose(tops, np.cumsum(happens), rtol=1e-12)
    assert tops[-1] == pytest.approx(1 - float(kaplan_meier(cell).estimate.isel(week=-1)))
    assert "n = 300; se ≤ 0.03" in words(ax)


def test_hazard_is_a_year(ds: xr.Dataset) -> None:
    cell = ds.sel(execution=0.9, misalignment=1.0)
    ax = plots.hazard(cell, bin_weeks=52)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), hazard(cell, bin_weeks=52).estimate * YEAR)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), np.arange(10) + 0.5)
    assert "n = 300 firms a curve; bins of 52 weeks" in words(ax)


def test_mean_lifetime_by_horizon_stays_below_the_diagonal(ds: xr.Dataset) -> None:
    ax = plots.rmst_curve(ds.sel(misalignment=0.0))
    found = rmst_curve(ds.sel(misalignment=0.0)).estimate / YEAR
    drawn = lines(ax)["execution 0.9"]
    np.testing.assert_array_equal(drawn.get_ydata(), found.sel(execution=0.9))
    assert (drawn.get_ydata() <= drawn.get_xdata() + 1e-12).all()
    assert "a firm that never dies" in lines(ax)


def test_lifetimes_along_misalignment_have_their_limits(ds: xr.Dataset) -> None:
    ax = plots.lifetimes(ds)
    found = rmst(ds) / YEAR
    for container, execution in zip(ax.containers, (0.1, 0.9), strict=True):
        line, _, (bars,) = container
        here = found.sel(execution=execution)
        np.testing.assert_array_equal(line.get_ydata(), here.estimate)
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, np.stack([here.lower, here.upper], axis=1))


def test_lifetimes_of_an_incomplete_result_tell_the_least_and_the_most_firms() -> None:
    ds = example()
    ds["firms"].values[0, 0] = 0
    ds["events"].values[0, 0] = 0
    assert "n = 0 to 320 firms a cell" in {text.get_text().partition(";")[0] for text in plots.lifetimes(ds).texts}


def test_lifetimes_cell_by_cell_name_the_cells() -> None:
    row = example().isel(misalignment=0, drop=True).rename(execution="cell").drop_vars("cell")
    row = row.assign(unit_cost=("cell", [0.5, 0.57, 0.6], {"parameter": "unit_cost"}))
    ax = plots.lifetimes(row)
    assert {label.get_text() for label in ax.get_yticklabels()} == {"unit cost 0.5", "unit cost 0.57", "unit cost 0.6"}


def test_phase_map_draws_values_signs_and_contour(ds: xr.Dataset) -> None:
    axes = plots.phase_map(ds)
    found = analysis.phase_map(ds)
    for ax, name in zip(axes[0], ("rmst", "slope"), strict=True):
        mesh = ax.collections[0]
        np.testing.assert_array_equal(
            np.asarray(mesh.get_array()).reshape(2, 3), found[name].transpose("execution", "misalignment")
        )
        contour = lines(ax)["effect of execution is 0"]
        np.testing.assert_array_equal(contour.get_xdata(), found.contour)
        np.testing.assert_array_equal(contour.get_ydata(), found.execution)
    low, high = axes[0, 1].collections[0].get_clim()
    assert low == -high, "the colours of a sign must be symmetric about 0"
    (dots,) = [one for one in axes[0, 1].collections if one.get_label() == "limits include 0"]
    assert len(dots.get_offsets()) == int((found.sign == 0).sum())
    assert "n = 300 firms a cell" in words(axes[0, 0])
    assert "32 batches" in words(axes[0, 0])


def test_a_map_of_many_cells_is_one_image_with_some_dots() -> None:
    for side, images, dots in ((50, 0, 50), (51, 1, 25)):
        values = xr.DataArray(np.ones((side, side)), {"a": np.arange(side), "b": np.arange(side)})
        ax = plots.difference_map(values, values < 0, "a", "b")
        svg = style.picture(ax.figure).decode()  # type: ignore[arg-type]
        # The bar beside the map is an image of its own.
        assert svg.count("<image") == 1 + images
        assert len(ax.lines[0].get_xdata()) == dots**2
        assert {0, side - 1} <= set(ax.lines[0].get_xdata())
        assert (len(svg) > 600_000) == (side == 50)
        assert np.asarray(ax.collections[0].get_array()).size == side**2


def test_phase_map_of_three_axes_has_a_row_a_value(ds: xr.Dataset) -> None:
    three = xr.concat([ds, ds], dim="correct_time", data_vars="all").assign_coords(correct_time=[26.0, 52.0])
    axes = plots.phase_map(three.transpose("execution", "misalignment", "correct_time", ...))
    assert axes.shape == (2, 2)
    assert axes[1, 0].get_title(loc="left").endswith("correct time 52")
    axes = plots.phase_map(three.drop_vars("correct_time"))
    assert axes[1, 0].get_title(loc="left").endswith("correct time 1")
    axes = plots.phase_map(three.assign_coords(correct_time=["old", "new"]))
    assert axes[1, 0].get_title(loc="left").endswith("correct time new")
    plots.lifetimes(three.assign_coords(correct_time=["old", "new"]))
    with pytest.raises(EstimateError, match="room for one axis"):
        plots.phase_map(three.expand_dims(other=[1.0, 2.0]))


def test_dashboards_are_the_estimates_of_later_alarms(ds: xr.Dataset) -> None:
    axes = plots.dashboards(ds)
    green, warning = analysis.green_dashboards(ds), analysis.warning_time(ds)
    for ax, found in zip(axes, (green, warning), strict=False):
        for container, execution in zip(ax.containers, (0.1, 0.9), strict=True):
            here = found.sel(execution=execution, alarm_kind="later")
            here = here.estimate.values[here.firms.values >= 20]
            np.testing.assert_array_equal(container[0].get_ydata(), here)
    titles = [ax.get_title(loc="left") for ax in axes]
    assert titles == ["Green KPIs at the alarm", "Weeks of warning", "Deaths without an alarm"]
    assert "firms a point; 95% limits" in words(axes[0])


def test_dashboards_take_lazy_counts(ds: xr.Dataset) -> None:
    lazy, known = (plots.dashboards(counts) for counts in (ds.chunk({"execution": 1}), ds))
    assert [words(ax) for ax in lazy] == [words(ax) for ax in known]


def test_early_alarms_are_drawn_apart(ds: xr.Dataset) -> None:
    ill = ds.copy()
    for early, every in (("early_alarms", "alarms"), ("early_warning_steps_sum", "warning_steps_sum")):
        ill[early] = ds[every] // 2
    ill["early_green_kpi_count"] = ds["green_kpi_count"] // 2
    axes = plots.dashboards(ill)
    hollow = [container for container in axes[1].containers if container[0].get_markerfacecolor() == "none"]
    assert len(hollow) == 2
    assert "hollow: early alarms" in words(axes[1])


def test_one_trajectory_shows_kpis_above_and_the_firm_below(many: xr.Dataset) -> None:
    one = many.isel(trajectory=int(np.flatnonzero(many["cause"].values != "censored")[0]))
    axes = plots.trajectory(one)
    lived = int(np.isfinite(one["cash"]).sum())
    kpis = [line for line in axes[0].lines if not str(line.get_label()).startswith("_")]
    assert [line.get_label() for line in kpis] == ["sales", "production", "quality", "finance", "logistics"]
    np.testing.assert_array_equal(kpis[0].get_ydata(), (one["kpi_sales"] / one["kpi_sales"][0])[:lived])
    np.testing.assert_array_equal(kpis[4].get_ydata(), (one["kpi_logistics"][0] / one["kpi_logistics"])[:lived])
    titles = [ax.get_title(loc="left") for ax in axes]
    for name, ax in zip(("cash", "customers", "inventory", "lead time"), axes[1:], strict=True):
        assert any(title.startswith(name) for title in titles if title == ax.get_title(loc="left"))
    inventory = (one["work_in_process"] + one["finished_goods"])[:lived]
    np.testing.assert_array_equal(axes[3].lines[0].get_ydata(), inventory)
    end = lines(axes[1])["_event_week"]
    assert end.get_xdata()[0] == pytest.approx(float(one["event_week"]) / YEAR)
    assert "n = 1 firm, replayed exactly: exited in week" in words(axes[0])


def test_kpis_are_turned_so_that_up_is_better(many: xr.Dataset) -> None:
    one = many.isel(trajectory=0).copy()
    one["kpi_quality"] = one["kpi_quality"] * np.linspace(1, 0.5, one.sizes["step"])
    halved = one.isel(step=[0, -1]).assign(kpi_quality=("step", [0.02, 0.01]), kpi_sales=("step", [1.0, 0.5]))
    np.testing.assert_array_equal(kpi_ratio(halved, "kpi_quality"), [1, 2])
    np.testing.assert_array_equal(kpi_ratio(halved, "kpi_sales"), [1, 0.5])


def test_trajectory_of_another_model_shows_its_stocks() -> None:
    car = xr.Dataset(
        {"eps_road": ("step", [0.1, 0.2]), "distance": ("step", [2.0, 1.5], {"units": "σ√year"})},
        coords={"week": ("step", [0.0, 13.0])}, attrs={"event_week": 26.0, "cause": "censored", "alarm_week": 0},
    )  # fmt: skip
    (ax,) = plots.trajectory(car)
    assert ax.get_title(loc="left") == "distance (σ√year)"
    assert "alive at the horizon" in words(ax)


def test_fan_shows_quantiles_of_the_living(many: xr.Dataset) -> None:
    axes = plots.fan(many, variables=["cash", "inventory"])
    drawn = style.band_points(many.sizes["step"])
    cash = many["cash"].transpose("trajectory", "step").values[:, drawn]
    alive = np.isfinite(cash).sum(axis=0)
    median = lines(axes[0])["median"].get_ydata()
    np.testing.assert_allclose(median, np.nanmedian(cash[:, alive > 0], axis=0))
    np.testing.assert_array_equal(axes[-1].lines[0].get_ydata(), alive)
    assert "n = 30 firms" in words(axes[0])
    assert axes[0].get_title(loc="left") == "execution 0.9, misalignment 1"
    assert axes[0].get_ylabel() == "cash\n(weeks of revenue)"
    years = many["week"].values[drawn] / YEAR
    for band, share in zip(axes[0].collections, (0.05, 0.25), strict=True):
        assert band.get_paths()[0].vertices[:, 0].max() == pytest.approx(years[alive * share >= 1].max())
    few = plots.fan(many.isel(trajectory=slice(0, 3)))  # too few for any band
    assert [len(ax.collections) for ax in few[:-1]] == [0, 0, 0]
    with pytest.raises(EstimateError, match="did you mean 'cash'"):
        plots.fan(many, variables=["cahs"])
    with pytest.raises(EstimateError, match="many firms"):
        plots.fan(many.isel(trajectory=0))
    with pytest.raises(EstimateError, match="draws one firm"):
        plots.trajectory(many)


DRAWN: dict[str, Callable[[xr.Dataset], Any]] = {
    name: getattr(plots, name)
    for name in ("survival_curves", "incidence", "hazard", "rmst_curve", "lifetimes", "phase_map", "dashboards")
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_works_in_one_call_and_says_n_and_error(ds: xr.Dataset, name: str) -> None:
    drawn = np.ravel(DRAWN[name](ds))[0]
    text = words(drawn)
    assert "n = " in text
    assert any(word in text for word in ("limits", "se ≤", "standard error"))
    first, second = (plots.picture(np.ravel(DRAWN[name](ds))[0].get_figure(root=True)) for _ in range(2))
    assert first == second, "the same bytes every time"
    assert b"<text" in first
    assert plots.picture(drawn.get_figure(root=True), form="png").startswith(b"\x89PNG")


@pytest.mark.parametrize("name", DRAWN)
def test_the_users_style_is_left_alone(ds: xr.Dataset, name: str) -> None:
    before = dict(matplotlib.rcParams)
    DRAWN[name](ds)
    assert dict(matplotlib.rcParams) == before


def test_colours_are_distinguishable_to_the_colour_blind() -> None:
    """Pairs differ in lightness or along blue-yellow, which the red-green blind see (Viénot et al. 1999)."""
    rgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in style.CATEGORIES[:5]]) ** 2.2
    deuteranope = np.array([[0.29275, 0.70725, -0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    seen = np.clip(rgb @ deuteranope.T, 0, 1) ** (1 / 2.2)
    for i in range(len(seen)):
        for j in range(i):
            assert np.linalg.norm(seen[i] - seen[j]) > 0.15, (style.CATEGORIES[i], style.CATEGORIES[j])


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
@pytest.mark.filterwarnings("error")
def test_a_letter_that_a_font_lacks_is_no_warning_and_bytes_are_the_same(form: Literal["svg", "png", "pdf"]) -> None:
    figure = Figure(figsize=(1, 1), layout="constrained")
    figure.text(0, 0, "企業")
    assert style.picture(figure, form=form) == style.picture(figure, form=form)


def test_importing_plots_imports_no_matplotlib_and_drawing_no_pyplot() -> None:
    program = (
        "import sys, firmfate.plots; assert 'matplotlib' not in sys.modules; "
        "from firmfate.survival import example; firmfate.plots.survival_curves(example()); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def overlapping(drawn: Any) -> list[tuple[str, str]]:
    """Pairs of words of a figure that lie upon each other."""
    figure = np.ravel(drawn)[0].get_figure(root=True)
    figure.draw_without_rendering()
    outside = set()  # labels of ticks beyond the axis, which are not drawn
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        slack = 1e-9 * (high - low)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low - slack <= tick.get_loc() <= high + slack:
                outside |= {tick.label1, tick.label2}
    words = [
        (text.get_text(), text.get_window_extent().padded(-1))
        for text in figure.findobj(matplotlib.text.Text)
        if text.get_visible() and text.get_text().strip() and text not in outside
    ]
    return [(one, other) for i, (one, a) in enumerate(words) for other, b in words[:i] if a.overlaps(b)]


@pytest.mark.parametrize("name", DRAWN)
def test_no_words_lie_upon_others(ds: xr.Dataset, name: str) -> None:
    of_a_run = (ds,) if name == "phase_map" else (ds, ds.sel(misalignment=1.0), ds.sel(execution=0.9, misalignment=1.0))
    for cells in of_a_run if name == "dashboards" else (*of_a_run, example()):
        assert overlapping(DRAWN[name](cells)) == []


def test_no_words_of_trajectories_lie_upon_others(many: xr.Dataset) -> None:
    assert overlapping(plots.trajectory(many.isel(trajectory=0))) == []
    drawn = plots.fan(many)
    assert overlapping(drawn) == []
    drawn[0].text(0.5, 0.5, "one")
    drawn[0].text(0.5, 0.5, "upon another")
    assert overlapping(drawn) == [("upon another", "one")]


def test_labels_at_the_ends_do_not_overlap() -> None:
    placed = style.spread([0.5, 0.5, 0.51, 0.9], gap=0.05)
    assert (np.diff(sorted(placed)) >= 0.05 - 1e-6).all()
    assert np.argsort(placed, kind="stable").tolist() == [0, 1, 2, 3]
    assert placed[3] == 0.9


def test_of_many_values_of_an_axis_some_are_drawn() -> None:
    few, many = (
        example().sel(misalignment=1.0).isel(execution=np.arange(count) % 3).assign_coords(execution=np.arange(count))
        for count in (60, 61)
    )
    assert len(plots.lifetimes(few).lines[0].get_xdata()) == 60
    ax = plots.lifetimes(many)
    assert ax.lines[0].get_xdata()[[0, -1]].tolist() == [0, 60]
    assert len(ax.lines[0].get_xdata()) == 60
    assert "60 of 61 values of execution, evenly spaced" in words(ax)
    assert " of 60 values" not in words(plots.lifetimes(few))
