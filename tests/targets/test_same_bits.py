"""Other processors give the engine's bits: WebAssembly in node, AArch64 under qemu."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.kernel import my_model
from tests.kernel.machine_code import same_bits
from tests.kernel.test_same_bits_everywhere import SPECIAL, arguments
from tests.program.examination import columns, points
from tests.program.random_functions import Writer, made, programs
from tests.targets import arm, node
from tests.targets.asked import Asked, Found

from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.program import interpreter
from firmfate.program.graph import Graph
from firmfate.program.operations import OPERATIONS
from firmfate.program.program import Program
from firmfate.program.values import Value

PROCESSORS = [
    pytest.param(node, id="wasm", marks=pytest.mark.skipif(node.NODE is None, reason="node is not installed")),
    pytest.param(
        arm, id="aarch64",
        marks=pytest.mark.skipif(not (arm.COMPILER and arm.QEMU), reason="no compiler for AArch64, or no qemu-user"),
    ),
]  # fmt: skip
SWEPT = {"execution": 0.9, "misalignment": 0.8, "margin": -0.02}


def asked(model: Model, *, dt: float = 1.0) -> Asked:
    """Return 1,000 firms at values at which they end by several causes; words of 64 bits that use all of them."""
    row = np.array([SWEPT.get(name.partition("_")[0], value) for name, value in model.defaults.items()])
    return Asked(row, 0xFEDCBA9876543210, 0x123456789ABCD000, 2**40 + 5, 1000, 520, dt)


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize(("name", "dt"), [("firm", 1.0), ("firm", 0.5), ("car", 1.0), ("shop", 1.0)])
def test_a_thousand_firms_are_those_of_the_engine(processor, name: str, dt: float, tmp_path: Path) -> None:
    model = my_model.SHOP if name == "shop" else load_model(name)
    expected = Found.of_engine(model, asked(model, dt=dt))
    assert len(set(expected.cause.tolist())) > 1
    found = processor.run_model(model, asked(model, dt=dt), tmp_path)
    assert found.differences(expected) == []


@pytest.mark.parametrize("processor", PROCESSORS)
def test_a_constant_that_is_off_by_its_last_bit_is_seen(processor, tmp_path: Path) -> None:
    text = Path(my_model.__file__).read_text(encoding="utf-8")
    assert text.count("0.1 * shock.town") == 1
    (tmp_path / "edited.py").write_text(text.replace("0.1 * shock", f"{float(np.nextafter(0.1, 1.0))!r} * shock"))
    edited = load_model("edited.py:SHOP", beside=tmp_path)
    found = processor.run_model(edited, asked(edited), tmp_path)
    assert "last" in found.differences(Found.of_engine(my_model.SHOP, asked(my_model.SHOP)))


@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_operation_at_special_values(processor, tmp_path: Path) -> None:
    graph, inputs, outputs = Graph(), {}, {}
    rng = np.random.default_rng(3)
    for operation in OPERATIONS:
        takes = OPERATIONS[operation].takes
        given = [Value(graph, graph.input(f"stock.{operation}.{i}", kind)) for i, kind in enumerate(takes)]
        outputs[operation] = given[0].make(operation, *given)
        inputs |= {name.replace("stock.", f"stock.{operation}."): x for name, x in arguments(operation, rng).items()}
    size = max(map(len, inputs.values()))
    inputs = {name: np.resize(values, size) for name, values in inputs.items()}
    program = Program.as_written(outputs)
    expected = interpreter.run(program, inputs)
    (found,) = processor.run_programs([program], inputs, tmp_path)
    # The bits of a NaN are left open.
    expected["bits"], found["bits"] = (
        np.where(np.isnan(inputs["stock.bits.0"]), 0, x["bits"]) for x in (expected, found)
    )
    assert [name for name in expected if not same_bits(found[name], expected[name])] == []


@pytest.mark.parametrize("processor", PROCESSORS)
def test_random_programs(processor, tmp_path: Path) -> None:
    """Random functions by the rules, at ordinary and at special values."""
    made_of = [programs(made(Writer(9000 + i, 3 + i % 6, exact=False).function(), f"target {i}"))[1] for i in range(48)]
    inputs = columns([*points(5), *[tuple(x) for x in np.random.default_rng(5).choice(SPECIAL, (40, 4))]])
    found = processor.run_programs(made_of, inputs, tmp_path)
    for i, (program, one) in enumerate(zip(made_of, found, strict=True)):
        for name, values in interpreter.run(program, inputs).items():
            assert same_bits(one[name], values), (i, name)
