"""Tables of numbers: names, digits, JSON, Markdown."""

from __future__ import annotations

import math

import pytest

from common.number_table import NumberTable, Row, row, shown
from firmfate.analysis.formatting import Estimate
from firmfate.errors import EstimateError

ROWS = (
    Row("effect", Estimate(-9.58312, 0.0512, -9.69, -9.48), "years", "strong less weak", "Effect"),
    Row("a", Estimate(0.4708, 0.0021), "1", "horizon 3", "Map", "E = 0.5"),
    Row("b", Estimate(math.nan, math.nan), "1", "horizon 3", "Map", "E = 1"),
    Row("c", Estimate(0.6, 0.02), "1", "horizon 5", "Map", "E = 1"),
)


def test_a_table_returns_what_its_json_kept():
    table, again = NumberTable(ROWS), NumberTable.read(NumberTable(ROWS).json())
    assert again.names == table.names == ("effect", "a", "b", "c")
    assert again["effect"] == table["effect"]
    assert [again.markdown(name) for name in again.sections] == [table.markdown(name) for name in table.sections]
    assert math.isnan(again["b"].value.estimate)


def test_rows_with_columns_stand_as_a_matrix_with_gaps():
    assert NumberTable(ROWS).markdown("Map") == (
        "| | E = 0.5 | E = 1 |\n| --- | --- | --- |\n| horizon 3 | 0.471 ± 0.002 | – |\n| horizon 5 | | 0.60 ± 0.02 |\n"
    )


def test_names_are_unique_and_known():
    with pytest.raises(EstimateError, match="share a name: effect"):
        NumberTable([ROWS[0], ROWS[0], ROWS[1]])
    with pytest.raises(EstimateError, match="no number is called 'efect'; there are effect"):
        NumberTable(ROWS[:1])["efect"]
    with pytest.raises(EstimateError, match="no section is called 'effect'; there are Effect, Map"):
        NumberTable(ROWS).markdown("effect")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Estimate(-9.58312, 0.0512), "-9.58 ± 0.05"),
        (Estimate(4_410_000.0, math.nan), "4,410,000"),
        (Estimate(0.02848, math.nan), "0.0285"),
        (Estimate(0.5, 0.0, 0.4, 0.6), "0.50 [0.40 to 0.60]"),
        (Estimate(math.nan, 1.0), "–"),
    ],
)
def test_a_number_is_shown_to_the_digits_of_its_error(value, text):
    assert shown(value) == text


def test_a_row_from_a_plain_number_has_no_error():
    assert math.isnan(row("firms", 12, "firms").value.se)
