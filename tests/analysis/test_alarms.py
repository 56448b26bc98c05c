"""Green dashboards and warning time, against the same numbers computed firm by firm."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from tests.bounded import Bounded, chance_of_spread, of_spread

from firmfate.analysis import alarm_shares, green_dashboards, warning_time
from firmfate.errors import EstimateError
from firmfate.survival import example

FIRMS, BATCHES = 640, 32
ENDS = ("censored", "insolvency", "exit")


@pytest.fixture(scope="module")
def firms() -> dict[str, np.ndarray]:
    """Two cells of firms: how each ended, its alarm (0 = none), its end, its green KPIs; steps are half weeks."""
    rng = np.random.Generator(np.random.Philox(7))
    end_step = rng.integers(30, 400, (2, FIRMS))
    alarm_step = np.where(rng.random((2, FIRMS)) < 0.2, 0, rng.integers(1, 30, (2, FIRMS)))
    return {
        "end": rng.integers(0, 3, (2, FIRMS)),
        "alarm": alarm_step,
        "warning": np.where(alarm_step > 0, end_step - alarm_step, 0),
        "green": rng.integers(0, 6, (2, FIRMS)),
    }


@pytest.fixture(scope="module")
def ds(firms: dict[str, np.ndarray]) -> xr.Dataset:
    """The same firms as counts; early means the first 13 weeks, 26 steps."""
    batch = np.arange(FIRMS) % BATCHES
    tables = {
        name: np.zeros((2, BATCHES, 3), dtype=np.int64) for name in ("alarms", "sum", "sumsq", "early", "early_sum")
    }
    green = {name: np.zeros((2, 3, 6), dtype=np.int64) for name in ("all", "early")}
    events = np.zeros((2, 2, 200), dtype=np.int64)
    for cell in range(2):
        for i in range(FIRMS):
            end, alarm, warning, kpis = (int(firms[name][cell, i]) for name in ("end", "alarm", "warning", "green"))
            if end:
                events[cell, end - 1, 10] += 1
            if not alarm:
                continue
            place = (cell, batch[i], end)
            tables["alarms"][place] += 1
            tables["sum"][place] += warning
            tables["sumsq"][place] += warning**2
            green["all"][cell, end, kpis] += 1
            if alarm <= 26:
                tables["early"][place] += 1
                tables["early_sum"][place] += warning
                green["early"][cell, end, kpis] += 1
    dims = ("cell", "batch", "end")
    return xr.Dataset(
        {
            "events": (("cell", "cause", "week"), events),
            "firms": (("cell",), np.full(2, FIRMS)),
            "alarms": (dims, tables["alarms"]),
            "early_alarms": (dims, tables["early"]),
            "warning_steps_sum": (dims, tables["sum"]),
            "warning_steps_sumsq": (dims, tables["sumsq"]),
            "early_warning_steps_sum": (dims, tables["early_sum"]),
            "green_kpi_count": (("cell", "end", "green"), green["all"]),
            "early_green_kpi_count": (("cell", "end", "green"), green["early"]),
        },
        coords={"end": list(ENDS), "cause": list(ENDS[1:]), "green": np.arange(6)},
        attrs={"steps_per_week": 2},
    )


KINDS = {
    "any": lambda alarm: alarm > 0,
    "early": lambda alarm: (alarm > 0) & (alarm <= 26),
    "later": lambda alarm: alarm > 26,
}


@pytest.mark.parametrize("kind", KINDS)
def test_green_dashboards_equal_those_counted_firm_by_firm(
    ds: xr.Dataset, firms: dict[str, np.ndarray], kind: str
) -> None:
    found = green_dashboards(ds).sel(alarm_kind=kind)
    for cell in range(2):
        chosen = (firms["end"][cell] > 0) & KINDS[kind](firms["alarm"][cell])
        green = firms["green"][cell][chosen]
        here = found.isel(cell=cell)
        assert int(here.firms) == chosen.sum()
        assert float(here.estimate) == pytest.approx(green.mean())
        assert float(here.se) == pytest.approx(green.std(ddof=1) / np.sqrt(green.size))
        np.testing.assert_allclose(here.share, np.bincount(green, minlength=6) / green.size)


@pytest.mark.bounded(power=0.9, against="an error twice as large as it should be", rounds=1)
@pytest.mark.parametrize("kind", KINDS)
def test_warning_time_equals_that_measured_firm_by_firm(
    ds: xr.Dataset, firms: dict[str, np.ndarray], kind: str, bounded: Bounded
) -> None:
    found, ratio = warning_time(ds).sel(alarm_kind=kind), []
    for cell in range(2):
        chosen = (firms["end"][cell] > 0) & KINDS[kind](firms["alarm"][cell])
        weeks = firms["warning"][cell][chosen] / 2
        here = found.isel(cell=cell)
        assert int(here.firms) == chosen.sum()
        assert float(here.estimate) == pytest.approx(weeks.mean())
        ratio.append(float(here.se) / (weeks.std(ddof=1) / np.sqrt(weeks.size)))
    # The jackknife over batches is uncertain itself.
    assert not bounded.refuses(of_spread(ratio, BATCHES - 1))
    assert bounded.refuses(of_spread(3 * np.array(ratio), BATCHES - 1))
    bounded.sees(chance_of_spread(2, BATCHES - 1), 2)


def test_with_too_few_batches_the_error_is_that_of_independent_firms(
    ds: xr.Dataset, firms: dict[str, np.ndarray]
) -> None:
    batched = ["alarms", "early_alarms", "warning_steps_sum", "warning_steps_sumsq", "early_warning_steps_sum"]
    merged = ds.drop_vars(batched).assign(
        {name: ds[name].sum("batch").expand_dims(batch=1, axis=1) for name in batched}
    )
    found = warning_time(merged)
    chosen = (firms["end"][0] > 0) & (firms["alarm"][0] > 0)
    weeks = firms["warning"][0][chosen] / 2
    here = found.isel(cell=0)
    assert float(here.se.sel(alarm_kind="any")) == pytest.approx(weeks.std(ddof=1) / np.sqrt(weeks.size))
    assert np.isnan(here.se.sel(alarm_kind="early"))


def test_shares_of_deaths_add_up(ds: xr.Dataset, firms: dict[str, np.ndarray]) -> None:
    found = alarm_shares(ds)
    np.testing.assert_allclose(found.estimate.sum("alarm_kind"), 1)
    died = firms["end"][1] > 0
    unalarmed = (firms["alarm"][1][died] == 0).mean()
    assert float(found.estimate.isel(cell=1).sel(alarm_kind="none")) == pytest.approx(unalarmed)
    assert (found.lower <= found.estimate).all()


def test_a_cell_in_which_nobody_died_is_nan_and_spoils_no_other(ds: xr.Dataset) -> None:
    quiet = ds.copy()
    for name in ("alarms", "early_alarms", "warning_steps_sum", "warning_steps_sumsq", "early_warning_steps_sum"):
        quiet[name] = _zeroed(ds[name])
    found = warning_time(quiet)
    assert np.isnan(found.estimate.isel(cell=0)).all()
    np.testing.assert_array_equal(found.estimate.isel(cell=1), warning_time(ds).estimate.isel(cell=1))


def _zeroed(values: xr.DataArray) -> xr.DataArray:
    first_gone = values.copy()
    first_gone[0] = 0
    return first_gone


def test_order_of_dims_does_not_matter(ds: xr.Dataset) -> None:
    xr.testing.assert_allclose(green_dashboards(ds), green_dashboards(ds.transpose(..., "cell")).transpose("cell", ...))


def test_lazy_counts_give_the_same(ds: xr.Dataset) -> None:
    for estimate in (green_dashboards, warning_time, alarm_shares):
        xr.testing.assert_identical(estimate(ds.chunk({"cell": 1})), estimate(ds))


def test_counts_without_alarms_are_refused() -> None:
    for estimate in (green_dashboards, warning_time, alarm_shares):
        with pytest.raises(EstimateError, match="counts no"):
            estimate(example())
