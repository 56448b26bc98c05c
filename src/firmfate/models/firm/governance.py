"""Governance: the driver. Distress is seen late, hidden by green dashboards, and then brings the KPIs back in line,
slowly."""

from __future__ import annotations

from typing import Any, NamedTuple

from firmfate.models.model import POSITIVE, SHARE, WEEK_OR_LONGER, Parameter

TURNAROUND = "books close in 6 days, but a turnaround takes 1-5 years"

PARAMETERS = (
    Parameter("observe_time", 26, "week", WEEK_OR_LONGER, "time until distress is believed", TURNAROUND + "; decisive",
              assumption=True),
    Parameter("correct_time", 52, "week", WEEK_OR_LONGER, "time in which full distress realigns the KPIs",
              TURNAROUND + "; decisive",
              assumption=True),
    Parameter("relapse_time", 156, "week", WEEK_OR_LONGER, "time in which a firm at ease falls back to local KPIs",
              TURNAROUND,
              assumption=True),
    Parameter("alarm", 0.7, "share", POSITIVE, "health below which distress begins", TURNAROUND + "; decisive",
              assumption=True),
    Parameter("customer_voice", 0.2, "share", SHARE, "how much governance hears of lost customers",
              "no measurement known",
              assumption=True),
    Parameter("blindness", 0.5, "share", SHARE, "distress hidden by five green KPIs", "no measurement known",
              assumption=True),
    Parameter("steering_coupling", 0, "share", SHARE,
              "how far correction is as strong as execution (the sceptic's coupling)",
              "off by default", assumption=True),
)  # fmt: skip


class Governance(NamedTuple):
    """Constants of governance."""

    observe: float
    correct: float
    relapse: float
    alarm: float
    per_alarm: float
    health_without_customers: float
    voice: float
    hidden_per_green: float


def settle(p: Any, mean_execution: float, dt: float) -> Governance:
    """Return the constants of governance for steps of `dt` weeks."""
    return Governance(
        observe=dt / p.observe_time,
        correct=dt * ((1.0 - p.steering_coupling) + 2.0 * p.steering_coupling * mean_execution) / p.correct_time,
        relapse=dt / p.relapse_time,
        alarm=p.alarm,
        per_alarm=1.0 / p.alarm,
        health_without_customers=1.0 - p.customer_voice,
        voice=p.customer_voice,
        hidden_per_green=p.blindness / 5.0,
    )


def health(k: Governance, cash_share: float, customers: float) -> float:
    """Return the firm's health, at most 1; `cash_share` is cash and credit relative to the start."""
    return min(min(1.0, cash_share), k.health_without_customers + k.voice * customers)


def distress(k: Governance, distress: float, health: float, green: float) -> float:
    """Return believed distress one step later."""
    felt = max(0.0, 1.0 - health * k.per_alarm) * (1.0 - k.hidden_per_green * green)
    return distress + k.observe * (felt - distress)


def pursuit(k: Governance, pursuit: float, distress: float) -> float:
    """Return the share of the original misalignment in force one step later."""
    moved = pursuit - k.correct * distress * pursuit + k.relapse * (1.0 - pursuit) * (1.0 - distress)
    return min(1.0, max(0.0, moved))
