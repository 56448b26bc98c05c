"""The capability trap (Repenning & Sterman 2002, Administrative Science Quarterly 47, 265-295; 2001, California
Management Review 43(4), 64-88, "Nobody ever gets credit for fixing problems that never happened").

Equations, names and values are those of Sterman's teaching model (MIT Sloan, "Capability Trap", Vensim), without its
ramps: time goes into output or into improvement; improvement builds capabilities, which erode after a third-order
delay; a shortfall of output makes people work harder, up to a maximum workweek, and improvement gets what time is
left. Working harder is better before worse, working smarter worse before better.

Added here: noise of required output, off by default, and an end: output that is too far below what is required.
"""

from math import exp, sqrt

import firmfate
from firmfate import ANY, NOT_NEGATIVE, POSITIVE, SHARE, Auxiliary, Cause, Interval, Model, Normal, Parameter, Stock

YEAR = 52.0  # weeks
SOURCE = "Sterman, Capability Trap (MIT Sloan teaching model)"

PARAMETERS = (
    Parameter("increase_in_time_spent_working", 0, "hour/week", ANY,
              "moved from improvement to work at the start; negative: from work to improvement", SOURCE),
    Parameter("step_in_required_output", 0, "share", ANY, "more output that is required from the start", SOURCE),
    Parameter("work_sensitivity", 0, "1/year", NOT_NEGATIVE, "sensitivity of work effort to the shortfall", SOURCE),
    Parameter("improvement_sensitivity", 0, "1/year", NOT_NEGATIVE, "of improvement effort to the shortfall", SOURCE),
    Parameter("labor_sensitivity", 0, "1", NOT_NEGATIVE, "of labor to the shortfall", SOURCE),
    Parameter("change_in_labor", 0, "share", ANY, "in authorized labor, from the start", SOURCE),
    Parameter("maximum_workweek", 70, "hour/week", POSITIVE, "", SOURCE),
    Parameter("standard_workweek", 40, "hour/week", POSITIVE, "", SOURCE),
    Parameter("effort_to_output", 0.8, "share", SHARE, "share of the first workweek that goes into output", SOURCE),
    Parameter("loss_rate", 0.5, "1/year", POSITIVE, "average capability loss rate", SOURCE),
    Parameter("maximum_capabilities", 10, "1", Interval(1, float("inf"), open_low=True), "", SOURCE),
    Parameter("initial_labor", 100, "person", POSITIVE, "", SOURCE),
    Parameter("labor_adjustment_time", 0.25, "year", POSITIVE, "", SOURCE),
    Parameter("duration_of_employment", 2, "year", POSITIVE, "average duration of employment", SOURCE),
    Parameter("initial_required_output", 100, "unit/week", POSITIVE, "", SOURCE),
    Parameter("noise", 0, "1", NOT_NEGATIVE, "sd of log required output", "added here", assumption=True),
    Parameter("noise_time", 0.5, "year", POSITIVE, "correlation time of the noise", "added here", assumption=True),
    Parameter("least_output", 0.5, "share", SHARE, "of what is required, without which it closes", "added here",
              assumption=True),
)  # fmt: skip
STOCKS = (
    Stock("capability", "1", "capabilities, by stages of erosion", parts=3),
    Stock("time_spent_working", "hour/week", "of each person, on output"),
    Stock("required_improvement_effort", "hour/week", "of each person"),
    Stock("labor", "person", "by stages of employment", parts=3),
    Stock("market", "1", "disturbance of log required output"),
)


def start(p, draw):
    return dict(
        capability=firmfate.delay_start(p.loss_rate, 1 / p.loss_rate, 3),  # in all: 1
        time_spent_working=p.standard_workweek * p.effort_to_output + p.increase_in_time_spent_working,
        required_improvement_effort=p.standard_workweek * (1 - p.effort_to_output) - p.increase_in_time_spent_working,
        labor=firmfate.delay_start(p.initial_labor / p.duration_of_employment, p.duration_of_employment, 3),
        market=0.0,
    )


def flows(s, p):
    reference_productivity = p.initial_required_output / (p.initial_labor * p.standard_workweek * p.effort_to_output)
    required = p.initial_required_output * (1 + p.step_in_required_output) * exp(s.market)
    output = sum(s.labor) * s.time_spent_working * reference_productivity * sum(s.capability)
    time_left = p.maximum_workweek - s.time_spent_working
    improving = max(0.0, min(time_left, s.required_improvement_effort))
    return output, required, (required - output) / required, improving


def step(s, p, draw, shock, week):
    dt = p.dt / YEAR
    kept = exp(-dt / p.noise_time)
    output, required, shortfall, improving = flows(s, p)
    most, room = p.maximum_capabilities, 1 - s.time_spent_working / p.maximum_workweek
    working = s.time_spent_working * p.work_sensitivity * shortfall * room
    improvement = improving * p.improvement_sensitivity * shortfall * (1 - improving / p.maximum_workweek)
    first_effort = p.initial_labor * p.standard_workweek * (1 - p.effort_to_output)
    productivity_of_improvement = p.loss_rate * most / (most - 1) / first_effort  # the model begins in equilibrium
    labor = sum(s.labor)
    capability_increase = labor * improving * productivity_of_improvement * (most - sum(s.capability)) / most
    authorized = max(0.0, p.initial_labor * (1 + p.change_in_labor))
    target = min(authorized, labor * (1 + p.labor_sensitivity * shortfall))
    attrition = firmfate.delay_outflow(s.labor, p.duration_of_employment)
    hiring = max(0.0, attrition + (target - labor) / p.labor_adjustment_time)
    return dict(
        capability=firmfate.delay_step(s.capability, capability_increase, 1 / p.loss_rate, dt),
        time_spent_working=s.time_spent_working + dt * working,
        required_improvement_effort=s.required_improvement_effort + dt * improvement,
        labor=firmfate.delay_step(s.labor, hiring, p.duration_of_employment, dt),
        market=kept * s.market + p.noise * sqrt(1 - kept * kept) * shock.market,
        closed=output < p.least_output * required,
    )


def observe(s, p, draw, shock, week):
    output, required, _, improving = flows(s, p)
    return dict(output=output, required_output=required, time_spent_improving=improving, capabilities=sum(s.capability))


CAPABILITY_TRAP = Model(
    "capability_trap", "The capability trap: time for output or for improvement.", start, step,
    stocks=STOCKS, parameters=PARAMETERS, shocks=[Normal("market")], observe=observe,
    auxiliaries=[Auxiliary("output", "unit/week"), Auxiliary("required_output", "unit/week"),
                 Auxiliary("time_spent_improving", "hour/week", "of each person"), Auxiliary("capabilities")],
    causes=[Cause("closed", "output is too far below what is required")],
)  # fmt: skip
