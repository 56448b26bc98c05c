"""The capability trap: the example against an integration of its own, and what the papers report."""

import numpy as np
import pytest

from firmfate import simulate_path


def integrated(weeks, moved=0.0, more=0.0, work=0.0, improve=0.0, hire=0.0, cut=0.0):
    """Return output, capabilities, and hours of work and of improvement, by Euler's method, weeks of a year of 52."""
    h = 1 / 52
    eroding = np.full(3, 1.0 / 3)  # stages of a delay of 2 years
    staff = np.full(3, 100.0 / 3)  # likewise
    hours, wanted = 32.0 + moved, 8.0 - moved
    required = 100.0 * (1 + more)
    rows = []
    for _ in range(weeks):
        capability, people = eroding.sum(), staff.sum()
        improving = max(0.0, min(70.0 - hours, wanted))
        output = people * hours * (100 / (100 * 40 * 0.8)) * capability
        rows.append((output, capability, hours, improving))
        gap = (required - output) / required
        gained = people * improving * (0.5 * (10 / 9) / (100 * 40 * 0.2)) * (10 - capability) / 10
        leaving = staff[2] / (2 / 3)
        target = min(100.0 * (1 + cut), people * (1 + hire * gap))
        hired = max(0.0, leaving + (target - people) / 0.25)
        into, out = np.array([gained, *eroding[:2] / (2 / 3)]), eroding / (2 / 3)
        come, gone = np.array([hired, *staff[:2] / (2 / 3)]), staff / (2 / 3)
        d_hours = hours * work * gap * (70 - hours) / 70
        d_wanted = improving * improve * gap * (70 - improving) / 70
        eroding, staff = eroding + h * (into - out), staff + h * (come - gone)
        hours, wanted = hours + h * d_hours, wanted + h * d_wanted
    return np.array(rows)


CASES = {
    "at rest": {}, "harder": {"moved": 4.0}, "smarter": {"moved": -4.0},
    "pressed": {"more": 0.95, "work": 4.0}, "both": {"more": 0.3, "work": 1.0, "improve": 1.0},
    "fewer": {"cut": -0.2, "work": 2.0}, "hiring": {"more": 0.1, "hire": 0.5, "cut": 0.1},
}  # fmt: skip
NAMES = {
    "moved": "increase_in_time_spent_working", "more": "step_in_required_output", "work": "work_sensitivity",
    "improve": "improvement_sensitivity", "hire": "labor_sensitivity", "cut": "change_in_labor",
}  # fmt: skip


def lived(model, weeks=520, **case):
    given = {NAMES[name]: value for name, value in case.items()}
    path = simulate_path(model, weeks=weeks, parameters={"least_output": 0.0, **given})
    names = ("output", "capabilities", "time_spent_working", "time_spent_improving")
    return np.stack([path[name] for name in names], axis=-1)


@pytest.mark.parametrize("case", CASES)
def test_every_week_is_that_of_an_integration_by_hand(capability_trap, case):
    np.testing.assert_allclose(lived(capability_trap, **CASES[case]), integrated(520, **CASES[case]), rtol=1e-9)


def test_an_integration_of_another_constant_is_told_apart(capability_trap):
    assert np.abs(lived(capability_trap, moved=4.01) / integrated(520, moved=4.0) - 1).max() > 1e-4


def test_it_begins_in_equilibrium(capability_trap):
    np.testing.assert_allclose(lived(capability_trap)[:, 0], 100.0, rtol=1e-12)


def test_working_harder_is_better_before_worse(capability_trap):
    """Repenning & Sterman (2001), figure 5. Capabilities settle where effort outweighs erosion: c / (10 - c) is
    proportional to the hours of improvement, here half of those at first."""
    output = lived(capability_trap, moved=4.0)[:, 0]
    assert output[0] == pytest.approx(112.5)
    assert (np.diff(output) < 1e-4).all()
    assert 20 < np.argmax(output < 100) < 52  # weeks of better
    c = 10 * (0.5 / 9) / (1 + 0.5 / 9)
    assert output[-1] == pytest.approx(100 * 36 / 32 * c, rel=1e-3)


def test_working_smarter_is_worse_before_better(capability_trap):
    output = lived(capability_trap, moved=-4.0)[:, 0]
    assert output[0] == pytest.approx(87.5)
    assert 20 < np.argmax(output > 100) < 52
    c = 10 * (1.5 / 9) / (1 + 1.5 / 9)
    assert output[-1] == pytest.approx(100 * 28 / 32 * c, rel=1e-3)


@pytest.mark.parametrize(("more", "trapped"), [(0.9, False), (0.95, True)])
def test_pressure_for_output_springs_the_trap(capability_trap, more, trapped):
    """Repenning & Sterman (2002): effort goes up, improvement is squeezed out, and capabilities and output collapse.
    The 70 hours hold 62 of work beside the 8 of improvement that capabilities need: up to 62/32 of the first output."""
    output, capability, hours, improving = lived(capability_trap, weeks=1040, more=more, work=4.0).T
    assert output.max() > 185
    assert output[-1] == pytest.approx(0.0 if trapped else 190.0, abs=0.5)
    assert hours[-1] == pytest.approx(70.0 if trapped else 60.8, abs=0.1)
    assert improving[-1] == pytest.approx(0.0 if trapped else 8.0, abs=0.01)
    assert capability[-1] == pytest.approx(0.0 if trapped else 1.0, abs=0.01)
