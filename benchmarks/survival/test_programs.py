"""The benchmark as a smoke test: all programs agree on 20,000 firms, and a wrong one is found."""

from __future__ import annotations

import shutil

import pytest
from benchmarks.survival.firms import draw, grouped
from benchmarks.survival.programs import PROGRAMS, disagreements, run


@pytest.mark.parametrize("program", ["lifelines", "statsmodels", "R"])
def test_programs_agree(program: str) -> None:
    if program == "R" and shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    if program != "R":
        pytest.importorskip(program)
    firms = draw(20_000)
    rows = grouped(firms)
    results = {name: run(name, firms, rows) for name in ("firmfate", program)}
    assert set(results[program]) <= set(results["firmfate"])
    assert disagreements(results) == []
    what = next(iter(results[program]))
    results[program][what] = (results[program][what][0] * (1 + 1e-5), 0.0)
    assert len(disagreements(results)) == 1
    assert program in PROGRAMS
