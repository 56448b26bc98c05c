"""Check a study file: what a run would refuse is refused here, with the key, the value and what is allowed."""

from __future__ import annotations

import argparse
from pathlib import Path

from firmfate.cli import terminal

HELP = "check a study file, without running anything"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("study", type=Path, metavar="STUDY", help="study file")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print errors only")


def execute(arguments: argparse.Namespace) -> int:
    """Read and lay out the study."""
    from firmfate.study import Study

    study = Study.read(arguments.study)
    cells = study.cells
    if study.precision:
        from firmfate.precision.allocation import Allowed

        Allowed.of(study)
    if arguments.json:
        terminal.out_json(
            {
                "study": study.name,
                "model": study.model_name,
                "cells": len(cells),
                "shape": dict(zip(cells.dims, cells.shape, strict=True)),
                "replicates": study.replicates,
                "firms": len(cells) * study.replicates,
                "weeks": study.weeks,
                "steps_per_week": study.steps_per_week,
                "seed": study.seed,
                "design": study.design.words,
                "drawn": list(study.drawn_words),
            }
        )
    elif not arguments.quiet:
        lines = [
            f"{arguments.study} is a study: '{study.name}', model {study.model_name}, {len(cells):,} cell(s) x "
            f"{study.replicates:,} firms, {study.years:g} years",
            f"design    {study.design.words}",
            *(f"drawn     {line}" for line in study.drawn_words),
        ]
        terminal.out("\n".join(lines))
    return terminal.DONE
