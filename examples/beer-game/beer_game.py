"""The beer distribution game, played by the rule that Sterman found people to follow (1989, Management Science 35(3),
321-339: "Modeling managerial behavior").

Four sectors order from each other by anchoring and adjustment (his equations 6-10)::

    order = max(0, expected + alpha (goal - stock - beta supply line))
    expected = theta incoming orders + (1 - theta) expected

Rules and timing are those of the board: what is ordered reaches the supplier's desk two weeks later, beer another two
weeks later; a brewery's order is beer three weeks later. Customers ask for 4 cases a week, from week 5 on for 8; in the
first four weeks all order 4. A case on stock costs $.50 a week, one owed $1.

Added here: noise of customers' demand, off by default, and an end: a chain whose costs exceed its capital.
"""

from firmfate import ANY, NOT_NEGATIVE, POSITIVE, SHARE, Auxiliary, Cause, Model, Normal, Parameter, Stock

SECTORS = ("retailer", "wholesaler", "distributor", "factory")
RULE = "Sterman (1989): mean of 44 subjects"
BOARD = "Sterman (1989): rules of the game"

PARAMETERS = (
    Parameter("theta", 0.36, "1/week", SHARE, "weight of the last orders in what is expected", RULE),
    Parameter("alpha", 0.26, "1/week", SHARE, "share of a shortfall that is ordered each week", RULE),
    Parameter("beta", 0.34, "1", SHARE, "share of the supply line that is taken into account", RULE),
    Parameter("goal", 17, "case", ANY, "S': desired stock and beta times desired supply line", RULE, parts=SECTORS),
    Parameter("demand", 4, "case/week", NOT_NEGATIVE, "what customers ask for at first", BOARD),
    Parameter("demand_step", 4, "case/week", ANY, "what they ask for in addition from week 5 on", BOARD),
    Parameter("holding_cost", 0.5, "$/case/week", NOT_NEGATIVE, "of beer on stock", BOARD),
    Parameter("backlog_cost", 1, "$/case/week", NOT_NEGATIVE, "of beer owed", BOARD),
    Parameter("noise", 0, "case/week", NOT_NEGATIVE, "standard deviation of demand", "added here", assumption=True),
    Parameter("capital", 1e6, "$", POSITIVE, "costs that end the chain", "added here", assumption=True),
    Parameter("owed_at_most", 1e6, "case", POSITIVE, "a retailer's backlog with which customers leave", "added here",
              assumption=True),
)  # fmt: skip
STOCKS = (
    Stock("inventory", "case", "beer on stock", parts=SECTORS),
    Stock("backlog", "case", "orders not yet filled", parts=SECTORS),
    Stock("expected", "case/week", "orders expected", parts=SECTORS),
    Stock("supply_line", "case", "ordered and not yet received", parts=SECTORS),
    Stock("placed", "case", "orders of the last week, in the mail", parts=SECTORS),
    Stock("arrived", "case", "orders on the supplier's desk", parts=SECTORS[:3]),
    Stock("far", "case", "beer that arrives the week after next", parts=SECTORS),
    Stock("near", "case", "beer that arrives next week", parts=SECTORS),
    Stock("cost", "$", "costs up to now", parts=SECTORS),
)


def start(p, draw):
    d = p.demand
    return dict(
        inventory=[3 * d] * 4, backlog=[0.0] * 4, expected=[d] * 4, supply_line=[4 * d, 4 * d, 4 * d, 3 * d],
        placed=[d] * 4, arrived=[d] * 3, far=[d] * 4, near=[d] * 4, cost=[0.0] * 4,
    )  # fmt: skip


def step(s, p, draw, shock, week):
    customers = max(0.0, p.demand + (p.demand_step if week >= 4 else 0.0) + p.noise * shock.demand)
    incoming = [customers, *s.arrived]
    inventory, backlog, expected, supply_line, placed, sent, cost = ([] for _ in range(7))
    for i in range(4):
        owed = s.backlog[i] + incoming[i]
        on_hand = s.inventory[i] + s.near[i]
        sent.append(min(owed, on_hand))
        inventory.append(on_hand - sent[i])
        backlog.append(owed - sent[i])
        cost.append(s.cost[i] + p.holding_cost * inventory[i] + p.backlog_cost * backlog[i])
        expected.append(p.theta * incoming[i] + (1 - p.theta) * s.expected[i])
        line = s.supply_line[i] - s.near[i]
        wanted = expected[i] + p.alpha * (p.goal[i] - (inventory[i] - backlog[i]) - p.beta * line)
        placed.append(max(0.0, wanted) if week >= 4 else p.demand)
        supply_line.append(line + placed[i])
    return dict(
        inventory=inventory, backlog=backlog, expected=expected, supply_line=supply_line,
        placed=placed, arrived=s.placed[:3],
        far=[*sent[1:], s.placed[3]], near=s.far, cost=cost,
        ruined=sum(cost) > p.capital, deserted=backlog[0] > p.owed_at_most,
    )  # fmt: skip


def observe(s, p, draw, shock, week):
    return dict(total_cost=sum(s.cost), net_inventory=[i - b for i, b in zip(s.inventory, s.backlog, strict=True)])


BEER_GAME = Model(
    "beer_game", "Sterman's beer distribution game: four sectors that overlook what they have ordered.", start, step,
    stocks=STOCKS, parameters=PARAMETERS, shocks=[Normal("demand", meaning="what customers ask for")], observe=observe,
    auxiliaries=[Auxiliary("total_cost", "$", "costs of the chain up to now"),
                 Auxiliary("net_inventory", "case", "stock less backlog", parts=SECTORS)],
    causes=[Cause("ruined", "costs exceed the chain's capital"),
            Cause("deserted", "the retailer owes more than customers wait for")],
)  # fmt: skip
