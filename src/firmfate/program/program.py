"""Programs: a graph and its outputs by name. Two can be joined, and each has a canonical text and a digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from firmfate.program.canonical import canonical, digest
from firmfate.program.graph import EXACT, Graph, from_pattern
from firmfate.program.operations import NUMBER
from firmfate.program.rules import rewritten
from firmfate.program.stages import Stage, stages
from firmfate.program.values import Value


@dataclass(frozen=True, eq=False)
class Program:
    """A program in canonical form.

    Attributes
    ----------
    graph : Graph
    outputs : dict
        Name -> place of its value, in order.
    """

    graph: Graph
    outputs: Mapping[str, int]

    @classmethod
    def of(cls, outputs: Mapping[str, Value]) -> Program:
        """Return the program of traced values, by the rules of `firmfate.program.rules`."""
        return cls.as_written(outputs).by_rules()

    @classmethod
    def as_written(cls, outputs: Mapping[str, Value]) -> Program:
        """Return the program of traced values without the rules: every operation of Python as it stands."""
        graph = next(iter(outputs.values())).graph
        made, places = canonical(graph, [value.place for value in outputs.values()])
        return cls(made, dict(zip(outputs, places, strict=True)))

    def by_rules(self) -> Program:
        """Return this program, which is as it was written, as the rules of `firmfate.program.rules` rewrite it."""
        graph, places = rewritten(self.graph, list(self.outputs.values()))
        return Program(graph, dict(zip(self.outputs, places, strict=True)))

    @cached_property
    def stages(self) -> list[Stage]:
        """Stage of every value."""
        return stages(self.graph)

    @cached_property
    def digest(self) -> str:
        """64 hexadecimal digits: equal for programs that work out the same, to the last bit, under the same names."""
        return digest(self.graph, list(self.outputs.values()), list(self.outputs))

    @property
    def inputs(self) -> dict[str, int]:
        """Name -> place of what is given from outside."""
        return {str(node.data): place for place, node in enumerate(self.graph.nodes) if node.operation == "input"}

    def only(self, names: Iterable[str]) -> Program:
        """Return the part of the program that these outputs need."""
        names = list(names)
        graph, places = canonical(self.graph, [self.outputs[name] for name in names])
        return Program(graph, dict(zip(names, places, strict=True)))

    def after(self, first: Program) -> Program:
        """Return this program with those of its inputs worked out that another has as outputs."""
        graph = Graph()
        before = _copied(first, graph, {})
        given = {name: before[place] for name, place in first.outputs.items()}
        places = _copied(self, graph, given)
        graph, outputs = canonical(graph, [places[place] for place in self.outputs.values()])
        return Program(graph, dict(zip(self.outputs, outputs, strict=True)))

    def given(self, values: Mapping[str, float]) -> Program:
        """Return this program with some of its inputs known; no bit of a result changes."""
        graph = Graph()
        places = {name: graph.constant(value) for name, value in values.items() if name in self.inputs}
        return self.after(Program(graph, places))

    @property
    def text(self) -> str:
        """The program as text, one value a line, each with its stage."""
        lines = []
        for place, node in enumerate(self.graph.nodes):
            arguments = " ".join(f"v{argument}" for argument in node.arguments)
            if node.operation == "input":
                right = f"input {node.data}"
            elif node.operation == "constant":
                assert isinstance(node.data, int)
                right = repr(from_pattern(node.data)) if node.kind == NUMBER else f"{node.kind} {node.data:#x}"
            elif node.operation == "lookup":
                assert isinstance(node.data, tuple)
                right = f"lookup {arguments} in {[from_pattern(entry) for entry in node.data]}"
            else:
                right = f"{node.operation} {arguments}"
            lines.append(f"{self.stages[place].name.lower():8} v{place} = {right}")
        lines += [f"output   {name} = v{place}" for name, place in self.outputs.items()]
        return "\n".join(lines) + "\n"


def _copied(program: Program, graph: Graph, given: Mapping[str, int]) -> list[int]:
    """Copy a program into a graph, some of its inputs given; return where its values stand there."""
    places: list[int] = []
    for node in program.graph.nodes:
        if node.operation == "input" and str(node.data) in given:
            places.append(given[str(node.data)])
        elif node.operation == "lookup":
            assert isinstance(node.data, tuple)
            places.append(graph.lookup_patterns(node.data, places[node.arguments[0]]))
        elif node.arguments:
            graph.exact = node.data == EXACT
            places.append(graph.apply(node.operation, *(places[argument] for argument in node.arguments)))
            graph.exact = False
        else:
            places.append(graph.append(node))
    return places
