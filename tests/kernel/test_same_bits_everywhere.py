"""The same bits by the interpreter, by plain Python, and by machine code of one lane and of several."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.kernel.machine_code import compiled, same_bits, ways
from tests.program.examination import columns, points
from tests.program.random_functions import Writer, as_written, made

from firmfate.models import load_model
from firmfate.program import exact, interpreter
from firmfate.program.graph import Graph
from firmfate.program.operations import FLAG, NUMBER, OPERATIONS, WORD
from firmfate.program.program import Program
from firmfate.program.python_code import fused
from firmfate.program.tracing import fields
from firmfate.program.values import Value, Word

SPECIAL = np.array([
    0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 1e-300, -1e-300, 5e-324, -2.2e-308, 1e300, -1.7e308, np.inf, -np.inf, np.nan,
    2.0**52, 2.0**53 + 2, 0.1, 1 / 3, -708.0, 709.78, 1e16, -745.0,
])  # fmt: skip


def of_one_operation(operation: str) -> Program:
    graph = Graph()
    takes = OPERATIONS[operation].takes
    inputs = [Value(graph, graph.input(f"stock.{i}", kind)) for i, kind in enumerate(takes)]
    return Program.as_written({"0": inputs[0].make(operation, *inputs)})


def arguments(operation: str, rng: np.random.Generator, count: int = 4000) -> dict[str, np.ndarray]:
    """Return arguments of an operation: special values in all pairs, and random ones of all sizes."""
    found = {}
    for i, kind in enumerate(OPERATIONS[operation].takes):
        if kind == NUMBER:
            sized = rng.standard_normal(count) * 10.0 ** rng.integers(-300, 300, count)
            values = np.concatenate(
                [np.repeat(SPECIAL, len(SPECIAL)) if i == 0 else np.tile(SPECIAL, len(SPECIAL)), sized]
            )
            if i == 2:
                values = rng.permutation(values)
            near = rng.standard_normal(count)
            values = np.concatenate([values, near if i < 2 else -near * np.roll(near, 1)])
        elif kind == WORD:
            values = rng.integers(0, 2**64, len(SPECIAL) ** 2 + 2 * count, dtype=np.uint64)
            if operation in ("wshl", "wshr") and i == 1:
                values = values % np.uint64(64)
        else:
            values = rng.integers(0, 2, len(SPECIAL) ** 2 + 2 * count).astype(bool)
        found[f"stock.{i}"] = values
    if operation == "scale":  # as elementary functions use it: m in [1, 2), k in sixteenths, and its word
        m = 1.0 + rng.random(count)
        k = np.concatenate(
            [np.round(rng.uniform(-1200, 1100, count - 5) * 16) / 16, [np.nan, 1e6, -1e6, 1024.0, -1022.0]]
        )
        m = np.where(np.isnan(k), np.nan, m)
        shifted = k + 1.5 * 2.0**48
        found = {"stock.0": m, "stock.1": k, "stock.2": shifted.view(np.uint64)}
    return found


def smaller_and_larger() -> tuple[Program, dict[str, np.ndarray]]:
    """Return a program of everything that could be taken for a minimum or a maximum, where the sign of a zero counts.

    ``a if a < b else b`` is `b` where both are zeros; a processor's own minimum may be either. Each result has inputs
    of its own, so that nothing is shared.
    """
    graph = Graph()
    zeros = [Value(graph, graph.constant(zero)) for zero in (0.0, -0.0)]
    pairs = [(x, y) for x in (0.0, -0.0, 1.0, -1.0, np.nan, np.inf, 5e-324) for y in (0.0, -0.0, 2.0, -2.0, np.nan)]
    sides = [np.array(side) for side in zip(*pairs, strict=True)]
    inputs, outputs = {}, {}

    def larger_than(zero: Value, x: Value) -> Value:  # no NaN, as LLVM knows
        return zero.make("choose", zeros[0].make("lt", zeros[0], x), x, zero)

    for i, (operation, first, second, turned, negated) in enumerate(
        itertools.product(("lt", "le"), range(3), range(5), (False, True), (False, True))
    ):
        names = f"stock.{i}", f"p.{i}"
        inputs |= dict(zip(names, sides, strict=True))
        a, b = (Value(graph, graph.input(name, NUMBER)) for name in names)
        one = (a, *(larger_than(zero, a) for zero in zeros))[first]
        other = (b, *zeros, *(larger_than(zero, b) for zero in zeros))[second]
        for at, (x, y) in enumerate(((one, other), (other, one))):
            test = one.make(operation, x, y)
            if negated:
                test = one.make("not", test)
            outputs[f"{i}.{at}"] = one.make("choose", test, *((y, x) if turned else (x, y)))
    return Program.as_written(outputs), inputs


def smaller_by_other_tests() -> tuple[Program, dict[str, np.ndarray]]:
    """Return a program of choices that LLVM knows for a minimum or a maximum when it has read their tests as others: of
    the other zero, of negatives, of a difference."""
    graph = Graph()
    a, b = (Value(graph, graph.input(name, NUMBER)) for name in ("stock.0", "p.0"))
    zero, minus_zero = (Value(graph, graph.constant(x)) for x in (0.0, -0.0))
    known = zero.make("choose", a <= 0.0, a, minus_zero)  # no NaN
    chosen = {
        "zero": (a < minus_zero, a, zero), "minus zero": (known < zero, minus_zero, known),
        "negative": (-a < zero, zero, a),
        "negatives": (-known < -b, b, known), "difference": (known - b < zero, known, b),
    }  # fmt: skip
    outputs = {name: zero.make("choose", *given) for name, given in chosen.items()}
    pairs = list(itertools.product((0.0, -0.0, 1.0, -1.0, np.nan), repeat=2))
    return Program.as_written(outputs), dict(zip(("stock.0", "p.0"), np.array(pairs).T, strict=True))


def negated_sums() -> tuple[Program, dict[str, np.ndarray]]:
    """Return a program of the negatives of fused sums, written in all ways, where terms may cancel: -0, and not 0."""
    graph = Graph()
    terms = np.array([
        (1.0, 1.0, -1.0), (0.0, 2.0, 0.0), (-0.0, 2.0, 0.0), (2.0, 3.0, -6.0), (2.0, 3.0, 6.0), (0.1, 3.0, -0.3),
        (np.inf, 1.0, -np.inf),
    ]).T  # fmt: skip
    inputs, outputs = {}, {}

    def sign(flag: Value) -> Value:
        return flag.as_number(flag) * 2.0 - 1.0

    ways = {
        "negative": lambda x, flag: -x, "from -0": lambda x, flag: -0.0 - x, "product": lambda x, flag: x * sign(flag),
        "choice": lambda x, flag: -x.make("choose", flag, x, x.as_number(1.0)),
        "bits": lambda x, flag: Word.number(Word.join("wxor", Word.bits(x), 1 << 63)),
        "smaller": lambda x, flag: -x.make("choose", x < 0.0, x, x.as_number(0.0)),
    }  # fmt: skip
    for operation, (way, negative) in itertools.product(("fma", "fms", "fnma"), ways.items()):
        names = [f"stock.{operation}.{way}.{i}" for i in range(3)]
        inputs |= dict(zip(names, terms, strict=True))
        a, b, c = (Value(graph, graph.input(name, NUMBER)) for name in names)
        outputs[f"{operation} {way}"] = negative(a.make(operation, a, b, c), c > 0.0)
    return Program.as_written(outputs), inputs


@pytest.mark.parametrize("zeros", [smaller_and_larger, smaller_by_other_tests, negated_sums])
def test_a_zero_keeps_its_sign(zeros):
    program, inputs = zeros()
    expected = interpreter.run(program, inputs)
    for way, code in zip(ways(), compiled([(program, *way) for way in ways()]), strict=True):
        found = code.run(inputs)
        assert [name for name in expected if not same_bits(found[name], expected[name])] == [], way
    without = {name: values + 0.0 for name, values in expected.items()}
    assert not all(same_bits(without[name], expected[name]) for name in expected), "the control"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation(operation):
    """All ways agree with plain Python on every operation, special values among them."""
    program = of_one_operation(operation)
    inputs = arguments(operation, np.random.default_rng(3))
    found = interpreter.run(program, inputs)["0"]
    values = [column.tolist() for column in inputs.values()]
    kind = {NUMBER: np.float64, WORD: np.uint64, FLAG: np.bool_}[OPERATIONS[operation].gives]
    if operation == "bits":
        values, found = [[x for x in values[0] if x == x]], found[~np.isnan(inputs["stock.0"])]
        inputs = {"stock.0": inputs["stock.0"][~np.isnan(inputs["stock.0"])]}
    expected = np.array([exact.apply(operation, row) for row in zip(*values, strict=True)], kind)
    assert same_bits(found, expected)
    for way, code in zip(ways(), compiled([(program, *way) for way in ways()]), strict=True):
        assert same_bits(code.run(inputs)["0"], expected), way


def test_the_fused_operation_of_the_c_library_is_exact():
    rng = np.random.default_rng(5)
    inputs = arguments("fma", rng)
    own = fused()
    for a, b, c in zip(*(column.tolist() for column in inputs.values()), strict=True):
        assert same_bits(np.array([own(a, b, c)]), np.array([exact.fma(a, b, c)])), (a, b, c)
    assert any(a * b + c != exact.fma(a, b, c) for a, b, c in rng.standard_normal((100, 3)).tolist()), "the control"


@pytest.mark.parametrize("seed", range(24))
def test_random_programs(seed):
    """A random function, by the rules: interpreter, and machine code of every width."""
    program = as_written(made(Writer(7000 + seed, 3 + seed % 6, exact=False).function(), f"bits {seed}")).by_rules()
    inputs = columns([*points(seed), *[tuple(x) for x in np.random.default_rng(seed).choice(SPECIAL, (20, 4))]])
    expected = interpreter.run(program, inputs)
    for way, code in zip(ways(), compiled([(program, *way) for way in ways()]), strict=True):
        found = code.run(inputs)
        for name, values in expected.items():
            assert same_bits(found[name], values), (way, name)


@pytest.mark.parametrize("model", ["car", "firm"])
def test_a_step_of_a_model(model):
    """Random numbers, start and step of many firms at odd values, by all ways."""
    model = load_model(model)
    rng = np.random.default_rng(8)
    count = 200
    inputs = {f"p.{name}": np.full(count, x) * rng.uniform(0.9, 1.1, count) for name, x in
              zip(fields(model.signature.parameters), model.defaults.values(), strict=True)}  # fmt: skip
    inputs |= {name: rng.integers(0, 2**32, count, dtype=np.uint64) for name in
               ("run.key.low", "run.key.high", "replicate.low", "replicate.high")}  # fmt: skip
    inputs |= {"cell.low": np.zeros(count, np.uint64), "cell.high": np.zeros(count, np.uint64)}
    inputs |= {"run.dt": np.ones(count), "time.step": rng.integers(0, 2000, count).astype(float)}
    starts = interpreter.run(
        model.program.only([name for name in model.program.outputs if name.startswith("start ")]), inputs
    )
    inputs |= {
        f"stock.{name.removeprefix('start ')}": values * rng.uniform(0.5, 1.5, count) for name, values in starts.items()
    }
    expected = interpreter.run(model.program, inputs)
    for way, code in zip(ways(), compiled([(model.program, *way) for way in ways()]), strict=True):
        found = code.run(inputs)
        for name, values in expected.items():
            assert same_bits(found[name], values), (way, name)
    other = {**inputs, "time.step": inputs["time.step"] + 1.0}  # the control: another step has other random numbers
    assert not all(same_bits(values, expected[name]) for name, values in interpreter.run(model.program, other).items())
