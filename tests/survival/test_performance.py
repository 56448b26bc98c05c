"""All estimators on a 41 x 41 grid, 1,040 weeks and four causes: within 1 GiB, whatever the firms; the time is
recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

PROGRAM = """
import json, sys, time
import numpy as np, xarray as xr
from firmfate import survival as s
firms = int(sys.argv[1])
random = np.random.Generator(np.random.Philox(1))
hazard = random.gamma(2.0, 5e-4, (41, 41, 4, 1)) * np.ones(1040)
alive = np.exp(-np.concatenate([np.zeros((41, 41, 1)), hazard.sum(2).cumsum(-1)[..., :-1]], -1))
per_cell = firms // 1681
events = np.floor(per_cell * alive[..., None, :] * hazard * 0.8).astype("u4" if per_cell < 2**32 else "u8")
del hazard, alive
axes = ("execution", "misalignment")
ds = xr.Dataset({"events": ((*axes, "cause", "week"), events), "firms": (axes, np.full((41, 41), per_cell))},
                coords={"cause": list("abcd"), "week": np.arange(1, 1041)})
s.rmst(s.example())
times, kept = [], []
for repetition in range(3):
    kept.clear()
    start = time.perf_counter()
    for estimator in (s.kaplan_meier, s.nelson_aalen, s.cumulative_incidence, s.rmst, s.rmst_curve, s.time_lost,
                      s.quantile):
        kept.append(estimator(ds))
    kept.append(s.hazard(ds, by_cause=True, bin_weeks=13))
    kept.append(s.risk_table(ds, weeks=range(0, 1041, 52)))
    times.append(time.perf_counter() - start)
# Of this program alone: what `getrusage` returns to a child begins with the peak of the process that started it.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak = int(status["VmHWM"].split()[0]) * 1024
print(json.dumps({"seconds": min(times), "peak": peak}))
"""


@pytest.mark.evidence
@pytest.mark.parametrize("firms", [10**6, 10**10])
def test_all_estimates_of_a_map(firms: int, record_property: Callable[[str, object], None]) -> None:
    """In a process of its own, all results kept; counts and imports are within the peak. Seconds are of the fastest of
    three."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(firms)], capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    record_property("firms", firms)
    record_property("all estimators", measured)
    assert measured["peak"] < 2**30
