"""What decisions become: both branches are worked out, and every firm keeps the values of its own.

Where Python itself knows which way a decision goes (a length, a constant), only that way is gone.
"""

from __future__ import annotations

import functools
import gc
import itertools
import operator
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    GeneratorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, NamedTuple

from firmfate.program import values
from firmfate.program.operations import FLAG
from firmfate.program.rewriting import MARK
from firmfate.program.values import NotForTracing, Value, is_number

MOST_ITERATIONS = 100_000


class Unset:
    """What a variable holds that was not set in every case; any use of it is refused."""

    def __init__(self, name: str) -> None:
        vars(self)["name"] = name

    def _refuse(self, *_: Any) -> Any:
        name = vars(self)["name"]
        raise NotForTracing("FF106", f"'{name}' is used here, but not set in every case; set it before the 'if'")

    __getattr__ = __float__ = __bool__ = __iter__ = __abs__ = __neg__ = __pos__ = __getitem__ = __call__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __len__ = __index__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __hash__ = None  # type: ignore[assignment]


class Flow(NamedTuple):
    """Where a piece of a function's body leads: whether it has returned, what, and the variables it has set."""

    returned: Any
    value: Any
    variables: tuple[Any, ...]


def returned(value: Any) -> Flow:
    """Return the flow of ``return value``."""
    return Flow(True, value, ())


def fell(*variables: Any) -> Flow:
    """Return the flow of a piece that ends without a return."""
    return Flow(False, None, variables)


def is_known(test: Any) -> bool:
    """Return whether Python itself knows which way a decision goes."""
    return not isinstance(test, Value) or test.known is not None


def as_test(test: Any) -> Any:
    """Return what a decision goes by: a plain bool, or a flag."""
    if is_known(test):
        return bool(test.known if isinstance(test, Value) else test)
    return test.as_flag(test)


def choose(test: Any, this: Any, other: Any) -> Any:
    """Return `this` where a flag is set, `other` elsewhere; tuples, lists and dicts member by member.

    Raises
    ------
    NotForTracing
        Where the two are of different shape or kind.
    """
    if this is other or isinstance(this, Unset):
        return this
    if isinstance(other, Unset):
        return other
    if is_number(this) and is_number(other):
        return values.choose(test, this, other)
    if isinstance(this, tuple | list) and type(this) is type(other) and len(this) == len(other):
        members = [choose(test, a, b) for a, b in zip(this, other, strict=True)]
        return type(this)(*members) if hasattr(this, "_fields") else type(this)(members)
    if isinstance(this, Mapping) and isinstance(other, Mapping) and list(this) == list(other):
        return {key: choose(test, this[key], other[key]) for key in this}
    try:
        same = not (is_number(this) or is_number(other)) and bool(this == other)
    except Exception:
        same = False
    if same:
        return this
    raise NotForTracing(
        "FF109",
        f"one case gives {described(this)}, the other {described(other)}; both must be numbers, or tuples, lists or "
        "dicts of the same shape and order",
    )


def described(value: Any) -> str:
    """Return what something is, for messages."""
    if isinstance(value, Unset):
        return "a variable that is not set in every case"
    if value is None:
        return "nothing"
    if is_number(value):
        return "a number"
    if isinstance(value, Mapping):
        return f"a dict of {', '.join(map(str, value))}"[:120]
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{value!r}"[:40]


def conditional(
    test: Any, this: Callable[[], Any], other: Callable[[], Any], scope: Mapping[str, Any] | None = None
) -> Any:
    """Return what ``this if test else other`` means."""
    test = as_test(test)
    if isinstance(test, bool):
        return this() if test else other()
    before = _changeable(scope or {})
    found = choose(test, this(), other())
    _refuse_changes(before, scope or {})
    return found


def named(scope: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return those variables of a scope that are named; of other places are those that are not in it."""
    return {name: scope[name] for name in names if name in scope}


def both(first: Any, *others: Callable[[], Any], scope: Mapping[str, Any] | None = None) -> Any:
    """Return the first value that does not hold, or the last: as ``and`` does."""
    for other in others:
        if is_known(first):
            if not as_test(first):
                return first
            first = other()
        else:
            before = _changeable(scope or {})
            first = _joined("both", first, other(), keep_first_where=False)
            _refuse_changes(before, scope or {})
    return first


def either(first: Any, *others: Callable[[], Any], scope: Mapping[str, Any] | None = None) -> Any:
    """Return the first value that holds, or the last: as ``or`` does."""
    for other in others:
        if is_known(first):
            if as_test(first):
                return first
            first = other()
        else:
            before = _changeable(scope or {})
            first = _joined("either", first, other(), keep_first_where=True)
            _refuse_changes(before, scope or {})
    return first


def chained(
    left: Any,
    right: Any,
    test: Callable[[Any, Any], Any],
    *others: tuple[Callable[[], Any], Callable[[Any, Any], Any]],
    scope: Mapping[str, Any] | None = None,
) -> Any:
    """Return what ``left < right < ...`` means: each value is worked out once, and where it is asked for."""
    last = right

    def linked(value: Callable[[], Any], test: Callable[[Any, Any], Any]) -> Any:
        nonlocal last
        before, last = last, value()
        return test(before, last)

    return both(test(left, right), *[partial(linked, *other) for other in others], scope=scope)


def identical(value: Any, other: Any) -> bool:
    """Return whether two things are one: ``value is other``; numbers are never None, and otherwise not to be asked."""
    if value is None or other is None or not (isinstance(value, Value) or isinstance(other, Value)):
        return value is other
    raise NotForTracing("FF104", "'is' has no meaning for numbers; write '==', or the condition alone")


def _joined(operation: str, first: Value, second: Any, *, keep_first_where: bool) -> Any:
    if first.kind == FLAG and (isinstance(second, bool) or (isinstance(second, Value) and second.kind == FLAG)):
        return first.make(operation, first, first.as_flag(second))
    test = as_test(first)
    return choose(test, first, second) if keep_first_where else choose(test, second, first)


def negate(test: Any) -> Any:
    """Return whether a test does not hold."""
    test = as_test(test)
    return not test if isinstance(test, bool) else test.make("not", test)


def among(value: Any, members: Any) -> Any:
    """Return whether a value is among some: ``value in members``."""
    if isinstance(value, Value) or (
        not isinstance(members, Mapping | str | range) and any(isinstance(member, Value) for member in members)
    ):
        found: Any = False
        for member in members:
            found = either(found, partial(operator.eq, value, member))
        return found
    return value in members


def definite(test: Any) -> bool:
    """Return a test that decides whether a loop goes on, or a function returns within one."""
    if is_known(test):
        return bool(as_test(test))
    raise NotForTracing(
        "FF103",
        "a loop cannot end early, or go on, for some firms only; let it run a constant number of times, and choose "
        "within it: x = changed if goes_on else x",
    )


def decide(
    test: Any, then: Callable[..., Flow], otherwise: Callable[..., Flow], variables: tuple[Any, ...], scope: Any
) -> Flow:
    """Return the flow behind an ``if``: of the branch that is taken, or of both, chosen firm by firm."""
    test = as_test(test)
    if isinstance(test, bool):
        return (then if test else otherwise)(*variables)
    before = _changeable(scope)
    first = then(*variables)
    second = otherwise(*variables)
    _refuse_changes(before, scope)
    if first.returned is True and second.returned is True:
        return Flow(True, choose(test, first.value, second.value), ())
    if first.returned is True and second.returned is False:
        return Flow(test, first.value, second.variables)
    if first.returned is False and second.returned is True:
        return Flow(test.make("not", test), second.value, first.variables)
    kept = _merged(test, first, second)
    if first.returned is False and second.returned is False:
        return Flow(False, None, kept)
    left = first.value if first.returned is not False else second.value
    right = second.value if second.returned is not False else first.value
    return Flow(as_test(choose(test, first.returned, second.returned)), choose(test, left, right), kept)


def _merged(test: Any, first: Flow, second: Flow) -> tuple[Any, ...]:
    if first.returned is True:
        return second.variables
    if second.returned is True:
        return first.variables
    return tuple(choose(test, a, b) for a, b in zip(first.variables, second.variables, strict=True))


def after(flow: Flow, rest: Callable[..., Flow], variables: tuple[Any, ...]) -> Flow:
    """Return the flow of what follows an ``if`` that may have returned; it is worked out once."""
    if flow.returned is True:
        return flow
    following = rest(*variables)
    if flow.returned is False:
        return following
    gone = following.returned
    value = flow.value if gone is False else choose(flow.returned, flow.value, following.value)
    return Flow(True if gone is True else either(flow.returned, lambda: gone), value, following.variables)


def result(flow: Flow, name: str) -> Any:
    """Return what a function has returned.

    Raises
    ------
    NotForTracing
        Where it has returned a value in some cases only.
    """
    if flow.returned is True:
        return flow.value
    if flow.returned is False:
        return None
    raise NotForTracing("FF107", f"'{name}' returns a value in some cases only; let every case return one")


def _refuse_changes(before: list[Held], scope: Mapping[str, Any]) -> None:
    after = _changeable(scope)
    if len(after) != len(before) or not all(map(_unchanged, before, after)):
        raise NotForTracing(
            "FF103",
            "a list, dict or object is changed here, or an iterator moved on, for some firms only; choose the value "
            "first, then change it outside the 'if'",
        )


class Held(NamedTuple):
    """Something that may be changed, what is compared by its value (keys, attributes, numbers, what an iterator has
    left), and what it holds, of which each is compared by its place in memory."""

    holder: Any
    state: Any
    held: Sequence[Any]


def _unchanged(before: Held, after: Held) -> bool:
    return (
        before.holder is after.holder
        and before.state == after.state
        and len(before.held) == len(after.held)
        and all(map(operator.is_, before.held, after.held))
    )


UNCHANGEABLE = frozenset(map(id, (Value, Unset, float, int, bool, complex, str, bytes, range, type(None))))
"""Types of most variables, with nothing to be looked at; by their place, as a class may refuse to be compared."""

ASKED = "__hash__", "__eq__", "__getattribute__"
"""What classes are asked here; those that answer by code of their own are left alone."""

CONTAINERS = OrderedDict, dict, list, tuple, set, deque

COUNTED = frozenset(
    map(type, (iter([]), reversed([]), iter(()), iter(range(0)), iter(""), iter("\u20ac"), iter(b""),
               iter({}), iter({}.values()), iter({}.items()), iter(set()), iter(deque()), itertools.repeat(0)))
)  # fmt: skip
"""Types of iterators that know how many members are left."""


def _changeable(scope: Mapping[str, Any]) -> list[Held]:
    """Return all that the variables of a scope hold, one within the other, and that may be changed.

    No code of a model is run for it. Left alone is what does not show its state without: where ``itertools.count`` and
    its like are, and objects of extension modules.
    """
    found: list[Held] = []
    waiting = [value for name, value in scope.items() if name != ".0"]  # that of a generator goes on outside
    seen: set[int] = set()
    for value in waiting:  # it grows meanwhile
        if id(type(value)) in UNCHANGEABLE or id(value) in seen:
            continue
        seen.add(id(value))
        one = _held(value)
        if one is not None:
            found.append(one)
            waiting += one.held
    return found


def _held(value: Any) -> Held | None:
    kind = type(value)
    if type(kind) is not type and any(getattr(type(kind), name) is not getattr(type, name) for name in ASKED):
        return None
    if kind in CONTAINERS:
        return Held(value, *_members(kind, value))
    if kind is FunctionType:
        if value.__name__.startswith(MARK):  # a branch: what it sees is in the scope as well
            return None
        cells = [cell.cell_contents for cell in value.__closure__ or () if cell != CellType()]
        return Held(value, None, [*cells, value.__defaults__, value.__kwdefaults__])
    if kind in (MethodType, BuiltinFunctionType):
        return Held(value, None, [value.__self__])
    if kind is functools.partial:
        return Held(value, None, [value.func, value.args, value.keywords])
    if kind is GeneratorType:
        frame = value.gi_frame
        return Held(value, frame and frame.f_lasti, [*frame.f_locals.values()] if frame else [])
    if kind is enumerate:
        iterator, count = value.__reduce__()[1]
        return Held(value, count, [iterator])
    if kind in COUNTED:
        return Held(value, operator.length_hint(value, -1), ())
    if "__next__" in vars(kind) and kind.__module__ in ("builtins", "itertools"):
        return Held(value, None, gc.get_referents(value))
    if issubclass(kind, type | ModuleType) or str(kind.__module__).startswith("firmfate."):
        return None
    return _object(value)


def _members(kind: type, value: Any) -> tuple[Any, Sequence[Any]]:
    """Return keys and members of a container, read as its class does and not as one below it."""
    members = [*kind.__iter__(value)]  # type: ignore[attr-defined]
    return (members, [*dict.values(value)]) if issubclass(kind, dict) else (None, members)


def _object(value: Any) -> Held | None:
    """Return attributes, and what is inherited from a container; properties and memos are left alone."""
    state: list[Any] = []
    held: list[Any] = []
    kind: Any = type(value)
    for base in CONTAINERS:
        if issubclass(kind, base):
            keys, members = _members(base, value)
            state.append(keys)
            held += members
            break
    if issubclass(kind, bytearray):
        state.append(bytearray.__getitem__(value, slice(None)))
    if issubclass(kind, array):
        state.append(array.__getitem__(value, slice(None)))
    readers, memos = _readers(kind)
    for name, read in readers:
        try:
            found = read(value)
        except AttributeError:  # not set
            continue
        attributes = found if name == "__dict__" else {name: found}
        state += (name for name in attributes if name not in memos)
        held += (member for name, member in attributes.items() if name not in memos)
    return Held(value, state, held) if state or held else None


@functools.lru_cache(maxsize=256)
def _readers(kind: type) -> tuple[list[tuple[str, Callable[[Any], Any]]], set[str]]:
    """Return what reads a class's ``__dict__`` and slots, past all code of its own, and the names of its memos."""
    readers, memos = [], set()
    for one in kind.__mro__:
        for name, member in vars(one).items():
            own = type(member) is MemberDescriptorType and "__slots__" in vars(one)
            if own or (name == "__dict__" and type(member) is GetSetDescriptorType):
                readers.append((name, member.__get__))
            if isinstance(member, functools.cached_property):
                memos.add(name)
    return readers, memos


class Ticks:
    """Counts iterations of all loops of a tracing: one that does not end is refused."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        if self.count > MOST_ITERATIONS:
            raise NotForTracing(
                "FF112", f"loops have run more than {MOST_ITERATIONS:,} times; let them end, or keep them shorter"
            )
