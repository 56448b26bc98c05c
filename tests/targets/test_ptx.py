"""Kernels for GPUs, without one: what their text may hold, and the engine's bits where the text is interpreted."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.devices.low_bits import LOW_BITS
from tests.kernel import my_model
from tests.kernel.machine_code import same_bits
from tests.kernel.test_same_bits_everywhere import negated_sums, smaller_and_larger, smaller_by_other_tests
from tests.program.examination import Case
from tests.targets import programs as rows
from tests.targets.asked import Asked
from tests.targets.cases import asked, every_operation, random_programs, special_inputs
from tests.targets.ptx_interpreter import BLOCK, Kernel

from firmfate import targets
from firmfate.counts import Counters
from firmfate.kernel import writer
from firmfate.kernel.engine import Engine, Records
from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.program import interpreter
from firmfate.program.program import Program
from firmfate.targets.device import COUNT, RUN

BATCHES = 8
ptx = cache(targets.ptx)
MODELS = {"firm": load_model("firm"), "car": load_model("car"), "shop": my_model.SHOP}
INSTRUCTION = re.compile(r"^\s+(?:@!?%p\d+ )?([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*)\s", re.M)


def ptxas() -> str | None:
    """Return NVIDIA's assembler: of the path, or of the package nvidia-cuda-nvcc."""
    found = shutil.which("ptxas")
    if found is None and (package := importlib.util.find_spec("nvidia")) is not None:
        for folder in package.submodule_search_locations or ():
            found = next((str(path) for path in Path(folder).glob("*/bin/ptxas")), found)
    return found


MINIMUM = re.compile(r"^\s+((?:min|max)\.f64) ", re.M)
"""Of two zeros it may be another than the program's. (Where it is only compared, as LLVM does with ``a < c or b < c``,
it is as good; no model here has one.)"""


def faults(text: str) -> list[str]:
    """Return instructions that would not do to every bit what the program says."""
    found = []
    for name in sorted(set(INSTRUCTION.findall(text))):
        parts = name.split(".")
        wrong = {"approx", "ftz", "full", "f32"} & set(parts) or parts[0] in (
            "call",
            "ex2",
            "lg2",
            "sin",
            "cos",
            "tanh",
        )
        rounds = parts[0] in ("add", "sub", "mul", "fma", "div", "rcp", "sqrt") and "f64" in parts
        if wrong or (rounds and "rn" not in parts):
            found.append(name)
    return [*found, *MINIMUM.findall(text)]


@pytest.mark.parametrize("name", MODELS)
def test_every_rounding_is_the_programs(name: str) -> None:
    """No approximation, nothing that the assembler may fuse, and as many fused operations as the program has."""
    text = ptx(MODELS[name])
    assert len(re.findall(r"\.visible \.entry firmfate_run\(", text)) == 1
    refuse_other_roundings(text, MODELS[name])


def refuse_other_roundings(text: str, model: Model) -> None:
    """Fail where a text has roundings that its model's program has not."""
    assert faults(text) == []
    written = Counter(INSTRUCTION.findall(text))
    operations = Counter(node.operation for node in model.program.graph.nodes)
    assert written["fma.rn.f64"] == operations["fma"] + operations["fms"] + operations["fnma"]
    assert 0 < written["div.rn.f64"] + written["rcp.rn.f64"] <= operations["div"]


def test_faults_are_seen() -> None:
    text = ptx(MODELS["car"])
    for sound, faulty in (
        ("div.rn.f64", "div.approx.f64"),
        ("mul.rn.f64", "mul.f64"),
        ("sqrt.rn.f64", "sqrt.rn.ftz.f64"),
    ):
        assert faults(text.replace(sound, faulty)) == [faulty], sound


def test_minimums_that_llvm_would_write_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "WITHOUT_MINIMUM", ("nvptx64",))
    program, inputs = smaller_and_larger()
    text = rows.kernel([program])
    assert set(faults(text)) == {"min.f64", "max.f64"}
    expected, (found,) = interpreter.run(program, inputs), outputs_of(text, [program], inputs)
    assert [name for name in expected if not same_bits(found[name], expected[name])] != []


def assembled(text: str, architecture: str, folder: Path) -> dict[str, str]:
    """Have NVIDIA's assembler make a kernel; return what it says of registers and spills, by kernel."""
    (folder / "kernel.ptx").write_text(text, encoding="utf-8")
    command = [str(ptxas()), "-v", f"-arch={architecture}", "kernel.ptx", "-o", "kernel.cubin"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (folder / "kernel.cubin").stat().st_size > 1000
    parts = re.split(r"Compiling entry function '(\w+)'", done.stderr)[1:]
    return {name: " ".join(said.split()) for name, said in zip(parts[::2], parts[1::2], strict=True)}


@pytest.mark.skipif(ptxas() is None, reason="no ptxas; the package nvidia-cuda-nvcc holds one")
def test_nvidias_assembler_takes_it(tmp_path: Path) -> None:
    assert set(assembled(ptx(MODELS["car"]), "sm_80", tmp_path)) == {RUN, COUNT}


def by_kernels(model: Model, asked: Asked, edit: Callable[[str], str] = lambda text: text) -> dict[str, np.ndarray]:
    """Return what the kernels' text makes of firms: records, and their counts."""
    text, cells, column = edit(ptx(model)), np.array([asked.cell], np.uint64), np.full(len(asked.row), -1, np.int32)
    records = Records.empty(model, 1, asked.count)
    given = [asked.row, column, np.zeros(0), 1, 0, asked.key, cells, asked.first, 1, asked.count, asked.steps, asked.dt]
    _, _, _, _, taken, *found = Kernel(text, RUN).launch([*given, np.zeros(1, np.uint64), *records], 2)
    assert taken[0] == asked.count + 2 * BLOCK  # each thread found once that there is no more
    counts = counters(model, asked).empty(1)
    sizes = counts["events"].shape[2], counts["batch_events"].shape[3], BATCHES, 2
    given = [*found, np.zeros(1, np.int64), 1, 1, asked.first, 1, asked.count, 1, 1, horizons(asked), *sizes]
    tables = Kernel(text, COUNT).launch([*given, *counts.values()], 1)[-len(counts) :]
    return {**dict(zip(Records._fields, found, strict=True)), **dict(zip(counts, tables, strict=True))}


def by_engine(model: Model, asked: Asked) -> dict[str, np.ndarray]:
    """Return what the engine makes of them."""
    engine = Engine(model, dt=asked.dt)
    records = engine.run(
        asked.row[None], key=asked.key, cells=np.array([asked.cell], np.uint64), first=asked.first,
        replicates=asked.count, steps=asked.steps,
    )  # fmt: skip
    counts = counters(model, asked).empty(1)
    engine.count(records, counts, first=asked.first, step_weeks=1, week_steps=1, horizons=horizons(asked))
    return {**records._asdict(), **counts}


def counters(model: Model, asked: Asked) -> Counters:
    return Counters.of(model, weeks=asked.steps, batches=BATCHES, horizons=2)


def horizons(asked: Asked) -> np.ndarray:
    return np.array([asked.steps // 3, asked.steps])


def different(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> list[str]:
    return [name for name, values in expected.items() if not np.array_equal(found[name], values)]


@pytest.mark.parametrize(("name", "count"), [("firm", 30), ("car", 50), ("shop", 60)])
def test_its_instructions_give_the_records_and_counts_of_the_engine(name: str, count: int) -> None:
    wanted = asked(MODELS[name])._replace(count=count)
    expected = by_engine(MODELS[name], wanted)
    assert len(set(expected["cause"].ravel().tolist())) > 1
    assert different(by_kernels(MODELS[name], wanted), expected) == []


def test_an_unfused_product_is_seen() -> None:
    fused = re.compile(r"fma\.rn\.f64 \t(%rd\d+), (\S+), (\S+), (\S+);")

    def edit(text: str) -> str:
        return fused.sub(r"mul.rn.f64 \t%rdx, \2, \3;\n\tadd.rn.f64 \t\1, %rdx, \4;", text)

    wanted = asked(LOW_BITS)._replace(count=40)
    assert "marks" in different(by_kernels(LOW_BITS, wanted, edit), by_kernels(LOW_BITS, wanted))


def run_programs(programs: Sequence[Program], inputs: Mapping[str, np.ndarray]) -> list[dict]:
    """Run programs on rows of inputs, a thread a row."""
    text = rows.kernel(programs)
    assert faults(text) == []
    return outputs_of(text, programs, inputs)


def outputs_of(text: str, programs: Sequence[Program], inputs: Mapping[str, np.ndarray]) -> list[dict]:
    """Interpret the text of a kernel."""
    table = rows.table(programs, inputs)
    out = np.zeros((len(table), rows.width(programs)))
    _, found = Kernel(text, "run").launch([table, out, len(table)], -(-len(table) // BLOCK))
    return rows.outputs(programs, found)


def test_every_operation_at_special_values() -> None:
    program, inputs = every_operation()
    expected = interpreter.run(program, inputs)
    (found,) = run_programs([program], inputs)
    nan = np.isnan(inputs["stock.bits.0"])  # whose bits are left open
    expected["bits"], found["bits"] = (np.where(nan, 0, x["bits"]) for x in (expected, found))
    assert [name for name in expected if not same_bits(found[name], expected[name])] == []


@pytest.mark.parametrize("zeros", [smaller_and_larger, smaller_by_other_tests, negated_sums])
def test_a_zero_keeps_its_sign(zeros) -> None:
    program, inputs = zeros()
    expected = interpreter.run(program, inputs)
    (found,) = run_programs([program], inputs)
    assert [name for name in expected if not same_bits(found[name], expected[name])] == []


SIGNS_OF_ZERO = 5243, 6772, 9385, 19709
"""Of the first 24,576 random programs those in which a GPU took -0 for smaller than 0."""


def test_programs_that_a_gpu_read_otherwise() -> None:
    inputs = special_inputs()
    programs = [Case.of(seed, exact=bool(seed % 2)).ruled for seed in SIGNS_OF_ZERO]
    for seed, program, one in zip(SIGNS_OF_ZERO, programs, run_programs(programs, inputs), strict=True):
        for name, values in interpreter.run(program, inputs).items():
            assert same_bits(one[name], values), (seed, name)


def test_random_programs() -> None:
    made_of, inputs = random_programs()
    for i, (program, one) in enumerate(zip(made_of, run_programs(made_of, inputs), strict=True)):
        for name, values in interpreter.run(program, inputs).items():
            assert same_bits(one[name], values), (i, name)
