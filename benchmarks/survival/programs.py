"""What each program estimates of the firms, with its seconds; estimates are of group 0, unless they compare both."""

from __future__ import annotations

import csv
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmarks.survival.firms import TAU, WEEKS, Firms, Rows

Results = dict[str, tuple[float, float]]  # what: (value, seconds)


def timed(results: Results, names: list[str], estimate: Callable[[], list[float]]) -> None:
    """Run an estimate, and note each value with the seconds of the call."""
    start = time.perf_counter()
    values = estimate()
    seconds = time.perf_counter() - start
    results.update({name: (float(value), seconds) for name, value in zip(names, values, strict=True)})


def ours(firms: Firms, rows: Rows) -> Results:
    """firmfate on counts; `firms` is counting one row a firm."""
    from firmfate import survival as s

    results: Results = {}
    held = {}
    s.proportional_hazards(s.example(), "execution:misalignment")  # the first regression imports formulaic and pandas
    columns = {"group": firms.group, "week": firms.week, "end": firms.end}

    def count() -> list[float]:
        held["ds"] = s.counts_from_table(
            columns, duration="week", cause="end", covariates=["group"], horizon=WEEKS, causes=[1, 2]
        )
        return [float(held["ds"].firms.sum())]

    timed(results, ["firms"], count)
    ds = held["ds"][["events", "firms", "censored"]]
    last = {"group": 0, "week": WEEKS}

    def curve() -> list[float]:
        survival = s.kaplan_meier(ds, limits="log-log").sel(last)
        return [survival.estimate.item(), survival.se.item(), survival.lower.item()]

    def mean() -> list[float]:
        rmst = s.rmst(ds, tau=TAU).sel(group=0)
        return [rmst.estimate.item(), rmst.se.item()]

    def share() -> list[float]:
        incidence = s.cumulative_incidence(ds).sel({**last, "cause": 2})
        return [incidence.estimate.item(), incidence.se.item()]

    def breslow() -> list[float]:
        fit = s.proportional_hazards(ds, "group", ties="breslow")
        return [fit.estimate.item(), fit.independent_se.item()]

    timed(results, ["survival", "survival se", "survival log-log lower"], curve)
    timed(results, ["rmst", "rmst se"], mean)
    timed(results, ["incidence", "incidence se"], share)
    timed(results, ["log-rank"], lambda: [s.logrank(ds, "group").statistic.item()])
    timed(results, ["breslow", "breslow se"], breslow)
    timed(results, ["cloglog"], lambda: [s.proportional_hazards(ds, "group").estimate.item()])
    return results


def lifelines(firms: Firms, rows: Rows) -> Results:
    """lifelines on one row a firm; its incidence breaks ties at random, its restricted mean has another variance."""
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import logrank_test
    from lifelines.utils import restricted_mean_survival_time

    results: Results = {}
    first = firms.group == 0
    week, ended = firms.week[first].astype(float), firms.end[first] > 0
    fitter = KaplanMeierFitter()

    def curve() -> list[float]:
        fitter.fit(week, ended)
        limits = fitter.confidence_interval_survival_function_
        return [fitter.survival_function_at_times(WEEKS).item(), limits.iloc[-1, 0]]

    timed(results, ["survival", "survival log-log lower"], curve)
    timed(results, ["rmst"], lambda: [restricted_mean_survival_time(fitter, t=TAU)])
    other = firms.group == 1

    def test() -> list[float]:
        found = logrank_test(week, firms.week[other].astype(float), ended, firms.end[other] > 0)
        return [found.test_statistic]

    timed(results, ["log-rank"], test)
    return results


def statsmodels(firms: Firms, rows: Rows) -> Results:
    """statsmodels on one row a firm; PHReg takes no weights, and too long on so many rows."""
    from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

    results: Results = {}
    first = firms.group == 0
    week, end = firms.week[first].astype(float), firms.end[first].astype(int)

    def curve() -> list[float]:
        found = SurvfuncRight(week, (end > 0).astype(int))
        return [found.surv_prob[-1], found.surv_prob_se[-1]]

    timed(results, ["survival", "survival se"], curve)
    timed(results, ["incidence"], lambda: [CumIncidenceRight(week, end).cinc[1][-1]])
    timed(
        results, ["log-rank"], lambda: [survdiff(firms.week.astype(float), (firms.end > 0).astype(int), firms.group)[0]]
    )
    return results


def r(firms: Firms, rows: Rows) -> Results:
    """R's survival: weighted rows where that is right, expanded ones where it is not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with (path / "rows.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(rows._fields)
            writer.writerows(zip(*(column.tolist() for column in rows), strict=True))
        script = Path(__file__).with_name("survival.R")
        command = ["Rscript", str(script), str(path / "rows.csv"), str(path / "results.csv"), str(WEEKS), str(TAU)]
        subprocess.run(command, check=True)
        with (path / "results.csv").open() as file:
            return {row["what"]: (float(row["value"]), float(row["seconds"])) for row in csv.DictReader(file)}


PROGRAMS: dict[str, Callable[[Firms, Rows], Results]] = {
    "firmfate": ours,
    "lifelines": lifelines,
    "statsmodels": statsmodels,
    "R": r,
}


def run(program: str, firms: Firms, rows: Rows) -> Results:
    """Run one program; other people's deprecations are theirs."""
    with warnings.catch_warnings():
        if program != "firmfate":
            warnings.simplefilter("ignore")
        return PROGRAMS[program](firms, rows)


TOLERANCES = {
    "log-rank": 1e-8,
    "breslow": 1e-6,
    "breslow se": 1e-6,
    "survival log-log lower": 1e-9,
    "incidence se": 1e-6,
}
"""Relative; 1e-9 for all others."""


def disagreements(results: dict[str, Results]) -> list[str]:
    """Every value that differs from ours beyond its tolerance."""
    reference = results["firmfate"]
    return [
        f"{program}: {what} is {value!r}, ours {reference[what][0]!r}"
        for program, values in results.items()
        for what, (value, _) in values.items()
        if not np.isclose(value, reference[what][0], rtol=TOLERANCES.get(what, 1e-9), atol=0)
    ]
