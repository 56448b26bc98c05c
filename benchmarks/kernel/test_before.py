"""The comparison with the kernel of before sees another model; run by ``pytest benchmarks/kernel``."""

from __future__ import annotations

from benchmarks.kernel.before import MOST_ERRORS, Taken, apart


def test_equal_cells_agree_and_a_shifted_one_does_not() -> None:
    one = Taken(10.0, [500.0, 600.0], [90_000.0, 90_000.0])
    near, far = (one._replace(mean=[500.0, 600.0 + shift]) for shift in (6.0, 40.0))
    assert apart(one, one, 4_000) == 0
    assert apart(one, near, 4_000) < MOST_ERRORS < apart(one, far, 4_000)


def test_cells_without_variance_agree_only_where_equal() -> None:
    same, other = (Taken(10.0, [mean], [0.0]) for mean in (1040.0, 1039.0))
    assert apart(same, same, 100) == 0
    assert apart(same, other, 100) > MOST_ERRORS
