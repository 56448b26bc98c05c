"""way-out (H11): years gained by each lever of the essay's way out, by pairs of them, and by all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import xarray as xr

from common.number_table import NumberTable, Row, row
from firmfate.analysis import Lifetimes
from firmfate.analysis.formatting import format_value
from firmfate.analysis.poles import EXECUTION, MISALIGNMENT
from firmfate.survival import cumulative_incidence

LEVERS = {
    "shared_metrics": ("shared metrics", 0.0, 0.5), "communication": ("communication", 0.0, 1.0),
    "customer_voice": ("customer's voice", 0.2, 1.0), "observe_time": ("sees sooner", 26.0, 8.0),
    "correct_time": ("corrects faster", 52.0, 13.0), "blindness": ("no blindness", 0.5, 0.0),
}  # fmt: skip
"""Parameter -> what it is called, its value off and on."""

OFF = {name: off for name, (_, off, _) in LEVERS.items()}
ON = {name: on for name, (_, _, on) in LEVERS.items()}
PAIRS = tuple(itertools.combinations(LEVERS, 2))


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return the numbers of the study.

    Parameters
    ----------
    runs : mapping
        ``levers``: counts over execution, misalignment and every lever, off and on; ``doses``: over execution and
        shared_metrics, at misalignment 1; ``exchange``: cells in which one lever at a time is pulled by steps.
    """
    return NumberTable(
        [*_levers(runs["levers"].compute()), *_doses(runs["doses"].compute()), *_exchange(runs["exchange"].compute())]
    )


def gains(lived: Lifetimes) -> xr.Dataset:
    """Return years gained by every lever alone and all together, over ``lever`` (execution, misalignment)."""

    def found(years: xr.DataArray) -> xr.DataArray:
        base = years.sel(OFF, drop=True)
        with_one = [years.sel({**OFF, name: ON[name]}, drop=True) - base for name in LEVERS]
        return xr.concat([*with_one, years.sel(ON, drop=True) - base], "lever")

    return lived.apply(found).assign_coords(lever=[*LEVERS, "all"])


def pairs(lived: Lifetimes) -> tuple[xr.Dataset, xr.Dataset]:
    """Return years gained by every pair of levers, and how much that exceeds the sum of both alone, over ``pair``."""

    def both(years: xr.DataArray) -> xr.DataArray:
        base = years.sel(OFF, drop=True)
        return xr.concat([years.sel({**OFF, a: ON[a], b: ON[b]}, drop=True) - base for a, b in PAIRS], "pair")

    def excess(years: xr.DataArray) -> xr.DataArray:
        base = years.sel(OFF, drop=True)
        alone = {name: years.sel({**OFF, name: ON[name]}, drop=True) - base for name in LEVERS}
        return both(years) - xr.concat([alone[a] + alone[b] for a, b in PAIRS], "pair")

    return lived.apply(both), lived.apply(excess)


def _levers(ds: xr.Dataset) -> Iterator[Row]:
    lived = Lifetimes(ds)
    single = gains(lived)
    corners = [(e, m) for m in ds[MISALIGNMENT].values[::-1] for e in ds[EXECUTION].values[::-1]]
    for name in single["lever"].values:
        words, off, on = LEVERS.get(name, ("all six", 0.0, 0.0))
        text = f"{words} ({name} {format_value(on)} for {format_value(off)})" if name in LEVERS else words
        for execution, misalignment in corners:
            here = {EXECUTION: execution, MISALIGNMENT: misalignment, "lever": name}
            yield row(
                f"{name}_{format_value(execution)}_{format_value(misalignment)}",
                single.sel(here).drop_vars("lever"),
                text,
                unit="years gained",
                section="Each lever alone",
                column=f"execution {format_value(execution)}, misalignment {format_value(misalignment)}",
            )
    both, excess = pairs(lived)
    here = {EXECUTION: float(ds[EXECUTION].max()), MISALIGNMENT: 1.0}
    for place, (a, b) in enumerate(PAIRS):
        text = f"{LEVERS[a][0]} and {LEVERS[b][0]}"
        section = "Pairs of levers, execution 1, misalignment 1"
        yield row(
            f"{a}+{b}", both.sel(here).isel(pair=place), text, unit="years", section=section, column="gained by both"
        )
        yield row(f"{a}*{b}", excess.sel(here).isel(pair=place), text, unit="years", section=section,
                  column="beyond the sum of each alone")  # fmt: skip
    silent = {**ON, "communication": OFF["communication"]}
    more = lived.apply(lambda years: years.sel(silent, drop=True) - years.sel(ON, drop=True)).sel(here)
    yield row("without_communication", more, "all but communication, less all six", unit="years",
              section="All and the best pair, execution 1, misalignment 1")  # fmt: skip
    yield from _why_communication_harms(ds, lived, here)
    best = max(range(len(PAIRS)), key=lambda place: float(both["estimate"].sel(here).isel(pair=place)))
    yield row("best_pair", both.sel(here).isel(pair=best), f"the best pair: {' and '.join(PAIRS[best])}", unit="years",
              section="All and the best pair, execution 1, misalignment 1")  # fmt: skip


def _why_communication_harms(ds: xr.Dataset, lived: Lifetimes, here: Mapping[str, float]) -> Iterator[Row]:
    """With fast correction: what communication does to lifetimes and causes, and whether hearing customers mends it."""
    section = "Communication where governance corrects fast, execution 1, misalignment 1"
    fast = {**OFF, "correct_time": ON["correct_time"]}
    for voice in (OFF["customer_voice"], ON["customer_voice"]):
        silent, spoken = ({**fast, "customer_voice": voice, "communication": value} for value in (0.0, 1.0))
        gained = lived.apply(partial(_less, better=spoken, than=silent)).sel(here)
        text = f"years gained by communication, customer_voice {format_value(voice)}"
        yield row(f"communication_fast_{format_value(voice)}", gained, text, unit="years", section=section)
    for value in (0.0, 1.0):
        cell = ds.sel({**fast, "communication": value, **here}, drop=True)
        lost = cumulative_incidence(cell).sel(cause="customer_collapse", week=ds.sizes["week"])
        text = f"share that exits by loss of customers, communication {format_value(value)}"
        yield row(f"lost_customers_{format_value(value)}", lost.drop_vars(["cause", "week"]), text, section=section)


def _less(years: xr.DataArray, *, better: Mapping[str, float], than: Mapping[str, float]) -> xr.DataArray:
    return years.sel(better, drop=True) - years.sel(than, drop=True)


def _doses(ds: xr.Dataset) -> Iterator[Row]:
    lived = Lifetimes(ds)
    gained = lived.apply(lambda years: years - years.sel(shared_metrics=0.0, drop=True))
    for share in ds["shared_metrics"].values[1:]:
        for execution in ds[EXECUTION].values[::-1]:
            value = gained.sel({"shared_metrics": share, EXECUTION: execution})
            yield row(
                f"shared_{format_value(share)}_{format_value(execution)}",
                value,
                f"shared metrics {format_value(share)}",
                unit="years gained",
                column=f"execution {format_value(execution)}",
                section="Shared metrics by dose, misalignment 1",
            )


def _exchange(ds: xr.Dataset) -> Iterator[Row]:
    """Return what each lever is worth in misalignment, over the range in which it can be pulled."""
    lived = Lifetimes(ds)
    cells = {name: ds[name].values for name in (EXECUTION, *LEVERS)}
    section = "Exchange rates at misalignment 1: what a lever gives, and the misalignment that would give as much"
    for name, (words, off, _) in LEVERS.items():
        if name == "shared_metrics":
            continue
        for value in sorted(set(cells[name]) - {off}, reverse=bool(off > cells[name].min())):
            for execution in sorted(set(cells[EXECUTION]), reverse=True):
                curve = _cells(cells, execution, "shared_metrics")
                pulled = next(at for at, here in _cells(cells, execution, name) if here == value)
                text, key = f"{words} ({name} {format_value(value)} for {format_value(off)})", format_value(execution)
                years = lived.apply(partial(_gained, pulled=pulled, base=curve[0][0]))
                worth = lived.apply(partial(_worth, pulled=pulled, curve=curve))
                kept = f"{name}_{format_value(value)}_{key}"
                yield row(f"gives_{kept}", years, text, unit="years, misalignment", section=section,
                          column=f"execution {key}, years")  # fmt: skip
                yield row(f"worth_{kept}", worth, text, unit="years, misalignment", section=section,
                          column=f"execution {key}, misalignment")  # fmt: skip


def _cells(cells: Mapping[str, np.ndarray], execution: float, lever: str) -> list[tuple[int, float]]:
    """Return the cells in which no other lever is pulled, each with the value of this one, from its least up."""
    others = [cells[name] == off for name, off in OFF.items() if name != lever]
    at = np.flatnonzero(np.logical_and.reduce([cells[EXECUTION] == execution, *others]))
    return sorted(((int(place), float(cells[lever][place])) for place in at), key=lambda cell: cell[1])


def _gained(years: xr.DataArray, *, pulled: int, base: int) -> xr.DataArray:
    return years.isel(cell=pulled, drop=True) - years.isel(cell=base, drop=True)


def _worth(years: xr.DataArray, *, pulled: int, curve: list[tuple[int, float]]) -> xr.DataArray:
    """Return the misalignment whose removal (shared_metrics) gives as much; NaN where a lever takes years."""
    wanted = float(years.isel(cell=pulled))
    x, y = (np.array(part) for part in ([share for _, share in curve], years.values[[at for at, _ in curve]]))
    place = int(np.argmax(y >= wanted)) if (y >= wanted).any() else 0
    if place == 0:
        return xr.DataArray(np.nan)
    return xr.DataArray(x[place - 1] + (wanted - y[place - 1]) / (y[place] - y[place - 1]) * (x[place] - x[place - 1]))
