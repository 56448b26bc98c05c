"""Add up the finished shards of a run directory: writes result.nc, and trajectories.nc for the report."""

from __future__ import annotations

import argparse
from pathlib import Path

from firmfate.cli import terminal

HELP = "add up finished shards to result.nc"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="run directory")
    parser.add_argument("--allow-incomplete", action="store_true", help="gather what there is, broken shards aside")
    parser.add_argument(
        "--submit-next", type=Path, metavar="PROFILE", help="with [precision]: submit the next round to Slurm, if any"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print errors only")


def execute(arguments: argparse.Namespace) -> int:
    """Gather, and keep the paths of a few firms."""
    from firmfate.dataset import gather
    from firmfate.precision import Rounds, sentences
    from firmfate.shards import RunDirectory
    from firmfate.simulation.typical_firms import write_trajectories

    directory = RunDirectory(arguments.directory)
    study = directory.study()
    rounds = Rounds(directory, study) if study.precision else None
    decided = rounds is not None and bool(rounds.reached)
    if rounds is not None and decided:
        rounds.keep()  # before the result is written, which holds what was reached
    ds = gather(arguments.directory, allow_incomplete=arguments.allow_incomplete)
    write_trajectories(arguments.directory)
    if rounds is not None and decided:
        directory.claim(directory.as_far(rounds.study))
    firms, finished = int(ds["firms"].sum()), bool(ds.attrs["complete"])
    if arguments.json:
        invalid = int(ds["invalid"].sum())
        terminal.out_json(
            {
                "result": str(arguments.directory / "result.nc"), "firms": firms, "invalid": invalid,
                "complete": finished,
            }
        )  # fmt: skip
    elif not arguments.quiet:
        remark = "" if finished else ", which are not all"
        terminal.out(f"gathered {firms:,} firms{remark}: {arguments.directory / 'result.nc'}")
        if rounds is not None and decided:
            more = "" if rounds.finished else f"{rounds.next_words}; run or submit it again"
            terminal.out("\n".join([*sentences(rounds.reached), *([more] if more else [])]))
    if arguments.submit_next and rounds is not None and decided and not rounds.finished:
        from firmfate.slurm import submit

        done = submit(study, into=arguments.directory, profile=arguments.submit_next)
        terminal.say(f"submitted: jobs {', '.join(done.jobs)}", quiet=arguments.quiet)
    terminal.complain_of_invalid(ds, arguments.directory)
    return terminal.DONE
