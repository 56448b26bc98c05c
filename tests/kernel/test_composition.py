"""Composing a model: users' models by the same door as ours, engines that are never stale, vector instructions, and
marks that are refused."""

from __future__ import annotations

import dataclasses
import gc
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import firmfate
from firmfate.errors import ModelError
from firmfate.kernel.compiler import collection_paused
from firmfate.kernel.compose import digest
from firmfate.models import load_model

HERE = Path(__file__).parent
TEXT = (HERE / "my_model.py").read_text()


def edited(folder: Path, old: str, new: str) -> str:
    assert old in TEXT
    path = folder / "my_model.py"
    path.write_text(TEXT.replace(old, new))
    return f"{path}:SHOP"


EDITS = {
    "a function that the step calls": ("return 0.3 * total", "return 0.31 * total"),
    "start": ('"savings": 5.0', '"savings": 6.0'),
    "what is constant for a cell": ("-p.dt / 10", "-p.dt / 11"),
    "a kind of random number": ('Normal("trade")', 'Uniform("trade")'),
    "the order of causes": (
        '(Cause("broke", "no savings are left"), Cause("fire", "the shop burns down"))',
        '(Cause("fire", "the shop burns down"), Cause("broke", "no savings are left"))',
    ),
}


@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=[pytest.mark.slow] if at else []) for at, what in enumerate(EDITS)]
)
def test_an_edited_model_is_never_stale(what, tmp_path):
    """Its engine is another, and so are its firms; a comment alone changes neither."""
    plain = load_model(f"{HERE / 'my_model.py'}:SHOP")
    other = load_model(edited(tmp_path, *EDITS[what]))
    assert digest(plain) != digest(other)
    settings = {"replicates": 200, "weeks": 300, "parameters": {"fires": 0.01}}
    assert not firmfate.simulate(plain, **settings).equals(firmfate.simulate(other, **settings))
    commented = load_model(edited(tmp_path, "def noise", "# A comment.\ndef noise"))
    assert digest(plain) == digest(commented)


def test_lanes_and_the_step_are_part_of_the_name():
    shop = load_model(f"{HERE / 'my_model.py'}:SHOP")
    assert len({digest(shop, 8), digest(shop, 16), digest(shop, 8, weekly=False)}) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("frim", "did you mean 'firm'"),
        ("nowhere.py:SHOP", "there is no file"),
        (f"{HERE / 'my_model.py'}:SHOPPE", "holds no firmfate Model named 'SHOPPE'; did you mean 'SHOP'"),
        (f"{HERE / 'test_composition.py'}:HERE", "holds no firmfate Model"),
    ],
)
def test_models_that_are_not_there(name, message):
    with pytest.raises(ModelError, match=re.escape(message)):
        load_model(name)


def test_a_model_without_a_file_is_refused():
    scope: dict = {}
    exec("def step(s, p, draw, shock, week):\n    return {}", scope)
    with pytest.raises(ModelError, match="write the model in a file"):
        dataclasses.replace(load_model("car"), name="typed", step=scope["step"])


COMPILE = """
import sys, re
from firmfate.kernel.engine import Engine
from firmfate.models import load_model
model = load_model(sys.argv[1])
engine = Engine(model, dt=1 / model.steps_per_week)
engine.warm_up()
assembly = next(iter(engine._module.run.inspect_asm().values()))
packed = len(re.findall(r"\\bv(?:add|mul|sub|div|sqrt|fn?m(?:add|sub)\\d+)pd\\b.*%[yz]mm", assembly))
single = len(re.findall(r"\\bv?(?:add|mul|sub|div|sqrt|fn?m(?:add|sub)\\d+)sd\\b", assembly))
divisions = len(re.findall(r"\\bvdivpd\\b.*%[yz]mm", assembly))
print(packed, single, divisions)
"""


@pytest.mark.slow
@pytest.mark.parametrize("model", ["car", "firm"])
def test_steps_and_draws_are_vector_instructions(tmp_path, model):
    """Compiled anew: what a step adds, multiplies and divides stands there for vectors."""
    made = subprocess.run(
        [sys.executable, "-c", COMPILE, model], capture_output=True, text=True, check=True,
        env={**os.environ, "FIRMFATE_CACHE_DIR": str(tmp_path)},
    )  # fmt: skip
    packed, _, divisions = (int(number) for number in made.stdout.split())
    program = load_model(model).program
    late = [
        node for node, stage in zip(program.graph.nodes, program.stages, strict=True) if stage.name in ("TIME", "STEP")
    ]
    counted = sum(node.operation in ("add", "sub", "mul", "div", "sqrt", "fma", "fms", "fnma") for node in late)
    assert divisions >= sum(node.operation == "div" for node in late)
    assert packed >= 0.95 * counted


@pytest.mark.slow
def test_a_step_for_one_lane_is_not(tmp_path):
    """The negative control: with one lane, and nobody to vectorise the loop over lanes, there is hardly any."""
    program = "from firmfate.kernel import compiler; compiler.vectors = lambda: (1, frozenset())\n" + COMPILE
    made = subprocess.run(
        [sys.executable, "-c", program, "car"], capture_output=True, text=True, check=True,
        env={**os.environ, "FIRMFATE_CACHE_DIR": str(tmp_path), "NUMBA_LOOP_VECTORIZE": "0"},
    )  # fmt: skip
    packed, single, divisions = (int(number) for number in made.stdout.split())
    assert packed < 0.2 * single
    assert divisions == 0


def test_a_second_process_finds_the_machine_code(tmp_path):
    program = (
        "from firmfate.kernel.engine import Engine; from firmfate.models import load_model;"
        "e = Engine(load_model('car'), dt=13.0); print(e.cached); e.warm_up();"
        "print(sum(e._module.run.stats.cache_hits.values()))"
    )
    env = {**os.environ, "FIRMFATE_CACHE_DIR": str(tmp_path)}
    printed = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
        ).stdout.split()
        for _ in range(2)
    ]
    assert printed == [["False", "0"], ["True", "1"]]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collection_of_garbage_is_paused_and_then_as_it_was(enabled):
    before, during = gc.isenabled(), []

    def fail() -> None:
        with collection_paused():
            during.append(gc.isenabled())
            raise KeyError

    try:
        gc.enable() if enabled else gc.disable()
        with pytest.raises(KeyError):
            fail()
        assert (during, gc.isenabled()) == ([False], enabled)
    finally:
        gc.enable() if before else gc.disable()


def test_an_engine_loads_no_linear_algebra_and_takes_it_from_nobody():
    program = """
import sys
import numba, numpy as np
from firmfate.kernel.engine import Engine
from firmfate.models import load_model
Engine(load_model("car"), dt=13.0).warm_up()
print("scipy.linalg" in sys.modules)
print(numba.njit(lambda a: a @ a)(np.array([[0.0, 1.0], [2.0, 0.0]]))[0, 0], "scipy.linalg" in sys.modules)
"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "2.0", "True"]


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("12.0", "FF120 model 'shop': step returned 12 as mark 'savings_left'; allowed: an integer from 0 to 9"),
        ("-1.0", "FF120 model 'shop': step returned .* as mark 'savings_left'; allowed: an integer from 0 to 9"),
        ("2.5", "FF120 model 'shop': step returned .* as mark 'savings_left'; allowed: an integer from 0 to 9"),
    ],
)
def test_marks_beyond_their_maximum_are_refused(tmp_path, mark, message):
    """Before they are counted: beyond the marks there is other memory."""
    model = load_model(edited(tmp_path, "min(9, max(0, int(10 * s.savings / 5)))", mark))
    with pytest.raises(ModelError, match=message):
        firmfate.simulate(model, replicates=100, weeks=100)

    def simulate_all() -> None:
        for replicate in range(100):
            firmfate.simulate_path(model, replicate=replicate, weeks=100)

    with pytest.raises(ModelError, match=message):
        simulate_all()


def test_a_model_names_at_most_254_causes():
    shop = load_model(f"{HERE / 'my_model.py'}:SHOP")
    with pytest.raises(ModelError, match="causes has 255 rows; allowed: 1 to 254"):
        dataclasses.replace(shop, causes=tuple(dataclasses.replace(shop.causes[0], name=f"c{i}") for i in range(255)))
