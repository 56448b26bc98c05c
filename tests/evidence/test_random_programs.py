"""Random programs by the thousand: Python, the interpreter and machine code say the same."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.evidence import random_programs
from tests.evidence.random_programs import ALL, CHUNK, COMPILED, Examined, examine_many, next_seed, seen
from tests.kernel import machine_code
from tests.kernel.machine_code import same_bits
from tests.program import examination, random_functions
from tests.program.examination import examine, examine_reading, statements
from tests.program.noise import spread

from firmfate.program import interpreter
from firmfate.program.graph import Graph
from firmfate.program.program import Program

COUNT = int(os.environ.get("FIRMFATE_RANDOM_PROGRAMS", 2**12))
"""Functions to examine that no run has seen yet."""

SEEDS = (4, 5, 6, 7)
"""Even ones are of functions with operations that Python rounds otherwise."""
BIT = 1.0 + 2.0**-52

Examine = Callable[[Sequence[int]], dict[int, int | Exception]]


@pytest.mark.evidence
def test_random_programs_mean_the_same_in_machine_code(record_property: Callable[[str, object], None]) -> None:
    found = examine_many(COUNT, first=next_seed(seen()), keep=True)
    assert not found.failures
    runs = seen()
    record_property(f"random programs that runs have seen, {ALL} or more", next_seed(runs))
    record_property("points compared with Python", sum(run["points"] for run in runs))
    record_property("core-hours", sum(run["core_seconds"] for run in runs) / 3600)
    record_property("of these in this run", found.functions)
    record_property("milliseconds of a core for each of them", 1e3 * found.core_seconds / found.functions)


def off(program: Program, factor: float) -> Program:
    """Return a program whose outputs are multiplied."""
    graph = Graph()
    for node in program.graph.nodes:
        graph.append(node)
    wrong = graph.constant(factor)
    return Program(graph, {name: graph.apply("mul", place, wrong) for name, place in program.outputs.items()})


def failed(examined: Examine = examine) -> dict[int, str]:
    """Return what fails of some functions whose machine code is one module, by seed."""
    return {seed: str(found) for seed, found in examined(SEEDS).items() if isinstance(found, Exception)}


@pytest.mark.parametrize("examined", [examine, examine_reading])
def test_all_points_of_all_functions_are_compared(examined: Examine) -> None:
    assert examined(SEEDS) == {4: 48, 5: 16, 6: 48, 7: 16}  # 16 points, of even seeds for each of three outputs


def test_functions_of_every_size_are_compiled() -> None:
    firsts = range(1280 * CHUNK, 2560 * CHUNK, CHUNK)
    sizes = Counter(
        statements(seed) for first in firsts if random_programs.compiles(first) for seed in range(first, first + CHUNK)
    )
    assert sum(sizes.values()) == pytest.approx(len(firsts) * CHUNK / COMPILED, rel=0.01)
    assert [sizes[size] for size in range(1, 6)] == pytest.approx(
        [sum(sizes.values()) / 2**size for size in range(1, 6)], rel=0.1
    )
    assert min(sizes[6], sizes[7]) > 50


def test_sizes() -> None:
    """Small functions more often, from where they are not evenly spread."""
    assert [statements(seed) for seed in range(8)] == [2, 3, 4, 5, 6, 7, 2, 3]
    assert Counter(map(statements, range(128 * 10_000, 128 * 10_001))) == {1: 64, 2: 32, 3: 16, 4: 8, 5: 4, 6: 2, 7: 2}


@pytest.mark.parametrize("seed", SEEDS[1:3])
def test_one_function_whose_machine_code_is_off_by_one_bit_is_seen(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of machine code, among others in one module."""
    write = machine_code.write_function

    def wrong(module: Any, name: str, program: Program, *how: Any) -> None:
        write(module, name, off(program, BIT) if name == f"run{SEEDS.index(seed)}" else program, *how)

    monkeypatch.setattr(machine_code, "write_function", wrong)
    found = failed()
    assert list(found) == [seed]
    assert f"seed {seed}, " in found[seed]
    assert "interpreter" in found[seed]


@pytest.mark.parametrize("examined", [examine, examine_reading])
@pytest.mark.parametrize(
    ("seed", "written", "ruled", "message"),
    [(5, BIT, 1.0, ", Python "), (4, 1.0, 1.0 + 1e-11, "rules move"), (6, 1.0 + 1e-11, 1.0, ", Python ")],
)
def test_a_program_that_differs_from_python_is_seen(
    seed: int, written: float, ruled: float, message: str, examined: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controls of meaning: by a bit where Python rounds once, by 1e-11 elsewhere, by the rules and as written."""
    read = examination.as_written

    def wrong(function: Callable[..., Any]) -> Program:
        found = read(function)
        return off(found, written) if function.__code__.co_filename.endswith(f" {seed}>") else found

    def wrongly_ruled(case: examination.Case) -> Program:
        return off(case.written.by_rules(), ruled) if case.seed == seed else case.written.by_rules()

    monkeypatch.setattr(examination, "as_written", wrong)
    monkeypatch.setattr(examination.Case, "ruled", property(wrongly_ruled))
    found = failed(examined)
    assert list(found) == [seed]
    assert f"seed {seed}" in found[seed]
    assert message in found[seed]


@pytest.mark.parametrize("seed", [51202, 55072, 62492, 179608])
def test_what_python_may_round_otherwise_is_uncertain(seed: int) -> None:
    """A unit in the last place of exp(7), a constant, moves sin(exp(7)) by 2e-13; one of b ** 3 moves b ** 3 % 3.05 by
    4e-12; what a product has lost decides whether v * c + c * c is 0, where v = -c, and also v - v is; what a
    difference has lost, whether (a - d) + d is a."""
    assert examine([seed]) == {seed: 48}
    case = examination.Case.of(seed, exact=False)
    found = interpreter.run(case.written, case.inputs)
    for name, values in interpreter.run(random_functions.unfolded(case.function), case.inputs).items():
        assert same_bits(values, found[name])
    by_point = [random_functions.by_python(case.function, point) for point in case.at]
    narrow = spread(case.written, case.inputs, found, seed)
    with pytest.raises(AssertionError, match=f"seed {seed}"):
        examination._compare_within(case, found, interpreter.run(case.ruled, case.inputs), by_point, narrow)


def test_a_difference_of_a_sum_with_itself_is_0_up_to_errors_of_its_terms() -> None:
    assert examination.check_rules(550904) == 48


def test_integers_beyond_what_a_float_holds_are_rounded() -> None:
    """Python keeps 10**35 squared to the last digit; a program rounds it, as the guide says."""
    assert examination.check_meaning(447249) == 16
    case = examination.Case.of(447249, exact=True)
    found = [
        random_functions.by_python(function, case.at[2])
        for function in (case.function, random_functions.with_floats(case.text))
    ]
    assert found[0] != found[1]
    assert found[0] == pytest.approx(found[1], rel=1e-15)


def test_a_function_that_cannot_be_compiled_is_found_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    write = machine_code.write_function

    def wrong(module: Any, name: str, program: Program, *how: Any) -> None:
        write(module, name, program, *how)
        if program.digest == refused.digest:
            raise ValueError("refused")

    refused = examination.Case.of(6, exact=False).ruled
    monkeypatch.setattr(machine_code, "write_function", wrong)
    assert list(failed()) == [6]


def test_a_chunk_reports_what_fails_and_counts_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_programs, "CHUNK", 4)
    monkeypatch.setattr(examination, "by_python", lambda function, point: None)
    found = random_programs.chunk(4)
    assert (found.functions, found.points, found.failures) == (4, 0, ())
    monkeypatch.setattr(examination, "by_python", lambda function, point: (1.0, 2.0, 3.0))
    found = random_programs.chunk(4)
    assert [failure.partition(" at ")[0] for failure in found.failures] == [
        f"seed {seed}: AssertionError: seed {seed}" for seed in SEEDS
    ]


def test_a_run_notes_what_it_has_seen_until_something_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {0: Examined(64, 10, 1.0), 64: Examined(64, 20, 2.0), 128: Examined(64, 30, 4.0, ("seed 130",))}
    monkeypatch.setattr(random_programs, "SEEN", tmp_path / "seen.json")
    monkeypatch.setattr(random_programs, "chunk", parts.__getitem__)
    monkeypatch.setattr(
        random_programs.multiprocessing, "Pool", lambda *_, **__: nullcontext(SimpleNamespace(imap=map))
    )
    random_programs.note([])
    assert next_seed(seen()) == 0
    examine_many(64, keep=True)
    assert next_seed(seen()) == 64
    assert examine_many(128, first=64, keep=True).failures == ("seed 130",)
    assert [(run["first"], run["functions"], run["points"]) for run in seen()] == [(0, 64, 10), (64, 64, 20)]
    assert next_seed([{"first": 0, "functions": 64}, {"first": 128, "functions": 64}]) == 64
