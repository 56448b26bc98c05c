"""What the paper cites is in its bibliography, and the commands that it names for its claims exist."""

from __future__ import annotations

import re

from .conftest import TOP

PAPER = (TOP / "paper" / "paper.md").read_text(encoding="utf-8")
SOURCES = (TOP / "paper" / "paper.bib").read_text(encoding="utf-8")


def test_every_source_is_cited_and_every_citation_has_a_source() -> None:
    cited = set(re.findall(r"@([a-z]+\d{4})", PAPER))
    assert cited == set(re.findall(r"^@\w+\{(\w+),", SOURCES, re.M))
    assert len(cited) >= 10


def test_every_command_exists() -> None:
    modules = re.findall(r"`python -m ([\w.]+)`", PAPER)
    assert len(modules) == 5
    for module in modules:
        place = TOP / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module
    tests = [path for command in re.findall(r"`pytest ([^`]+)`", PAPER) for path in command.split()]
    assert tests
    for path in tests:
        assert (TOP / path).is_dir(), path
