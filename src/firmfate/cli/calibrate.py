"""Calibrate a population: fit named parameters of a study to a table of survival by age.

The study gives the model, [parameters], [population] and the seed; it has no axes. Written into DIR: calibrated.toml,
the study with the fitted values, and calibration.nc, all fits with their errors; with --posterior, posterior.nc,
draws of the parameters from their posterior, in the groups of ArviZ, draws.csv, some of them for a study with
[posterior], whose finding then has both errors, and training/, what was simulated for them: an interrupted command
goes on from there.

  firmfate calibrate population.toml --series BLS_BED_manufacturing --cohort 2013-03 \\
      --free cash_buffer=0.2:30:log --free unit_cost=0.5:0.68 --into runs/calibrated
  firmfate calibrate population.toml --sector Manufacturing --cohort 1994-2000 --posterior \\
      --free cash_buffer=0.2:30:log --free unit_cost=0.5:0.68 --into runs/posterior
"""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmfate.cli import terminal

if TYPE_CHECKING:
    import xarray as xr

    from firmfate.calibration import SurvivalTable

HELP = "fit named parameters of a population to observed survival"
MIXED = 1.05
"""R-hat up to which independent runs are taken to agree."""


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
    parser.add_argument(
        "--sector", help="establishments of the US in a sector, such as 'Total Private', in place of --to"
    )
    parser.add_argument("--cohort", help="which cohort of the table; of a sector a year, or several: 1994-2000")
    parser.add_argument("--into", type=Path, metavar="DIR", required=True, help="where to write the fits")
    parser.add_argument("--posterior", action="store_true", help="draw from the posterior in place of fitting")
    parser.add_argument("--firms", type=_count, help="firms an evaluation (default: 20,000; of a posterior 4,000)")
    parser.add_argument("--starts", type=_count, default=4, help="points that are refined (default: 4)")
    parser.add_argument(
        "--refits",
        type=_count,
        default=8,
        help="fits with other random numbers, for standard errors, which need 2 (default: 8)",
    )
    parser.add_argument(
        "--points", type=_count, default=2_048,
        help="of a posterior: points simulated in each wave, a power of two (default: 2,048)",
    )  # fmt: skip
    parser.add_argument(
        "--waves", type=_count, default=2,
        help="of a posterior: waves of points, each after the first where the one before has led (default: 2)",
    )  # fmt: skip
    parser.add_argument(
        "--particles", type=_count, default=1_000,
        help="of a posterior: draws of each of eight independent runs (default: 1,000)",
    )  # fmt: skip
    parser.add_argument(
        "--moves", type=_count, default=20, help="of a posterior: moves of a particle at each step (default: 20)"
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
    """Fit, or draw from the posterior, and write what was found."""
    names = [name for name, _ in arguments.free]
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        terminal.complain(f"--free {twice[0]} is written twice; each parameter is sought in one range: keep one")
        return terminal.BAD_INPUT
    from firmfate import files
    from firmfate.dataset.netcdf import HEADER_BYTES, reserve
    from firmfate.study import Study

    written = arguments.into / ("posterior.nc" if arguments.posterior else "calibration.nc")
    files.refuse_name(written)
    study = Study.read(arguments.study)
    if study.design.axes:
        axes = ", ".join(axis.key for axis in study.design.axes)
        terminal.complain(f"{arguments.study} has axes ({axes}); a calibration fits one population: take them out")
        return terminal.BAD_INPUT
    table = _table(arguments)
    reserve(written, HEADER_BYTES)  # what cannot be written is found before hours of work
    tables = study.tables
    fixed = {"parameters": tables.get("parameters", {}), "population": tables.get("population", {})}
    file, colon, name = study.model_name.rpartition(":")
    model = f"{(study.folder / file).resolve()}:{name}" if colon else study.model_name
    common = {**fixed, "steps_per_week": study.steps_per_week, "seed": study.seed, "threads": arguments.threads}
    if arguments.posterior:
        return _draw(arguments, written, model, table, common)
    return _fit(arguments, written, model, table, tables, fixed, common)


def _table(arguments: argparse.Namespace) -> SurvivalTable:
    """Return what is fitted to: a sector's establishments, or a cohort of a file."""
    from firmfate.calibration import establishment_table, read_survival_table
    from firmfate.errors import EstimateError

    if arguments.sector is None:
        return read_survival_table(arguments.to, series=arguments.series, cohort=arguments.cohort)
    if arguments.to is not None or arguments.series is not None:
        raise EstimateError(
            "--sector takes establishments of the US that come with firmfate: leave out --to and --series"
        )
    years = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", arguments.cohort or "")
    if not years:
        raise EstimateError(f"--cohort {arguments.cohort}; of a sector a year, 1994, or several, 1994-2000")
    first = int(years[1])
    return establishment_table(arguments.sector, range(first, int(years[2] or first) + 1))


def _draw(
    arguments: argparse.Namespace, written: Path, model: str, table: SurvivalTable, common: dict[str, Any]
) -> int:
    """Draw from the posterior, and write the draws."""
    from firmfate import files
    from firmfate.analysis.formatting import decimals
    from firmfate.calibration import calibrate_posterior, draws_table
    from firmfate.dataset.netcdf import write_dataset

    found = calibrate_posterior(
        model, table, dict(arguments.free), **common, points=arguments.points, waves=arguments.waves,
        firms=arguments.firms or 4_000, particles=arguments.particles, moves=arguments.moves,
        folder=arguments.into / "training",
    )  # fmt: skip
    files.make_folder(arguments.into)
    write_dataset(found, written)
    draws, table_of_draws = arguments.into / "draws.csv", draws_table(found)
    if len(table_of_draws.columns):
        files.write(draws, table_of_draws.to_csv(index=False))
    else:
        draws.unlink(missing_ok=True)  # of an earlier posterior
    rows = {
        str(key): {name: float(value) for name, value in found["summary"].to_dataset().sel(parameter=key).items()}
        for key in found["summary"].to_dataset()["parameter"].values
    }
    narrowed = found["directions"].to_dataset()["narrowed"].values
    evidence = found["runs"].to_dataset()["log_evidence"].values
    emulator = {name: float(value) for name, value in found["emulator"].to_dataset().items() if not value.dims}
    error = float(
        abs(found["posterior_predictive"]["alive"].mean(("chain", "draw")) - found["observed_data"]["alive"]).max()
    )
    if arguments.json:
        terminal.out_json(
            {
                "target": table.name, "parameters": rows, "narrowed": narrowed.tolist(), "largest_difference": error,
                "emulator": emulator, "log_evidence": evidence.tolist(), "posterior": str(written),
                "draws": str(draws) if len(table_of_draws.columns) else None,
            }
        )  # fmt: skip
    elif not arguments.quiet:
        for key, row in rows.items():
            digits = decimals(row["mcse"])
            mean, spread, lower, upper = (f"{row[name]:.{digits}f}" for name in ("mean", "sd", "lower", "upper"))
            terminal.out(
                f"{key} = {mean} (Monte Carlo standard error {row['mcse']:.{digits}f}), posterior standard deviation "
                f"{spread}, 95 % interval {lower} to {upper}; R-hat {row['r_hat']:.2f}, {row['ess_bulk']:,.0f} "
                "effective draws"
            )
        _warn_of_mixing(found)
        terminal.out(
            f"largest difference of the mean prediction from {table.name} at any age: {100 * error:.2f} percentage "
            "points"
        )
        terminal.out(
            f"log evidence: {float(evidence.mean()):.2f}, which {evidence.size} runs scatter around by "
            f"{float(evidence.std(ddof=1)):.2f}"
        )
        terminal.out(
            f"error of the emulator, part of the likelihood: {100 * emulator['error']:.2f} percentage points; over "
            f"draws simulated for real its survival is off by up to {100 * emulator['difference']:.2f} ± "
            f"{100 * emulator['difference_se']:.2f} points on average, and their squared differences are "
            f"{emulator['chi_squared']:.2f} ± {emulator['chi_squared_se']:.2f} of what that error foresees"
        )
        terminal.out(
            f"the table narrows {int((narrowed >= 2).sum())} of {len(narrowed)} directions to less than half of their "
            f"prior\nposterior: {written}"
        )
        if len(table_of_draws.columns):
            terminal.out(f"{len(table_of_draws)} draws of {', '.join(table_of_draws)} for a study: {draws}")
    return terminal.DONE


def _warn_of_mixing(found: xr.DataTree) -> None:
    """Print where independent runs disagree."""
    worst = found["summary"].to_dataset()["r_hat"].max()
    if not float(worst) < MIXED:
        terminal.say(
            f"R-hat is up to {float(worst):.2f}, where {MIXED} is wanted: independent runs do not agree; raise --moves "
            "or --particles"
        )


def _fit(
    arguments: argparse.Namespace,
    fits: Path,
    model: str,
    table: SurvivalTable,
    tables: dict[str, Any],
    fixed: dict[str, Any],
    common: dict[str, Any],
) -> int:
    """Fit, and write the fits."""
    from firmfate import files
    from firmfate.analysis import Estimate
    from firmfate.analysis.formatting import format_estimate
    from firmfate.calibration import calibrate, calibrated_tables
    from firmfate.dataset.netcdf import write_dataset
    from firmfate.errors import escaped
    from firmfate.study import Study
    from firmfate.tables.rendering import toml

    found = calibrate(
        model, table, dict(arguments.free), **common, firms=arguments.firms or 20_000, starts=arguments.starts,
        refits=arguments.refits,
    )  # fmt: skip
    files.make_folder(arguments.into)
    written = arguments.into / "calibrated.toml"
    write_dataset(found, fits)
    fitted = calibrated_tables(found, model=model, **fixed)
    text = toml({**{name: item for name, item in tables.items() if name not in fixed}, **fitted})
    name = " ".join(escaped(table.name).split())  # of one line, as a comment is
    text = f"# Calibrated to {name}; largest difference {float(found.max_error[0]):.4f}.\n\n{text}"
    Study.parse(text, beside=arguments.study.parent)
    files.write(written, text)
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
            known = math.isfinite(errors[key]) and errors[key] > 0
            terminal.out(f"{key} = {format_estimate(Estimate(value, errors[key])) if known else f'{value:.4g}'}{bound}")
        if arguments.refits < 2:
            terminal.out("errors of these values need --refits 2 or more")
        identified = int((found["signal_to_noise"] >= 2).sum())
        terminal.out(
            f"largest difference from {table.name} at any age: {100 * float(found['max_error'][0]):.2f} percentage "
            "points"
        )
        terminal.out(
            f"survival pins down {identified} of {len(values)} directions; other fits are in {fits}\nstudy: {written}"
        )
    return terminal.DONE
