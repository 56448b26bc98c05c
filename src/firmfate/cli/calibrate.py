"""Calibrate a population: fit named parameters of a study to a table of survival by age.

The study gives the model, [parameters], [population] and the seed; it has no axes. Written into DIR: calibrated.toml,
the study with the fitted values, and calibration.nc, all fits with their errors.

  firmfate calibrate population.toml --series BLS_BED_manufacturing --cohort 2013-03 \\
      --free cash_buffer=0.2:30:log --free unit_cost=0.5:0.68 --into runs/calibrated
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from firmfate.cli import terminal
from firmfate.cli.reading import read_study

HELP = "fit named parameters of a population to observed survival"


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("study", type=Path, metavar="STUDY", help="study file: what is fixed; it has no axes")
    parser.add_argument(
        "--free", type=_free, action="append", required=True, metavar="NAME=LOW:HIGH[:log]",
        help="a parameter to fit and its range; population.KEY.ARGUMENT for one of a distribution; repeat it",
    )  # fmt: skip
    parser.add_argument(
        "--to", type=Path, metavar="CSV", help="columns age_years, surviving_pct (default: US establishments)"
    )
    parser.add_argument("--series", help="which series of the table")
    parser.add_argument("--cohort", help="which cohort of the table")
    parser.add_argument("--into", type=Path, metavar="DIR", required=True, help="where to write the fits")
    parser.add_argument("--firms", type=_count, default=20_000, help="firms an evaluation (default: 20,000)")
    parser.add_argument("--starts", type=_count, default=4, help="points that are refined (default: 4)")
    parser.add_argument(
        "--refits",
        type=_count,
        default=8,
        help="fits with other random numbers, for standard errors, which need 2 (default: 8)",
    )
    parser.add_argument("--threads", type=_count, default=1, help="threads (default: 1)")
    parser.add_argument("--json", action="store_true", help="print the best fit as JSON")
    parser.add_argument("--quiet", action="store_true", help="print errors only")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10_000_000:
        raise argparse.ArgumentTypeError(f"'{text}'; allowed: an integer from 1 to 10,000,000")
    return int(text)


def _free(text: str) -> tuple[str, tuple[float, float, bool]]:
    name, equals, span = text.partition("=")
    parts = span.split(":")
    try:
        low, high = float(parts[0]), float(parts[1])
    except (ValueError, IndexError):
        equals = ""
    if not equals or not name or parts[2:] not in ([], ["log"]):
        raise argparse.ArgumentTypeError(f"'{text}'; written NAME=LOW:HIGH or NAME=LOW:HIGH:log")
    return name, (low, high, bool(parts[2:]))


def execute(arguments: argparse.Namespace) -> int:
    """Fit, and write the fits."""
    names = [name for name, _ in arguments.free]
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        terminal.complain(f"--free {twice[0]} is written twice; each parameter is sought in one range: keep one")
        return terminal.BAD_INPUT
    study = read_study(arguments.study, quiet=arguments.quiet)
    if study.design.axes:
        axes = ", ".join(axis.key for axis in study.design.axes)
        terminal.complain(f"{arguments.study} has axes ({axes}); a calibration fits one population: take them out")
        return terminal.BAD_INPUT
    from firmfate.calibration import calibrate, calibrated_tables, read_survival_table
    from firmfate.study import Study
    from firmfate.tables.rendering import toml

    table = read_survival_table(arguments.to, series=arguments.series, cohort=arguments.cohort)
    tables = study.tables
    fixed = {"parameters": tables.get("parameters", {}), "population": tables.get("population", {})}
    file, colon, name = study.model_name.rpartition(":")
    model = f"{(study.folder / file).resolve()}:{name}" if colon else study.model_name
    found = calibrate(
        model, table, dict(arguments.free), **fixed, steps_per_week=study.steps_per_week, firms=arguments.firms,
        starts=arguments.starts, refits=arguments.refits, seed=study.seed, threads=arguments.threads,
    )  # fmt: skip
    arguments.into.mkdir(parents=True, exist_ok=True)
    fits, written = arguments.into / "calibration.nc", arguments.into / "calibrated.toml"
    found.to_netcdf(fits)
    fitted = calibrated_tables(found, model=model, **fixed)
    text = toml({**{name: item for name, item in tables.items() if name not in fixed}, **fitted})
    Study.parse(text, beside=arguments.study.parent)
    written.write_text(
        f"# Calibrated to {table.name}; largest difference {float(found.max_error[0]):.4f}.\n\n{text}", "utf-8"
    )
    values = {str(key): float(found["value"].isel(fit=0).sel(parameter=key)) for key in found["parameter"].values}
    errors = {key: float(found["se"].sel(parameter=key)) for key in values}
    if arguments.json:
        terminal.out_json(
            {
                "target": table.name, "values": values, "largest_difference": float(found["max_error"][0]),
                "se": {key: error if math.isfinite(error) else None for key, error in errors.items()},
                "study": str(written), "fits": str(fits),
            }
        )  # fmt: skip
    elif not arguments.quiet:
        for key, value in values.items():
            bound = "  (at a limit of its range)" if bool(found["at_bound"].isel(fit=0).sel(parameter=key)) else ""
            error = f" ± {errors[key]:.2g}" if math.isfinite(errors[key]) else ""
            terminal.out(f"{key} = {value:.4g}{error}{bound}")
        if arguments.refits < 2:
            terminal.out("errors of these values need --refits 2 or more")
        identified = int((found["signal_to_noise"] >= 2).sum())
        terminal.out(
            f"largest difference from {table.name} at any age: {100 * float(found['max_error'][0]):.2f} points of 100"
        )
        terminal.out(
            f"survival pins down {identified} of {len(values)} directions; other fits are in {fits}\nstudy: {written}"
        )
    return terminal.DONE
