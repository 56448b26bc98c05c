"""Studies, lists, profiles, models and command lines, mutated by a seed; how commands that are given them must end.

``python -m tests.faults.fuzz --count 20000 --first 0`` tries as many as one likes, and prints those that end otherwise;
what was mended is kept in ``corpus.json``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import re
import shutil
import tempfile
import time
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.children import Children
from tests.faults.counted import Outcomes

from firmfate import Study, plan
from firmfate.cli import main

LONGEST = 4_000
"""Characters of a message, at most."""
SLOWEST = 30.0
"""Seconds that a command may take here, on a busy machine."""

HEAD = '[study]\nname = "a"\nmodel = "{model}"\nyears = 2\nreplicates = 20\nseed = 1\n'
STUDIES = [
    HEAD.format(model="car") + "[grid]\nexecution = [0.1, 0.9]\n[record]\nhorizons = [1, 2]\n",
    HEAD.format(model="firm") + "[grid]\nexecution = { from = 0, to = 1, points = 3 }\n"
    '[parameters]\ncorrect_time = "13 weeks"\nalarm = 0.5\n',
    HEAD.format(model="firm") + '[parameters]\n"misalignment.sales" = 1\n[[cells]]\nname = "x"\nexecution = 0.9\n'
    '[[cells]]\nname = "y"\nexecution = 0.1\n',
    'cells = "cells.csv"\n' + HEAD.format(model="firm"),
    HEAD.format(model="firm") + "[population]\nexecution = { beta = [2, 2] }\nalarm = { uniform = [0.1, 0.9] }\n"
    'strata = { execution = 2 }\n[[population.correlation]]\nbetween = ["execution", "alarm"]\nrank = 0.5\n'
    "[record]\nfirms = true\nbatches = 16\n",
    HEAD.format(model="car") + '[population]\nexecution = { empirical = "cells.csv" }\n',
    HEAD.format(model="firm") + "[sobol]\npoints = 4\nexecution = [0, 1]\nmisalignment = [0, 1]\n",
    HEAD.format(model="firm") + "[latin_hypercube]\npoints = 5\nexecution = [0, 1]\ncorrect_time = [13, 52]\n",
    HEAD.format(model="walk.py:WALK") + "[grid]\nskill = [1, 2]\n",
]
CELLS = "execution,correct_time\n0.9,13 weeks\n0.1,2 years\n"
PROFILE = 'partition = "short"\ncpus = 2\nmemory = "2G"\nwalltime = "01:00:00"\nconcurrent = 10\n'
WALK = """\
from math import log
from firmfate import Cause, Model, Normal, Parameter, Stock

def start(p, draw):
    return {"cash": log(p.skill) + 1.0}

def step(s, p, draw, shock, week):
    cash = s.cash + 0.1 * shock.sales
    if cash > 5.0:
        cash = min(cash, 6.0)
    return {"cash": cash, "broke": cash < 0}

def check(values, dt):
    if values["skill"] > 50:
        yield "skill is too high"

WALK = Model(name="walk", summary="A walk.", start=start, step=step, stocks=[Stock("cash")], causes=[Cause("broke")],
             parameters=[Parameter("skill", 1.0)], shocks=[Normal("sales")], check=check)
"""

VALUES = (
    "1e300",
    "-1e300",
    "1e-320",
    "-1",
    "0",
    "-0.0",
    "nan",
    "inf",
    "-inf",
    "true",
    "1",
    "2.5",
    '"x"',
    '""',
    "[]",
    "{}",
    "[[1]]",
    "[1, 1]",
    "{ x = 1 }",
    "9" * 5_000,
    "0x" + "f" * 5_000,
    '"\\u001b[2J"',
    '"\\u202e"',
    '"' + "k" * 5_000 + '"',
    "1979-05-27",
    '"1 month"',
    '"-3 weeks"',
    '"../x"',
    '"a\\u0000b"',
    '"é"',
    "9223372036854775808",
    "18446744073709551616",
    "{ from = 0, to = 1, points = 100000000000 }",
    "{ normal = [0, -1] }",
    "[0, 1e400]",
    "{ lognormal = { median = 0 } }",
)
WORDS = (
    ["check", "STUDY"],
    ["plan", "STUDY"],
    ["plan", "STUDY", "--json"],
    ["plan", "STUDY", "--profile", "PROFILE"],
    ["status", "RUN"],
    ["report", "RUN"],
    ["replay", "RUN", "--replicate", "1"],
    ["replay", "RUN", "--execution", "0.5"],
    ["export", "RUN", "--into", "x.csv"],
    ["export", "RUN", "--firms", "--replicates", "2", "--into", "x.csv"],
    ["gather", "RUN"],
    ["parameters", "firm"],
    ["schema"],
    ["explain", "FF103"],
    ["init", "new.toml"],
    ["--version"],
)
ODD = (
    "",
    "-",
    "--",
    "-1",
    "--into",
    "nan",
    "1e999",
    "\x1b[2J",
    "\u202e",
    "k" * 3_000,
    "0",
    "--json",
    "a\0b",
    "é",
    "--x=1",
    "\udc80",
    "9" * 5_000,
    "/",
    "/dev/null",
    "..",
    "0-99999999999999999999",
    "FF999",
    "--help",
    "=",
    "--replicate",
)
MOST_STEPS = 200_000
"""Of firms in a study that is run as well."""
KINDS = ("study", "list", "profile", "model", "words")


@dataclass(frozen=True)
class Case:
    """Files, and the words of a command that is given them; STUDY, PROFILE and RUN stand for paths."""

    kind: str
    files: dict[str, str]
    words: list[str]


def mutated(text: str, draw: random.Random) -> str:
    """Return a text with one to three mutations."""
    for _ in range(draw.choice([1, 1, 2, 3])):
        text = draw.choice([_value, _value, _value, _key, _line, _character, _swapped, _cut])(text, draw)
    return text


def _value(text: str, draw: random.Random) -> str:
    places = list(re.finditer(r"(?<![\w.])-?\d+\.?\d*(?:e-?\d+)?|\"[^\"\n]*\"|\[[^\[\]\n]*\]", text))
    if not places:
        return text
    place = draw.choice(places)
    return text[: place.start()] + draw.choice(VALUES) + text[place.end() :]


def _key(text: str, draw: random.Random) -> str:
    places = list(re.finditer(r"[A-Za-z_]+", text))
    if not places:
        return text
    one, other = draw.choice(places), draw.choice(places)[0]
    new = draw.choice([other, one[0] + "s", "cause", "week", "firms", '"\\u001b"', "x" * 500, "import", "stratum_"])
    return text[: one.start()] + new + text[one.end() :]


def _line(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    place = draw.randrange(len(lines))
    lines[place : place + 1] = draw.choice([[], [lines[place]] * 2, [lines[place], draw.choice(lines)]])
    return "\n".join(lines)


def _character(text: str, draw: random.Random) -> str:
    place = draw.randrange(len(text) + 1)
    return text[:place] + draw.choice("\0\x1b\n\"'[]{}=.,#-\u202e\ufeffé9(:") + text[place + draw.randrange(2) :]


def _swapped(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    draw.shuffle(lines)
    return "\n".join(lines)


def _cut(text: str, draw: random.Random) -> str:
    return text[: draw.randrange(len(text) + 1)]


def case(seed: int) -> Case:
    """Return the case of a seed."""
    draw = random.Random(seed)
    kind = draw.choices(KINDS, [10, 2, 2, 3, 4])[0]
    study = draw.choice(STUDIES)
    files = {"study.toml": study, "cells.csv": CELLS, "profile.toml": PROFILE, "walk.py": WALK}
    words = draw.choice([["check", "STUDY"], ["plan", "STUDY"]])
    if kind == "study":
        files["study.toml"] = mutated(study, draw)
    elif kind == "list":
        files["study.toml"] = draw.choice([one for one in STUDIES if "cells.csv" in one])
        files["cells.csv"] = mutated(CELLS, draw)
    elif kind == "profile":
        files["study.toml"], files["profile.toml"] = STUDIES[0], mutated(PROFILE, draw)
        words = ["plan", "STUDY", "--profile", "PROFILE"]
    elif kind == "model":
        files["study.toml"], files["walk.py"] = STUDIES[-1], mutated(WALK, draw)
    else:
        words = list(draw.choice(WORDS))
        for _ in range(draw.choice([1, 1, 2])):
            place = draw.randrange(len(words) + 1)
            words[place : place + draw.randrange(2)] = [draw.choice(ODD)]
    return Case(kind, files, words)


Ends = Callable[[list[str], Path], tuple[int, str, str, float]]
"""Runs a command in a folder; returns its exit code, what it printed on both streams, and its seconds."""


def _ended(words: list[str], folder: Path) -> tuple[int, str, str, float]:
    """Run a command in this process."""
    out, err, begin = io.StringIO(), io.StringIO(), time.monotonic()
    streams = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with contextlib.chdir(folder), streams[0], streams[1], warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = main(words)
        except BaseException as fault:
            raise Wrong(f"it raises {type(fault).__name__}: {fault}") from fault
    return code, out.getvalue(), err.getvalue(), time.monotonic() - begin


def as_process(children: Children) -> Ends:
    """Return what runs a command as a process of its own; one that hangs is seen by `children`."""

    def ended(words: list[str], folder: Path) -> tuple[int, str, str, float]:
        begin = time.monotonic()
        found = children.run(*words, folder=folder, apart=True)
        return found.code, found.out, found.said, time.monotonic() - begin

    return ended


class Wrong(AssertionError):
    """A command that ended otherwise than it must."""


def tried(tested: Case, folder: Path, run: Path, ends: Ends | None = None) -> str:
    """Run a command, in this process if not otherwise, and return how it ended, where that is how it must."""
    ends = ends or _ended
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, text in tested.files.items():
        (folder / name).write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
    places = {"STUDY": str(folder / "study.toml"), "PROFILE": str(folder / "profile.toml"), "RUN": str(run)}
    code, out, said, seconds = ends([places.get(word, word) for word in tested.words], folder)
    if seconds > SLOWEST:
        raise Wrong(f"it takes {seconds:.0f} s")
    if code not in (0, 2, 3):
        raise Wrong(f"exit code {code}: {said[:500]}")
    if "Traceback" in said:
        raise Wrong(f"a traceback: {said[:500]}")
    if found := [c for c in said if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cs")]:
        raise Wrong(f"it prints {found[:5]}")
    if code == 0:
        return "done" if tested.words[0] != "plan" or tested.kind == "profile" else _run(folder, ends)
    if code == 2 and len([line for line in said.splitlines() if line.startswith("firmfate: ")]) != 1:
        raise Wrong(f"not one message: {said[:500]!r}")
    if code == 2 and out and tested.words[0] in ("check", "plan"):
        raise Wrong(f"output beside a refusal: {out[:200]!r}")
    if len(said) > LONGEST:
        raise Wrong(f"a message of {len(said)} characters: {said[:200]!r}")
    return "refused in one message" if code == 2 else "reported as incomplete"


def _run(folder: Path, ends: Ends) -> str:
    """Run a study that `plan` takes, where it is a small one; what passes there must not be refused here."""
    with contextlib.chdir(folder):
        study = Study.read("study.toml")
        if study.steps * plan(study).firms > MOST_STEPS:
            return "done"
    code, _, said, _ = ends(["run", "study.toml", "--into", "new", "--quiet", "--no-report"], folder)
    if code not in (0, 3):
        raise Wrong(f"plan takes it, run ends with {code}: {said[:500]}")
    if not (folder / "new" / "result.nc").exists():
        raise Wrong(f"no result: {said[:500]}")
    return "run to its end" if code == 0 else "run, some firms invalid"


def attack(cases: list[Case], run: Path, ends: Ends | None = None) -> tuple[Outcomes, list[tuple[Case, str]]]:
    """Try cases, in this process if not otherwise; return outcomes, and those that ended otherwise than they must."""
    outcomes: Outcomes = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for tested in cases:
            try:
                outcomes[f"mutated {tested.kind}", tried(tested, Path(folder), run, ends)] += 1
            except Wrong as fault:
                outcomes[f"mutated {tested.kind}", "WRONG"] += 1
                wrong.append((tested, str(fault)))
    return outcomes, wrong


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz")
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--run", type=Path, required=True, help="a finished run directory; it may be changed")
    chosen = parser.parse_args()
    outcomes, wrong = attack([case(seed) for seed in range(chosen.first, chosen.first + chosen.count)], chosen.run)
    for tested, why in wrong:
        print(json.dumps(asdict(tested)), why, sep="\n")
    for (what, outcome), count in sorted(outcomes.items()):
        print(f"{what}: {outcome} {count}")


if __name__ == "__main__":
    _main()
