"""Tell how far a run is, from the names of its shards: done, missing, broken and repeated ones, in total and by cell.

Exit code 0 where all firms are there, 3 where some are missing.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmfate.cli import terminal

if TYPE_CHECKING:
    from firmfate.shards.file import ShardFile

HELP = "tell how far a run is"
SHOWN = 10
"""Unfinished cells that are listed, unless all are asked for."""


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="run directory")
    parser.add_argument("--cells", action="store_true", help="list every cell, not only some unfinished ones")
    parser.add_argument("--verify", action="store_true", help="read every shard too, and compare it with its digest")
    parser.add_argument("--json", action="store_true", help="print the state as JSON")


def execute(arguments: argparse.Namespace) -> int:
    """Count what the shards' names say."""
    state = _state(arguments.directory, verify=arguments.verify)
    if arguments.json:
        terminal.out_json(state if arguments.cells else {key: value for key, value in state.items() if key != "by_cell"})
    else:
        terminal.out("\n".join(_lines(state, arguments.directory, every=arguments.cells)))
    return terminal.DONE if state["missing"] == 0 else terminal.INCOMPLETE


def _state(path: Path, *, verify: bool) -> dict[str, Any]:
    from firmfate.design import design
    from firmfate.shards import RunDirectory

    directory = RunDirectory(path)
    study = directory.study()
    cells = design(study)
    holdings = directory.holdings(study, cells)
    broken = list(holdings.broken)
    if verify:
        broken += [shard for shard, _ in holdings.used if _is_broken(shard)]
        lost = {shard.path for shard in broken}
        done = dict.fromkeys(cells.keys, 0)
        for shard, keys in holdings.used:
            for key in keys:
                done[key] += 0 if shard.path in lost else shard.replicates
    else:
        done = {key: sum(count for _, count in holdings.covered.get(key, ())) for key in cells.keys}
    firms = len(cells) * study.replicates
    axes = {name: (dims, values) for name, (dims, values, _) in cells.coords.items()}
    return {
        "study": study.name,
        "cells": len(cells),
        "replicates": study.replicates,
        "firms": firms,
        "done": sum(done.values()),
        "missing": firms - sum(done.values()),
        "shards": {
            "used": len(holdings.used) + len(holdings.broken) - len(broken),
            "broken": [shard.path.name for shard in broken],
            "duplicate": [shard.path.name for shard in holdings.duplicates],
            "of other cells or replicates": [shard.path.name for shard in holdings.foreign],
        },
        "result": directory.result.is_file(),
        "report": directory.report.is_file(),
        "by_cell": [
            {**_labels(axes, cells.dims, cells.shape, position), "done": done[key], "missing": study.replicates - done[key]}
            for position, key in enumerate(cells.keys)
        ],
    }


def _is_broken(shard: ShardFile) -> bool:
    from firmfate.errors import BrokenShardError
    from firmfate.shards.file import read

    try:
        read(shard)
    except BrokenShardError:
        return True
    return False


def _labels(axes: dict[str, Any], dims: tuple[str, ...], shape: tuple[int, ...], position: int) -> dict[str, float]:
    """Return the values of the axes in a cell."""
    import numpy as np

    place = dict(zip(dims, np.unravel_index(position, shape) if shape else (), strict=True))
    return {
        name: values[tuple(int(place[dim]) for dim in own)].item() for name, (own, values) in axes.items() if name != "cell"
    }


def _lines(state: dict[str, Any], path: Path, *, every: bool) -> list[str]:
    done, shards = state["done"] / max(state["firms"], 1), state["shards"]
    lines = [
        f"study     {state['study']}: {state['cells']:,} cells x {state['replicates']:,} firms",
        f"firms     {state['done']:,} of {state['firms']:,} done ({done:.1%}), {state['missing']:,} missing",
        "shards    " + ", ".join(
            f"{count if isinstance(count, int) else len(count):,} {kind}" for kind, count in shards.items()
        ),
    ]  # fmt: skip
    lines += [f"broken    {name}" for name in shards["broken"]]
    cells = [cell for cell in state["by_cell"] if every or cell["missing"]]
    unfinished = sum(1 for cell in state["by_cell"] if cell["missing"])
    if unfinished:
        lines.append(f"cells     {unfinished:,} unfinished")
    for cell in cells if every else cells[:SHOWN]:
        where = ", ".join(f"{name} {value:g}" for name, value in cell.items() if name not in ("done", "missing"))
        lines.append(f"  {where or 'the only cell'}: {cell['done']:,} done, {cell['missing']:,} missing")
    if not every and len(cells) > SHOWN:
        lines.append(f"  ... and {len(cells) - SHOWN:,} more (--cells lists all)")
    if state["missing"]:
        lines.append(f"next      firmfate run {path / 'study.toml'} --into {path}")
    elif not state["result"]:
        lines.append(f"next      firmfate gather {path}")
    elif not state["report"]:
        lines.append(f"next      firmfate report {path}")
    return lines
