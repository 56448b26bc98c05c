"""Print what a study takes: cells, firms, shards, time, the standard error to expect; with --into, what is missing."""

from __future__ import annotations

import argparse
from pathlib import Path

from firmfate.cli import terminal

HELP = "print what a study takes: firms, shards, time, expected error"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("study", type=Path, metavar="STUDY", help="study file")
    parser.add_argument("--into", type=Path, metavar="DIR", help="run directory whose finished shards count")
    parser.add_argument("--profile", type=Path, metavar="PROFILE", help="print also how it is split into Slurm jobs")
    parser.add_argument("--pilot", action="store_true", help="measure some firms: time, bytes and errors to expect")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Lay out the study and cut it into shards."""
    from firmfate.precision import Rounds, forecast, pilot
    from firmfate.precision.allocation import Allowed
    from firmfate.shards import RunDirectory, plan
    from firmfate.study import Study

    study = Study.read(arguments.study)
    predicted = None
    if arguments.into and arguments.into.exists():
        directory = RunDirectory(arguments.into)
        directory.refuse_other(directory.as_far(study))
        if study.precision:
            rounds = Rounds(directory, study)
            study, predicted = rounds.study, forecast(rounds)
        found = directory.plan(study, study.cells)
    else:
        found = plan(study)
    tasks = None
    if arguments.profile:
        from firmfate.slurm import Profile, split

        tasks = split(found, Profile.read(arguments.profile))
    from firmfate.execute.compiling import seconds_to_compile
    from firmfate.kernel.engine import Engine

    compiling = seconds_to_compile(Engine(study.model, dt=study.dt))
    # Not by default: a plan is there at once, compiles nothing, and is the same on every machine.
    measured = pilot(found) if arguments.pilot and found.missing else None
    if arguments.json:
        terminal.out_json(
            {
                "study": study.name,
                "cells": len(found.cells),
                "shape": dict(zip(found.cells.dims, found.cells.shape, strict=True)),
                "firms": found.firms,
                "done": found.done,
                "missing": found.missing,
                "shards": len(found.shards),
                "nominal_core_seconds": found.nominal_seconds,
                "gather_seconds": found.gather_seconds,
                "compile_seconds": compiling,
                "result_bytes": found.result_bytes,
                "shard_bytes": found.shard_bytes,
                "firms_bytes": found.firms_bytes,
                "expected_se_weeks": found.expected_se_weeks,
                **({"precision": predicted.table()} if predicted else {}),
                **({"pilot": measured.table()} if measured else {}),
                **({"slurm": tasks.table()} if tasks else {}),
            }
        )
    else:
        lines = [str(found)]
        if study.precision:
            targets = ", ".join(target.words for target in study.precision.targets)
            lines.append(f"precision {targets}; {Allowed.of(study)}")
            if predicted:
                lines.append(str(predicted))
            elif not measured:
                lines.append("pilot     the firms above; plan --pilot, or plan --into after its run, predicts more")
        if measured:
            lines.append(str(measured))
        elif compiling:
            lines.append(f"start     about {compiling:g} s more to compile the model, once on this machine")
        if tasks:
            lines.append(str(tasks))
        terminal.out("\n".join(lines))
    return terminal.DONE
