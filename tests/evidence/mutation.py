"""``python -m tests.evidence.mutation ROOM ...``: change the source in one place, and see whether a test fails.

Mutants are drawn at random, with a seed, from all places of a room at which one of `OPERATORS` applies (Cosmic Ray
finds and makes them). Each is tried in a copy of the repository, on the fast tests that run the changed line: those of
the room of the same name, then others for at most `OTHERS` seconds, quickest first. The score has the standard error of
a share. ``MUTATION.md`` holds the table, and every survivor with a reason, or a dash where a test is lacking; a reason
is written by hand into ``mutants.json`` and kept.
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
from pathlib import Path
from typing import Any, NamedTuple

from firmfate import provenance

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STORE, TABLE = HERE / "mutants.json", HERE / "MUTATION.md"
ROOMS = ("survival", "shards", "kernel", "models", "design")
OTHERS = 60.0
"""Seconds of tests of other rooms that a mutant is tried on."""

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
    """Yield every mutant of a room, outside of annotations, which nothing evaluates."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator

    for path in sorted((ROOT / "src/firmfate" / room).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        idle = list(_annotations(text))
        nodes = list(ast_nodes(get_ast(text)))
        for name in OPERATORS:
            operator = get_operator(f"core/{name}")()
            places = (place for node in nodes for place in operator.mutation_positions(node))
            for occurrence, (start, _) in enumerate(places):
                if not any(begin <= start < end for begin, end in idle):
                    yield Mutant(str(path.relative_to(ROOT)), start[0], name, occurrence)


def _annotations(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for node in ast.walk(ast.parse(text)):
        held = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            held += node.body
        for part in held:
            if part is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno or 0, part.end_col_offset or 0)


class Copy:
    """A copy of the repository, in which sources are changed; which tests run each line, how long each takes."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        ignored = shutil.ignore_patterns(".git", ".*_cache", ".hypothesis", "__pycache__", "_build", "runs")
        shutil.copytree(ROOT, folder, ignore=ignored, dirs_exist_ok=True)
        self.covered, self.took = self._covered()

    def _pytest(self, *words: str, seconds: float) -> tuple[int, str]:
        """Run tests; return the exit code, that of `timeout` where they hang, and what was printed."""
        settings = {"PYTHONPATH": str(self.root / "src"), "FIRMFATE_CACHE_DIR": str(self.root / "cache"),
                    "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        command = ["timeout", "--kill-after=5", f"{seconds:.0f}", sys.executable, *words, "-q", "-n", "0",
                   "-p", "no:cacheprovider"]  # fmt: skip
        done = subprocess.run(
            command, cwd=self.root, env={**os.environ, **settings}, capture_output=True, text=True, errors="replace"
        )
        return done.returncode, done.stdout + done.stderr

    def _covered(self) -> tuple[dict[tuple[str, int], list[str]], dict[str, float]]:
        """Return which tests run each line, and how long each test takes."""
        import coverage

        settings = self.root / "coverage.ini"
        settings.write_text(f"[run]\nsource = src/firmfate\ndata_file = {self.root}/coverage.data\n")
        words = ["-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest", "-p", "tests.evidence.contexts"]
        code, printed = self._pytest(*words, seconds=7200)
        assert code in (0, 1), printed
        took = json.loads((self.root / "seconds.json").read_text())
        print(f"{len(took)} tests pass unchanged; {printed.splitlines()[-1]}", flush=True)
        data = coverage.CoverageData(str(self.root / "coverage.data"))
        data.read()
        lines: dict[tuple[str, int], list[str]] = {}
        for file in data.measured_files():
            for line, tests in data.contexts_by_lineno(file).items():
                lines[str(Path(file).relative_to(self.root)), line] = [test for test in tests if test in took]
        return lines, took

    def tests(self, mutant: Mutant) -> list[str]:
        """Return the tests that a mutant is tried on; the room's where none is seen to run its line."""
        room = f"tests/{Path(mutant.file).parts[2]}"
        found = sorted(self.covered.get((mutant.file, mutant.line), []), key=lambda test: self.took[test])
        own = [test for test in found if test.startswith(f"{room}/")]
        others, left = [], OTHERS
        for test in found:
            left -= 0.0 if test in own else self.took[test]
            if test not in own and left > 0:
                others.append(test)
        return [*own, *others] or [room]

    def tried(self, mutant: Mutant) -> tuple[bool, str]:
        """Return whether a test failed, and the change."""
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.plugins import get_operator

        path = self.root / mutant.file
        before = path.read_text(encoding="utf-8")
        after = mutate_code(before, get_operator(f"core/{mutant.operator}")(), mutant.occurrence)
        assert after is not None
        change = [
            line for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
            if line[:1] in "+-" and line[:3] not in ("+++", "---")
        ]  # fmt: skip
        path.write_text(after, encoding="utf-8")
        try:
            tests = self.tests(mutant)
            allowed = 60 + 5 * sum(self.took[test] for test in tests) if "::" in tests[0] else 600
            code, _ = self._pytest("-m", "pytest", "-x", *tests, seconds=allowed)
        finally:
            path.write_text(before, encoding="utf-8")
        return code != 0, "\n".join(change)


def examine(copy: Copy, room: str, count: int, seed: int) -> dict[str, Any]:
    """Draw mutants of a room, try them, and return what became of them."""
    everywhere = list(mutants(room))
    drawn = random.Random(seed).sample(everywhere, min(count, len(everywhere)))
    survivors = []
    for number, mutant in enumerate(drawn, 1):
        killed, change = copy.tried(mutant)
        if not killed:
            survivors.append({"file": mutant.file, "line": mutant.line, "change": change, "reason": ""})
        outcome = "killed" if killed else "survived"
        print(f"{room} {number}/{len(drawn)}: {outcome} {mutant.file}:{mutant.line}\n{change}", flush=True)
    return {"places": len(everywhere), "tried": len(drawn), "seed": seed, "survivors": survivors,
            "run": f"{provenance.now()[:10]}, {provenance.commit() or 'no commit'}"}  # fmt: skip


def write(found: dict[str, dict[str, Any]]) -> None:
    """Write the store and the table; reasons given before are kept."""
    held = json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {}
    reasons = {
        (survivor["file"], survivor["change"]): survivor["reason"]
        for room in held.values()
        for survivor in room["survivors"]
    }
    for room in found.values():
        for survivor in room["survivors"]:
            survivor["reason"] = survivor["reason"] or reasons.get((survivor["file"], survivor["change"]), "")
    rooms = dict(sorted({**held, **found}.items()))
    STORE.write_text(json.dumps(rooms, indent=1) + "\n", encoding="utf-8")
    TABLE.write_text("\n".join(_table(rooms)) + "\n", encoding="utf-8")


def _table(rooms: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield "# Mutation score\n"
    yield "What `python -m tests.evidence.mutation` measured: of mutants drawn at random, the share that fast tests"
    yield "find. A survivor with a reason changes nothing that the project promises; the others lack a test.\n"
    yield "| room | places | tried | killed | score ± se | survivors without a reason | run |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    for name, room in rooms.items():
        tried, survivors = room["tried"], room["survivors"]
        share = 1 - len(survivors) / tried
        error = ((share * (1 - share) + 0.25 / tried) / tried) ** 0.5
        lacking = sum(not survivor["reason"] for survivor in survivors)
        score = f"{100 * share:.0f} % ± {100 * error:.0f}"
        cells = (name, f"{room['places']:,}", tried, tried - len(survivors), score, lacking, room["run"])
        yield f"| {' | '.join(map(str, cells))} |"
    for name, room in rooms.items():
        yield f"\n## {name}\n\n| place | change | reason |\n|---|---|---|"
        for survivor in room["survivors"]:
            place = f"{survivor['file'].removeprefix('src/firmfate/')}:{survivor['line']}"
            change = " → ".join(f"`{line[1:].strip()}`" for line in survivor["change"].splitlines())
            yield f"| {place} | {change.replace('|', chr(92) + '|')} | {survivor['reason'] or '-'} |"


def main(words: list[str]) -> int:
    """Read the command line, and write what was found after every room."""
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.mutation")
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"of {', '.join(ROOMS)}; default: all")
    parser.add_argument("--count", type=int, default=100, help="mutants a room")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    if unknown := set(given.rooms) - set(ROOMS):
        parser.error(f"no room {', '.join(sorted(unknown))}; allowed: {', '.join(ROOMS)}")
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        for room in given.rooms or ROOMS:
            write({room: examine(copy, room, given.count, given.seed)})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
