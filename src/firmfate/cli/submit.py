"""Submit what is missing of a study to Slurm: job arrays and a job that gathers after them, or one Dask allocation.

The same command again submits only what is missing by then. Jobs may be cancelled, requeued or run twice: finished
shards are files, and stay. `firmfate status` prints how far it is, without asking the queue.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from firmfate.cli import terminal
from firmfate.errors import command

HELP = "submit a study to Slurm: only what is missing"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("study", type=Path, metavar="STUDY", nargs="?", help="study file")
    parser.add_argument(
        "--profile", type=Path, metavar="PROFILE", help="how to run on your cluster: a TOML file; see --show-profile"
    )
    parser.add_argument(
        "--into", type=Path, metavar="DIR", help="run directory, on a shared file system (default: runs/NAME)"
    )
    parser.add_argument(
        "--one-allocation", action="store_true", help="one job with a Dask scheduler, workers and the driver"
    )
    parser.add_argument(
        "--even-if-queued", action="store_true", help="submit although jobs of the directory are still in the queue"
    )
    parser.add_argument("--pretend", action="store_true", help="print the scripts; write and submit nothing")
    parser.add_argument("--show-profile", action="store_true", help="print a commented profile to start from")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--quiet", action="store_true", help="print errors only")


def execute(arguments: argparse.Namespace) -> int:
    """Plan, write scripts, and submit them."""
    if arguments.show_profile:
        from importlib.resources import files

        terminal.out((files("firmfate.slurm") / "templates" / "profile.toml").read_text(encoding="utf-8").rstrip())
        return terminal.DONE
    if arguments.study is None or arguments.profile is None:
        terminal.complain(
            "submit needs a study and a profile:\n"
            "  firmfate submit --show-profile > my-cluster.toml        writes one to change\n"
            "  firmfate submit study.toml --profile my-cluster.toml"
        )
        return terminal.BAD_INPUT
    from firmfate.shards import RunDirectory
    from firmfate.slurm import submit
    from firmfate.study import Study

    study = Study.read(arguments.study)
    into = RunDirectory.of(study, arguments.into).path
    done = submit(
        study, into=into, profile=arguments.profile, pretend=arguments.pretend, one_allocation=arguments.one_allocation,
        even_if_queued=arguments.even_if_queued, say=lambda text: terminal.say(text, quiet=arguments.quiet),
    )  # fmt: skip
    if arguments.json:
        terminal.out_json(
            {
                "directory": str(into), "jobs": list(done.jobs), "scripts": [script.name for script in done.scripts],
                "missing": done.tasks.plan.missing, **done.tasks.table(),
            }
        )  # fmt: skip
    elif arguments.pretend:
        terminal.say(str(done.tasks), quiet=arguments.quiet)
        terminal.out("\n".join(f"# ---- {script.name}\n{script.text}" for script in done.scripts).rstrip())
    elif not arguments.quiet:
        terminal.out(str(done.tasks))
        for job, script in zip(done.jobs, done.scripts, strict=True):
            terminal.out(f"job       {job}: {into / 'slurm' / script.name}")
        terminal.out(f"next      {command('status', into)}")
    return terminal.DONE
