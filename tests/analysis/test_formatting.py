"""Numbers are printed to the digits that their standard errors support."""

from __future__ import annotations

import pytest

from firmfate.analysis import Estimate
from firmfate.analysis.formatting import format_estimate


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Estimate(1.2345, 0.0567), "1.23 ± 0.06"),
        (Estimate(1.2345, 0.0123), "1.234 ± 0.012"),
        (Estimate(123.4, 5.0), "123 ± 5"),
        (Estimate(0.5, 0.096), "0.50 ± 0.10"),
        (Estimate(100.0, 0.0, 99.96, 100.0), "100.00 [99.96 to 100.00]"),
        (Estimate(1.5, float("nan")), "1.50 ± ?"),
        (Estimate(float("nan"), float("nan")), "–"),
    ],
)
def test_numbers_are_printed_to_the_digits_of_their_error(value: Estimate, words: str) -> None:
    assert format_estimate(value, short=True) == words
