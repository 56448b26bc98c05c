"""The clearing function of Production: its equation in 50 digits, its limits, and what it gives away to a real
queue."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from firmfate.models.firm.production import cleared

TIME = 2.0  # T, weeks
VARIABILITY = (1e-9, 0.1, TIME, 3.0)
WORK = 10.0 ** np.arange(-6.0, 6.5, 0.5)


@pytest.mark.parametrize("v", VARIABILITY)
@pytest.mark.parametrize("available", [0.3, 1.0, 2.5])
def test_output_holds_exactly_the_work_that_is_there(v, available):
    """w = ρ T + v ρ²/(1-ρ), and Little's law: to 1e-12 of the exact solution of that equation."""
    for work in WORK:
        output, lead_time = cleared(work, available, TIME, v)
        with mpmath.workdps(50):
            w, T, V = mpmath.mpf(work) / mpmath.mpf(available), mpmath.mpf(TIME), mpmath.mpf(v)
            # (v - T) ρ² + (T + w) ρ - w = 0, the root in [0, 1)
            a, b = V - T, T + w
            rho = w / T * T / (T + w) if a == 0 else 2 * w / (b + mpmath.sqrt(b * b + 4 * a * w))
            assert abs(rho * T + V * rho**2 / (1 - rho) - w) < mpmath.mpf(10) ** -30 * (1 + w)
            assert abs(output / (rho * available) - 1) < 1e-12
            assert abs(lead_time * rho / w - 1) < 1e-12
        assert output <= available
        assert math.isclose(output * lead_time, work, rel_tol=1e-12)


def test_without_variability_it_is_a_pipeline_of_limited_capacity():
    for work in WORK:
        output, _ = cleared(work, 1.0, TIME, 0.0)
        assert output == pytest.approx(min(1.0, work / TIME), rel=1e-12)


@pytest.mark.parametrize("v", VARIABILITY)
def test_output_never_falls_when_work_rises(v):
    outputs = [cleared(work, 1.0, TIME, v)[0] for work in WORK]
    assert (np.diff(outputs) >= 0).all()
    assert (np.array(outputs) <= np.minimum(1.0, WORK / TIME) * (1 + 1e-12)).all()


def test_nothing_in_the_plant_gives_nothing():
    assert cleared(0.0, 1.0, TIME, 0.3)[0] == 0.0
