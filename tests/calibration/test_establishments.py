"""Establishments by sector, cohort and age: what the package holds is what the Bureau printed."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from firmfate.calibration import establishment_table, read_establishments, read_survival_table
from firmfate.errors import EstimateError

PRINTED = {
    "Agriculture, Forestry, Fishing and Hunting": "87.5 81.0 75.7 70.7 66.2 62.5 59.1 57.2 53.2 50.5",
    "Utilities": "80.7 72.7 65.8 62.9 56.6 53.1 50.7 47.5 47.5 45.7",
    "Manufacturing": "82.6 73.9 67.4 63.0 57.7 53.4 49.7 47.1 45.5 43.6",
    "Real Estate and Rental and Leasing": "83.9 75.9 69.4 64.1 58.7 54.4 50.4 48.0 45.5 42.2",
    "Retail Trade": "84.2 75.7 68.8 63.3 58.3 54.1 49.8 46.8 44.1 41.7",
    "Construction": "76.0 68.1 62.8 58.2 53.9 50.6 46.7 44.6 42.4 40.1",
    "Other Services (except Public Administration)": "82.5 74.2 67.1 61.9 56.9 52.5 47.2 44.3 42.3 39.6",
    "Educational Services": "81.8 72.9 65.9 60.9 56.0 52.0 47.1 43.1 41.5 38.9",
    "Accommodation and Food Services": "82.5 72.5 65.6 60.3 55.3 51.2 46.6 42.9 41.1 38.2",
    "Finance and Insurance": "80.9 71.7 64.2 58.2 53.2 49.4 45.6 43.4 40.5 37.5",
    "Arts, Entertainment, and Recreation": "80.6 71.3 63.8 57.9 52.9 49.0 44.3 39.0 37.6 35.4",
    "Total Private": "79.6 68.9 61.4 55.3 50.6 46.7 42.8 39.9 37.6 34.7",
    "Administrative and Waste Services": "76.9 67.4 60.1 53.9 48.9 44.7 41.2 38.3 36.4 34.2",
}
"""% alive at ages 1 to 10 of the cohort of March 2013, by sector: printed by the Bureau of Labor Statistics (The
Economics Daily, 12 January 2024)."""

EARLIER = {0: 569_419, 1: 453_134, 5: 282_484, 10: 191_428, 15: 145_109, 20: 115_619, 23: 102_360}
"""Establishments of the cohort of March 1994, as printed before later revisions (The Economics Daily, 1 November
2018)."""


@pytest.fixture(scope="module")
def counted():
    return read_establishments()


@pytest.mark.parametrize("sector", PRINTED)
def test_shares_alive_are_those_printed(counted, sector):
    alive = counted["establishments"].sel(sector=sector, cohort=2013).values
    assert (100 * alive[1:11] / alive[0]).round(1).tolist() == [float(share) for share in PRINTED[sector].split()]


def test_totals_are_those_printed_up_to_revisions(counted):
    alive = counted["establishments"].sel(sector="Total Private", cohort=1994)
    for age, printed in EARLIER.items():
        assert float(alive.sel(age=age)) == pytest.approx(printed, rel=5e-4), age
    # The jobs of March 1994 and 2017: 4,132,450 and 2,320,271.
    jobs = counted["employment"].sel(sector="Total Private", cohort=1994)
    assert jobs.sel(age=[0, 23]).values == pytest.approx([4_132_450, 2_320_271], rel=2e-3)
    older = read_survival_table(series="BLS_BED_total_private", cohort="1994-03")
    assert establishment_table(oldest=23).surviving == pytest.approx(older.surviving, abs=2e-4)


def test_sectors_add_up_to_the_total_as_far_as_they_cover_it(counted):
    by_sector = counted["establishments"].sel(cohort=2013, age=slice(0, 10))
    total, parts = by_sector.sel(sector="Total Private"), by_sector.drop_sel(sector="Total Private").sum("sector")
    share = (parts / total).values
    # Establishments that are not classified yet are in the total alone; fewer and fewer with age.
    assert (np.diff(share) > -2e-3).all()
    assert 0.95 < share[0] < 0.96
    assert 0.99 < share[-1] <= 1


def test_labels_cover_all_cells_with_units_and_source(counted):
    assert counted.sizes == {"sector": 20, "cohort": 30, "age": 30}
    assert int(counted["establishments"].notnull().sum()) == 9_300
    known = (counted["cohort"] + counted["age"]) <= 2023
    for name in ("establishments", "employment"):
        assert (counted[name].notnull() == known).all()
        assert counted[name].attrs["units"] == "1"
        assert "Business Employment Dynamics, table 7" in counted[name].attrs["source"]
    assert len((files("firmfate") / "data" / "establishments.csv.xz").read_bytes()) < 100_000


def test_cohorts_together_are_added_up_over_the_ages_that_all_have_reached(counted):
    table = establishment_table("Manufacturing", range(2001, 2004))
    alive = counted["establishments"].sel(sector="Manufacturing", cohort=[2001, 2002, 2003]).sum("cohort").values
    assert table.ages.tolist() == list(range(1, 21))
    assert table.firms == alive[0]
    assert table.surviving == pytest.approx(alive[1:21] / alive[0], rel=1e-12)


def test_a_count_that_rises_raises_those_before_it(counted):
    raw = counted["establishments"].sel(sector="Utilities", cohort=1994).values
    assert raw[9] > raw[8]
    table = establishment_table("Utilities", 1994)
    assert (np.diff(table.surviving) <= 0).all()
    assert table.surviving[7] * table.firms == pytest.approx(raw[9])
    assert table.surviving[9] * table.firms == pytest.approx(raw[10])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("Manufacture",), "did you mean 'Manufacturing'"),
        (("Manufacturing", 1993), "allowed: years from 1994 to 2023"),
        (("Manufacturing", range(1994, 1994)), "allowed: years from 1994 to 2023"),
        (("Manufacturing", 2023), "have reached 0"),
    ],
)
def test_refuses_what_was_not_counted(words, message):
    with pytest.raises(EstimateError, match=message):
        establishment_table(*words)


def test_refuses_ages_that_were_not_reached():
    with pytest.raises(EstimateError, match="oldest = 11 years; the cohorts have reached 10; allowed: 1 to 10"):
        establishment_table("Manufacturing", 2013, oldest=11)
