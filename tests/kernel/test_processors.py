"""What follows from the processor, where everything stands in memory, and what an engine refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from firmfate.counts import INVALID, Counters
from firmfate.errors import ModelError
from firmfate.kernel import compiler, compose
from firmfate.kernel.engine import Engine, Records, refuse_mark, refuse_records
from firmfate.kernel.memory import Rows
from firmfate.kernel.schedule import ordered
from firmfate.models import load_model
from firmfate.program.layout import Layout
from firmfate.program.stages import Stage

SHOP = f"{Path(__file__).parent / 'my_model.py'}:SHOP"
CACHED = (compiler.processor, compiler.vectors, compose.usual_lanes, compose._kernel_digest)


@pytest.fixture
def fresh() -> Iterator[None]:
    """Nothing is known of the processor before, nor kept of another afterwards."""
    for function in CACHED:
        function.cache_clear()
    yield
    for function in CACHED:
        function.cache_clear()


@pytest.mark.skipif("x86" not in llvm.get_default_triple(), reason="names of other processors")
@pytest.mark.parametrize(
    ("name", "features", "registers", "made_use_of", "lanes"),
    [("skylake-avx512", "", 8, {"avx512"}, 24), ("haswell", "", 4, {"avx2"}, 16), ("sandybridge", "", 4, set(), 16),
     ("x86-64", "", 4, set(), 16), ("x86-64", "+avx2", 4, {"avx2"}, 16), ("haswell", "-avx2", 4, set(), 16)],
)  # fmt: skip
def test_registers_of_processors(
    fresh: None,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    features: str,
    registers: int,
    made_use_of: set[str],
    lanes: int,
) -> None:
    from numba.core import config

    monkeypatch.setattr(config, "CPU_NAME", name)
    monkeypatch.setattr(config, "CPU_FEATURES", features or None)
    assert compiler.processor() == (name, features)
    assert compiler.vectors() == (registers, frozenset(made_use_of))
    assert compose.usual_lanes() == lanes
    made = compose.pieces.__wrapped__(load_model("car"))
    assert (made.lanes, made.vector, made.together) == (lanes, registers, 3 if lanes == 24 else 2)
    assert f"W, VECTOR, TOGETHER = {lanes}, {registers}, {3 if lanes == 24 else 2}" in compose.source(load_model("car"))


def test_the_processor_at_hand_is_asked(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core import config

    monkeypatch.setattr(config, "CPU_NAME", None)
    monkeypatch.setattr(config, "CPU_FEATURES", None)
    assert compiler.processor()[0] == llvm.get_host_cpu_name()
    assert "+" in compiler.processor()[1] or "-" in compiler.processor()[1]
    compiler.processor.cache_clear()
    monkeypatch.setattr(config, "CPU_FEATURES", "+avx")
    assert compiler.processor() == (llvm.get_host_cpu_name(), "+avx")


def test_an_engine_is_named_for_all_that_it_depends_on(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    car, firm = load_model("car"), load_model("firm")
    names = {compose.digest(car), compose.digest(firm), compose.digest(car, 8), compose.digest(car, weekly=False)}
    assert len(names) == 4
    assert {len(name) for name in names} == {16}
    assert compose.digest(car, compose.usual_lanes()) == compose.digest(car)
    monkeypatch.setattr(compiler, "processor", lambda: ("another", ""))
    compose._kernel_digest.cache_clear()
    assert compose.digest(car, 8) not in names


def test_sources_are_hashed_by_what_stands_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "hashed_sources"
    package.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    seen = set()
    for name in ("__init__.py", "a.py", "b.py.in", "c.ll"):
        (package / name).write_text(f"# {name}")
        seen.add(compose.hash_of_sources("hashed_sources").hexdigest())
    assert len(seen) == 4
    (package / "notes.txt").write_text("")
    assert compose.hash_of_sources("hashed_sources").hexdigest() in seen
    (package / "c.ll").write_text("other")
    assert compose.hash_of_sources("hashed_sources").hexdigest() not in seen


def test_a_file_of_the_folder_appears_at_once(tmp_path: Path) -> None:
    compose.write_aside(tmp_path / "engine.py", b"one")
    compose.write_aside(tmp_path / "engine.py", b"two")
    assert [path.name for path in tmp_path.iterdir()] == ["engine.py"]
    assert (tmp_path / "engine.py").read_bytes() == b"two"


def test_the_folder_is_the_user_s_unless_another_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRMFATE_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = compose.cache_directory()
    assert folder.parts[-3:-1] == ("firmfate", "engines")
    assert folder.is_relative_to(tmp_path) or os.name != "posix"
    monkeypatch.setattr(compose.platform, "node", lambda: "")
    assert compose.cache_directory().name == "node"


def test_an_unfinished_file_may_go_while_the_folder_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone.part").touch()
    listed = list(tmp_path.iterdir())
    (tmp_path / "gone.part").unlink()
    monkeypatch.setattr(Path, "iterdir", lambda self: iter(listed))
    compose._refuse_others(tmp_path)


@pytest.mark.parametrize("model", ["car", "firm", SHOP])
def test_every_row_holds_one_thing(model: str) -> None:
    found = load_model(model)
    rows = Rows(Layout(found.program.given({"run.dt": 1.0})))
    nodes = rows.layout.program.graph.nodes
    assert rows.stocks == len(found.stock_fields)
    held = {row for place, row in rows.handed_on.items() if not str(nodes[place].data).startswith(("stock.", "time."))}
    assert held == set(range(rows.stocks, rows.marks))
    assert rows.steps - rows.marks == len(found.marks)
    assert [rows.alarm, rows.cause, rows.count] == [rows.steps + 1, rows.steps + 2, rows.steps + 3]
    for place, node in enumerate(nodes):
        if node.operation == "input" and str(node.data).startswith("stock."):
            assert rows.handed_on[place] == list(rows.layout.start).index(str(node.data)[len("stock.") :])
        if node.data == "time.step" and node.operation == "input":
            assert rows.handed_on[place] == rows.steps
    assert sorted(rows.shared.values()) == list(range(len(rows.layout.handed_on(Stage.RUN))))


def test_the_order_of_a_step_is_the_same_every_time() -> None:
    layout = Layout(load_model("firm").program)
    places = layout.worked_out(Stage.STEP, layout.wanted[Stage.STEP])
    assert ordered(layout.program.graph, places) == ordered(layout.program.graph, iter(places))
    assert ordered(layout.program.graph, []) == []


@pytest.mark.parametrize("lanes", [0, -8, 4, 12, 20])
def test_lanes_are_multiples_of_eight(lanes: int) -> None:
    with pytest.raises(ValueError, match=f"lanes = {lanes}; a positive multiple of 8"):
        Engine(load_model("car"), dt=13.0, lanes=lanes)


def test_records_have_a_mark_a_row_and_marks_beyond_their_maximum_are_refused() -> None:
    model = load_model("firm")
    records = Records.empty(model, 2, 3)
    assert [values.shape for values in records] == [(2, 3), (2, 3), (2, 3), (1, 2, 3)]
    assert [values.dtype.name for values in records] == ["int32", "uint8", "int32", "uint8"]
    for values in records:
        values[...] = 0
    assert list(records.named(model)) == ["event_step", "cause", "alarm_step", "green_kpis"]
    records.marks[0, 1, 2] = 5
    refuse_records(model, records)
    records.marks[0, 1, 2] = 6
    with pytest.raises(ModelError, match=r"^FF120 .*returned 6 as mark 'green_kpis'; allowed: an integer from 0 to 5"):
        refuse_records(model, records)
    records.cause[1, 2] = INVALID  # of a firm whose arithmetic has failed anything may stand there
    refuse_records(model, records)
    with pytest.raises(ModelError, match="returned a value below 0, above 254 or between integers as mark 'a'"):
        refuse_mark(model, "a", 255, 5)
    with pytest.raises(ModelError, match="returned 254 as mark 'a'"):
        refuse_mark(model, "a", 254, 5)


def test_one_firm_s_trajectory_ends_with_it() -> None:
    model = load_model("car")
    engine = Engine(model, dt=13.0)
    row = np.array([model.defaults[name] for name in model.fields])
    many = engine.run(row[np.newaxis], key=3, cells=np.zeros(1, np.uint64), first=0, replicates=40, steps=60)
    early = int(np.argmin(many.event_step[0]))
    assert 1 <= many.event_step[0, early] < 60
    for steps in (60, 2):
        path = engine.trace(row, key=3, cell=0, replicate=early, steps=steps)
        wanted = min(steps, int(many.event_step[0, early]))
        assert path.stocks.shape == (wanted, 1)
        assert path.records.event_step.tolist() == [[wanted]]
        assert np.isfinite(path.stocks).all()
    assert engine.cached
    assert engine.compiled
    assert engine.warm_up() < 5


def test_counts_of_cells_have_a_row_each_where_there_are_no_strata() -> None:
    model = load_model("car")
    engine = Engine(model, dt=13.0)
    rows = np.array([[(model.defaults | {"execution": e})[name] for name in model.fields] for e in (0.1, 0.9)])
    firms = engine.run(rows, key=3, cells=np.zeros(2, np.uint64), first=0, replicates=40, steps=8)
    tables = Counters.of(model, weeks=104, batches=4, horizons=1).empty(2)
    engine.count(firms, tables, first=0, step_weeks=13, week_steps=1, horizons=np.array([8]))
    ended = (firms.cause == 1).sum(axis=1)
    assert 0 < ended.min() < ended.max()
    assert tables["events"].sum(axis=(1, 2)).tolist() == ended.tolist()
    assert tables["batch_firms"].tolist() == [[10] * 4] * 2
