"""The rules by which a traced program becomes the one that is run. Each is the same for every back end.

1. *Reciprocals.* In a step, a division by what does not change from step to step is a product with its reciprocal; so
   is one by a choice between two such values.
2. *Factors.* In a step, the factors of a product that do not change from step to step are multiplied with each other. A
   factor takes their product in that is a choice between two such values, or a sum with one; if there is none, it
   stands first, or last in what is summed. The changing factors are multiplied in the order of how long they take to
   work out.
3. *Linear forms.* In a step, a tree of sums, differences and products with factors that do not change from step to
   step becomes a sum of products, one for each changing value, where that takes fewer operations: ``process_time +
   lot_size (1 + lot_growth x)/2`` is one product and one sum, with coefficients that are worked out once a cell. The
   changing value that takes longest to work out is added last.
4. *Words.* In a chain of one word operation, operands of earlier stages are joined first. No bit changes.
5. *Fused operations.* A sum or difference takes in a product that is used nowhere else; of two such products, the one
   that takes longer to work out.

Elementary functions and random numbers are written out to the last rounding, and left as they are. Rules 1, 2, 3 and 5
change how results are rounded, by parts in 10**16 of the terms of a sum. What is longest to work out is
counted in operations from the inputs; of equals, the order of the canonical program decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from firmfate.program.canonical import canonical
from firmfate.program.graph import EXACT, Graph
from firmfate.program.linear import linear_forms
from firmfate.program.walks import Walk
from firmfate.program.walks import walk as walked


def rewritten(graph: Graph, outputs: Sequence[int]) -> tuple[Graph, list[int]]:
    """Return the program that is run, for one as it was written; both in canonical form."""
    for rule in (_reciprocals, _factors, linear_forms, _words, _fused):
        made, places = rule(graph, outputs)
        if made is not graph:
            graph, outputs = canonical(made, places)
    return graph, list(outputs)


def _has_chain(graph: Graph, *operations: str) -> bool:
    """Return whether a value of one of some operations has an argument of the same."""
    nodes = graph.nodes
    return any(
        node.operation in operations and any(nodes[argument].operation == node.operation for argument in node.arguments)
        for node in nodes
    )


def _reciprocals(graph: Graph, outputs: Sequence[int]) -> tuple[Graph, Sequence[int]]:
    if all(node.operation != "div" or node.data == EXACT for node in graph.nodes):
        return graph, outputs

    def rule(walk: Walk, place: int) -> int:
        node = walk.old.nodes[place]
        if node.operation != "div" or not walk.may_change(place) or not walk.is_changing(node.arguments[0]):
            return walk.copy(place)
        above, below = node.arguments
        if not walk.is_changing(below):
            return walk.new.apply("mul", walk.place[above], reciprocal(walk, below))
        if walk.is_choice(below):
            flag, *options = walk.old.nodes[below].arguments
            chosen = walk.new.apply("choose", walk.place[flag], *(reciprocal(walk, option) for option in options))
            return walk.new.apply("mul", walk.place[above], chosen)
        return walk.copy(place)

    def reciprocal(walk: Walk, place: int) -> int:
        return walk.new.apply("div", walk.new.constant(1.0), walk.place[place])

    return walked(graph, outputs, rule)


def _factors(graph: Graph, outputs: Sequence[int]) -> tuple[Graph, Sequence[int]]:
    if not _has_chain(graph, "mul"):
        return graph, outputs

    def factors(walk: Walk, place: int) -> list[int]:
        return [
            inner
            for argument in walk.old.nodes[place].arguments
            for inner in (factors(walk, argument) if walk.is_single(argument, "mul") else [argument])
        ]

    def rule(walk: Walk, place: int) -> int:
        node = walk.old.nodes[place]
        if node.operation != "mul" or not walk.may_change(place) or not walk.is_changing(place):
            return walk.copy(place)
        given = factors(walk, place)
        fixed = [factor for factor in given if not walk.is_changing(factor)]
        if not fixed or len(given) < 3:
            return walk.copy(place)
        product = walk.place[fixed[0]]
        for factor in fixed[1:]:
            product = walk.new.apply("mul", product, walk.place[factor])
        changing = sorted((factor for factor in given if walk.is_changing(factor)), key=lambda f: walk.depth[f])
        terms = [walk.place[factor] for factor in changing]
        choices = [i for i, factor in enumerate(changing) if walk.is_choice(factor)]
        sums = [i for i, factor in enumerate(changing) if is_sum(walk, factor)]
        if choices:
            flag, *options = walk.old.nodes[changing[choices[0]]].arguments
            scaled = (walk.new.apply("mul", product, walk.place[option]) for option in options)
            terms[choices[0]] = walk.new.apply("choose", walk.place[flag], *scaled)
        elif sums:
            terms[sums[0]] = walk.new.apply("mul", product, terms[sums[0]])
        else:
            terms = [*terms, product] if place in summed else [product, *terms]
        found, *others = terms
        for term in others:
            found = walk.new.apply("mul", found, term)
        return found

    def is_sum(walk: Walk, place: int) -> bool:
        fixed = [not walk.is_changing(argument) for argument in walk.old.nodes[place].arguments]
        return any(fixed) and (walk.is_single(place, "add") or walk.is_single(place, "sub"))

    summed = {
        argument
        for place in graph.reached(outputs)
        for argument in graph.nodes[place].arguments
        if graph.nodes[place].operation in ("add", "sub", "neg")
    }

    return walked(graph, outputs, rule)


def _words(graph: Graph, outputs: Sequence[int]) -> tuple[Graph, Sequence[int]]:
    chained = ("wadd", "wand", "wor", "wxor")
    if not _has_chain(graph, *chained):
        return graph, outputs

    def operands(walk: Walk, place: int, operation: str) -> list[int]:
        node = walk.old.nodes[place]
        return [
            inner
            for argument in node.arguments
            for inner in (operands(walk, argument, operation) if walk.is_single(argument, operation) else [argument])
        ]

    def rule(walk: Walk, place: int) -> int:
        operation, arguments = walk.old.nodes[place][:2]
        if operation not in chained or not any(walk.is_single(argument, operation) for argument in arguments):
            return walk.copy(place)
        first, *others = sorted(operands(walk, place, operation), key=lambda operand: walk.stage[operand])
        found = walk.place[first]
        for other in others:
            found = walk.new.apply(operation, found, walk.place[other])
        return found

    return walked(graph, outputs, rule)


def _fused(graph: Graph, outputs: Sequence[int]) -> tuple[Graph, list[int]]:
    def rule(walk: Walk, place: int) -> int:
        node = walk.old.nodes[place]
        if node.operation not in ("add", "sub") or not walk.may_change(place):
            return walk.copy(place)
        left, right = node.arguments
        # A square whose root is a sum of one value with itself is used twice, and stays.
        products = [side for side in (left, right) if left != right and walk.is_single(side, "mul")]
        if not products:
            return walk.copy(place)
        product = max(products, key=lambda side: walk.depth[side])
        a, b = (walk.place[factor] for factor in walk.old.nodes[product].arguments)
        other = walk.place[right if product == left else left]
        operation = "fma" if node.operation == "add" else "fms" if product == left else "fnma"
        return walk.new.apply(operation, a, b, other)

    return walked(graph, outputs, rule)
