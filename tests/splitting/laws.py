"""Events whose probability is known: cars of one distance or of many, and a gambler between ruin and riches."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

from firmfate import Auxiliary, Cause, Model, Parameter, Stock, Uniform, rare_event_probability
from firmfate.splitting import RareEvent

DRIFT, YEARS = -0.189 + 0.3 * 0.5, 10.0
"""Of the default car that is steered straight."""


def crash(log_distance: Any) -> Any:
    """Return the probability that a car crashes within ten years (Black & Cox 1976, equation 7)."""
    distance, root = np.exp(log_distance), np.sqrt(YEARS)
    below = ndtr(-(distance + DRIFT * YEARS) / root)
    return below + np.exp(-2 * DRIFT * distance + log_ndtr((DRIFT * YEARS - distance) / root))


def crash_of_many(mean: float, sd: float) -> float:
    """Return the same of log-normal distances, by the trapezoid rule."""
    if sd == 0:
        return float(crash(mean))
    nodes = np.linspace(-9.0, 9.0, 2001)
    weights = np.exp(-0.5 * nodes**2)
    return float((crash(mean + sd * nodes) * weights).sum() / weights.sum())


def mean_of(probability: float, sd: float = 0.0) -> float:
    """Return the mean log distance of cars that crash with a probability."""
    return float(brentq(lambda mean: np.log(crash_of_many(mean, sd) / probability), -1.0, 4.0))


def near(s: Any, p: Any, week: Any) -> Any:
    """Return how near a car is, in standard deviations of the road that is left; the year added keeps it finite."""
    return -s.distance / (11 - week / 52) ** 0.5


def cars(probability: float, importance: Any = near, *, sd: float = 0.0, **more: Any) -> RareEvent:
    """Estimate a probability that is known."""
    parameters = {"buffer_mean": mean_of(probability, sd), "buffer_sd": sd}
    given = {"threads": 1, "weeks": 520, "misalignment": 0, "parameters": parameters} | more
    return rare_event_probability("car", importance=importance, **given)


RICHES = 12


def begin(p: Any, draw: Any) -> dict[str, Any]:
    """Return a gambler with some coins."""
    return {"coins": p.coins}


def bet(s: Any, p: Any, draw: Any, shock: Any, week: Any) -> dict[str, Any]:
    """Return the gambler a bet later; a negative root where `spoilt` is above the week."""
    coins = s.coins + (1 if shock.bet < p.win else -1) + (0 if week >= p.spoilt else (-1) ** 0.5)
    return {"coins": coins, "riches": coins >= RICHES, "ruin": coins <= 0}


def seen(s: Any, p: Any, draw: Any, shock: Any, week: Any) -> dict[str, Any]:
    """Return what is seen of a gambler."""
    return {"share": s.coins / RICHES, "wins": shock.bet < p.win}


GAMBLER = Model(
    "gambler", "Between ruin and riches.", begin, bet, (Stock("coins"),), (Cause("riches"), Cause("ruin")),
    parameters=(Parameter("coins", 9.0), Parameter("win", 0.8), Parameter("spoilt", 0.0)), shocks=(Uniform("bet"),),
    observe=seen, auxiliaries=(Auxiliary("share"), Auxiliary("wins")),
)  # fmt: skip


def ruin(coins: int, win: float, bets: int) -> float:
    """Return the probability of ruin before riches within some bets, by powers of the matrix of transitions."""
    moves = np.zeros((RICHES + 1, RICHES + 1))
    moves[0, 0] = moves[RICHES, RICHES] = 1.0
    for i in range(1, RICHES):
        moves[i, i + 1], moves[i, i - 1] = win, 1 - win
    return float(np.linalg.matrix_power(moves, bets)[coins, 0])
