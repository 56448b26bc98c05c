"""Sterman's beer game: the example against a game of its own, and the costs of the paper."""

import numpy as np
import pytest

from firmfate import simulate_path

SECTORS = ("retailer", "wholesaler", "distributor", "factory")
BENCHMARK = {"theta": 0.0, "alpha": 1.0, "beta": 1.0, "goal": 28, "goal.factory": 20}


def played(theta, alpha, beta, goal, weeks=36):
    """Return costs, orders and net inventory of a game, by board: Sterman (1989), the five steps of a week."""
    stock, owed, cost = np.full(4, 12.0), np.zeros(4), np.zeros(4)
    boxes = np.full((4, 2), 4.0)  # beer under way, the second box next to the stock
    slips, desk, expected = np.full(4, 4.0), np.full(3, 4.0), np.full(4, 4.0)
    orders, net = [], []
    for week in range(1, weeks + 1):
        stock = stock + boxes[:, 1]
        boxes[:, 1] = boxes[:, 0]
        asked = np.array([4.0 if week < 5 else 8.0, *desk])
        filled = np.minimum(owed + asked, stock)
        owed, stock = owed + asked - filled, stock - filled
        boxes[:3, 0], boxes[3, 0] = filled[1:], slips[3]
        cost = cost + 0.5 * stock + owed
        desk = slips[:3]
        expected = theta * asked + (1 - theta) * expected
        line = boxes.sum(axis=1) + np.array([*desk, 0.0]) + np.array([*owed[1:], 0.0])
        wanted = expected + alpha * (goal - (stock - owed) - beta * line)
        slips = np.maximum(0.0, wanted) if week > 4 else np.full(4, 4.0)
        orders.append(slips)
        net.append(stock - owed)
    return cost, np.array(orders), np.array(net)


def by_sector(path, name):
    return np.stack([path[f"{name}_{sector}"].values[1:] for sector in SECTORS], axis=-1)


RULES = [(0.36, 0.26, 0.34, 17.0), (0.0, 1.0, 1.0, 28.0), (1.0, 0.5, 0.0, 12.0), (0.25, 0.3, 1.0, 30.0)]


@pytest.mark.parametrize("rule", RULES)
def test_every_week_is_that_of_a_game_by_hand(beer_game, rule):
    cost, orders, net = played(*rule)
    given = dict(zip(("theta", "alpha", "beta", "goal"), rule, strict=True))
    path = simulate_path(beer_game, weeks=37, parameters=given)
    np.testing.assert_allclose(by_sector(path, "placed"), orders, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(by_sector(path, "inventory") - by_sector(path, "backlog"), net, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(by_sector(path, "cost")[-1], cost, rtol=1e-9)


def test_another_rule_is_another_game():
    assert np.abs(played(*RULES[0])[1] - played(0.36, 0.27, 0.34, 17.0)[1]).max() > 0.1


def costs(beer_game, **given):
    path = simulate_path(beer_game, weeks=37, parameters={**BENCHMARK, **given})
    return [float(path[f"cost_{sector}"][-1]) for sector in SECTORS]


def test_the_benchmark_costs_what_it_does_in_the_paper(beer_game):
    """Sterman (1989), table 1: $46, 50, 54 and 54, in all $204."""
    assert costs(beer_game) == [46.0, 50.0, 54.0, 54.0]


@pytest.mark.parametrize("sector", SECTORS)
@pytest.mark.parametrize("more", [-1, 1])
def test_the_benchmark_is_the_least(beer_game, sector, more):
    """It is the least cost of the rule: no sector's goal can be moved."""
    goal = {**dict.fromkeys(SECTORS, 28), "factory": 20}[sector] + more
    assert sum(costs(beer_game, **{f"goal.{sector}": goal})) > 204


def test_people_amplify_orders_and_pay_ten_times_the_benchmark(beer_game):
    """Sterman (1989): orders swing more from sector to sector, factories' orders by 700 % of the customers' step, for a
    mean cost of $2,028; the rule of the mean subject gives 670 % and $2,479."""
    path = simulate_path(beer_game, weeks=37)
    peaks = by_sector(path, "placed").max(axis=0)
    assert (np.diff(peaks) > 2).all()
    assert (peaks[3] - 4) / (8 - 4) == pytest.approx(7.0, abs=0.5)
    assert 8 < float(path.total_cost[-1]) / 204 < 13
    later = by_sector(path, "placed").argmax(axis=0)
    assert (np.diff(later) >= 1).all()  # the wave takes weeks from sector to sector


def test_taking_the_whole_supply_line_into_account_calms_orders(beer_game):
    blind, seeing = (
        by_sector(simulate_path(beer_game, weeks=37, parameters={"beta": beta, "goal": goal}), "placed")[:, 3].max()
        for beta, goal in ((0.0, 12), (1.0, 36))
    )
    assert blind > 2 * seeing
