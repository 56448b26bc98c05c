"""From a model's functions to its program: they are run once, on values in place of numbers."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from firmfate.errors import ModelError, did_you_mean
from firmfate.program import control
from firmfate.program.calls import Calls
from firmfate.program.graph import Graph
from firmfate.program.operations import WORD
from firmfate.program.program import Program
from firmfate.program.random_numbers import drawn
from firmfate.program.sources import returns
from firmfate.program.values import NotForTracing, Value, Word, is_number
from firmfate.randomness import BIRTH, SHOCKS

Names = Mapping[str, tuple[str, ...]]
"""What a function sees: name -> its parts; none where it is a single number."""

MOST_VALUES = 200_000
"""Values of one program: beyond, compilers take minutes."""


@dataclass(frozen=True)
class Signature:
    """Names that a model declares.

    Attributes
    ----------
    model : str
        The model's own name, for messages.
    parameters, draws, shocks, stocks : mapping
    draw_kinds, shock_kinds : tuple of str
        Kind of every random number, parts spelled out.
    causes, marks : tuple of str
    alarm : bool
        Whether a step says that the alarm rings.
    """

    model: str
    parameters: Names
    draws: Names
    shocks: Names
    stocks: Names
    draw_kinds: tuple[str, ...]
    shock_kinds: tuple[str, ...]
    causes: tuple[str, ...]
    marks: tuple[str, ...]
    alarm: bool


def fields(names: Names) -> list[str]:
    """Return the names of single numbers, parts spelled out: ``practice.sales``."""
    return [f"{name}.{part}" if part else name for name, parts in names.items() for part in (parts or ("",))]


ARGUMENT = {"stock": "s", "parameter": "p", "draw": "draw", "shock": "shock"}
"""Which argument of a model's functions has numbers of a kind."""


class Space:
    """What a model's function sees as `p`, `s`, `draw` or `shock`: named numbers, read-only.

    A name with parts is a NamedTuple of them; where the parts are numbered, a tuple.
    """

    __slots__ = ("_members", "_what")

    def __init__(self, what: str, members: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_members", dict(members))
        object.__setattr__(self, "_what", what)

    def __getattr__(self, name: str) -> Any:
        members: dict[str, Any] = object.__getattribute__(self, "_members")
        if name in members:
            return members[name]
        if name.startswith("__"):
            raise AttributeError(name)
        what = object.__getattribute__(self, "_what")
        declared = f"declared: {', '.join(members)}" if members else "none are declared"
        raise NotForTracing("FF111", f"there is no {what} '{name}'{did_you_mean(name, members) or f'; {declared}'}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise NotForTracing("FF111", f"'{name}' cannot be set; return what it becomes")

    def __iter__(self) -> Any:
        raise NotForTracing("FF113", f"numbers are read by name{_example(self, ', such as')}")

    def __getitem__(self, name: object) -> Any:
        example = _example(self, ": write", name if isinstance(name, str) else "")
        raise NotForTracing("FF113", f"numbers are read with a dot, not in brackets{example}")


def _example(numbers: Space, words: str, name: str = "") -> str:
    """Return how one of some numbers is read: the one that is named, or the first that is declared."""
    what, members = (object.__getattribute__(numbers, slot) for slot in ("_what", "_members"))
    name = name or next(iter(members), "")
    return f"{words} {ARGUMENT[what]}.{name}" if name else "; none are declared"


def space(what: str, names: Names, numbers: Sequence[Any], **more: Any) -> Space:
    """Return the numbers of some names as a function of a model sees them."""
    waiting = iter(numbers)
    members = {
        name: grouped(name, parts, [next(waiting) for _ in parts]) if parts else next(waiting)
        for name, parts in names.items()
    }
    return Space(what, {**members, **more})


def grouped(name: str, parts: tuple[str, ...], numbers: Sequence[Any]) -> Any:
    """Return the numbers of one name's parts: a NamedTuple, or a tuple where the parts are numbered."""
    if parts[0].isdigit():
        return tuple(numbers)
    from collections import namedtuple

    return namedtuple(name, parts)(*numbers)


class Tracing:
    """One reading of a model's functions, into one graph."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.graph = Graph()
        self.calls = Calls(self.graph)

    def inputs(self, group: str, names: Names) -> list[Value]:
        """Return the numbers of some names as inputs."""
        return [Value(self.graph, self.graph.input(f"{group}.{name}")) for name in fields(names)]

    @property
    def dt(self) -> Value:
        """The step, in weeks."""
        return Value(self.graph, self.graph.input("run.dt"))

    def spaces(self) -> dict[str, Any]:
        """Return what functions are given, by the names of their arguments."""
        signature = self.signature
        return {
            "s": space("stock", signature.stocks, self.inputs("stock", signature.stocks)),
            "p": space("parameter", signature.parameters, self.inputs("p", signature.parameters), dt=self.dt),
            "draw": space("draw", signature.draws, self.inputs("draw", signature.draws)),
            "shock": space("shock", signature.shocks, self.inputs("shock", signature.shocks)),
            "week": Value(self.graph, self.graph.input("time.step")) * self.dt,
        }

    def call(self, function: Callable[..., Any], arguments: Sequence[str]) -> Any:
        """Run a function of the model.

        Raises
        ------
        ModelError
            Where it does what a program cannot mean; with code, file and line.
        """
        given = self.spaces()
        try:
            taken = list(inspect.signature(function).parameters)
            if len(taken) != len(arguments) or (set(taken) == set(arguments) and taken != list(arguments)):
                raise NotForTracing(
                    "FF121",
                    f"'{function.__name__}' takes ({', '.join(taken)}); expected ({', '.join(arguments)})",
                )
            found = self.calls.traced(function)(*(given[name] for name in arguments))
            if len(self.graph.nodes) > MOST_VALUES:
                raise NotForTracing(
                    "FF112", f"the program has {len(self.graph.nodes):,} values; at most {MOST_VALUES:,}"
                )
            return found
        except ModelError:
            raise
        except RecursionError as fault:
            raise self.refusal(function, fault, "FF112", "functions call each other without end") from None
        except NotForTracing as fault:
            raise self.refusal(function, fault, fault.code, str(fault)) from fault
        except Exception as fault:
            text = f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
            if _raised_by_model(fault, self.calls.files):
                text += "; all cases are worked out, so 'raise' stops every firm: declare a cause, or let check refuse"
            if isinstance(fault, NameError):
                text += self.meant(fault.name)
            raise self.refusal(function, fault, "FF113", text.replace("'Value'", "'number'")) from fault

    def meant(self, name: str | None) -> str:
        """Return ``; did you mean p.margin?`` for the name of a parameter, stock, draw or shock, nothing for others."""
        tables = {"stock": self.signature.stocks, "parameter": self.signature.parameters,
                  "draw": self.signature.draws, "shock": self.signature.shocks}  # fmt: skip
        found = [f"{ARGUMENT[what]}.{name}" for what, names in tables.items() if name in names]
        return f"; did you mean {' or '.join(found)}?" if found else ""

    def refusal(self, function: Callable[..., Any], fault: BaseException, code: str, text: str) -> ModelError:
        """Return the error of a fault in a model's function, with the place in the model's file."""
        where = getattr(fault, "line", None)
        if where is None:
            files = self.calls.files
            frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if frame.filename in files]
            where = (frames[-1].filename, frames[-1].lineno) if frames else place_of(function)
        return ModelError.numbered(code, text, model=self.signature.model, file=where[0], line=where[1] or 0)

    def numbers(self, function: Callable[..., Any], found: Mapping[str, Any], names: Names) -> dict[str, Value]:
        """Return what a function gives some names, as single numbers."""
        made: dict[str, Value] = {}
        for name, parts in names.items():
            giver = getattr(function, "equations", {}).get(name, function).__name__
            given = found[name]
            if parts and isinstance(given, Mapping):
                given = [given.get(part) for part in parts]
            members = list(given) if parts and isinstance(given, tuple | list) else [given]
            if len(members) != max(1, len(parts)):
                shape = f"{len(parts)} numbers ({', '.join(parts)})" if parts else "one number"
                text = f"'{name}' takes {shape}; '{giver}' returned {control.described(given)}"
                raise self.wrong(function, "FF108", text, name)
            for part, member in zip(parts or ("",), members, strict=True):
                field = f"{name}.{part}" if part else name
                if not is_number(member):
                    text = f"'{field}' takes a number; '{giver}' returned {control.described(member)}"
                    raise self.wrong(function, "FF108", text, name)
                made[field] = self.calls.value(member)
        return made

    def wrong(self, function: Callable[..., Any], code: str, text: str, name: str = "") -> ModelError:
        """Return the error of what a function has returned, with its place: where it gives a name, or returns."""
        function = getattr(function, "equations", {}).get(name, function)
        file, line = place_of(function)
        if isinstance(function, FunctionType):
            line = returns(function, name) or line
        return ModelError.numbered(code, text, model=self.signature.model, file=file, line=line)

    def result(self, function: Callable[..., Any], found: Any, allowed: Sequence[str], needed: Sequence[str]) -> Any:
        """Refuse what is no dict of these names."""
        name = function.__name__
        example = f"{name} must return dict({', '.join(f'{key}=...' for key in list(needed)[:3])}, ...)"
        if not isinstance(found, Mapping):
            raise self.wrong(function, "FF107", f"'{name}' returned {control.described(found)}; {example}")
        unknown = [key for key in found if key not in allowed]
        missing = [key for key in needed if key not in found]
        if unknown:
            hint = f"; allowed: {', '.join(allowed)}; a further stock is declared by Stock('{unknown[0]}')"
            hint = did_you_mean(unknown[0], allowed) or hint
            text = f"'{name}' returned '{unknown[0]}', which is not declared{hint}"
            raise self.wrong(function, "FF108", text, str(unknown[0]))
        if missing:
            raise self.wrong(function, "FF108", f"'{name}' returned no '{missing[0]}'; {example}")
        return found


def _raised_by_model(fault: Exception, files: set[str]) -> bool:
    """Return whether an exception comes from a ``raise`` of the model's own."""
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return last.filename in files and (last.line or "").startswith("raise")


def place_of(function: Any) -> tuple[str, int]:
    """Return file and line of a function; of one that is made of equations, where its model is."""
    if hasattr(function, "where"):
        return function.where  # type: ignore[no-any-return]
    code = inspect.unwrap(function).__code__
    return code.co_filename, code.co_firstlineno


STEP_ARGUMENTS = ("s", "p", "draw", "shock", "week")
START_ARGUMENTS = ("p", "draw")


def trace(signature: Signature, start: Callable[..., Any], step: Callable[..., Any]) -> Program:
    """Return the program of a model: the stocks of a firm at its start, and one step.

    Its inputs are ``p.NAME``, ``run.dt``, ``draw.NAME``, ``shock.NAME``, ``stock.NAME`` and ``time.step`` (the steps
    that the firm has lived); its outputs ``start NAME``, ``next NAME``, ``cause`` (0 = none, 1.. in the order of the
    causes), ``alarm`` (0 or 1) and ``mark NAME``.

    Raises
    ------
    ModelError
        Where the functions do what a program cannot mean; with code, file and line.
    """
    tracing = Tracing(signature)
    begun = tracing.result(start, tracing.call(start, START_ARGUMENTS), list(signature.stocks), list(signature.stocks))
    outputs = {f"start {name}": value for name, value in tracing.numbers(start, begun, signature.stocks).items()}
    rung = ["alarm", *signature.marks] if signature.alarm else []
    names = [*signature.stocks, *signature.causes, *rung]
    moved = tracing.result(step, tracing.call(step, STEP_ARGUMENTS), names, names)
    outputs |= {f"next {name}": value for name, value in tracing.numbers(step, moved, signature.stocks).items()}
    outputs |= _events(tracing, step, moved)
    return Program.of(outputs)


def _events(tracing: Tracing, step: Callable[..., Any], moved: Mapping[str, Any]) -> dict[str, Value]:
    """Return cause, alarm and marks of a step."""
    signature = tracing.signature
    zero, one = tracing.calls.value(0.0), tracing.calls.value(1.0)

    def flag(name: str) -> Any:
        found = moved[name]
        if not is_number(found):
            text = f"'{name}' takes a condition, such as savings < 0; step returned {control.described(found)}"
            raise tracing.wrong(step, "FF108", text, name)
        return one.as_flag(found)

    cause = zero
    for place, name in reversed(list(enumerate(signature.causes, start=1))):
        cause = cause.make("choose", flag(name), tracing.calls.value(float(place)), cause)
    made = {"cause": cause, "alarm": zero}
    if signature.alarm:
        made["alarm"] = zero.make("choose", flag("alarm"), one, zero)
    marks = tracing.numbers(step, moved, dict.fromkeys(signature.marks, ()))
    return made | {f"mark {name}": value for name, value in marks.items()}


def trace_observed(signature: Signature, observe: Callable[..., Any], auxiliaries: Names) -> Program:
    """Return the program of what a model's `observe` works out of a step; outputs ``auxiliary NAME``."""
    tracing = Tracing(signature)
    found = tracing.result(observe, tracing.call(observe, STEP_ARGUMENTS), list(auxiliaries), list(auxiliaries))
    made = tracing.numbers(observe, found, auxiliaries)
    return Program.of({f"auxiliary {name}": value for name, value in made.items()})


def random_program(signature: Signature) -> Program:
    """Return the program of a firm's random numbers: outputs ``draw NAME`` and ``shock NAME``.

    Inputs are words of 32 bits, ``run.key.low``, ``run.key.high``, ``cell.low``, ``cell.high``, ``replicate.low`` and
    ``replicate.high``, and the number ``time.step``. The words of a cell are 0 where random numbers are common to all.
    """
    graph = Graph()

    def word(name: str) -> Value:
        return Value(graph, graph.input(name, WORD))

    key = word("run.key.low"), word("run.key.high")
    replicate = word("replicate.low"), Word.join("wxor", word("replicate.high"), word("cell.low"))
    step = Word.bits(Value(graph, graph.input("time.step")) + 2.0**52)
    birth = Word.of(step, 0)
    outputs: dict[str, Value] = {}
    for group, names, kinds, stream, counter in (
        ("draw", signature.draws, signature.draw_kinds, BIRTH, birth),
        ("shock", signature.shocks, signature.shock_kinds, SHOCKS, step),
    ):
        made = drawn(kinds, stream=stream, replicate=replicate, step=counter, cell=word("cell.high"), key=key)
        outputs |= {f"{group}.{name}": value for name, value in zip(fields(names), made, strict=True)}
    if not outputs:
        return Program(Graph(), {})
    return Program.of(outputs)
