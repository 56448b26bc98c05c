"""PTX without a GPU: a kernel's text as plain Python, instruction by instruction, one thread after the other.

Registers of 64 bits hold a number or a bit pattern, whichever was put there. Every rounding is exact; what an
instruction does follows NVIDIA's manual (Parallel Thread Execution ISA, chapter 9.7). An instruction that is not known
here is an error.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from firmfate.program import exact
from firmfate.program.python_code import fused

BLOCK = 32
"""Threads a block."""

WORD, HALF = 2**64 - 1, 2**32 - 1


def maximum(a: float, b: float) -> float:
    """Return the larger number: of a NaN and a number the number, and +0 before -0."""
    if a != a or b != b:
        return b if a != a else a
    return max(a, b, key=lambda x: (x, math.copysign(1.0, x)))


def minimum(a: float, b: float) -> float:
    """Return the smaller number, as `maximum`."""
    return -maximum(-a, -b)


def converted(x: float, lowest: int, highest: int) -> int:
    """Return a number towards zero, within bounds; 0 for NaN."""
    return 0 if x != x else int(min(max(x, lowest), highest))


def signed(word: int, bits: int) -> int:
    """Return a word as a signed integer."""
    return word - (1 << bits) if word >> (bits - 1) else word


NUMBERS = {
    "add.rn.f64": "{0} + {1}", "sub.rn.f64": "{0} - {1}", "mul.rn.f64": "{0} * {1}", "div.rn.f64": "divide({0}, {1})",
    "rcp.rn.f64": "divide(1.0, {0})", "sqrt.rn.f64": "sqrt({0})", "fma.rn.f64": "fma({0}, {1}, {2})",
    "neg.f64": "-{0}", "abs.f64": "abs({0})", "max.f64": "maximum({0}, {1})", "min.f64": "minimum({0}, {1})",
    "copysign.f64": "copysign({1}, {0})",
    "cvt.rmi.f64.f64": "floor({0})", "cvt.rpi.f64.f64": "ceil({0})", "cvt.rzi.f64.f64": "trunc({0})",
    "cvt.rzi.s32.f64": f"converted({{0}}, -2**31, 2**31 - 1) & {HALF}",
    "cvt.rzi.s64.f64": f"converted({{0}}, -2**63, 2**63 - 1) & {WORD}",
    "cvt.rzi.u16.f64": "converted({0}, 0, 2**16 - 1)",
    "setp.eq.f64": "{0} == {1}", "setp.lt.f64": "{0} < {1}", "setp.le.f64": "{0} <= {1}", "setp.gt.f64": "{0} > {1}",
    "setp.ge.f64": "{0} >= {1}", "setp.ne.f64": "{0} < {1} or {0} > {1}", "setp.neu.f64": "{0} != {1}",
    "setp.ltu.f64": "not {0} >= {1}", "setp.leu.f64": "not {0} > {1}", "setp.gtu.f64": "not {0} <= {1}",
    "setp.geu.f64": "not {0} < {1}", "setp.equ.f64": "not ({0} < {1} or {0} > {1})",
    "setp.num.f64": "{0} == {0} and {1} == {1}", "setp.nan.f64": "{0} != {0} or {1} != {1}",
}  # fmt: skip
"""Instructions whose operands are numbers."""

WORDS = {
    "add.s64": f"({{0}} + {{1}}) & {WORD}", "sub.s64": f"({{0}} - {{1}}) & {WORD}",
    "mul.lo.s64": f"({{0}} * {{1}}) & {WORD}",
    "mad.lo.s64": f"({{0}} * {{1}} + {{2}}) & {WORD}", "mad.lo.s32": f"({{0}} * {{1}} + {{2}}) & {HALF}",
    "mul.lo.s32": f"({{0}} * {{1}}) & {HALF}", "mul.hi.u64": "{0} * {1} >> 64", "neg.s64": f"-{{0}} & {WORD}",
    "mul.wide.s32": f"signed({{0}}, 32) * signed({{1}} & {HALF}, 32) & {WORD}",
    "div.u32": "{0} // {1}", "div.u64": "{0} // {1}", "rem.u32": "{0} % {1}", "rem.u64": "{0} % {1}",
    "min.u64": "min({0}, {1})",
    "mul.wide.u32": "{0} * {1}", "and.b64": "{0} & {1}", "or.b64": "{0} | {1}", "xor.b64": "{0} ^ {1}",
    "not.b64": f"{{0}} ^ {WORD}",
    "shl.b64": f"({{0}} << {{1}}) & {WORD} if {{1}} < 64 else 0", "shr.u64": "{0} >> {1}",
    "setp.eq.b64": "{0} == {1}", "setp.ne.b64": "{0} != {1}", "setp.ge.u32": "{0} >= {1}", "setp.le.u32": "{0} <= {1}",
    "setp.gt.u64": "{0} > {1}", "setp.le.u64": "{0} <= {1}", "setp.lt.u64": "{0} < {1}",
    "setp.eq.b16": "{0} == {1}", "setp.ne.b16": "{0} != {1}", "setp.lt.s32": "signed({0}, 32) < signed({1}, 32)",
    "setp.gt.s64": "signed({0}, 64) > signed({1}, 64)", "setp.lt.s64": "signed({0}, 64) < signed({1}, 64)",
    "cvt.u64.u32": "{0}", "cvt.u64.u16": "{0}", "cvt.u32.u64": f"{{0}} & {HALF}",
    "cvt.rn.f64.s32": "float(signed({0}, 32))", "cvta.to.global.u64": "{0}",
    "ld.param.b64": "{0}", "ld.param.b32": "{0}",
    "ld.global.b64": "load('<Q', {0})", "ld.global.b32": "load('<I', {0})", "ld.global.b8": "load('<B', {0})",
}  # fmt: skip
"""Instructions whose operands are words."""

PLAIN = {
    "and.pred": "{0} and {1}", "or.pred": "{0} or {1}", "xor.pred": "{0} != {1}", "not.pred": "not {0}",
    "mov.b64": "{0}", "mov.u32": "{0}", "mov.pred": "bool({0})",
    "selp.f64": "{0} if {2} else {1}", "selp.b64": "{0} if {2} else {1}",
    "selp.b32": "{0} if {2} else {1}", "selp.b16": "{0} if {2} else {1}",
}  # fmt: skip
"""Instructions that pass on what they are given."""

ATOMIC = {"atom.global.add.u64": f"({{0}} + {{1}}) & {WORD}", "atom.global.min.u64": "min({0}, {1})"}
"""What an atomic instruction puts in the place of the word that it finds."""

STORES = {"st.global.b64": ("<Q", WORD), "st.global.b32": ("<I", HALF), "st.global.b8": ("<B", 255)}


class Kernel:
    """A kernel.

    Parameters
    ----------
    text : str
        PTX.
    entry : str
        Which of its kernels.
    """

    def __init__(self, text: str, entry: str) -> None:
        self.memory = bytearray(64)
        self.symbols: dict[str, int] = {}
        for name, count, values in re.findall(r"^\.global .*?\.b8 (\S+)\[(\d+)\] = \{(.*)\};", text, re.M):
            self.symbols[name] = self.place(bytes(map(int, values.split(","))))
            assert len(values.split(",")) == int(count)
        head, _, body = text.partition(f".visible .entry {entry}(")[2].partition("\n}")[0].partition("{")
        self.parameters = re.findall(r"\.param \S+ (?:\.ptr \.align \d+ )?(\w+)", head)
        self.instructions = 0
        self._run = self._compiled(body)

    def place(self, data: bytes) -> int:
        """Put data into memory; return where."""
        self.memory += bytes(-len(self.memory) % 64)
        self.memory += data
        return len(self.memory) - len(data)

    def launch(self, arguments: Sequence[Any], blocks: int) -> list[np.ndarray]:
        """Run blocks of threads; return the arrays among the arguments, as they are then."""
        places, given = [], []
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                places.append((self.place(argument.tobytes()), argument))
                given.append(places[-1][0])
            else:
                given.append(argument)
        for thread in range(blocks * BLOCK):
            self._run(thread, blocks, self.memory, **dict(zip(self.parameters, given, strict=True)))
        return [
            np.frombuffer(self.memory, array.dtype, array.size, at).reshape(array.shape).copy() for at, array in places
        ]

    def _compiled(self, body: str) -> Any:
        lines = [f"def run(thread, blocks, memory, {', '.join(self.parameters)}):", "    block = -1", "    while True:"]
        lines.append("        if block == -1:")
        blocks = {label: i for i, label in enumerate(re.findall(r"^(\$\w+):", body, re.M))}
        for line in body.splitlines():
            line = line.partition("//")[0].strip()
            if line.endswith(":"):
                lines += [f"            block = {blocks[line[:-1]]}", f"        if block == {blocks[line[:-1]]}:"]
            elif line and line != "}" and not line.startswith("."):
                lines.append("            " + self._statement(line.rstrip(";"), blocks))
                self.instructions += 1
        scope: dict[str, Any] = {
            "load": lambda kind, at: struct.unpack_from(kind, self.memory, at)[0], "store": struct.pack_into,
            "divide": exact.divide, "fma": fused(), "bits": exact.bits, "number": exact.number, "maximum": maximum,
            "minimum": minimum, "copysign": math.copysign, "converted": converted, "signed": signed,
            **{name: exact.FUNCTIONS[name] for name in ("sqrt", "floor", "ceil", "trunc")},
        }  # fmt: skip
        exec("\n".join(lines), scope)
        return scope["run"]

    def _statement(self, line: str, blocks: Mapping[str, int]) -> str:
        guard = ""
        if line.startswith("@"):
            predicate, line = line[1:].split(None, 1)
            guard = f"if {'not ' if predicate[0] == '!' else ''}{predicate.lstrip('!%')}: "
        name, *rest = line.split(None, 1)
        operands = [part.strip() for part in rest[0].split(",")] if rest else []
        if name == "ret":
            return guard + "return"
        if name in ("bra", "bra.uni"):
            return f"{guard}block = {blocks[operands[0]]}; continue"
        name = name.replace("ld.global.nc", "ld.global")
        if name in STORES:
            kind, mask = STORES[name]
            return f"store({kind!r}, memory, {self._word(operands[0])}, {self._word(operands[1])} & {mask})"
        if name in ATOMIC:
            to, place, value = operands[0][1:], self._word(operands[1]), self._word(operands[2])
            put = ATOMIC[name].format(to, value)
            return f"{to} = load('<Q', {place}); store('<Q', memory, {place}, {put})"
        for table, read in ((NUMBERS, self._number), (WORDS, self._word), (PLAIN, self._plain)):
            if name in table:
                return f"{operands[0][1:]} = " + table[name].format(*map(read, operands[1:]))
        raise NotImplementedError(f"PTX: {line}")

    def _plain(self, operand: str) -> str:
        """Return an operand as Python writes it."""
        threads = {
            "%tid.x": f"thread % {BLOCK}",
            "%ctaid.x": f"thread // {BLOCK}",
            "%ntid.x": str(BLOCK),
            "%nctaid.x": "blocks",
        }
        if operand in threads:
            return threads[operand]
        if operand.startswith("0d"):
            return f"number(0x{operand[2:]})"
        if operand in self.symbols:
            return str(self.symbols[operand])
        if operand.startswith("["):
            base, _, offset = operand[1:-1].partition("+")
            return f"({self._word(base)} + {offset or 0})"
        if re.fullmatch(r"-?\d+", operand):
            return str(int(operand) & WORD)
        return operand.lstrip("%")

    def _number(self, operand: str) -> str:
        found = self._plain(operand)
        if found.startswith("number("):
            value = exact.number(int(operand[2:], 16))
            return f"({value!r})" if math.isfinite(value) else found
        return f"({found} if {found}.__class__ is float else number({found}))"

    def _word(self, operand: str) -> str:
        found = self._plain(operand)
        if not operand.startswith("%rd"):
            return found
        return f"(bits({found}) if {found}.__class__ is float else {found})"
