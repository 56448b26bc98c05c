"""Hostile names, and every place where somebody's text comes in: what is taken there, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

TEXTS = {
    "climbs": "../../evil",
    "is absolute": "/etc/passwd",
    "quotes": "a\"b'c",
    "a substitution": "$(touch canary)",
    "backquotes": "`touch canary`",
    "a second command": "x;touch canary&",
    "a script": "</script><script>window.canary=1</script>",
    "an image": "<img src=http://x.invalid/ onerror=window.canary=1>",
    "an attribute": '" onmouseover="window.canary=1" style="position:fixed;inset:0',
    "a comment": "<!--<script>",
    "the end of CDATA": "]]>",
    "a link": "javascript:window.canary=1",
    "a format": "%s%n{0}{x!r}",
    "a template": "{{ 7*7 }}{% x %}",
    "mathematics": "$\\frac{1}{$",
    "an option": "--help",
    "a formula": "=HYPERLINK(A1)",
    "a sum": "+1",
    "a minus": "-1+1",
    "a function": "@SUM(1)",
    "TOML": '"""\n[study]'.replace("\n", " "),
    "CSV": 'a,"b;c',
    "letters alike": "mіsalignment",  # a Cyrillic i
    "an emoji": "\U0001f9ff",
}
"""What is taken where text is free, and then stays text."""

ODD = {"nothing": "", "spaces": "  x  ", "too long": "k" * 5_000, "a tab": "a\tb", "two lines": "a\nb"}
"""What is taken here and there."""

DRIVING = {
    "a null": "a\0b",
    "a carriage return": "a\rb",
    "an escape": "\x1b[2Jx",
    "a C1 control": "\x9b2Jx",
    "a delete": "a\x7fb",
    "a line separator": "a\u2028b",
    "a mark from right to left": "a\u202eb",
    "an isolate": "a\u2066b",
    "half a character": "a\ud800b",
}
"""What a terminal or a library obeys: refused everywhere, or escaped."""

ALL = TEXTS | ODD | DRIVING

HEAD = '[study]\nname = "s"\nmodel = "car"\nyears = 2\nreplicates = 20\n'
GRID = "[grid]\nexecution = [0.1, 0.9]\n"

MODEL = """\
from firmfate import Auxiliary, Cause, Mark, Model, Normal, Parameter, Stock

T = {{name: {text} for name in "summary alarm unit meaning source group cause mark".split()}} | {texts}
N = dict(model="walk", part="up", dim="green", parameter="skill") | {names}

def start(p, draw):
    return {{"cash": p.skill[0]}}

def step(s, p, draw, shock, week):
    cash = s.cash + 0.3 * shock.sales
    return {{"cash": cash, "broke": cash < 0.0, "alarm": cash < 0.5, "greens": 1}}

def observe(s, p, draw, shock, week):
    return {{"twice": 2.0 * s.cash}}

WALK = Model(
    name=N["model"], summary=T["summary"], alarm=T["alarm"], start=start, step=step, observe=observe,
    stocks=[Stock("cash", T["unit"], T["meaning"])], causes=[Cause("broke", T["cause"])],
    marks=[Mark("greens", 3, T["mark"], dim=N["dim"])], auxiliaries=[Auxiliary("twice", T["unit"], T["meaning"])],
    parameters=[Parameter(N["parameter"], 1.0, T["unit"], meaning=T["meaning"], source=T["source"], group=T["group"],
                          parts=(N["part"],))],
    shocks=[Normal("sales", T["unit"], T["meaning"])],
)
"""
OF_A_MODEL = ("summary", "alarm", "unit", "meaning", "source", "group", "cause", "mark")


def model(text: str = "plain", *, texts: dict[str, str] | None = None, names: dict[str, str] | None = None) -> str:
    """Return a model file all whose texts are `text`, those in `texts` others, and with other names."""
    return MODEL.format(text=ascii(text), texts=ascii(texts or {}), names=ascii(names or {}))


def quoted(text: str) -> str:
    """Return text in quotes, as TOML takes it; half a character has no form there, and stands as it is."""
    return json.dumps(text) if "\ud800" in text else json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True)
class WayIn:
    """A place where text comes in.

    Attributes
    ----------
    files : callable
        Of the text: content of the files to write, by name.
    words : callable
        Of the text: the command.
    says : str
        What a refusal names.
    takes : set of str
        Names of `ALL` that are taken.
    names : tuple of str
        Those that are tried.
    """

    files: Callable[[str], dict[str, str]]
    words: Callable[[str], list[str]]
    says: str
    takes: frozenset[str] = frozenset()
    names: tuple[str, ...] = tuple(ALL)


def _study(form: str, says: str, takes: object = (), files: dict[str, str] | None = None) -> WayIn:
    """Return a place in a study, whose text has QUOTED there."""
    others = files or {}
    return WayIn(
        lambda text: {"study.toml": form.replace("QUOTED", quoted(text)), **others},
        lambda _: ["check", "study.toml"], says, frozenset(takes),
    )  # fmt: skip


def _list(form: str, says: str, takes: object = ()) -> WayIn:
    return WayIn(
        lambda text: {"study.toml": f'cells = "cells.csv"\n{HEAD}', "cells.csv": form.replace("TEXT", text)},
        lambda _: ["check", "study.toml"], says, frozenset(takes),
    )  # fmt: skip


def _profile(key: str, takes: object = (), form: str = "{key} = {text}\n") -> WayIn:
    return WayIn(
        lambda text: {"study.toml": HEAD + GRID, "profile.toml": form.format(key=key, text=quoted(text))},
        lambda _: ["plan", "study.toml", "--profile", "profile.toml"], key,
        frozenset(takes),
    )  # fmt: skip


def _model(says: str, takes: object = (), tried: object = ALL, **wanted: str) -> WayIn:
    """Return a place in a model: `texts` or `names` of one."""
    ((kind, name),) = wanted.items()
    return WayIn(
        lambda text: {"walk.py": model(**{kind: {name: text}})},
        lambda _: ["parameters", "walk.py:WALK"], says, frozenset(takes),
        tuple(tried),
    )  # fmt: skip


def _words(*words: str, says: str, takes: object = ()) -> WayIn:
    """Return a place on a command line, which is of a finished run."""
    return WayIn(
        lambda _: {}, lambda text: [word.replace("TEXT", text) for word in words], says,
        frozenset(takes),
    )  # fmt: skip


def _table(form: str, says: str, takes: object = ()) -> WayIn:
    """Return a place in a table of observed survival."""
    return WayIn(
        lambda text: {"observed.csv": form.replace("TEXT", '"' + text.replace('"', '""') + '"')},
        lambda _: ["compare", "RUN", "--to", "observed.csv"], says, frozenset(takes),
    )  # fmt: skip


WORDS_OF_SLURM = {"climbs", "is absolute", "a link", "an option", "a sum", "a minus", "nothing", "too long"}
SHORT = {*DRIVING, "a script", "too long"}

WAYS_IN = {
    "the name of a study": _study(HEAD.replace('"s"', "QUOTED") + GRID, "study.name", {"an option"}),
    "the question": _study(f"{HEAD}question = QUOTED\n{GRID}", "study.question", {*TEXTS, *ODD}),
    "the model": _study(HEAD.replace('"car"', "QUOTED") + GRID, "study.model"),
    "a key": _study(f"{HEAD}QUOTED = 1\n{GRID}", "study."),
    "a table": _study(f"{HEAD}[QUOTED]\n{GRID}", "a study has no such table"),
    "an axis": _study(f"{HEAD}[grid]\nQUOTED = [1, 2]\n", "grid."),
    "a parameter": _study(f"{HEAD}{GRID}[parameters]\nQUOTED = 1\n", "parameters."),
    "a value": _study(f"{HEAD}[grid]\nexecution = [QUOTED, 1]\n", "grid.execution"),
    "what is drawn": _study(f"{HEAD}{GRID}[population]\nQUOTED = {{ beta = [2, 2] }}\n", "population."),
    "a distribution": _study(f"{HEAD}[population]\nexecution = {{ QUOTED = [2, 2] }}\n", "population.execution"),
    "observed values": _study(f"{HEAD}[population]\nexecution = {{ empirical = QUOTED }}\n", ""),
    "draws of a posterior": _study(f"{HEAD}[posterior]\ndraws = QUOTED\n", ""),
    "a list of cells": _study(f"cells = QUOTED\n{HEAD}", ""),
    "the name of a cell": _study(f"{HEAD}[[cells]]\nname = QUOTED\nexecution = 0.5\n", "cells[0].name", TEXTS),
    "a column of a list": _list('"TEXT",execution\n1,0.5\n', "line"),
    "a value of a list": _list('execution\n"TEXT"\n', "line", {"a sum"}),
    "a quantity of the precision": _study(f"{HEAD}{GRID}[precision]\nQUOTED = 1\n", "precision."),
    "the width of the precision": _study(f"{HEAD}{GRID}[precision]\nrmst = QUOTED\n", "precision.rmst"),
    **{f"the {key} of a profile": _profile(key, WORDS_OF_SLURM) for key in ("partition", "account", "interface")},
    "the memory of a profile": _profile("memory"),
    "the walltime of a profile": _profile("walltime"),
    "the scratch of a profile": _profile("scratch", {"climbs", "is absolute", "an option", "too long"}),
    "an option of a profile": _profile("options", {"an option"}, "{key} = [{text}]\n"),
    "a key of a profile": _profile("profile.toml", (), "{text} = 1\n"),
    "the command of a profile": _profile("command", {*TEXTS, *ODD} - {"two lines"}),
    **{f"the {name} of a model": _model("control", {"a script", "too long"}, SHORT, texts=name) for name in OF_A_MODEL},
    "all texts of a model": WayIn(
        lambda text: {"walk.py": model(text)},
        lambda _: ["parameters", "walk.py:WALK"], "walk.py", frozenset({*TEXTS, *ODD} - {"nothing"}),
    ),
    "the name of a model": _model("the model's name", {*TEXTS, "spaces", "a tab"}, names="model"),
    "a parameter of a model": _model("FF1", (), names="parameter"),
    "a part of a model's parameter": _model("FF114", {"letters alike"}, names="part"),
    "the dimension of a mark": _model("FF11", {"letters alike", "nothing"}, names="dim"),
    "a run directory": _words("status", "TEXT", says="run directory", takes={"an option"}),
    "an axis on the command line": _words("replay", "RUN", "--axis", "TEXT=1", says="is no axis of this run"),
    "a variable": _words("replay", "RUN", "--variables", "TEXT", says="a trajectory has no column"),
    "an error number": _words("explain", "TEXT", says="", takes={"an option"}),
    "a command": _words("TEXT", says="command", takes={"an option"}),
    "a column of observed survival": _table("TEXT,surviving_pct\n1,90\n", "age_years"),
    "an age of observed survival": _table("age_years,surviving_pct\nTEXT,90\n", "age_years", {"a sum"}),
    "a series of observed survival": _table("series,age_years,surviving_pct\nTEXT,1,90\nother,1,90\n", "choose one"),
}  # fmt: skip
"""Where text comes in, and what is taken there."""
