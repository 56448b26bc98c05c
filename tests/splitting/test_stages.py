"""Stages step the firms of the engine, to the bit; states at a level are all that a firm is."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from tests.bounded import Bounded, chance_of_share, of_deviation, of_share, times

import firmfate
from firmfate.models import load_model
from firmfate.simulation.one_firm import random_numbers
from firmfate.splitting.compiled import Stages
from firmfate.splitting.function import AT_LEVEL, EVENT, NOWHERE
from firmfate.splitting.importance import importance_program
from firmfate.splitting.runs import copied, one_run

from .laws import GAMBLER, RICHES, cars

CASES = [
    ("car", "-distance", "crash", 40, 13.0, -2.0),
    pytest.param("firm", "-health", "insolvency", 520, 1.0, -0.5, marks=pytest.mark.slow),
]
SEED, FIRMS, FROM = 20261127, 300, (5 << 32) + 17


@pytest.mark.parametrize(("name", "importance", "cause", "steps", "dt", "level"), CASES)
def test_firms_are_those_of_simulate_also_through_a_level(
    name: str, importance: str, cause: str, steps: int, dt: float, level: float
) -> None:
    model = load_model(name)
    row = np.array([model.defaults[field] for field in model.fields])
    number = [one.name for one in model.causes].index(cause) + 1
    stages = Stages(
        model, importance_program(model, importance), row, dt=dt, steps=steps, cause=number, key=SEED
    )  # fmt: skip
    firms = firmfate.simulate(
        model, weeks=round(steps * dt), steps_per_week=1 / dt, seed=SEED, replicates=range(FROM, FROM + FIRMS)
    )
    lived, events = firms.event_week.values[0] / dt, firms.cause.values[0] == number
    born = stages.born(FROM, FIRMS)
    whole = stages.advanced(born, FROM)
    assert 10 < events.sum() < FIRMS - 10
    assert (whole.lived == lived).all()
    assert ((whole.status == EVENT) == events).all()

    part = stages.advanced(born, FROM, level)
    there = part.status == AT_LEVEL
    assert 10 < there.sum() < FIRMS
    assert (part.best[there] >= level).all()
    assert (whole.best[~there & ~events] < level).all()
    rest = stages.advanced(part.states, FROM)
    assert (part.lived + rest.lived)[there].tolist() == lived[there].tolist()
    assert (rest.states[there] == whole.states[there]).all()
    assert ((rest.status == EVENT) == events)[there].all()


def test_draws_travel_with_a_firm_and_shocks_are_new() -> None:
    model = load_model("car")
    row = np.array([model.defaults[field] for field in model.fields])
    stages = Stages(model, importance_program(model, "-distance"), row, dt=13.0, steps=40, cause=0, key=SEED)
    born = stages.born(FROM, 3)
    draws, _ = random_numbers(model, key=SEED, replicate=FROM, steps=1)
    assert born[0, 1:3].tolist() == list(draws.values())
    twice = np.repeat(born[:1], 2, axis=0)
    moved = stages.advanced(twice, FROM + 1000)
    assert (moved.states[:, 1:3] == born[0, 1:3]).all()
    assert moved.states[0, 3] != moved.states[1, 3]
    assert (twice == born[0]).all()  # what is given is left as it is


def gamblers(coins: float, steps: int, importance: str) -> Stages:
    """Return stages of gamblers, whose event is ruin."""
    row = np.array([GAMBLER.defaults[field] if field != "coins" else coins for field in GAMBLER.fields])
    program = importance_program(GAMBLER, importance)
    return Stages(GAMBLER, program, row, dt=1.0, steps=steps, cause=2, key=SEED)


def test_an_event_of_another_cause_is_no_way_to_a_level() -> None:
    stages = gamblers(RICHES - 1, 1, "coins")
    reached = stages.advanced(stages.born(0, 100), 0, level=RICHES)
    assert reached.best.max() == RICHES - 1
    assert set(reached.status) == {NOWHERE}


def test_an_event_passes_all_levels() -> None:
    """One bet, and no level that a gambler could come to but by ruin."""
    found = one_run(gamblers(1, 1, "coins"), (5.0, 6.0), 100, 1)
    assert 0.05 < found.shares[0] < 0.4
    assert found.shares[1:] == (1.0, 1.0)
    assert found.estimate == found.shares[0]
    assert found.firm_steps == 100


@pytest.mark.bounded(power=0.99, against="a state of which a third copy is made in 65 % in place of half of all times")
def test_every_state_has_the_same_expected_number_of_copies(bounded: Bounded) -> None:
    """Each of seven, and of three that happened, has two copies or three: five of the ten have three."""
    states = np.arange(7.0).reshape(7, 1)

    @functools.cache
    def third(sample: int) -> np.ndarray:
        """Return how often each of the seven is copied three times, and how many of the others are, (8,)."""
        found = np.zeros(8, int)
        for first in range(0, 4000 * times(sample), 10):
            copies, happened = copied(states, 3, 25, SEED + sample, first)
            counts = np.bincount(copies[:, 0].astype(int), minlength=7)
            assert len(copies) + happened == 25
            assert set(counts) <= {2, 3}
            found += [*(counts == 3), happened - 6]
        return found

    def p_values(sample: int, share: float) -> list[float]:
        tries = 400 * times(sample)
        of_others = (third(sample)[7] - 3 * share * tries) / np.sqrt(7 / 12 * tries)  # hypergeometric: 3 of 10, 5 drawn
        return [*of_share(third(sample)[:7], tries, share), *of_deviation(of_others)]

    assert not bounded.refuses(lambda sample: p_values(sample, 0.5))
    assert bounded.refuses(lambda sample: p_values(sample, 0.65))
    bounded.sees(chance_of_share(400, 0.5, 0.65), 8)
    assert len(set(third(0)[:7])) > 1  # chosen at random


def test_threads_change_nothing_and_seeds_do() -> None:
    one, three, other = (cars(0.02, firms=200, runs=6, threads=n, seed=seed) for n, seed in ((1, 0), (3, 0), (1, 1)))
    assert one.estimates.tolist() == three.estimates.tolist()
    assert (one.levels.tolist(), one.firm_steps) == (three.levels.tolist(), three.firm_steps)
    assert not set(one.estimates) & set(other.estimates)
    assert len(set(one.estimates)) == 6  # runs share no random numbers
