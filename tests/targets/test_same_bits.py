"""Other processors give the engine's bits: WebAssembly in node, AArch64 under qemu."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from llvmlite import ir
from tests.kernel import my_model
from tests.kernel.machine_code import same_bits, write_function
from tests.kernel.test_same_bits_everywhere import negated_sums, smaller_and_larger, smaller_by_other_tests
from tests.targets import arm, node
from tests.targets.asked import Found
from tests.targets.cases import asked, every_operation, random_programs

from firmfate.errors import ModelError
from firmfate.kernel import writer
from firmfate.models import load_model
from firmfate.program import interpreter
from firmfate.targets import object_file, wasm
from firmfate.targets.function import new_module, write_loop
from firmfate.targets.linking import linked
from firmfate.targets.lowering import optimised, target_machine
from firmfate.targets.web import FUSED, TRIPLE, WithoutFused

PROCESSORS = [
    pytest.param(node, id="wasm", marks=pytest.mark.skipif(node.NODE is None, reason="node is not installed")),
    pytest.param(
        arm, id="aarch64",
        marks=[
            pytest.mark.slow,
            pytest.mark.skipif(not (arm.COMPILER and arm.QEMU), reason="no compiler for AArch64, or no qemu-user"),
        ],
    ),
]  # fmt: skip


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
    program, inputs = every_operation()
    expected = interpreter.run(program, inputs)
    (found,) = processor.run_programs([program], inputs, tmp_path)
    # The bits of a NaN are left open.
    expected["bits"], found["bits"] = (
        np.where(np.isnan(inputs["stock.bits.0"]), 0, x["bits"]) for x in (expected, found)
    )
    assert [name for name in expected if not same_bits(found[name], expected[name])] == []


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("zeros", [smaller_and_larger, smaller_by_other_tests, negated_sums])
def test_a_zero_keeps_its_sign(processor, zeros, tmp_path: Path) -> None:
    program, inputs = zeros()
    expected = interpreter.run(program, inputs)
    (found,) = processor.run_programs([program], inputs, tmp_path)
    assert [name for name in expected if not same_bits(found[name], expected[name])] == []


MINIMUM = re.compile(r"\tf(?:min|max)\w*\t")
FUSED_INSTRUCTION = re.compile(r"\tf(?:n?m(?:add|sub)|ml[as])\t")


@pytest.mark.parametrize("model", [load_model("car"), my_model.SHOP], ids=["car", "shop"])
def test_aarch64_takes_no_minimum_and_fuses_what_the_program_does(model) -> None:
    machine = target_machine(arm.TRIPLE)
    made = new_module(model.name, arm.TRIPLE, machine)
    write_loop(model, made)
    lowered = optimised(str(made), machine)
    text = machine.emit_assembly(lowered)
    assert MINIMUM.findall(text) == []
    assert len(FUSED_INSTRUCTION.findall(text)) == str(lowered).count("call double @llvm.fma.f64(") > 0


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_aarch64_takes_no_minimum_of_several_firms(lanes: int) -> None:
    program, _ = smaller_and_larger()
    machine = target_machine(arm.TRIPLE)

    def assembly() -> str:
        made = new_module("programs", arm.TRIPLE, machine)
        write_function(made, "run", program, lanes, frozenset())
        text: str = machine.emit_assembly(optimised(str(made), machine))
        return text

    assert MINIMUM.findall(assembly()) == []
    with pytest.MonkeyPatch.context() as patched:  # the control
        patched.setattr(writer, "WITHOUT_MINIMUM", ("aarch64",))
        assert MINIMUM.findall(assembly()) != []


@pytest.mark.parametrize("triple", ["i686-linux-gnu", "riscv64-linux-gnu", "nonsense"])
def test_objects_of_other_architectures_are_refused(triple: str) -> None:
    with pytest.raises(ModelError, match="of no architecture whose bits are known"):
        object_file("car", triple)


@pytest.mark.parametrize("processor", PROCESSORS)
def test_random_programs(processor, tmp_path: Path) -> None:
    """Random functions by the rules, at ordinary and at special values."""
    made_of, inputs = random_programs()
    found = processor.run_programs(made_of, inputs, tmp_path)
    for i, (program, one) in enumerate(zip(made_of, found, strict=True)):
        for name, values in interpreter.run(program, inputs).items():
            assert same_bits(one[name], values), (i, name)


@pytest.mark.skipif(node.NODE is None, reason="node is not installed")
@pytest.mark.parametrize("name", ["firm", "shop"])
def test_relaxed_simd_has_the_same_bits_where_it_rounds_once(name: str, tmp_path: Path) -> None:
    model = my_model.SHOP if name == "shop" else load_model(name)
    if node.loaded(tmp_path, wasm(model, relaxed=True), flags=node.relaxed_flags()).startswith("-1"):
        pytest.skip("this processor or this node has no fused multiply-add in relaxed SIMD")
    found = node.run_model(model, asked(model), tmp_path, relaxed=True)
    assert found.differences(Found.of_engine(model, asked(model))) == []


@pytest.mark.skipif(node.NODE is None, reason="node is not installed")
def test_a_module_that_rounds_twice_or_is_not_known_is_passed_over(tmp_path: Path) -> None:
    machine = target_machine(TRIPLE)
    made = new_module("twice", TRIPLE, machine)
    write_loop(my_model.SHOP, made, WithoutFused)
    builder = ir.IRBuilder(made.globals[FUSED].append_basic_block())
    a, b, c = builder.function.args
    builder.ret(builder.fadd(builder.fmul(a, b), c))
    twice = linked(machine.emit_object(optimised(str(made), machine)), functions=("firmfate_run", FUSED), about={})
    exact = wasm("car")
    assert node.loaded(tmp_path, b"no module", twice, exact) == "2: car"
    assert node.loaded(tmp_path, twice) == "-1: no module that this engine runs to the right bits"
