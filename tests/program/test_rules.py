"""Rules leave what they do not change: without simplifying it again, and in the order in which it stands."""

from __future__ import annotations

import pytest
from tests.program.random_functions import Writer, as_written, made

from firmfate.program import rules
from firmfate.program.canonical import canonical
from firmfate.program.graph import EXACT, Graph
from firmfate.program.program import Program
from firmfate.program.walks import Walk

SEEDS = range(300, 316)
SAME_IN_THE_END = "def f(a, b, c, d):\n    return a if d > 0 else a * 2.0 * 0.5, b, c\n"
"""The rule of factors makes one value of both."""


def in_full(walk: Walk, place: int) -> int:
    """Copy a value by applying its operation again."""
    node = walk.old.nodes[place]
    if node.operation == "lookup":
        assert isinstance(node.data, tuple)
        return walk.new.lookup_patterns(node.data, walk.place[node.arguments[0]])
    if not node.arguments:
        return walk.new.append(node)
    walk.new.exact = node.data == EXACT
    made = walk.new.apply(node.operation, *(walk.place[argument] for argument in node.arguments))
    walk.new.exact = False
    return made


def by_rules_in_full(program: Program) -> tuple[Graph, list[int]]:
    """Return a program by all rules, whose values are all written anew and put in order after each."""
    graph, outputs = program.graph, list(program.outputs.values())
    for rule in (rules._reciprocals, rules._factors, rules.linear_forms, rules._words, rules._fused):
        graph, outputs = canonical(*rule(graph, outputs))
    return graph, outputs


def test_what_a_rule_leaves_is_what_it_would_be_if_it_were_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = [made(Writer(seed, 6, exact=bool(seed % 2)).function(), f"rules {seed}") for seed in SEEDS]
    programs = map(as_written, [*functions, made(SAME_IN_THE_END, "rules same")])
    found = [(written, written.by_rules()) for written in programs]
    assert [node.operation for node in found[-1][1].graph.nodes] == ["input"] * 3
    monkeypatch.setattr(Walk, "copy", in_full)
    monkeypatch.setattr(rules, "_has_chain", lambda *_: True)
    changed = 0
    for written, ruled in found:
        graph, outputs = by_rules_in_full(written)
        assert graph.nodes == ruled.graph.nodes
        assert outputs == list(ruled.outputs.values())
        assert canonical(graph, outputs)[0].nodes == graph.nodes
        changed += graph.nodes != written.graph.nodes
    assert changed > len(SEEDS) / 2
