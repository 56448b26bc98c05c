"""The order in which a step is written: arguments first, and no old value stored over before its last use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.kernel.exchange import EXCHANGE
from tests.kernel.machine_code import same_bits

import firmfate
from firmfate.kernel import schedule
from firmfate.kernel.engine import Engine
from firmfate.kernel.schedule import ordered, overwritten
from firmfate.kernel.writer import write
from firmfate.models import load_model
from firmfate.program.layout import Layout
from firmfate.program.stages import Stage

MODELS = ["firm", "car", f"{Path(__file__).parent / 'my_model.py'}:SHOP", EXCHANGE]


def held_most(nodes, order) -> int:
    """Return how many results are held at once at most, those that are used later."""
    last = {argument: i for i, place in enumerate(order) for argument in nodes[place].arguments}
    ends = [last[place] for place in order if place in last]
    begins = [i for i, place in enumerate(order) if place in last]
    return max(sum(begin <= i < end for begin, end in zip(begins, ends, strict=True)) for i in range(len(order)))


@pytest.mark.parametrize("stage", [Stage.TIME, Stage.STEP], ids=["random numbers", "step"])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_stage_is_written_once_and_arguments_first(model, stage):
    layout = Layout(load_model(model).program)
    wanted = layout.wanted[stage] if stage == Stage.STEP else layout.handed_on(stage)
    nodes, places = layout.program.graph.nodes, layout.worked_out(stage, wanted)
    order = ordered(layout.program.graph, places)
    assert sorted(order) == sorted(places)
    at = {place: i for i, place in enumerate(order)}
    assert all(at.get(argument, -1) < at[place] for place in order for argument in nodes[place].arguments)


@pytest.mark.parametrize("apart", [0, 1, 2, 5])
def test_every_group_is_written_whole_each_behind_the_one_before(apart):
    written = list[tuple[int, int]]()

    class Group:
        def __init__(self, number):
            self.number = number

        def __getitem__(self, place):
            written.append((self.number, place))

    write([7, 3, 9], [Group(number) for number in range(3)], apart=apart)
    assert sorted(written) == [(number, place) for number in range(3) for place in (3, 7, 9)]
    for number in range(3):
        assert [place for group, place in written if group == number] == [7, 3, 9]
    first = [written.index((number, 7)) for number in range(3)]
    before = [sum(group == number for group, _ in written[: first[number + 1]]) for number in range(2)]
    assert before == [min(3, apart + 1)] * 2  # of the group before, when the next one begins


def test_the_root_of_firm_is_worked_out_early_and_less_is_held(monkeypatch):
    layout = Layout(load_model("firm").program)
    nodes, places = layout.program.graph.nodes, layout.worked_out(Stage.STEP, layout.wanted[Stage.STEP])
    order = ordered(layout.program.graph, places)
    roots = [[nodes[place].operation for place in way].index("sqrt") for way in (order, places)]
    assert roots[0] < roots[1]
    monkeypatch.setattr(schedule, "HELD", len(places))
    assert held_most(nodes, order) < held_most(nodes, ordered(layout.program.graph, places)) - 5


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_no_stock_is_stored_over_before_its_last_use(model):
    layout = Layout(load_model(model).program)
    nodes = layout.program.graph.nodes
    order = ordered(layout.program.graph, layout.worked_out(Stage.STEP, layout.wanted[Stage.STEP]))
    early, late = overwritten(layout, order)
    assert sorted([*late, *(pair for pairs in early.values() for pair in pairs)]) == list(
        enumerate(layout.next.values())
    )
    names = list(layout.next)
    for i, place in enumerate(order):
        for row, value in early.get(place, ()):
            assert value in order[: i + 1]
            needed = {argument for later in order[i + 1 :] for argument in nodes[later].arguments}
            needed |= layout.wanted[Stage.STEP]
            assert f"stock.{names[row]}" not in {nodes[argument].data for argument in needed}


def test_stocks_that_others_become_are_stored_last():
    layout = Layout(EXCHANGE.program)
    order = ordered(layout.program.graph, layout.worked_out(Stage.STEP, layout.wanted[Stage.STEP]))
    early, late = overwritten(layout, order)
    names = list(layout.next)
    assert [names[row] for pairs in early.values() for row, _ in pairs] == ["level"]
    assert {names[row] for row, _ in late} == {"left", "right", "first", "second", "third", "fixed"}


@pytest.mark.slow
def test_stocks_that_take_each_others_places():
    """The engine and plain Python, stock by stock."""
    engine = Engine(EXCHANGE, dt=1.0)
    trace = engine.trace(np.array([2.0]), key=4, cell=0, replicate=7, steps=80)
    path = firmfate.simulate_path(EXCHANGE, replicate=7, seed=4, weeks=80)
    assert len(trace.stocks) > 5
    assert same_bits(trace.stocks, np.column_stack([path[stock.name] for stock in EXCHANGE.stocks]))
    assert trace.records.alarm_step[0, 0] == path.attrs["alarm_week"] > 0
    assert trace.records.marks[0, 0, 0] == path.attrs["place"] > 0
