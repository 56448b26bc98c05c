"""Numbers of some lanes side by side in one register, with the operators of Python: an expression of them is vector
instructions as it stands, with no compiler to be persuaded that it could be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from firmfate.kernel.compiler import FASTMATH

DOUBLE, WORD, FLAG = ir.DoubleType(), ir.IntType(64), ir.IntType(1)
FLAGS = tuple(sorted(FASTMATH))


class Register:
    """One value a lane: float64, a 64-bit word, or a flag (what a comparison returns). A single lane is a scalar.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
        Where instructions are written to.
    value : llvmlite.ir.Value
    """

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder = builder
        self.value = value

    @classmethod
    def load(cls, builder: Any, pointer: Any, lanes: int, kind: Any = DOUBLE) -> Register:
        """Load one value a lane from where a pointer points."""
        return cls(builder, builder.load(builder.bitcast(pointer, wide(kind, lanes).as_pointer()), align=8))

    @classmethod
    def spread(cls, builder: Any, number: Any, lanes: int) -> Register:
        """Put one number into every lane."""
        if lanes == 1:
            return cls(builder, number)
        first = builder.insert_element(
            ir.Constant(wide(number.type, lanes), ir.Undefined), number, ir.Constant(ir.IntType(32), 0)
        )
        return cls(builder, builder.shuffle_vector(first, first, constant(ir.IntType(32), lanes, 0)))

    def store(self, pointer: Any) -> None:
        """Store one value a lane to where a pointer points."""
        self.builder.store(self.value, self.builder.bitcast(pointer, self.value.type.as_pointer()), align=8)

    @property
    def lanes(self) -> int:
        """How many lanes there are."""
        return self.value.type.count if isinstance(self.value.type, ir.VectorType) else 1

    @property
    def kind(self) -> Any:
        """Type of one lane's value."""
        return self.value.type.element if isinstance(self.value.type, ir.VectorType) else self.value.type

    def like(self, number: Register | float) -> Register:
        """Return a number as float64 of as many lanes; flags become 0 and 1."""
        if isinstance(number, Register):
            return number.number() if number.kind == FLAG else number
        return Register(self.builder, constant(DOUBLE, self.lanes, float(number)))

    def number(self) -> Register:
        """Return flags as the float64 0 and 1."""
        return self.choose(1.0, 0.0)

    def choose(self, this: Register | float, other: Register | float) -> Register:
        """Return `this` in lanes whose flag is set, `other` elsewhere."""
        return Register(self.builder, self.builder.select(self.value, self.like(this).value, self.like(other).value))

    def __add__(self, other: Register | float) -> Register:
        return self._joined("add", self, other)

    def __radd__(self, other: float) -> Register:
        return self._joined("add", other, self)

    def __sub__(self, other: Register | float) -> Register:
        return self._joined("sub", self, other)

    def __rsub__(self, other: float) -> Register:
        return self._joined("sub", other, self)

    def __mul__(self, other: Register | float) -> Register:
        return self._joined("mul", self, other)

    def __rmul__(self, other: float) -> Register:
        return self._joined("mul", other, self)

    def __truediv__(self, other: Register | float) -> Register:
        return self._joined("div", self, other)

    def __rtruediv__(self, other: float) -> Register:
        return self._joined("div", other, self)

    def __floordiv__(self, other: Register | float) -> Register:
        return (self / other).call("llvm.floor")

    def __mod__(self, other: Register | float) -> Register:
        return self - (self // other) * other

    def __pow__(self, power: int) -> Register:
        return self * self if power == 2 else self * self * self

    def __neg__(self) -> Register:
        return Register(self.builder, self.builder.fneg(self.like(self).value, flags=FLAGS))

    def __pos__(self) -> Register:
        return self

    def __abs__(self) -> Register:
        return self.like(self).call("llvm.fabs")

    def __lt__(self, other: Register | float) -> Register:
        return self._compared("<", other)

    def __le__(self, other: Register | float) -> Register:
        return self._compared("<=", other)

    def __gt__(self, other: Register | float) -> Register:
        return self._compared(">", other)

    def __ge__(self, other: Register | float) -> Register:
        return self._compared(">=", other)

    def __eq__(self, other: object) -> Register:  # type: ignore[override]
        return self._compared("==", other)  # type: ignore[arg-type]

    def __ne__(self, other: object) -> Register:  # type: ignore[override]
        return self._compared("!=", other)  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("what differs from firm to firm cannot decide here which line comes next")

    def __and__(self, other: Register | int) -> Register:
        return self._worked(self.builder.and_, other)

    def __or__(self, other: Register | int) -> Register:
        return self._worked(self.builder.or_, other)

    def __xor__(self, other: Register | int) -> Register:
        return self._worked(self.builder.xor, other)

    def __lshift__(self, places: int) -> Register:
        return self._worked(self.builder.shl, places)

    def __rshift__(self, places: int) -> Register:
        return self._worked(self.builder.lshr, places)

    def bits(self) -> Register:
        """Return the bit patterns of float64."""
        return Register(self.builder, self.builder.bitcast(self.value, wide(WORD, self.lanes)))

    def floats(self) -> Register:
        """Return the float64 of bit patterns."""
        return Register(self.builder, self.builder.bitcast(self.value, wide(DOUBLE, self.lanes)))

    def odd(self) -> Register:
        """Return flags: which words are odd."""
        return Register(self.builder, self.builder.trunc(self.value, wide(FLAG, self.lanes)))

    def as_word(self) -> Any:
        """Return flags as the low bits of one 64-bit word, lane 0 first."""
        flags = self.value if self.lanes == 1 else self.builder.bitcast(self.value, ir.IntType(self.lanes))
        return self.builder.zext(flags, WORD)

    def call(self, name: str, *more: Any) -> Register:
        """Return what an LLVM intrinsic makes of this register, and of whatever else it takes.

        A name of two parts, ``llvm.sqrt``, gets the type's suffix; a longer one is taken as it stands.
        """
        if name.count(".") == 1:
            name += f".v{self.lanes}f64" if self.lanes > 1 else ".f64"
        arguments = [self.value, *(one.value if isinstance(one, Register) else one for one in more)]
        signature = ir.FunctionType(self.value.type, [argument.type for argument in arguments])
        function = self.builder.module.globals.get(name) or ir.Function(self.builder.module, signature, name)
        return Register(self.builder, self.builder.call(function, arguments))

    def _joined(self, operation: str, left: Register | float, right: Register | float) -> Register:
        if self.kind == WORD:
            return self._worked(getattr(self.builder, operation), right)  # type: ignore[arg-type]
        build = getattr(self.builder, f"f{operation}")
        return Register(self.builder, build(self.like(left).value, self.like(right).value, flags=FLAGS))

    def _compared(self, sign: str, other: Register | float) -> Register:
        # As Python: every comparison with NaN is false, but that it differs.
        build = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        return Register(self.builder, build(sign, self.like(self).value, self.like(other).value))

    def _worked(self, build: Callable[..., Any], other: Register | int) -> Register:
        right = other.value if isinstance(other, Register) else constant(self.kind, self.lanes, other)
        return Register(self.builder, build(self.value, right))


def wide(kind: Any, lanes: int) -> Any:
    """Return the type of so many lanes of a kind."""
    return kind if lanes == 1 else ir.VectorType(kind, lanes)


def constant(kind: Any, lanes: int, number: float) -> Any:
    """Return the same number in every lane."""
    return ir.Constant(kind, number) if lanes == 1 else ir.Constant(ir.VectorType(kind, lanes), [number] * lanes)
