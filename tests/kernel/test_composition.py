"""Composing a model: users' models by the same door as ours, what is refused and how it is told, and that LLVM
vectorises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import firmfate
from firmfate.errors import ModelError
from firmfate.kernel.compose import digest
from firmfate.kernel.engine import Engine
from firmfate.kernel.sources import Sources
from firmfate.models import load_model

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
packed = len(re.findall(r"\\bv(?:add|mul|sub|div|sqrt|fn?m(?:add|sub)\\d+)pd\\b", assembly))
single = len(re.findall(r"\\bv?(?:add|mul|sub|div|sqrt|fn?m(?:add|sub)\\d+)sd\\b", assembly))
divisions = len(re.findall(r"\\bvdivpd\\b", assembly))
print(packed, single, divisions)
"""


@pytest.mark.parametrize(("model", "least"), [("car", 60), ("firm", 300)])
def test_llvm_vectorises_the_loops_over_lanes(tmp_path, model, least):
    """Compiled anew: LLVM says nothing of a loop it could not vectorise, and the arithmetic is packed."""
    made = subprocess.run(
        [sys.executable, "-c", COMPILE, model], capture_output=True, text=True, check=True,
        env={**os.environ, "FIRMFATE_CACHE_DIR": str(tmp_path)},
    )  # fmt: skip
    assert "not vectorized" not in made.stderr
    packed, _, divisions = (int(number) for number in made.stdout.split())
    assert packed > least
    assert divisions > 1


def test_llvm_warns_where_it_cannot_vectorise(tmp_path):
    """The negative control: a lane's work that nothing can vectorise makes LLVM say so."""
    program = textwrap.dedent("""
        import numpy as np
        from numba import njit
        from firmfate.kernel.lanes import over_lanes

        @njit(forceinline=True)
        def chain(lane, a):
            a[lane + 1] = np.sin(a[lane]) * a[lane + 1]
            return 0

        @njit
        def run(a):
            return over_lanes(chain, 16, 1, (a,))

        run(np.ones(32))
    """)
    path = tmp_path / "chain.py"
    path.write_text(program)
    made = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    assert "not vectorized" in made.stderr


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
