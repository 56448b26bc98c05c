"""Print how far a run is, from its shard files: done, missing, broken and repeated ones, in total and by cell.

Nothing is written and no queue is asked: it works while jobs run, after a driver has died, and on a read-only copy.

Exit code 0 where all firms are there and valid; 3 where some are missing, or the arithmetic of some has failed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from firmfate.cli import terminal
from firmfate.errors import command

if TYPE_CHECKING:
    from firmfate.shards.status import Status

HELP = "print how far a run is"
LONGEST = 60
SHOWN = 10
"""Unfinished cells that are listed, unless all are asked for."""


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="run directory")
    parser.add_argument("--cells", action="store_true", help="list every cell, not only some unfinished ones")
    parser.add_argument("--quick", action="store_true", help="believe the names of shards, without reading them")
    parser.add_argument(
        "--array", type=int, metavar="N", help="print only which of N array tasks have work, as in 0-3,7"
    )
    parser.add_argument("--json", action="store_true", help="print the state as JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Print the state of the run."""
    from firmfate.shards.status import status

    state = status(arguments.directory, verify=not arguments.quick)
    if arguments.array is not None:
        if arguments.array < 1:
            terminal.complain(f"--array {arguments.array}; allowed: a number of tasks from 1")
            return terminal.BAD_INPUT
        terminal.out(state.array(arguments.array))
    elif arguments.json:
        terminal.out_json(state.table(by_cell=arguments.cells))
    else:
        terminal.out("\n".join(_lines(state, arguments.directory, every=arguments.cells)))
    return terminal.DONE if state.missing == 0 and state.invalid is None else terminal.INCOMPLETE


def _lines(state: Status, path: Path, *, every: bool) -> list[str]:
    held = state.holdings
    unfinished = int((state.done_by_cell < state.study.firms_by_cell).sum())
    most = f"{'up to ' if state.study.allocation else ''}{state.study.replicates:,}"
    lines = [
        f"study     {state.study.name}: {len(state.cells):,} cells x {most} firms",
        f"firms     {state.done:,} of {state.firms:,} done ({state.done / state.firms:.1%}), {state.missing:,} missing",
        f"shards    {len(held.used):,} used, {len(state.broken):,} broken, {len(held.duplicates):,} duplicate, "
        f"{len(held.foreign):,} of other cells or replicates; {len(state.plan.shards):,} to run",
        f"pace      {state.pace()}",
        f"cells     {unfinished:,} unfinished",
    ]
    if state.invalid is not None:
        lines += [f"invalid   {state.invalid.sentence()}", f"          {state.invalid.replay(path)}"]
    if state.missing:
        lines.append(f"array     {_short(state.array())} of {state.plan.total_shards:,} shards; --array N for N tasks")
    lines += [f"broken    {shard.path.name}" for shard in state.broken]
    firms = zip(state.done_by_cell.tolist(), state.study.firms_by_cell.tolist(), strict=True)
    shown = [cell for cell, (done, wanted) in enumerate(firms) if every or done < wanted]
    lines += [_cell(state, cell) for cell in (shown if every else shown[:SHOWN])]
    if not every and len(shown) > SHOWN:
        lines.append(f"  ... and {len(shown) - SHOWN:,} more (--cells lists all)")
    if state.missing:
        lines.append(f"next      {_go_on(path)}")
    elif not (path / "result.nc").is_file():
        lines.append(f"next      {command('gather', path)}")
    elif not (path / "report.html").is_file():
        lines.append(f"next      {command('report', path)}")
    return lines


def _go_on(path: Path) -> str:
    """Return the command that runs what is missing, in the way in which the run was begun."""
    from firmfate.slurm.submission import kept_profile

    study, profile = path / "study.toml", kept_profile(path)
    if profile is not None:  # this may be a login node
        return f"{command('submit', study, '--profile', profile, '--into', path)}, once its jobs have ended"
    return command("run", study, "--into", path)


def _short(expression: str) -> str:
    """Return an array expression, cut where it would fill the screen."""
    return expression if len(expression) <= LONGEST else expression[:LONGEST].rpartition(",")[0] + ",..."


def _cell(state: Status, cell: int) -> str:
    """Return the state of one cell in a line."""
    where = ", ".join(f"{name} {value:g}" for name, value in state.labels(cell).items()) or "the only cell"
    done = int(state.done_by_cell[cell])
    remarks = [f"{done:,} done, {int(state.study.firms_by_cell[cell]) - done:,} missing"]
    for count, word in ((state.broken_by_cell[cell], "broken"), (state.duplicates_by_cell[cell], "duplicate")):
        if count:
            remarks.append(f"{count:,} {word} shard(s)")
    return f"  {where}: {', '.join(remarks)}"
