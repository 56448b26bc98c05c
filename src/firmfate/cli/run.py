"""Run a study: plan, simulate what is missing, gather, report, and print what was found.

The same command again goes on where it stopped; a study that asks for more cells or replicates extends what is there.
"""

from __future__ import annotations

import argparse
import re
import warnings
from pathlib import Path

from firmfate.cli import terminal
from firmfate.devices import DEVICES
from firmfate.errors import InvalidFirmsWarning, command
from firmfate.execute.base import MOST_SCALE
from firmfate.execute.register import EXECUTORS

HELP = "run a study into a directory: simulate, gather, report"
NO_STUDY = """\
run needs a study file:
  firmfate init study.toml                        writes one to start from
  firmfate init --example paradox paradox.toml    writes the study that comes with firmfate
  firmfate run study.toml --into runs/first       runs it"""


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("study", type=Path, metavar="STUDY", nargs="?", help="study file")
    parser.add_argument(
        "--into", type=Path, metavar="DIR", help="run directory (default: runs/NAME, NAME being the study's)"
    )
    choice = parser.add_mutually_exclusive_group()
    for kind in EXECUTORS:
        kind.add_option(parser, choice)
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="cpu",
        help="what steps firms; cuda: an NVIDIA GPU (default: cpu)",
    )
    parser.add_argument(
        "--shards",
        type=_part,
        metavar="i/n",
        help="run part i of n of the plan, i from 0, and do not gather: for job arrays",
    )
    parser.add_argument("--no-report", action="store_true", help="gather, but write no report")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    parser.add_argument("--shard-scale", type=_scale, default=1.0, help=argparse.SUPPRESS)


def _part(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
    if not match or int(match[1]) >= int(match[2]):
        raise argparse.ArgumentTypeError(f"'{text}'; allowed: i/n with i from 0 to n - 1, such as 0/8")
    return int(match[1]), int(match[2])


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0 < scale <= MOST_SCALE:
        raise argparse.ArgumentTypeError(f"'{text}'; allowed: a number above 0 and up to {MOST_SCALE:,.0f}")
    return scale


def execute(arguments: argparse.Namespace) -> int:
    """Run the study, or its part."""
    if arguments.study is None:
        terminal.complain(NO_STUDY)
        return terminal.BAD_INPUT
    on = next((on for kind in EXECUTORS if (on := kind.from_options(arguments)) is not None), EXECUTORS[0]())
    from firmfate.study import Study

    study = Study.read(arguments.study)
    from firmfate.execute import ArrayPart, run
    from firmfate.shards import RunDirectory

    into = RunDirectory.of(study, arguments.into).path
    if arguments.shards:
        index, parts = arguments.shards
        run(study, into=into, on=ArrayPart(index, parts, on), device=arguments.device, progress=not arguments.quiet)
        terminal.say(f"part {index} of {parts} is done; when all are: {command('gather', into)}", quiet=arguments.quiet)
        return terminal.DONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InvalidFirmsWarning)  # printed below, after the report is written
        ds = run(
            study, into=into, on=on, device=arguments.device, progress=not arguments.quiet,
            shard_scale=arguments.shard_scale,
        )  # fmt: skip
    report = None
    if not arguments.no_report:
        from firmfate.reporting import write_report

        report = write_report(into)
    from firmfate.analysis import finding
    from firmfate.precision import recorded, sentences

    sentence = finding(ds).sentence()
    precision, _ = recorded(str(ds.attrs.get("precision", "")))
    if arguments.json:
        terminal.out_json(
            {
                "directory": str(into), "result": str(into / "result.nc"), "report": str(report) if report else None,
                "firms": int(ds["firms"].sum()), "invalid": int(ds["invalid"].sum()), "finding": sentence,
                **({"precision": [one.table() for one in precision]} if precision else {}),
            }
        )  # fmt: skip
    elif not arguments.quiet:
        terminal.out("\n".join([sentence, *sentences(precision)]))
        terminal.out(f"counts: {into / 'result.nc'}" + (f"\nreport: {report}" if report else ""))
    return terminal.INCOMPLETE if terminal.complain_of_invalid(ds, into) else terminal.DONE
