"""A model whose mark shows the last bits of a stock, so that records differ where any rounding does."""

from __future__ import annotations

from dataclasses import replace
from math import floor

from tests.kernel import my_model
from tests.kernel.my_model import noise


def step(s, p, draw, shock, week):
    savings = s.savings + p.dt * (s.mood / 7 + p.margin + 0.01 * draw.skill + noise(shock))
    last = floor(abs(savings) * 2.0**46)
    return {
        "savings": savings,
        "mood": 0.9 * s.mood + 0.1 * shock.town,
        "broke": savings < 0,
        "fire": shock.fire < p.fires * p.dt,
        "alarm": shock.theft < 0.05,
        "savings_left": last % 10,
    }


LOW_BITS = replace(my_model.SHOP, name="low bits", step=step)
