"""Simulate one firm of a run again, week by week: as a summary, CSV, netCDF or picture.

Axes of the run are options of their own; the nearest cell is taken, and named:
  firmfate replay runs/paradox --execution 0.9 --misalignment 0.8 --replicate 17 --plot firm.png
"""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from firmfate import files
from firmfate.cli import terminal

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

HELP = "simulate one firm of a run again, week by week"
PICTURES: dict[str, Literal["png", "svg", "pdf"]] = {".png": "png", ".svg": "svg", ".pdf": "pdf"}


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes: axes of the run are options by their names, beside its own."""
    parser.set_defaults(others="--axis")
    parser.add_argument("directory", type=Path, metavar="DIR", help="run directory")
    parser.add_argument(
        "--axis",
        type=_axis,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="value of an axis; also --NAME VALUE; --cell NAME where cells have names",
    )
    parser.add_argument(
        "--replicate", type=_replicates, default="0", metavar="N", help="which firm, or firms 0-9 (default: 0)"
    )
    parser.add_argument("--variables", type=lambda text: text.split(","), metavar="A,B", help="keep these columns only")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the trajectory as CSV")
    parser.add_argument("--netcdf", type=Path, metavar="FILE", help="write the trajectory as netCDF")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw one firm (.png, .svg or .pdf)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def _axis(text: str) -> tuple[str, float | str]:
    name, _, value = text.partition("=")
    if name == "cell" and value:
        return name, value
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not name or not math.isfinite(number):
        raise argparse.ArgumentTypeError(
            f"'{name}' has the value '{value}'; allowed: a number, such as --{name or 'execution'} 0.9"
        )
    return name.replace(".", "_").replace("-", "_"), number


def _replicates(text: str) -> int | range:
    match = re.fullmatch(r"(\d{1,19})(?:-(\d{1,19}))?", text, re.ASCII)
    if not match or (match[2] and int(match[2]) < int(match[1])):
        raise argparse.ArgumentTypeError(f"'{text}'; allowed: a number from 0, or a range such as 0-9")
    return range(int(match[1]), int(match[2]) + 1) if match[2] else int(match[1])


def execute(arguments: argparse.Namespace) -> int:
    """Replay, write what is asked for, and print event, week and alarm of each firm."""
    from firmfate.dataset.netcdf import write_dataset
    from firmfate.simulation import replay

    for path in (arguments.csv, arguments.netcdf, arguments.plot):
        if path and not path.parent.is_dir():
            terminal.complain(f"{path}: there is no folder {path.parent}")
            return terminal.BAD_INPUT
    if arguments.netcdf:
        files.refuse_name(arguments.netcdf)
    ds = replay(
        arguments.directory, replicate=arguments.replicate, variables=arguments.variables, **dict(arguments.axis)
    )
    if arguments.plot:
        if "trajectory" in ds.dims or arguments.variables:
            terminal.complain(
                "--plot draws one complete trajectory: name a single --replicate, and leave --variables out"
            )
            return terminal.BAD_INPUT
        _plot(ds, arguments.plot)
    if arguments.csv:
        files.write(arguments.csv, _table(ds).to_csv(index=False))
    if arguments.netcdf:
        write_dataset(ds, arguments.netcdf)
    firms = _summaries(ds)
    _say_beyond(arguments.directory, firms)
    if arguments.json:
        terminal.out_json(firms)
    else:
        terminal.out("\n".join(map(_line, firms)))
    for path in (arguments.csv, arguments.netcdf, arguments.plot):
        if path:
            terminal.say(f"wrote {path}")
    return terminal.DONE


def _say_beyond(directory: Path, firms: list[dict[str, object]]) -> None:
    """Print a remark where a firm is not part of the run, but one that more replicates would add."""
    from firmfate.shards import RunDirectory

    study = RunDirectory(directory).study()
    held, where = study.replicates, "the cell that has most" if study.allocation else "every cell"
    beyond = [firm["replicate"] for firm in firms if int(str(firm["replicate"])) >= held]
    if beyond:
        terminal.say(
            f"the run holds firms 0 to {held - 1} of {where}; firm {beyond[-1]} is what more replicates would add"
        )


def _table(ds: xr.Dataset) -> pd.DataFrame:
    """Return trajectories as rows: replicate, step, week, and the columns; steps after the event are left out."""
    frame = ds.to_dataframe().reset_index()
    columns = ["replicate", "step", "week", *map(str, ds.data_vars)]
    if "trajectory" not in ds.dims:
        return frame.assign(replicate=ds.attrs["replicate"])[columns]
    return frame.loc[frame["week"] < frame["event_week"], columns]


def _summaries(ds: xr.Dataset) -> list[dict[str, object]]:
    """Return what is printed of every firm: which one, in which cell, its cause and event week."""
    if "trajectory" not in ds.dims:
        return [dict(ds.attrs)]
    names = [str(name) for name, coord in ds.coords.items() if coord.dims == ("trajectory",) and name != "trajectory"]
    return [
        {**ds.attrs, **{name.removeprefix("trajectory_"): ds[name].values[i].item() for name in names}}
        for i in range(ds.sizes["trajectory"])
    ]


def _line(firm: dict[str, object]) -> str:
    """Return the summary of one firm."""
    named = ("model", "event_week", "cause", "alarm_week", "replicate", "cell_key")
    rest = {name: value for name, value in firm.items() if name not in named}
    cell = ", ".join(f"{name} {value:g}" for name, value in rest.items() if isinstance(value, float))
    marks = "".join(f", {name} = {value}" for name, value in rest.items() if isinstance(value, int))
    alarm = f"alarm in week {firm['alarm_week']:g}{marks}" if firm["alarm_week"] else "no alarm"
    name = f"firm {firm['replicate']} of cell ({cell or 'the only one'})"
    if firm["cause"] == "invalid":
        return f"{name}: its arithmetic has failed; {alarm}"
    event = "alive at the horizon," if firm["cause"] == "censored" else f"{firm['cause']} in"
    return f"{name}: {event} week {firm['event_week']:g}; {alarm}"


def _plot(ds: xr.Dataset, path: Path) -> None:
    """Draw one trajectory into a file."""
    from firmfate.errors import FirmfateError
    from firmfate.plots import style, trajectory

    form = PICTURES.get(path.suffix.lower())
    if form is None:
        raise FirmfateError(f"{path}: allowed for a picture: names that end in {', '.join(PICTURES)}")
    files.write(path, style.picture(trajectory(ds)[0].figure, form=form))
