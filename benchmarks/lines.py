"""Lines with code of a folder, at commits: `python -m benchmarks.lines src/firmfate/models/firm ef7b90e HEAD`.

A line with code is one that is not blank, no comment, and no docstring of a module, a class or a function.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def git(*words: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True, text=True).stdout


def lines_with_code(text: str) -> int:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, documented) and ast.get_docstring(node)]
    spoken = {line for node in nodes for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)}
    lines = enumerate(text.splitlines(), start=1)
    return sum(bool(line.strip()) and line.lstrip()[0] != "#" and number not in spoken for number, line in lines)


if __name__ == "__main__":
    folder, *commits = sys.argv[1:]
    for commit in commits:
        names = git("ls-tree", "-r", "--name-only", commit, folder).split()
        total = sum(lines_with_code(git("show", f"{commit}:{name}")) for name in names if name.endswith(".py"))
        print(f"{commit}: {total}")
