"""What is run on every processor: firms of a model, every operation at special values, random programs."""

from __future__ import annotations

import numpy as np
from tests.kernel.test_same_bits_everywhere import SPECIAL, arguments
from tests.program.examination import columns, points
from tests.program.random_functions import Writer, as_written, made
from tests.targets.asked import Asked

from firmfate.models.model import Model
from firmfate.program.graph import Graph
from firmfate.program.operations import OPERATIONS
from firmfate.program.program import Program
from firmfate.program.values import Value

SWEPT = {"execution": 0.9, "misalignment": 0.8, "margin": -0.02}


def asked(model: Model, *, dt: float = 1.0) -> Asked:
    """Return 1,000 firms at values at which they end by several causes; words of 64 bits that use all of them."""
    row = np.array([SWEPT.get(name.partition("_")[0], value) for name, value in model.defaults.items()])
    return Asked(row, 0xFEDCBA9876543210, 0x123456789ABCD000, 2**40 + 5, 1000, 520, dt)


def every_operation() -> tuple[Program, dict[str, np.ndarray]]:
    """Return a program of all operations, each with inputs of its own, and values of these."""
    graph, inputs, outputs = Graph(), {}, {}
    rng = np.random.default_rng(3)
    for operation in OPERATIONS:
        takes = OPERATIONS[operation].takes
        given = [Value(graph, graph.input(f"stock.{operation}.{i}", kind)) for i, kind in enumerate(takes)]
        outputs[operation] = given[0].make(operation, *given)
        inputs |= {name.replace("stock.", f"stock.{operation}."): x for name, x in arguments(operation, rng).items()}
    size = max(map(len, inputs.values()))
    return Program.as_written(outputs), {name: np.resize(values, size) for name, values in inputs.items()}


def random_programs(count: int = 20) -> tuple[list[Program], dict[str, np.ndarray]]:
    """Return programs of random functions, by the rules, and ordinary and special values of their inputs."""
    functions = [
        made(Writer(9000 + i, 3 + i % 6, exact=False).function(), f"target {i}") for i in range(count)
    ]  # fmt: skip
    return [as_written(function).by_rules() for function in functions], special_inputs()


def special_inputs() -> dict[str, np.ndarray]:
    """Return ordinary and special values of the inputs of random functions."""
    return columns([*points(5), *[tuple(x) for x in np.random.default_rng(5).choice(SPECIAL, (40, 4))]])
