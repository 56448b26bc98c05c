"""``python -m tests.evidence.mutation ROOM ...``: change the source in one place, and see whether a test fails.

Mutants are drawn at random, with a seed, from all places of a room at which one of `OPERATORS` applies (Cosmic Ray
finds and makes them). Each is tried in a copy of the repository, on those of the fast tests in `TESTS` that run the
function in which it is, the shortest first, of `MOST` seconds in all. The score has the standard error of a share.
``MUTATION.md`` holds the table and every survivor; why one is equivalent is written by hand into ``mutants.json`` and
kept.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from tests.evidence.forked_tests import Request, Start

from firmfate import provenance

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STORE, TABLE = HERE / "mutants.json", HERE / "MUTATION.md"
ROOMS = ("survival", "shards", "kernel", "models", "design")
TESTS = {
    "survival": " ".join(
        f"survival/test_{name}.py" for name in
        ("pinned", "core", "survivors", "observed", "jackknife", "estimators", "limits", "contrasts", "crossings",
         "delayed_entry", "ends_of_ranges", "landmarks", "regression", "simulated", "small_groups", "traits")
    ),
    "shards": "shards/test_plan.py shards/test_claims.py shards/test_states.py shards/test_work.py "
    "cluster/test_status.py shards/test_file.py shards/test_directory.py",
    "kernel": "kernel/test_processors.py kernel/test_schedule.py kernel/test_cache_folder.py "
    "kernel/test_same_bits_everywhere.py kernel/test_engine.py::test_order_and_neighbours_do_not_matter "
    "kernel/test_engine.py::test_values_of_a_firm_equal_values_of_a_cell "
    "kernel/test_engine.py::test_every_bit_of_a_cells_random_word_gives_other_firms "
    "kernel/test_engine.py::test_plain_python_is_the_oracle_of_others",
    "models": "program/test_identity.py::test_all_versions_of_python_agree_on_the_built_in_models "
    "models/test_declared.py models/test_reference.py models/test_functions.py models/test_checks.py "
    "models/test_user_models.py models/test_firm.py program/test_refusals.py program/test_wrong_models.py",
    "design": "design/test_boundaries.py design/test_documents.py "
    "study/test_refusals.py::test_bad_study_is_refused_by_its_path "
    "study/test_refusals.py::test_bad_csv_is_refused_by_its_line study/test_refusals.py::test_missing_csv_is_refused "
    "design/test_designs.py::test_points_are_those_of_every_version_before design/test_cells.py "
    "study/test_documents.py::test_schema_and_reader_agree",
}  # fmt: skip
"""The fast tests that a room's mutants are tried on; those that take long and look at other things are left out."""

COMPILED = ("kernel",)
"""Rooms of code that is run once in a process, and whose outcome is kept: all tests are run, in the order above."""

MOST = 20
"""Seconds of a processor in tests that a mutant is tried on in a fork."""

SECONDS = 60
"""Of a processor, that tests may take beyond twice what they take of the unchanged source; those that take more hang,
and a mutant with them is found."""

ELSEWHERE = 99
"""How a fork ends that cannot replace what is changed: tests are run in a process of their own."""

TRACED = ("src/firmfate/models/firm/", "src/firmfate/models/car.py")
"""Functions that are read when they are imported: a fork would come too late."""

KEEPING = ("dataclass", "dataclasses.dataclass", "cache", "cached_property", "lru_cache", "overload")
"""Decorators that keep results or make plain classes."""

OPERATORS = (
    *(f"ReplaceBinaryOperator_{pair}" for pair in
      ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Div", "Mod_Mul", "Pow_Mul", "BitAnd_BitOr", "BitOr_BitAnd",
       "LShift_RShift", "RShift_LShift")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in
      ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_GtE", "Gt_LtE", "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")),
    "AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "NumberReplacer",
    "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_USub", "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak", "ZeroIterationForLoop", "RemoveDecorator", "ExceptionReplacer",
)  # fmt: skip
"""Those of Cosmic Ray that a person could have written by mistake; of the others most end in a TypeError."""


class Mutant(NamedTuple):
    """One change: of a file below the root, at a line, by which operator, at its how-manieth place."""

    file: str
    line: int
    operator: str
    occurrence: int


def mutants(room: str) -> Iterator[Mutant]:
    """Yield every mutant of a room, outside of what `_unseen` finds."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator

    for path in sorted((ROOT / "src/firmfate" / room).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        idle = list(_unseen(text))
        nodes = list(ast_nodes(get_ast(text)))
        for name in OPERATORS:
            operator = get_operator(f"core/{name}")()
            places = (place for node in nodes for place in operator.mutation_positions(node))
            for occurrence, (start, _) in enumerate(places):
                if not any(begin <= start < end for begin, end in idle):
                    yield Mutant(str(path.relative_to(ROOT)), start[0], name, occurrence)


def _unseen(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield from where to where a source says what nothing that runs on correct input depends on.

    Annotations and names of types, signatures apart from defaults, decorators that keep results or make plain classes,
    and that lengths are compared (``strict=True``).
    """
    for node in ast.walk(ast.parse(text)):
        held: list[Any] = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        match node:
            case ast.If() if ast.unparse(node.test) == "TYPE_CHECKING":
                held += node.body
            case ast.Assign(value=ast.BinOp(op=ast.BitOr()) as value) if not node.col_offset and _of_types(value):
                held.append(value)
            case ast.keyword(arg="strict"):
                held.append(node)
            case ast.FunctionDef() | ast.ClassDef():
                for decorator in node.decorator_list:
                    if ast.unparse(decorator).partition("(")[0] in KEEPING:
                        yield (decorator.lineno, 0), (decorator.end_lineno or 0, decorator.end_col_offset or 0)
        if isinstance(node, ast.FunctionDef):
            yield from _signature(node)
        for part in held:
            if part is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno or 0, part.end_col_offset or 0)


def _of_types(value: ast.expr) -> bool:
    """Return whether `A | B` names types."""
    return all(
        isinstance(part, ast.BinOp | ast.BitOr | ast.Subscript | ast.Name | ast.Attribute | ast.Load | ast.Tuple)
        for part in ast.walk(value)
    )


def _signature(node: ast.FunctionDef) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield the gaps between the defaults of a function, in which it says what is given by keyword alone."""
    begin = node.lineno, node.col_offset
    defaults = [one for one in (*node.args.defaults, *node.args.kw_defaults) if one is not None]
    for default in sorted(defaults, key=lambda one: (one.lineno, one.col_offset)):
        yield begin, (default.lineno, default.col_offset)
        begin = default.end_lineno or 0, default.end_col_offset or 0
    yield begin, (node.body[0].lineno, node.body[0].col_offset)


class Copy:
    """A copy of the repository, in which sources are changed, and the process whose forks run tests."""

    def __init__(self, folder: Path, room: str) -> None:
        self.root, self.room = folder, room
        ignored = shutil.ignore_patterns(".git", ".*_cache", ".hypothesis", "_build", "runs", "docs")
        shutil.copytree(ROOT, folder, ignore=ignored, dirs_exist_ok=True)
        self.environment = {**os.environ, "PYTHONPATH": f"{folder / 'src'}:{folder}", "OMP_NUM_THREADS": "1",
                            "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        self.words = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
        self.tests = [f"tests/{name}" for name in TESTS[room].split()]
        (self.read, answers), (requests, self.write) = os.pipe(), os.pipe()
        words = " ".join([*self.words, *self.tests, "-p tests.evidence.forked_tests"])
        descriptors = f"exec {sys.executable} -m pytest {words} 3<&{requests} 4>&{answers}"
        self.server = subprocess.Popen(
            ["bash", "-c", descriptors], cwd=folder, env=self.environment, pass_fds=(requests, answers),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(answers)
        self.starter = subprocess.Popen(
            [sys.executable, "-m", "tests.evidence.forked_tests"], cwd=folder, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.answers = os.fdopen(self.read)
        record = folder / "recorded.json"
        code = self._asked({"seconds": 10 * SECONDS, "record": str(record)})
        assert code == 0, "tests of the unchanged source fail in a fork"
        code = self._started({"words": [*self.words, *self.tests], "seconds": 10 * SECONDS})
        assert code == 0, "tests of the unchanged source fail in a fork that imports it anew"
        self.recorded: dict[str, dict[str, Any]] = json.loads(record.read_text(encoding="utf-8"))
        seconds = sum(test["seconds"] for test in self.recorded.values())
        print(f"{room}: {len(self.recorded)} tests of the unchanged source pass in {seconds:.0f} seconds", flush=True)

    def _asked(self, request: Request) -> int:
        """Return how tests ended in a fork."""
        os.write(self.write, f"{json.dumps(request)}\n".encode())
        return int(self.answers.readline())

    def _running(self, path: Path, first: int, last: int) -> list[str]:
        """Return the tests that run some lines of a file, the shortest first."""
        seconds = {
            name: test["seconds"] for name, test in self.recorded.items()
            if any(first <= line <= last for line in test["lines"].get(str(path.resolve()), ()))
        }  # fmt: skip
        ordered = sorted(seconds, key=lambda name: seconds[name])
        totals = accumulate(seconds[name] for name in ordered)
        return [name for name, total in zip(ordered, totals, strict=True) if total <= MOST]

    def _allowed(self, tests: list[str]) -> int:
        """Return how many seconds of a processor tests may take."""
        return SECONDS + round(2 * sum(self.recorded[name]["seconds"] for name in tests))

    def tried(self, mutant: Mutant) -> tuple[bool, str]:
        """Return whether a test failed, and the change."""
        path = self.root / mutant.file
        stat, before = path.stat(), path.read_text(encoding="utf-8")
        after = changed(mutant, before)
        change = [
            line for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
            if line[:1] in "+-" and line[:3] not in ("+++", "---")
        ]  # fmt: skip
        path.write_text(after, encoding="utf-8")
        try:
            code = self._code(mutant, path, before)
        finally:
            path.write_text(before, encoding="utf-8")
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        return code != 0, "\n".join(change)

    def _code(self, mutant: Mutant, path: Path, before: str) -> int:
        """Return how tests of a changed source end: in a fork, or where that would come too late, in a new process."""
        every = list(self.recorded)
        first, last = _function(before, mutant.line)
        if mutant.file.startswith(TRACED):
            first, tests = 0, []
        elif self.room in COMPILED:
            tests = every
        else:
            tests = self._running(path, first, last)
        if first:
            request: Request = {"file": mutant.file, "function": first, "seconds": self._allowed(tests), "tests": tests}
            code = self._asked(request) if tests else 0
            if code != ELSEWHERE:
                return code
        given = tests if self.room not in COMPILED else []
        return self._started({"words": [*self.words, *given, *self.tests], "seconds": self._allowed(every)})

    def _started(self, start: Start) -> int:
        """Return how tests ended in a fork that has imported nothing of firmfate before."""
        assert self.starter.stdin is not None
        assert self.starter.stdout is not None
        print(json.dumps(start), file=self.starter.stdin, flush=True)
        return int(self.starter.stdout.readline())


def _function(text: str, line: int) -> tuple[int, int]:
    """Return the lines, decorators included, of the outermost function in whose body a line is; of none, 0 and all."""
    for node in _outermost(ast.parse(text)):
        if node.body[0].lineno <= line <= (node.end_lineno or 0):
            return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]), node.end_lineno or 0
    return 0, len(text)


def _outermost(node: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef):
            yield child
        elif isinstance(child, ast.ClassDef):
            yield from _outermost(child)


def changed(mutant: Mutant, text: str) -> str:
    """Return a source with a mutant's change."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    after = mutate_code(text, get_operator(f"core/{mutant.operator}")(), mutant.occurrence)
    assert after is not None
    return after


def drawn(room: str, count: int, seed: int) -> tuple[int, list[Mutant]]:
    """Return how many mutants a room has, and some at random; those that are not Python are not drawn."""
    everywhere = list(mutants(room))
    found: list[Mutant] = []
    for mutant in random.Random(seed).sample(everywhere, len(everywhere)):
        if len(found) == count:
            break
        try:
            ast.parse(changed(mutant, (ROOT / mutant.file).read_text(encoding="utf-8")))
        except SyntaxError:
            continue
        found.append(mutant)
    return len(everywhere), found


def examine(copy: Copy, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Draw mutants of a room, try them, and yield after each what has become of them."""
    run = f"{provenance.now()[:10]}, {provenance.commit() or 'no commit'}"
    places, sample = drawn(copy.room, count, seed)
    survivors: list[dict[str, Any]] = []
    for number, mutant in enumerate(sample, 1):
        killed, change = copy.tried(mutant)
        if not killed:
            survivors.append({"file": mutant.file, "line": mutant.line, "change": change, "equivalent": "", "note": ""})
        outcome = "killed" if killed else "survived"
        print(f"{copy.room} {number}/{len(sample)}: {outcome} {mutant.file}:{mutant.line}\n{change}", flush=True)
        yield {"places": places, "tried": number, "seed": seed, "survivors": survivors, "run": run}


def write(room: str, found: dict[str, Any] | None = None) -> None:
    """Write the store and the table; reasons given before are kept, and so are samples of other seeds."""
    held: dict[str, list[dict[str, Any]]] = json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {}
    known = {
        (survivor["file"], survivor["change"]): survivor
        for samples in held.values() for sample in samples for survivor in sample["survivors"]
    }  # fmt: skip
    if found:
        for survivor in found["survivors"]:
            survivor["equivalent"] = known.get((survivor["file"], survivor["change"]), survivor)["equivalent"]
        others = [sample for sample in held.get(room, []) if sample["seed"] != found["seed"]]
        held[room] = [*others, found]
    held = dict(sorted(held.items()))
    STORE.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    TABLE.write_text("\n".join(_table(held)) + "\n", encoding="utf-8")


def score(sample: dict[str, Any]) -> tuple[float, float]:
    """Return the share killed of those that are not equivalent, and its standard error."""
    survivors = sample["survivors"]
    valid = max(1, sample["tried"] - sum(bool(survivor["equivalent"]) for survivor in survivors))
    share = 1 - sum(not survivor["equivalent"] for survivor in survivors) / valid
    return share, ((share * (1 - share) + 0.25 / valid) / valid) ** 0.5


def _table(rooms: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    yield "# Mutation score\n"
    yield "What `python -m tests.evidence.mutation` measured. Of each room some mutants are drawn with a seed, outside"
    yield "of annotations, signatures and most decorators that keep results. The score is the share found by the"
    yield "fast tests listed in mutation.py, at most 20 seconds of them a mutant, of"
    yield "those that are not equivalent: an equivalent mutant changes nothing that the project promises, and stands"
    yield "below with its reason. Tests were written for survivors of every seed, so that only the last seed of a room,"
    yield "drawn after them, is a fair estimate; its score stays. Samples of less than 60 were cut short.\n"
    yield "| room | places | seed | tried | equivalent | killed | score ± se | run |"
    yield "|---|---:|---:|---:|---:|---:|---:|---|"
    for name, samples in rooms.items():
        for sample in samples:
            survivors, (share, error) = sample["survivors"], score(sample)
            cells = (
                name, f"{sample['places']:,}", sample["seed"], sample["tried"],
                sum(bool(survivor["equivalent"]) for survivor in survivors), sample["tried"] - len(survivors),
                f"{100 * share:.0f} % ± {100 * error:.0f}", sample["run"],
            )  # fmt: skip
            yield f"| {' | '.join(map(str, cells))} |"
    for name, samples in rooms.items():
        yield f"\n## {name}\n\n| seed | place | change | equivalent, since |\n|---:|---|---|---|"
        for sample in samples:
            for survivor in sample["survivors"]:
                place = f"{survivor['file'].removeprefix('src/firmfate/')}:{survivor['line']}"
                change = " → ".join(
                    f"`{line[1:].strip()}`" for line in survivor["change"].splitlines() if line[1:].strip()
                )
                reason = survivor["equivalent"] or (f"no: {survivor['note']}" if survivor["note"] else "no")
                yield f"| {sample['seed']} | {place} | {change.replace('|', chr(92) + '|')} | {reason} |"


def main(words: list[str]) -> int:
    """Read the command line, and write what was found after every mutant."""
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.mutation")
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"of {', '.join(ROOMS)}; default: all")
    parser.add_argument("--count", type=int, default=100, help="mutants a room; 0 writes the table anew")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    if unknown := set(given.rooms) - set(ROOMS):
        parser.error(f"no room {', '.join(sorted(unknown))}; allowed: {', '.join(ROOMS)}")
    for room in given.rooms or ROOMS:
        with tempfile.TemporaryDirectory() as folder:
            for found in examine(Copy(Path(folder), room), given.count, given.seed) if given.count else (None,):
                write(room, found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
