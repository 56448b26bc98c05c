"""The baseline: `firm` and `car` calibrated to survival of US establishments, and the paradox on what was fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from common.firm_ranges import FIRM_RANGES
from common.number_table import NumberTable, Row
from firmfate.analysis import Estimate, turning_point
from firmfate.calibration import ParameterRange, SurvivalTable, calibrate, read_survival_table
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.dataset import open_run
from firmfate.machine import cores
from firmfate.simulation import simulate
from firmfate.survival import contrast, counts_from_table, kaplan_meier, rmst

TARGETS = {
    "manufacturing": ("BLS_BED_manufacturing", "2013-03"),
    "total": ("BLS_BED_total_private", "1994-03"),
}
LATER = ("BLS_BED_total_private", "2013-03")
"""A cohort that no fit has seen."""

WORDS = {"manufacturing": "manufacturing 2013", "total": "total private 1994"}
CAR = {"buffer_mean": ParameterRange(-0.5, 2), "buffer_sd": ParameterRange(0.3, 2), "drift": ParameterRange(-0.6, 0.1)}
MIXED = {"execution": {"uniform": [0, 1]}, "misalignment": {"uniform": [0, 1]}}
EXECUTIONS = (0.05, 0.25, 0.5, 0.75, 1.0)
MISALIGNMENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
YEARS = 20
HORIZONS = (5, YEARS)
ENDS = ["insolvency", "customer_collapse", "gridlock", "background_exit"]
TINY = 2_000
"""Firms below which a run only tries the study out: few points are screened and one fit is refined."""


def derive(directories: Mapping[str, Path], *, threads: int | None = None) -> dict[str, xr.Dataset]:
    """Calibrate both models to both tables, and simulate execution and misalignment on every fit of the firm."""
    with open_run(directories["study"]) as ds:
        firms = int(ds["firms"].max())
        seed = int(ds.attrs["seed"])
    threads = threads or cores()
    tiny = firms < TINY
    size: dict[str, Any] = {
        "firms": firms,
        "screen": 16 if tiny else 256,
        "starts": 1 if tiny else 4,
        "refits": 2 if tiny else 4,
    }
    found: dict[str, xr.Dataset] = {}
    for name, (series, cohort) in TARGETS.items():
        table = read_survival_table(series=series, cohort=cohort)
        options: dict[str, Any] = {"seed": seed, "threads": threads}
        found[name] = calibrate("firm", table, FIRM_RANGES, population=MIXED, **size, **options)
        simple = {**size, "starts": 1}
        still = {"execution": 0, "misalignment": 0}
        found[f"car_{name}"] = calibrate("car", table, CAR, parameters=still, **simple, **options)
    # The same table by firms that are all aligned: whether survival alone identifies misalignment.
    table = read_survival_table(series=TARGETS["manufacturing"][0], cohort=TARGETS["manufacturing"][1])
    found["aligned"] = calibrate(
        "firm", table, FIRM_RANGES, parameters={"misalignment": 0}, population={"execution": MIXED["execution"]},
        **{**size, "starts": 1, "refits": 0}, seed=seed, threads=threads,
    )  # fmt: skip
    for name in TARGETS:
        found[f"paradox_{name}"] = _paradox(found[name], firms=firms // 2, seed=seed, threads=threads)
        found[f"ends_{name}"] = _ends(found[name], firms=5 * firms, seed=seed + 1, threads=threads)
    return found


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return the fits and their errors, and what the paradox is on each of them."""
    return NumberTable(
        [
            *_fits(runs), *_by_age(runs), *_values(runs), *_open(runs), *_by_cause(runs), *_effects(runs),
            *_turning(runs),
        ]
    )  # fmt: skip


def _simulated(fits: xr.Dataset, **options: Any) -> Iterator[tuple[Any, xr.Dataset]]:
    """Yield every fit with firms of its values; options as of `firmfate.simulate`."""
    for fit in fits["fit"].values:
        values = fits["value"].sel(fit=fit)
        parameters = {str(key): float(values.sel(parameter=key)) for key in fits["parameter"].values}
        yield fit, simulate("firm", parameters=parameters, **options)


def _paradox(fits: xr.Dataset, *, firms: int, seed: int, threads: int) -> xr.Dataset:
    """Count firms over execution and misalignment with the values of every fit, common random numbers throughout."""
    execution, misalignment = (grid.ravel() for grid in np.meshgrid(EXECUTIONS, MISALIGNMENTS, indexing="ij"))
    weeks, columns = YEARS * WEEKS_PER_YEAR, []
    for fit, lived in _simulated(
        fits, execution=execution, misalignment=misalignment, weeks=weeks, seed=seed, replicates=firms, threads=threads
    ):
        shape = lived["cause"].shape
        columns.append(
            {
                "fit": np.full(shape, fit),
                "execution": np.broadcast_to(execution[:, None], shape),
                "misalignment": np.broadcast_to(misalignment[:, None], shape),
                "weeks": lived["event_week"].values,
                "end": np.array(lived["cause"].attrs["flag_meanings"].split())[lived["cause"].values],
                "batch": np.broadcast_to(lived["replicate"].values % 32, shape),
            }
        )
    table = {name: np.concatenate([column[name].ravel() for column in columns]) for name in columns[0]}
    return counts_from_table(
        table, duration="weeks", cause="end", covariates=["fit", "execution", "misalignment"], batch="batch",
        causes=lived["cause"].attrs["flag_meanings"].split()[1:-1], horizon=weeks,
        horizons=[year * WEEKS_PER_YEAR for year in HORIZONS],
    )  # fmt: skip


def _ends(fits: xr.Dataset, *, firms: int, seed: int, threads: int) -> xr.Dataset:
    """Count, on every fit, by what cause the firms of its population end within the ages of its table."""
    random = np.random.default_rng(seed)
    execution, misalignment = random.uniform(size=(2, 1, firms, 1))
    weeks = int(fits["age"].max()) * WEEKS_PER_YEAR
    counts = []
    for _, lived in _simulated(
        fits, execution=execution, misalignment=misalignment, weeks=weeks, seed=seed, replicates=firms, threads=threads
    ):
        causes = lived["cause"].attrs["flag_meanings"].split()[:-1]
        counts.append(np.bincount(lived["cause"].values.ravel(), minlength=len(causes))[: len(causes)])
    dims = ("fit", "cause")
    return xr.Dataset({"firms": (dims, np.array(counts))}, coords={"fit": fits["fit"].values, "cause": causes})


def _by_cause(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    """Return which share of all exits within the ages of its table has which cause, on every fit."""
    for name in TARGETS:
        section = f"Causes of exit on every fit: {WORDS[name]}"
        counted = runs[f"ends_{name}"]["firms"]
        for fit in counted["fit"].values:
            ended = counted.sel(fit=fit, cause=ENDS)
            total = int(ended.sum())
            for cause in ENDS:
                share = int(ended.sel(cause=cause)) / total
                value = Estimate(share, float(np.sqrt(max(share * (1 - share), 0.25 / total) / total)))
                yield Row(f"ends_{cause}_{name}_{fit + 1}", value, "share of exits", f"fit {fit + 1}", section,
                          cause.replace("_", " "))  # fmt: skip


def _fits(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    section = "Largest difference of fitted and observed survival"
    before = kaplan_meier(runs["study"])["estimate"].squeeze(drop=True)
    for name, (series, cohort) in TARGETS.items():
        table = read_survival_table(series=series, cohort=cohort)
        simulated = before.sel(week=(table.ages * WEEKS_PER_YEAR).astype(int)).values
        yield _points(f"default_{name}", _largest(simulated, table), "firm, defaults", section, WORDS[name])
        yield _points(f"car_{name}", runs[f"car_{name}"]["max_error"], "car, 3 parameters", section, WORDS[name])
        yield _points(f"firm_{name}", runs[name]["max_error"], "firm, 8 parameters", section, WORDS[name])
        worst = runs[name]["max_error"].max()
        yield _points(f"worst_{name}", worst, "firm, worst of its equally good fits", section, WORDS[name])
        again = runs[name]["refit_error"].max()
        yield _points(f"refit_{name}", again, "firm, worst refit with other random numbers", section, WORDS[name])
    yield _points("aligned", runs["aligned"]["max_error"], "firm, all aligned", section, WORDS["manufacturing"])
    later = read_survival_table(series=LATER[0], cohort=LATER[1])
    fitted = runs["total"]["fitted"].isel(fit=0).sel(age=later.ages).values
    yield _points(
        "later", _largest(fitted, later), "its fit against total private 2013, unseen", section, WORDS["total"]
    )
    for name in TARGETS:
        rms = Estimate(100 * float(runs[name]["rms"][0]), np.nan)
        yield Row(f"rms_{name}", rms, "points", "firm, root mean square", section, WORDS[name])


def _largest(fitted: np.ndarray, table: SurvivalTable) -> float:
    return float(np.abs(fitted - table.surviving).max())


def _points(name: str, share: xr.DataArray | float, text: str, section: str, column: str) -> Row:
    """Return a difference of shares in percentage points; of several fits, the best."""
    value = float(share) if np.ndim(share) == 0 else float(np.asarray(share)[0])
    return Row(name, Estimate(100 * value, np.nan), "points", text, section, column)


def _by_age(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    for name in TARGETS:
        for age in runs[name]["age"].values:
            here = runs[name].sel(age=age)
            for kind, share in (("observed", here["observed"]), ("fitted", here["fitted"].isel(fit=0))):
                text, column = f"{age:g} years", f"{WORDS[name]}, {kind}"
                value = Estimate(round(100 * float(share), 2), np.nan)
                yield Row(f"{kind}_{name}_{age:g}", value, "% alive", text, "Survival by age", column)


def _values(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    section = "Fitted values (± standard deviation over refits)"
    for name in TARGETS:
        for key in runs[name]["parameter"].values:
            here = runs[name].sel(parameter=key)
            value = Estimate(float(here["value"].isel(fit=0)), float(here["se"]))
            yield Row(f"{key}_{name}", value, "its own unit", str(key), section, WORDS[name])
        pinned = float((runs[name]["signal_to_noise"] >= 2).sum())
        text = "directions of eight that survival pins down"
        yield Row(f"pinned_{name}", Estimate(pinned, np.nan), "its own unit", text, section, WORDS[name])


def _open(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    for name in TARGETS:
        section = f"Equally good fits: {WORDS[name]}"
        for fit in runs[name]["fit"].values:
            here, column = runs[name].sel(fit=fit), f"fit {fit + 1}"
            for key in here["parameter"].values:
                value = Estimate(float(here["value"].sel(parameter=key)), np.nan)
                yield Row(f"{key}_{name}_{fit + 1}", value, "its own unit", str(key), section, column)
            error = Estimate(100 * float(here["max_error"]), np.nan)
            yield Row(f"error_{name}_{fit + 1}", error, "its own unit", "largest difference, points", section, column)


def _effects(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    """Return what strong execution adds to the mean lifetime, aligned and misaligned, on every fit."""
    strong, weak = {"execution": EXECUTIONS[-1]}, {"execution": EXECUTIONS[0]}
    for years in HORIZONS:
        section = f"Years that strong execution adds within {years}"
        for name in TARGETS:
            found = contrast(runs[f"paradox_{name}"], rmst, between=(strong, weak), tau=years * WEEKS_PER_YEAR)
            for fit in found["fit"].values:
                for kind, where in (("aligned", 0.0), ("misaligned", 1.0)):
                    value = Estimate.of(found.sel(fit=fit, misalignment=where)).scaled(1 / WEEKS_PER_YEAR)
                    text = f"{WORDS[name]}, fit {fit + 1}"
                    yield Row(f"{kind}_{name}_{fit + 1}_{years}", value, "years", text, section, kind)


def _turning(runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    section = "Misalignment at which the effect of execution turns, within 20 years"
    for name in TARGETS:
        found = turning_point(runs[f"paradox_{name}"], tau=YEARS * WEEKS_PER_YEAR)
        for fit in found["fit"].values:
            value = Estimate.of(found.sel(fit=fit))
            yield Row(f"turning_{name}_{fit + 1}", value, "1", f"{WORDS[name]}", section, f"fit {fit + 1}")
