"""Pages of the documentation as programs: files, commands, Python and R, and the output that they promise.

A fence of ``{code-block}`` with a caption is a file of that name. ``sh``, ``python`` and ``r`` are run where they
stand; ``text`` is what the block before it prints, in which ``...`` stands for anything. ``console`` needs what a test
has not, such as a cluster, and is not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"^```(?P<kind>\{code-block\} \w+|\w+)\n(?P<options>(?::[\w-]+:[^\n]*\n)*)\n?(?P<body>.*?)^```$", re.M | re.S
)
RUN = ("sh", "python", "r")


@dataclass(frozen=True)
class Block:
    """One fence: its language, its text, the file that it is, and its line in the page."""

    kind: str
    text: str
    file: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fences of a page in order."""
    written = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(written):
        caption = re.search(r"^:caption: (.+)$", found["options"], re.M)
        line = written.count("\n", 0, found.start()) + 1
        yield Block(found["kind"].split()[-1], found["body"], caption[1] if caption else "", line)


def missing(promised: str, printed: str) -> list[str]:
    """Return what a ``text`` block promises and an output lacks: its lines, and their pieces between ``...``, in order.

    Examples
    --------
    >>> missing("a ... c", "a b c"), missing("a ... c", "c b a"), missing("ab\\ncd", "ab cd")
    ([], ['c'], [])
    """
    lacking, place = [], 0
    printed = " ".join(printed.split())
    for line in promised.splitlines():
        for piece in re.split(r"\.\.\.|…", line):
            words = " ".join(piece.split())
            at = printed.find(words, place)
            if at < 0:
                lacking.append(words)
            else:
                place = at + len(words)
    return lacking
