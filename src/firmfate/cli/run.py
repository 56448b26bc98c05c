"""Run a study: plan, simulate what is missing, gather, report, and print what was found.

The same command again goes on where it stopped; a study that asks for more cells or replicates extends what is there.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from firmfate.cli import terminal
from firmfate.cli.reading import read_study
from firmfate.errors import command

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
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--threads", type=_count, metavar="N", help="threads of this process (default: all cores)")
    where.add_argument("--workers", type=_count, metavar="N", help="Dask processes on this machine")
    where.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler's address, or its scheduler file")
    where.add_argument(
        "--slurm", type=Path, metavar="PROFILE", help="Dask workers in Slurm jobs (see `submit --show-profile`)"
    )
    parser.add_argument(
        "--tls", nargs=3, type=Path, metavar=("CA", "CERT", "KEY"), help="PEM files for a scheduler that wants TLS"
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
    parser.add_argument("--shard-scale", type=float, default=1.0, help=argparse.SUPPRESS)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 4096:
        raise argparse.ArgumentTypeError(f"'{text}'; allowed: a whole number from 1 to 4096")
    return int(text)


def _part(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
    if not match or int(match[1]) >= int(match[2]):
        raise argparse.ArgumentTypeError(f"'{text}'; allowed: i/n with i from 0 to n - 1, such as 0/8")
    return int(match[1]), int(match[2])


def execute(arguments: argparse.Namespace) -> int:
    """Run the study, or its part."""
    if arguments.study is None:
        terminal.complain(NO_STUDY)
        return terminal.BAD_INPUT
    if arguments.shards and (arguments.workers or arguments.scheduler):
        terminal.complain("--shards runs on threads of this process; leave --workers and --scheduler out")
        return terminal.BAD_INPUT
    study = read_study(arguments.study, quiet=arguments.quiet)
    into = arguments.into or Path("runs") / study.name
    if arguments.shards:
        from firmfate.execute import run_part

        index, parts = arguments.shards
        run_part(study, into=into, index=index, parts=parts, progress=not arguments.quiet, threads=arguments.threads)
        terminal.say(f"part {index} of {parts} is done; when all are: {command('gather', into)}", quiet=arguments.quiet)
        return terminal.DONE
    from firmfate.execute import run

    ds = run(
        study, into=into, workers=arguments.workers, scheduler=arguments.scheduler, threads=arguments.threads,
        progress=not arguments.quiet, shard_scale=arguments.shard_scale, slurm=arguments.slurm,
        tls=tuple(arguments.tls) if arguments.tls else None,
    )  # fmt: skip
    report = None
    if not arguments.no_report:
        from firmfate.reporting import write_report

        report = write_report(into)
    from firmfate.analysis import finding

    sentence = finding(ds).sentence()
    if arguments.json:
        terminal.out_json(
            {
                "directory": str(into), "result": str(into / "result.nc"), "report": str(report) if report else None,
                "firms": int(ds["firms"].sum()), "invalid": int(ds["invalid"].sum()), "finding": sentence,
            }
        )  # fmt: skip
    elif not arguments.quiet:
        terminal.out(sentence)
        terminal.out(f"counts: {into / 'result.nc'}" + (f"\nreport: {report}" if report else ""))
    return terminal.DONE
