"""Composing a model: users' models by the same door as ours, what is refused and how it is told, and that LLVM
vectorises."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from math import ceil, fabs, floor, sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import firmfate
from firmfate.errors import ModelError
from firmfate.kernel.compose import digest
from firmfate.kernel.engine import Engine
from firmfate.kernel.sources import Sources
from firmfate.kernel.tracing import traceable
from firmfate.models import load_model

sys.path.insert(0, str(Path(__file__).parent))
from registers_in_use import LANES, applied

HERE = Path(__file__).parent
TEXT = (HERE / "my_model.py").read_text()


def edited(folder: Path, old: str, new: str) -> str:
    assert old in TEXT
    path = folder / "my_model.py"
    path.write_text(TEXT.replace(old, new))
    return f"{path}:SHOP"


def test_an_edited_model_is_never_stale(tmp_path):
    plain = load_model(f"{HERE / 'my_model.py'}:SHOP")
    seen = {digest(plain)}
    for i, (old, new) in enumerate(
        [
            ("return 0.3 * total", "return 0.31 * total"),  # a function that the step calls
            ("0.01 * draw.luck", "0.02 * draw.luck"),  # start
            ("-dt / 10", "-dt / 11"),  # settle
            ("trade: Annotated[float, NORMAL]", "trade: Annotated[float, UNIFORM]"),  # a kind of random number
        ]
    ):
        folder = tmp_path / str(i)
        folder.mkdir()
        seen.add(digest(load_model(edited(folder, old, new))))
    assert len(seen) == 5
    first = firmfate.simulate(plain, replicates=200, weeks=300)
    other = firmfate.simulate(load_model(f"{tmp_path / '0' / 'my_model.py'}:SHOP"), replicates=200, weeks=300)
    assert not first.equals(other)


def test_a_comment_moves_a_model_to_another_module_and_another_engine(tmp_path):
    """Machine code from the cache imports the module of its functions; a user's module is named by its text."""
    program = (
        "import sys, firmfate;print(float(firmfate.simulate(sys.argv[1], replicates=50, weeks=52).event_week.mean()))"
    )
    env = {**os.environ, "FIRMFATE_CACHE_DIR": str(tmp_path)}
    said = []
    for i, text in enumerate((TEXT, "# A comment.\n" + TEXT)):
        path = tmp_path / str(i) / "my_model.py"
        path.parent.mkdir()
        path.write_text(text)
        done = subprocess.run(
            [sys.executable, "-c", program, f"{path}:SHOP"], capture_output=True, text=True, check=True, env=env
        )
        said.append(done.stdout)
    assert said[0] == said[1]


def test_lanes_and_parameters_are_part_of_the_name():
    shop = load_model(f"{HERE / 'my_model.py'}:SHOP")
    assert digest(shop, 8) != digest(shop, 16)


POISON = [
    ("mood = k.town.fading * s.mood", "mood = k.town.fading ** s.mood", "calls pow"),
    (
        "mood = k.town.fading * s.mood",
        "mood = math.exp(k.town.fading) * s.mood",
        "use exp from firmfate.models.arithmetic",
    ),
    ("mood = k.town.fading * s.mood", "mood = math.log(k.town.fading) * s.mood", "move it to settle or start"),
    ("lost = 0.5 if", "if s.savings > 99:\n        raise ValueError\n    lost = 0.5 if", "cannot raise"),
    ("lost = 0.5 if", "while mood > 1:\n        mood -= 1\n    lost = 0.5 if", "depends on data"),
    ("lost = 0.5 if", "for i in range(int(mood)):\n        mood -= 1\n    lost = 0.5 if", "range of a constant"),
    ("lost = 0.5 if", "lost = [0.5, 0.1][0] if", "a list"),
    ("lost = 0.5 if", "lost = (0.5, 0.1)[int(mood)] if", "computed place"),
    ("lost = 0.5 if", "lost = {1: 2.0} if", "a table would be looked up"),
    ("lost = 0.5 if", "lost = sorted((0.5, 0.1)) if", "'sorted'"),
    ("lost = 0.5 if", "print('x')\n    lost = 0.5 if", "'print'"),
    ("lost = 0.5 if", "for i in range(3):\n        break\n    lost = 0.5 if", "cannot end early"),
    ("lost = 0.5 if", "for i in range(3):\n        continue\n    lost = 0.5 if", "cannot skip"),
    ("lost = 0.5 if", "for i in range(3):\n        return s, 0, False, (0,)\n    lost = 0.5 if", "cannot return"),
    ("lost = 0.5 if", "import math as m\n    lost = m.sqrt(0.25) if", "import at the head"),
    ("lost = 0.5 if", "def inner(x):\n        return x\n    lost = 0.5 if", "not within it"),
]


@pytest.mark.parametrize(("old", "new", "told"), POISON, ids=[told for _, _, told in POISON])
def test_what_ruins_vectorisation_is_told_with_its_line(tmp_path, old, new, told):
    model = load_model(edited(tmp_path, old, new))
    line = next(
        i
        for i, text in enumerate((tmp_path / "my_model.py").read_text().splitlines(), 1)
        if text != TEXT.splitlines()[i - 1]
    )
    with pytest.raises(ModelError, match=re.escape(told)) as refusal:
        Engine(model)
    named = int(re.search(r"line (\d+)", str(refusal.value))[1])
    assert abs(named - line) <= 1
    assert "my_model.py" in str(refusal.value)


def test_built_in_models_pass_their_own_examination():
    for name in ("firm", "car"):
        Sources.of(load_model(name)).check()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("frim", "did you mean 'firm'"),
        ("nowhere.py:SHOP", "there is no file"),
        (f"{HERE / 'my_model.py'}:SHOPPE", "holds no firmfate Model named 'SHOPPE'"),
        (f"{HERE / 'test_composition.py'}:HERE", "holds no firmfate Model"),
    ],
)
def test_models_that_are_not_there(name, told):
    with pytest.raises(ModelError, match=re.escape(told)):
        load_model(name)


def test_a_model_without_a_file_is_told():
    scope: dict = {}
    exec("def step(s, shock, k, t, week):\n    return s, 0, False, ()", scope)
    from dataclasses import replace

    with pytest.raises(ModelError, match="write the model in a file"):
        Engine(replace(load_model("car"), name="typed", step=scope["step"]))


COMPILE = """
import sys, re
from firmfate.kernel.engine import Engine
from firmfate.models import load_model
engine = Engine(load_model(sys.argv[1]))
engine.warm_up()
assembly = next(iter(engine._module.run.inspect_asm().values()))
packed = len(re.findall(r"\\bv(?:add|mul|sub|div|sqrt|fn?m(?:add|sub)\\d+)pd\\b.*%[yz]mm", assembly))
single = len(re.findall(r"\\bv?(?:add|mul|sub|div|sqrt|fn?m(?:add|sub)\\d+)sd\\b", assembly))
divisions = len(re.findall(r"\\bvdivpd\\b.*%[yz]mm", assembly))
print(packed, single, divisions)
"""


@pytest.mark.parametrize("model", ["car", "firm"])
def test_steps_and_draws_are_vector_instructions(tmp_path, model):
    """Compiled anew: what a step adds, multiplies and divides stands there for vectors."""
    made = subprocess.run(
        [sys.executable, "-c", COMPILE, model], capture_output=True, text=True, check=True,
        env={**os.environ, "FIRMFATE_CACHE_DIR": str(tmp_path)},
    )  # fmt: skip
    packed, _, divisions = (int(number) for number in made.stdout.split())
    traced = trace_of(load_model(model))
    assert divisions >= traced.count("fdiv")
    assert packed > 0.8 * sum(traced.count(name) for name in ("fadd", "fsub", "fmul"))


def test_a_step_for_one_lane_is_not(tmp_path):
    """The negative control: with one lane, and nobody to vectorise the loop over lanes, there is hardly any."""
    program = "from firmfate.kernel import compiler; compiler.vector_lanes = lambda: 1" + COMPILE
    made = subprocess.run(
        [sys.executable, "-c", program, "car"], capture_output=True, text=True, check=True,
        env={**os.environ, "FIRMFATE_CACHE_DIR": str(tmp_path), "NUMBA_LOOP_VECTORIZE": "0"},
    )  # fmt: skip
    packed, single, divisions = (int(number) for number in made.stdout.split())
    assert packed < 0.2 * single
    assert divisions == 0


def trace_of(model):
    """Return the instructions that a model's step is traced into, as text."""
    from firmfate.kernel.stepping import rehearse

    return str(rehearse(model))


class Pair(NamedTuple):
    low: float
    high: float


def sign(x):
    if x > 0.0:
        return 1.0
    if x < 0.0:
        return -1.0
    return 0.0


def ordered(x, y):
    return Pair(x, y) if x <= y else Pair(y, x)


def bounded(x, low=-1.0, *, high=1.0):
    return min(high, max(low, x))


def tangled(x, y):
    """Every way to decide that a step may use."""
    total, kept = 0.0, y
    if x > y and not (y < -1.0 or x == 2.0):
        kept = x
        if -0.5 < x <= 0.5:
            kept += 10.0
        total = kept * 2
    elif y:
        total = -kept
    else:
        pass
    for i in range(3):
        if total < i:
            total = total + abs(x) ** 2
        else:
            total -= y**3 / 4
    for value in (x, y):
        total += sign(value) * (value if value > 0.25 else 0.25)
    late: float = 7 if x < -1.5 else sqrt(fabs(x)) + floor(y) - ceil(x)
    low, high = ordered(x, y)
    if high - low > 1.0:
        return total + late, int(4 * x), high % 0.75, bool(x > 0) + (y // 0.5)
    total = bounded(total, -8.0, high=8)
    return total + ((x and y) or 3.0), kept, bounded(low), max(x, y, 0.1)


@pytest.mark.parametrize("lanes", LANES)
def test_a_traced_function_decides_as_python_does(lanes):
    """On numbers of every sign, on ties and on NaN: the same values lane by lane, to the last bits."""
    values = [*np.round(np.random.default_rng(3).uniform(-2, 2, 400), 2), 0.0, -0.0, 0.5, -0.5, 2.0, np.nan]
    x, y = (np.array(v) for v in zip(*[(a, b) for a in values[::7] for b in values[::5]], strict=True))
    sources = {function.call: function for function in Sources.reached_from("test", tangled)}
    found = applied(lambda a, b: [a.like(value) for value in traceable(tangled, sources)(a, b)], lanes, x, y)
    whole = np.isfinite(x) & np.isfinite(y)
    expected = np.array([tangled(a, b) for a, b in zip(x[whole].tolist(), y[whole].tolist(), strict=True)]).T
    np.testing.assert_allclose(np.array(found)[:, whole], expected, rtol=1e-14, atol=1e-14)
    assert np.isnan(found[0][np.isnan(x) & (y > 0)]).all(), "NaN is carried on"


def test_what_only_tracing_finds_is_told_with_its_line(tmp_path):
    """A step whose faults no rule foresees: a member that is not there, too few stocks."""
    for old, new, told in (
        ("k.town.fading * s.mood", "k.town.fadinggg * s.mood", "fadinggg"),
        ("(min(9, max(0, int(10 * s.savings / 5))),)", "()", "0 marks"),
        ("lost = 0.5 if", "if mood > 1.0:\n        odd = 0.5\n    lost = odd if", "'odd' is used here, but not set"),
        ("lost = 0.5 if", "if mood > 1.0:\n        one = 0.5\n    lost = 2.0 * one if", "'one' is used here, but not"),
    ):
        folder = tmp_path / re.sub(r"\W", "", told)
        folder.mkdir()
        with pytest.raises(ModelError, match=told) as refusal:
            Engine(load_model(edited(folder, old, new)))
        assert "Traceback" not in str(refusal.value)


def test_a_second_process_finds_the_machine_code(tmp_path):
    program = (
        "import sys; from firmfate.kernel.engine import Engine; from firmfate.models import load_model;"
        "e = Engine(load_model('car')); print(e.cached); e.warm_up();"
        "print(sum(e._module.run.stats.cache_hits.values()))"
    )
    env = {**os.environ, "FIRMFATE_CACHE_DIR": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["False", "0"], ["True", "1"]]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("cause = 2", "cause = 7", "step returned cause 7; allowed: 0 = lives on, 1 = broke, 2 = fire"),
        ("cause = 2", "cause = 258", "step returned .*cause .*; allowed: 0 = lives on, 1 = broke, 2 = fire"),
        ("cause = 2", "cause = -1", "step returned .*cause .*; allowed: 0 = lives on, 1 = broke, 2 = fire"),
        ("cause = 2", "cause = 1.5", "step returned .*cause .*; allowed: 0 = lives on, 1 = broke, 2 = fire"),
        ("min(9, max(0, int(10 * s.savings / 5)))", "12.0", "step returned 12 as mark 'savings_left'; allowed: 0 to 9"),
        ("min(9, max(0, int(10 * s.savings / 5)))", "-1.0", "step returned .* as mark 'savings_left'; allowed: 0 to 9"),
    ],
)
def test_causes_and_marks_that_the_model_does_not_name_are_refused(tmp_path, old, new, told):
    """Before they are counted: beyond the causes and marks there is somebody else's memory."""
    model = load_model(edited(tmp_path, old, new))
    with pytest.raises(ModelError, match=f"model 'shop': {told}"):
        firmfate.simulate(model, parameters={"fires": 0.1}, replicates=100, weeks=100)

    def live_all() -> None:
        for replicate in range(100):
            firmfate.simulate_path(model, parameters={"fires": 0.1}, replicate=replicate, weeks=100)

    with pytest.raises(ModelError, match=f"model 'shop': {told}"):
        live_all()


def test_a_model_names_at_most_253_causes():
    shop = load_model(f"{HERE / 'my_model.py'}:SHOP")
    with pytest.raises(ModelError, match="model 'shop' names 254 causes; at most 253"):
        dataclasses.replace(shop, causes=shop.causes[:1] * 254)
