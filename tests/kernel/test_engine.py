"""The compiled engine against the plain-Python reading of the same models, and against itself: nothing depends on the
company kept."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import firmfate
from firmfate.counts import COUNTED, INVALID, Counters
from firmfate.errors import InvalidFirmsWarning
from firmfate.kernel.engine import Engine, Varying
from firmfate.models import load_model

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from parameters import random_values
from tests.kernel.machine_code import same_bits

SHOP = f"{Path(__file__).parent / 'my_model.py'}:SHOP"


def of_engine(firms, firm: int) -> tuple:
    return tuple(float(firms[name].isel(cell=0, replicate=firm)) for name in firms.data_vars)


def of_path(model, life) -> tuple:
    model = load_model(model)
    causes = {"censored": 0, "invalid": INVALID} | {cause.name: i for i, cause in enumerate(model.causes, start=1)}
    marks = [life.attrs[mark.name] for mark in model.marks]
    return tuple(
        float(value)
        for value in (life.attrs["event_week"], causes[life.attrs["cause"]], life.attrs["alarm_week"], *marks)
    )


@pytest.mark.parametrize("case", range(8))
def test_plain_python_is_the_oracle_of_firm(case):
    rng = np.random.default_rng(100 + case)
    settings = {
        "parameters": random_values(rng),
        "weeks": 400,
        "steps_per_week": 1 + case % 2,
        "seed": int(rng.integers(2**63)),
    }
    firms = firmfate.simulate("firm", replicates=range(2**40, 2**40 + 6), **settings)
    for i in range(6):
        life = firmfate.simulate_path("firm", replicate=2**40 + i, **settings)
        assert of_engine(firms, i) == of_path("firm", life)


@pytest.mark.parametrize("case", range(8))
def test_plain_python_is_the_oracle_of_paths(case):
    """Every stock of every step, to the last bit."""
    firm = load_model("firm")
    values = random_values(np.random.default_rng(200 + case))
    fields = dict(firm.defaults) | {name: value for key, value in values.items() for name in firm.keys[key]}
    row = np.array([fields[name] for name in firm.fields])
    engine = Engine(firm, dt=1 / (1 + case % 2))
    trace = engine.trace(row, key=5, cell=0, replicate=case, steps=400)
    settings = {"parameters": values, "weeks": 400 // (1 + case % 2), "steps_per_week": 1 + case % 2, "seed": 5}
    path = firmfate.simulate_path("firm", replicate=case, **settings)
    names = [name for stock in firm.stocks for name in stock.fields]
    kept = [i for i, name in enumerate(names) if not name.endswith("_shock")]  # shown after they have moved
    assert same_bits(trace.stocks[:, kept], np.column_stack([path[names[i]] for i in kept]))
    moved = [i for i, name in enumerate(names) if name.endswith("_shock")]
    assert same_bits(trace.stocks[1:, moved], np.column_stack([path[names[i]] for i in moved])[:-1])
    values["forecast_time"] *= 1 + 1e-15  # the negative control
    other = firmfate.simulate_path("firm", replicate=case, **settings)
    assert not np.array_equal(trace.stocks[:, names.index("forecast")][:50], other.forecast[:50])


@pytest.mark.parametrize("model", ["car", SHOP])
def test_plain_python_is_the_oracle_of_others(model):
    firms = firmfate.simulate(model, weeks=520, replicates=60, seed=8)
    for i in range(60):
        assert of_engine(firms, i) == of_path(model, firmfate.simulate_path(model, weeks=520, seed=8, replicate=i))


def records(model: str, lanes: int, rows, *, first=0, replicates=40, steps=300, order=None, varying=None, cells=None):
    model = load_model(model)
    engine = Engine(model, dt=1 / model.steps_per_week, lanes=lanes)
    table = np.array([[{**model.defaults, **row}[name] for name in model.fields] for row in rows])
    if order is not None:
        table = table[order]
    words = np.zeros(len(table), np.uint64) if cells is None else np.asarray(cells, np.uint64)
    return engine.run(table, key=5, cells=words, first=first, replicates=replicates, steps=steps, varying=varying)


CARS = [{"execution": e, "misalignment": m} for e in (0.1, 0.9) for m in (0.0, 0.5, 1.0)]


@pytest.mark.parametrize("lanes", [*(pytest.param(n, marks=pytest.mark.slow) for n in (8, 32)), 64])
def test_lanes_do_not_matter(lanes):
    for one, other in zip(records("car", 16, CARS), records("car", lanes, CARS), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [8, 32, 64])
def test_lanes_do_not_matter_to_firm(lanes):
    model = load_model("firm")
    rows = [
        {
            name: 0.9 if name.startswith("execution") else m
            for name in model.fields
            if name.startswith(("execution", "misal"))
        }
        for m in (0.1, 0.9)
    ]
    for one, other in zip(
        records("firm", 16, rows, replicates=500), records("firm", lanes, rows, replicates=500), strict=True
    ):
        assert np.array_equal(one, other)


def test_order_and_neighbours_do_not_matter():
    whole = records("car", 16, CARS)
    order = np.random.default_rng(1).permutation(len(CARS))
    for one, other in zip(whole, records("car", 16, CARS, order=order), strict=True):
        assert np.array_equal(one[..., order, :], other)
    for first in (0, 7, 33):
        alone = records("car", 16, CARS[2:3], first=first, replicates=5)
        for one, other in zip(whole, alone, strict=True):
            assert np.array_equal(one[..., 2:3, first : first + 5], other)


def test_threads_do_not_matter():
    settings = {"execution": [0.1, 0.6, 1.0], "misalignment": 0.9, "weeks": 300, "replicates": 3000}
    assert firmfate.simulate("firm", threads=1, **settings).identical(firmfate.simulate("firm", threads=2, **settings))


def test_values_of_a_firm_equal_values_of_a_cell():
    model = load_model("car")
    drawn = np.random.default_rng(0).uniform(size=(1, 40, 2))
    fields = np.array([model.fields.index("execution"), model.fields.index("misalignment")])
    mixed = records("car", 16, [{}], varying=Varying(fields, drawn))
    for i in range(40):
        row = {"execution": drawn[0, i, 0], "misalignment": drawn[0, i, 1]}
        for one, other in zip(mixed, records("car", 16, [row], first=i, replicates=1), strict=True):
            assert np.array_equal(one[..., i : i + 1], other)


def test_a_firm_whose_arithmetic_fails_touches_no_other():
    """A cash buffer near the largest number overflows in some firms; those end as invalid, all others as if they were
    alone."""
    alone = firmfate.simulate("firm", replicates=50, weeks=60)
    with pytest.warns(InvalidFirmsWarning, match=r"arithmetic of \d+ of 100 firms has failed.*replicate \d+ of cell 1"):
        both = firmfate.simulate("firm", parameters={"cash_buffer": [10.0, 1e308]}, replicates=50, weeks=60)
    failed = (both.cause[1] == INVALID).to_numpy()
    assert 0 < failed.sum() < 50
    assert np.isnan(both.event_week[1].to_numpy()[failed]).all()
    assert not np.isnan(both.event_week.to_numpy()[0]).any()
    assert both.isel(cell=[0]).drop_vars("cash_buffer").drop_attrs().equals(alone.drop_attrs())
    assert not (alone.cause == INVALID).any()
    for i in range(50):
        life = firmfate.simulate_path("firm", parameters={"cash_buffer": 1e308}, weeks=60, replicate=i)
        assert (life.attrs["cause"] == "invalid") == failed[i]


def test_common_random_numbers():
    cells = {"execution": [0.3, 0.3001], "misalignment": 0.5, "weeks": 520, "replicates": 400}
    common = firmfate.simulate("firm", **cells)
    apart = firmfate.simulate("firm", common_random_numbers=False, **cells)
    assert (common.event_week[0] == common.event_week[1]).mean() > 0.9
    assert (apart.event_week[0] == apart.event_week[1]).mean() < 0.5
    again = firmfate.simulate("firm", common_random_numbers=False, **{**cells, "execution": [0.3001, 0.3]})
    assert np.array_equal(again.event_week[1], apart.event_week[0]), "a cell's numbers follow its values, not its place"


def test_every_bit_of_a_cells_random_word_gives_other_firms():
    """The least and the greatest of either half of 64 bits among them."""
    words = [0, 1, 1 << 31, 1 << 32, 1 << 63]
    found = records("car", 16, [{}] * len(words), cells=words, replicates=100).event_step
    assert len({tuple(row) for row in found.tolist()}) == len(words)


@pytest.mark.parametrize("model", ["firm", "car"])
def test_the_compiled_count_takes_the_tables_of_the_register_in_their_order(model):
    taken = list(inspect.signature(Engine(load_model(model), dt=1.0)._module.count.py_func).parameters)
    assert taken[-len(COUNTED) :] == [counter.name for counter in COUNTED]


def test_counts_are_those_of_the_records():
    model = load_model("firm")
    engine = Engine(model, dt=0.5)
    table = np.array([[{**model.defaults, "unit_cost": c}[n] for n in model.fields] for c in (0.57, 0.62)])
    made = engine.run(table, key=3, cells=np.zeros(2, np.uint64), first=10, replicates=200, steps=600)
    counters = Counters.of(model, weeks=300, batches=8, horizons=2)
    tables = counters.empty(2)
    engine.count(made, tables, first=10, step_weeks=1, week_steps=2, horizons=np.array([200, 600]))
    counts = SimpleNamespace(**tables)
    week = np.ceil(made.event_step / 2).astype(int)
    batch = np.broadcast_to((10 + np.arange(200)) % 8, (2, 200))
    for cell in range(2):
        for cause in range(4):
            ended = made.cause[cell] == cause + 1
            assert np.array_equal(counts.events[cell, cause], np.bincount(week[cell][ended], minlength=301)[1:])
        died_alarmed = (made.cause[cell] == 1) & (made.alarm_step[cell] > 0)
        assert counts.alarms[cell, :, 1].sum() == died_alarmed.sum()
        warning = (made.event_step - made.alarm_step)[cell][died_alarmed].astype(np.int64)
        assert counts.warning_steps_sum[cell, :, 1].sum() == warning.sum()
        assert counts.warning_steps_sumsq[cell, :, 1].sum() == (warning**2).sum()
        early = died_alarmed & (made.alarm_step[cell] <= 26)
        assert counts.early_alarms[cell, :, 1].sum() == early.sum()
        green = np.bincount(made.marks[0, cell][died_alarmed], minlength=6)
        assert np.array_equal(counts.mark_count[cell, 0, 1], green)
        for b in range(8):
            assert counts.batch_firms[cell, b] == (batch[cell] == b).sum()
            assert counts.batch_lifetime[cell, b, 0] == np.minimum(made.event_step[cell][batch[cell] == b], 200).sum()
    assert counts.batch_events.sum() == counts.events.sum() == (made.cause > 0).sum()
