"""What is timed runs, with the same results; run by ``pytest benchmarks/populations``."""

from __future__ import annotations

from benchmarks.populations.__main__ import POPULATIONS, clock, drawn, simulated


def test_values_written_by_cell_and_by_firm_give_the_same_firms() -> None:
    assert all(clock(work) > 0 for _, work in simulated(40))


def test_every_population_is_drawn_and_some_change_the_results() -> None:
    lived = {name.removeprefix("drawn: "): work() for name, work in drawn((0.9,), 200)}
    assert lived.keys() == {"nothing", *POPULATIONS}
    assert lived["a constant"] == lived["nothing"] != lived["a normal"]
    assert lived["a normal, counted in four strata"] == lived["a normal"]
