"""Programs as LLVM instructions, for one lane or for several side by side.

Every operation becomes what is rounded as it is; no flag lets the compiler do more. Where a processor has an
instruction for what others do in several (tables of AVX-512, gathers of AVX2, scaling by a power of two), it is used,
and gives the same bits.
"""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from llvmlite import ir

from firmfate.program.graph import Graph, Node, from_pattern
from firmfate.program.operations import FLAG as FLAG_KIND
from firmfate.program.operations import NUMBER as NUMBER_KIND

DOUBLE, WORD, FLAG, INT, BYTE = ir.DoubleType(), ir.IntType(64), ir.IntType(1), ir.IntType(32), ir.IntType(8)
KINDS = {NUMBER_KIND: DOUBLE, "word": WORD, FLAG_KIND: FLAG}
LOW_HALF = 0xFFFF_FFFF

ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
INTRINSICS = {"abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc"}
COMPARISONS = {"lt": "<", "le": "<="}
LOGICAL = {"both": "and_", "either": "or_", "differ": "xor", "wand": "and_", "wor": "or_", "wxor": "xor",
           "wadd": "add", "wshl": "shl", "wshr": "lshr"}  # fmt: skip

WITHOUT_MINIMUM = "x86_64", "wasm32"
"""Processors for which LLVM writes a choice of the smaller as one (``f64.select``), or whose own minimum of two zeros
is the second, as that of a choice is (``minsd``)."""
NEGATES_LAST = "x86_64", "wasm32", "nvptx64"
"""Processors for which LLVM negates a fused multiply-add after it, or has no instruction for both."""


def wide(kind: Any, lanes: int) -> Any:
    """Return the type of so many lanes of a kind; one lane is a scalar."""
    return kind if lanes == 1 else ir.VectorType(kind, lanes)


class Writer:
    """Writes values of a graph as instructions.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
    lanes : int
    features : frozenset of str
        Of the processor: ``avx512`` and ``avx2`` change how tables and powers of two are written.
    """

    def __init__(self, builder: Any, lanes: int, features: frozenset[str] = frozenset()) -> None:
        self.builder = builder
        self.lanes = lanes
        self.features = features

    def constant(self, kind: Any, value: float) -> Any:
        """Return the same value in every lane."""
        return ir.Constant(wide(kind, self.lanes), value if self.lanes == 1 else [value] * self.lanes)

    def spread(self, value: Any) -> Any:
        """Return one value in every lane."""
        if self.lanes == 1:
            return value
        empty = ir.Constant(wide(value.type, self.lanes), ir.Undefined)
        first = self.builder.insert_element(empty, value, ir.Constant(INT, 0))
        return self.builder.shuffle_vector(first, first, self.constant(INT, 0))

    def load(self, pointer: Any, kind: str) -> Any:
        """Load a value of every lane from where a pointer to float64 points; flags are stored as 0 and 1."""
        stored = DOUBLE if kind == FLAG_KIND else KINDS[kind]
        typed = self.builder.bitcast(pointer, wide(stored, self.lanes).as_pointer())
        value = self.builder.load(typed, align=8)
        return self.builder.fcmp_unordered("!=", value, self.constant(DOUBLE, 0.0)) if kind == FLAG_KIND else value

    def store(self, value: Any, pointer: Any) -> None:
        """Store a value of every lane."""
        if value.type == wide(FLAG, self.lanes):
            value = self.builder.select(value, self.constant(DOUBLE, 1.0), self.constant(DOUBLE, 0.0))
        self.builder.store(value, self.builder.bitcast(pointer, value.type.as_pointer()), align=8)

    def flags(self, value: Any) -> Any:
        """Return flags as the low bits of one word, lane 0 first."""
        packed = value if self.lanes == 1 else self.builder.bitcast(value, ir.IntType(self.lanes))
        return self.builder.zext(packed, WORD)

    def call(self, name: str, *arguments: Any, gives: Any = None) -> Any:
        """Return what an LLVM intrinsic makes of values, numbers if not said; a short name gets prefix and suffix."""
        if not name.startswith("llvm."):
            name = f"llvm.{name}.v{self.lanes}f64" if self.lanes > 1 else f"llvm.{name}.f64"
        signature = ir.FunctionType(gives or wide(DOUBLE, self.lanes), [argument.type for argument in arguments])
        module = self.builder.module
        function = module.globals.get(name) or ir.Function(module, signature, name)
        return self.builder.call(function, arguments)

    def node(self, node: Node, arguments: Sequence[Any]) -> Any:
        """Return the value of a node, given its arguments."""
        builder, operation = self.builder, node.operation
        if operation == "constant":
            assert isinstance(node.data, int)
            return self.constant(KINDS[node.kind], from_pattern(node.data) if node.kind == NUMBER_KIND else node.data)
        if operation in ARITHMETIC:
            return getattr(builder, ARITHMETIC[operation])(*arguments)
        if operation in INTRINSICS:
            return self.call(INTRINSICS[operation], *arguments)
        if operation in COMPARISONS:
            return self.compared(COMPARISONS[operation], *arguments)
        if operation in LOGICAL:
            return getattr(builder, LOGICAL[operation])(*arguments)
        special: Callable[..., Any] = getattr(self, f"_{operation}")
        return special(node, *arguments)

    def _eq(self, node: Node, a: Any, b: Any) -> Any:
        return self.builder.fcmp_ordered("==", a, b)

    def _neg(self, node: Node, a: Any) -> Any:
        return self.builder.fneg(a)

    def _fma(self, node: Node, a: Any, b: Any, c: Any) -> Any:
        return self._fused(a, b, c)

    def _fms(self, node: Node, a: Any, b: Any, c: Any) -> Any:
        return self._fused(a, b, self.builder.fneg(c))

    def _fnma(self, node: Node, a: Any, b: Any, c: Any) -> Any:
        return self._fused(self.builder.fneg(a), b, c)

    def _fused(self, a: Any, b: Any, c: Any) -> Any:
        """Return a b + c, rounded once.

        LLVM would make its negative AArch64's ``fnmadd``, which is 0 and not -0 where the terms cancel. So it is behind
        a fence, of another type than those of `compared`: a fence in a fence would be one.
        """
        found = self.call("fma", a, b, c)
        if self._is_for(*NEGATES_LAST):
            return found
        halves = ir.VectorType(ir.FloatType(), 2 * self.lanes)
        name = f"llvm.arithmetic.fence.v{halves.count}f32"
        return self.builder.bitcast(self.call(name, self.builder.bitcast(found, halves), gives=halves), found.type)

    def _choose(self, node: Node, flag: Any, this: Any, other: Any) -> Any:
        return self.builder.select(flag, this, other)

    def compared(self, sign: str, a: Any, b: Any) -> Any:
        """Return whether a comparison, ``<`` or ``<=``, holds; false where a value is NaN.

        Where the smaller or larger of what is compared is chosen, LLVM would write the processor's own minimum or
        maximum, which takes -0 for smaller than 0 on AArch64 and in PTX, so that the sign of a zero may be another.
        One value is compared behind a fence then, which is no instruction: nothing that is chosen is what is compared.
        """
        if not self._is_for(*WITHOUT_MINIMUM):
            a, b = (a, self._fenced(b)) if isinstance(a, ir.Constant) else (self._fenced(a), b)
        return self.builder.fcmp_ordered(sign, a, b)

    def _fenced(self, value: Any) -> Any:
        return self.call("arithmetic.fence", value)

    def _is_for(self, *processors: str) -> bool:
        triple: str = self.builder.module.triple
        return triple.startswith(processors)

    def _not(self, node: Node, a: Any) -> Any:
        return self.builder.xor(a, self.constant(FLAG, 1))

    def _set(self, node: Node, a: Any) -> Any:
        return self.builder.icmp_unsigned("!=", a, self.constant(WORD, 0))

    def _bits(self, node: Node, a: Any) -> Any:
        return self.builder.bitcast(a, wide(WORD, self.lanes))

    def _number(self, node: Node, a: Any) -> Any:
        return self.builder.bitcast(a, wide(DOUBLE, self.lanes))

    def _wmul(self, node: Node, a: Any, b: Any) -> Any:
        low = self.constant(WORD, LOW_HALF)
        return self.builder.mul(self.builder.and_(a, low), self.builder.and_(b, low))

    def _scale(self, node: Node, m: Any, k: Any, word: Any) -> Any:
        builder = self.builder
        if self._has("avx512"):
            every, nearest = ir.Constant(BYTE, -1), ir.Constant(INT, 4)
            return self.call("llvm.x86.avx512.mask.scalef.pd.512", m, k, m, every, nearest)

        def added(exponent: Any) -> Any:
            return self._number(node, builder.add(self._bits(node, m), builder.shl(exponent, self.constant(WORD, 52))))

        def where(sign: str, bound: float, this: Any, other: Any) -> Any:
            return builder.select(builder.fcmp_ordered(sign, k, self.constant(DOUBLE, bound)), this, other)

        whole = builder.lshr(word, self.constant(WORD, 4))
        # Below the normal numbers: 600 binary orders too large, and back by a product, which rounds.
        raised = added(builder.add(whole, self.constant(WORD, 600)))
        small = where("<", -1100.0, self.constant(DOUBLE, 0.0), builder.fmul(raised, self.constant(DOUBLE, 2.0**-600)))
        found = where("<", -1022.0, small, added(whole))
        return where(">=", 1024.0, self.constant(DOUBLE, float("inf")), found)

    def _has(self, feature: str) -> bool:
        return feature in self.features and self.lanes == {"avx512": 8, "avx2": 4}[feature]

    def _lookup(self, node: Node, place: Any) -> Any:
        assert isinstance(node.data, tuple)
        entries = [from_pattern(entry) for entry in node.data]
        if self._has("avx512") and len(entries) <= 16:
            entries = (entries * 16)[:16] if len(entries) < 16 else entries
            low, high = (ir.Constant(wide(DOUBLE, 8), half) for half in (entries[:8], entries[8:]))
            return self.call("llvm.x86.avx512.vpermi2var.pd.512", low, place, high)
        table = self._table(node, entries)
        place = self.builder.and_(place, self.constant(WORD, len(entries) - 1))
        if self._has("avx512") or self._has("avx2"):
            return self._gathered(table, place)
        if self.lanes == 1:
            return self.builder.load(self.builder.gep(table, [WORD(0), place]))
        found = ir.Constant(wide(DOUBLE, self.lanes), ir.Undefined)
        for lane in range(self.lanes):
            at = self.builder.extract_element(place, ir.Constant(INT, lane))
            one = self.builder.load(self.builder.gep(table, [WORD(0), at]))
            found = self.builder.insert_element(found, one, ir.Constant(INT, lane))
        return found

    def _table(self, node: Node, entries: Sequence[float]) -> Any:
        module = self.builder.module
        name = f"table.{abs(hash(node.data)):x}"
        found = module.globals.get(name)
        if found is None:
            kind = ir.ArrayType(DOUBLE, len(entries))
            found = ir.GlobalVariable(module, kind, name)
            found.initializer, found.global_constant, found.linkage = ir.Constant(kind, entries), True, "internal"
            found.align = 64
        return found

    def _gathered(self, table: Any, place: Any) -> Any:
        base = self.builder.bitcast(table, BYTE.as_pointer())
        zero, eight = self.constant(DOUBLE, 0.0), ir.Constant(BYTE, 8)
        if self.lanes == 4:
            every = self.builder.bitcast(self.constant(WORD, -1), wide(DOUBLE, 4))
            return self.call("llvm.x86.avx2.gather.q.pd.256", zero, base, place, every, eight)
        every = ir.Constant(ir.VectorType(FLAG, 8), [1] * 8)
        return self.call("llvm.x86.avx512.mask.gather.qpd.512", zero, base, place, every, eight)


class Values(dict[int, Any]):
    """Values of a graph for one group of lanes, place -> LLVM value; each is written when it is first asked for.

    Parameters
    ----------
    graph : Graph
    writer : Writer
    given : mapping
        Values that are there already.
    """

    def __init__(self, graph: Graph, writer: Writer, given: Mapping[int, Any]) -> None:
        super().__init__(given)
        self.graph, self.writer = graph, writer

    def __missing__(self, place: int) -> Any:
        node = self.graph.nodes[place]
        found = self[place] = self.writer.node(node, [self[argument] for argument in node.arguments])
        return found


def write(places: Iterable[int], groups: Sequence[Values], *, apart: int = 0) -> None:
    """Write values for several groups of lanes, instruction by instruction in turn.

    Parameters
    ----------
    places : iterable of int
        What to write, in order.
    groups : sequence of Values
        Constants are written where they are used.
    apart : int
        By how many values each group is behind the one before it.
    """
    places = list(places)
    for first in range(len(places) + apart * (len(groups) - 1)):
        for group, values in enumerate(groups):
            if 0 <= first - apart * group < len(places):
                values[places[first - apart * group]]
