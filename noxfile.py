#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2024.10.9"]
# ///
"""Tasks, each in an environment of its own: ``nox -l`` lists them, ``nox -s tests`` runs one."""

from __future__ import annotations

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
TEST, DOCS, BENCHMARKS = ".[test]", ".[docs]", ".[benchmarks]"


def install(session: nox.Session, what: str) -> None:
    """Install the package with an extra, in the versions that CI has."""
    session.install("-c", "constraints.txt", "-e", what)


@nox.session
def lint(session: nox.Session) -> None:
    """Lint, format, types, import contracts."""
    install(session, TEST)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """The README's tests, on each Python that is at hand."""
    install(session, TEST)
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs)


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """The slow tests; words after -- go to pytest."""
    install(session, TEST)
    install(session, DOCS)
    session.run("python", "-m", "pytest", "-m", "slow", "-n", "2", "--dist", "worksteal", *session.posargs)


@nox.session(default=False)
def evidence(session: nox.Session) -> None:
    """The long tests, whose table is committed; words after -- go to pytest."""
    install(session, TEST)
    session.run("python", "-m", "tests.evidence", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The documentation site, without network; warnings are errors."""
    install(session, DOCS)
    session.run("python", "-m", "sphinx", "-W", "-b", "html", "docs", "docs/_build/html")


@nox.session(default=False)
def studies(session: nox.Session) -> None:
    """A study's numbers anew: nox -s studies -- paradox."""
    install(session, TEST)
    session.run("python", "studies/reproduce.py", *session.posargs)


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """A benchmark, as nox -s benchmarks -- kernel --write."""
    install(session, BENCHMARKS)
    name, *words = session.posargs or ["kernel"]
    session.run("python", "-m", f"benchmarks.{name}", *words)


if __name__ == "__main__":
    nox.main()
