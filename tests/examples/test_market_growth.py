"""Forrester's market growth: the example against an integration of its own, and what the paper reports."""

import numpy as np
import pytest

from firmfate import simulate_path

MONTH = 52 / 12
HALF = np.arange(11) / 2
PCF = [0, 0.25, 0.5, 0.67, 0.8, 0.87, 0.93, 0.95, 0.97, 0.98, 1]
SEDM = [1, 0.97, 0.87, 0.73, 0.53, 0.38, 0.25, 0.15, 0.08, 0.03, 0.02]
CEF = [-0.07, -0.02, 0, 0.02, 0.07, 0.15]


def integrated(weeks, ddw=1.0, expansion=1.0):
    """Return s, bl, dra, ddrc, ddrm, ddt, pc and the orders of every week: Forrester's equations, Euler's method."""
    h = 1 / MONTH
    s, bl, pc = 10.0, 8000.0, 12000.0
    dr = pc * np.interp(bl / pc, HALF, PCF)
    dra, ddrc = dr, bl / dr
    ddrm = ddt = ddrc

    def ordered():
        ddog = ddt * ddw + 2.0 * (1 - ddw)
        return expansion * pc * np.interp(ddrc / ddog - 0.3, HALF[:6], CEF)

    first = second = third = ordered() * 4.0  # months of a stage: a third of 12
    rows = []
    for _ in range(weeks):
        orders = s * 400 * np.interp(ddrm, np.arange(11), SEDM)
        rows.append((s, bl, dra, ddrc, ddrm, ddt, pc, orders))
        dr = pc * np.interp(bl / pc, HALF, PCF)
        pco = ordered()
        d_s = (dra * 12 / 2000 - s) / 20
        d_bl, d_dra = orders - dr, dr - dra
        d_ddrc, d_ddrm, d_ddt = (bl / dra - ddrc) / 4, (ddrc - ddrm) / 6, (ddrc - ddt) / 12
        d_stages = pco - first / 4, first / 4 - second / 4, second / 4 - third / 4
        d_pc = third / 4
        s, bl, dra = s + h * d_s, bl + h * d_bl, dra + h * d_dra
        ddrc, ddrm, ddt, pc = ddrc + h * d_ddrc, ddrm + h * d_ddrm, ddt + h * d_ddt, pc + h * d_pc
        first, second, third = first + h * d_stages[0], second + h * d_stages[1], third + h * d_stages[2]
    return np.array(rows)


@pytest.mark.parametrize(("ddw", "expansion"), [(1.0, 1.0), (0.0, 1.0), (0.5, 1.0), (1.0, 0.0)])
def test_every_week_is_that_of_an_integration_by_hand(market_growth, ddw, expansion):
    path = simulate_path(market_growth, weeks=800, parameters={"ddw": ddw, "expansion": expansion, "fewest": 0.0})
    found = np.stack([path[name] for name in ("s", "bl", "dra", "ddrc", "ddrm", "ddt", "pc", "orders")], axis=-1)
    np.testing.assert_allclose(found, integrated(800, ddw, expansion), rtol=1e-9)


def test_an_integration_of_another_constant_is_told_apart(market_growth):
    path = simulate_path(market_growth, weeks=100, parameters={"sem": 401, "fewest": 0.0})
    assert np.abs(path.bl.values / integrated(100)[:, 1] - 1).max() > 1e-3


def yearly(path, name):
    return path[name].values[: len(path[name]) // 52 * 52].reshape(-1, 52).mean(axis=1)


def test_with_a_goal_of_tradition_growth_stagnates_and_turns_into_decline(market_growth):
    """Forrester (1968): the third system, whose goal follows past performance, declines in an unlimited market."""
    path = simulate_path(market_growth, weeks=52 * 14)
    orders = yearly(path, "orders")
    assert orders[2] > 2 * orders[0]
    assert int(np.argmax(orders)) in (2, 3)
    assert orders[-1] < 0.4 * orders.max()
    assert path.ddt.values[-52:].mean() > 2 * path.ddt.values[0]  # the goal has eroded
    assert path.pc.values[-1] < 0.4 * path.pc.values[0]


def test_with_a_goal_that_stands_it_grows_on(market_growth):
    """Forrester (1968): the second system, with a fixed goal of two months, grows with fluctuations."""
    orders = yearly(simulate_path(market_growth, weeks=52 * 14, parameters={"ddw": 0.0}), "orders")
    assert orders[-1] > 10 * orders[0]
    assert (np.diff(orders) < 0).any()


def test_constant_capacity_stops_growth_where_a_salesman_just_pays_for_himself(market_growth):
    """Forrester (1968): the delivery delay grows until sales effectiveness is ss / (rs sem) of its maximum, 1 / 2.4; on
    his table that is at a delay of 4 + (0.53 - 1/2.4) / 0.15 months."""
    path = simulate_path(market_growth, weeks=52 * 40, parameters={"expansion": 0.0})
    assert path.ddrm.values[-1] == pytest.approx(4 + (0.53 - 1 / 2.4) / 0.15, abs=1e-3)
    assert path.orders.values[-1] == pytest.approx(path.deliveries.values[-1], rel=1e-3)
    peak = int(np.argmax(path.orders.values))
    assert 32 < peak / MONTH < 48  # months of growth
    assert path.orders.values[peak] > 12000 > path.orders.values[-1]
