"""The study of facts: what is known of real firms beside their survival, and whether the model's firms have it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from common.folder import load
from common.number_table import NumberTable, Row
from firmfate.analysis import Estimate
from firmfate.calibration import read_establishments
from firmfate.survival.core.limits import student_quantile

measures, panels, exits = (load("facts", name) for name in ("measures", "panel", "exits"))

Floats = NDArray[np.float64]
FACTS = Path(__file__).parent / "facts.toml"
MODELS = {
    "defaults": ("defaults", "defaults"),
    "manufacturing": ("manufacturing 1", "fitted to manufacturing 2013"),
    "total": ("total 1", "fitted to total private 1994"),
}
"""Column of the table of facts -> the cell of the study, and its words."""

GROWING = {
    "defaults": ("growing defaults", "defaults"),
    "tenfold": ("tenfold growing defaults", "defaults, `growth` 10"),
    "manufacturing": ("growing manufacturing 1", MODELS["manufacturing"][1]),
    "total": ("growing total 1", MODELS["total"][1]),
}
FIRMS, BATCHES = 384, 32
"""Firms of a cell that are replayed, and batches of their errors."""

SECTORS = ["Total Private", "Manufacturing"]
CANNOT = {
    "bankrupt": "the model's firms end when cash and credit do, not in a court",
    "merged": "the model has no mergers; background exits are not divided into mergers and others",
}
MET, MISSED, OPEN, CANNOT_SAY = 1.0, 0.0, 0.5, -1.0


class Fact(NamedTuple):
    """A fact with the range in which a model should lie."""

    key: str
    text: str
    low: float
    high: float
    data: str
    source: str
    seen: tuple[str, ...]


def facts() -> dict[str, Fact]:
    """Return the facts of ``facts.toml`` by key, those of the Bureau's table computed from it."""
    found = {}
    for entry in tomllib.loads(FACTS.read_text("utf-8"))["fact"]:
        if "low" not in entry:
            entry = {**entry, **_counted(entry["key"])}
        found[entry["key"]] = Fact(**{**entry, "seen": tuple(entry["seen"])})
    return found


def _counted(key: str) -> dict[str, Any]:
    """Return the range of a fact over all cohorts of establishments of two sectors."""
    counted = read_establishments().sel(sector=SECTORS)
    kind, _, number = key.rpartition("_")
    size = counted["employment"] / counted["establishments"]
    alive = counted["establishments"]
    if kind == "hazard":
        values = 1 - alive.sel(age=int(number)) / alive.sel(age=int(number) - 1)
    else:
        values = size.sel(age=int(number) + 1) / size.sel(age=int(number)) - 1
    cohorts = int(values.sel(sector=SECTORS[0]).notnull().sum())
    median = ", ".join(f"{100 * float(values.sel(sector=name).median()):.1f} % {name.lower()}" for name in SECTORS)
    return {
        "low": float(values.min()), "high": float(values.max()), "data": f"median of {cohorts} cohorts {median}",
        "source": "Bureau of Labor Statistics, BED table 7", "seen": ["firmfate.calibration.read_establishments"],
    }  # fmt: skip


def verdict(value: Estimate, fact: Fact) -> float:
    """Return by the rule of ``facts.toml`` whether the model meets a fact.

    Examples
    --------
    >>> fact = facts()["cash_days"]  # 15 to 27
    >>> [verdict(Estimate(x, 1.0, x - 2, x + 2), fact) for x in (20, 26, 40)]
    [1.0, 0.5, 0.0]
    """
    if not np.isfinite(value.estimate):
        return CANNOT_SAY
    if fact.low <= value.lower and value.upper <= fact.high:
        return MET
    return MISSED if value.upper < fact.low or value.lower > fact.high else OPEN


def derive(directories: Mapping[str, Path]) -> dict[str, xr.Dataset]:
    """Replay the first firms of every cell, and keep what is recorded of all.

    Returns
    -------
    dict
        ``panel``, as `panel.panel` returns it, and ``firms``: event and alarm weeks, causes, execution and
        misalignment over (cell, replicate).
    """
    with xr.open_dataset(directories["study"] / "firms.nc") as ds:
        firms = ds[["event_week", "cause", "alarm_week", "execution", "misalignment"]].load()
    cells, replayed = [str(name) for name in firms["cell"].values], min(FIRMS, firms.sizes["replicate"])
    panel = panels.panel(directories["study"], cells=cells, firms=replayed, batches=BATCHES)
    return {"panel": panel, "firms": firms.reset_coords()}


def estimands(runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return every fact of the data and of the model, and the verdicts."""
    known = facts()
    cells = [str(name) for name in runs["firms"]["cell"].values]
    found = {cell: {**_of_panel(runs["panel"], cell), **_of_firms(runs["firms"], cell)} for cell in cells}
    return NumberTable([*_data(known), *_compared(known, found), *_fits(known, found), *_growing(known, found),
                        *_otherwise(found), *_counts(known, runs)])  # fmt: skip


def jackknife(of: Callable[[Any], float | Floats], whole: Any, parts: list[Any]) -> Estimate:
    """Return a measure of all firms, with its error from leaving out one batch of them after the other.

    Of a share, whose measure is zeros and ones, the error is at least that of half a firm: that all of some firms are
    alike does not make the share certain.
    """
    found = of(whole)
    if np.size(found) == 0:
        return Estimate(np.nan, np.nan)
    least = 0.5 / np.size(found) if np.ndim(found) else 0.0
    estimate, left = float(np.mean(found)), np.array([float(np.mean(of(part))) for part in parts])
    se = max(float(np.sqrt((len(left) - 1) * left.var())), least)
    half = student_quantile(0.95, len(left) - 1) * se
    return Estimate(estimate, se, estimate - half, estimate + half)


def _parts(ds: xr.Dataset, batch: Floats) -> tuple[dict[str, Floats], list[dict[str, Floats]]]:
    whole = {str(name): values.values for name, values in ds.data_vars.items()}
    return whole, [
        {name: values[batch != number] for name, values in whole.items()} for number in range(int(batch.max()) + 1)
    ]


def _of_panel(panel: xr.Dataset, cell: str) -> dict[str, Estimate]:
    whole, parts = _parts(panel.sel(cell=cell, drop=True), panel["batch"].values)
    asked = {**measures.OF_PANEL, **{name: of for name, (_, of) in measures.OTHERWISE.items()}}
    return {name: jackknife(of, whole, parts) for name, of in asked.items()}


def _of_firms(firms: xr.Dataset, cell: str) -> dict[str, Estimate]:
    chosen = firms.sel(cell=cell, drop=True)
    own = {name: values.broadcast_like(chosen["cause"]) for name, values in chosen.data_vars.items()}
    whole, parts = _parts(xr.Dataset(own), chosen["replicate"].values % BATCHES)
    causes = firms["cause"].attrs["flag_meanings"].split()
    return {name: jackknife(partial(of, causes=causes), whole, parts) for name, of in exits.OF_FIRMS.items()}


def _row(name: str, value: Estimate, text: str, section: str, column: str, unit: str = "1") -> Row:
    return Row(name, value, unit, text, section, column)


def _data(known: Mapping[str, Fact]) -> Iterator[Row]:
    for fact in known.values():
        for end in ("low", "high"):
            value = Estimate(float(getattr(fact, end)), np.nan)
            yield _row(f"{fact.key}_{end}", value, fact.text, "Ranges of the data", end)


def _compared(known: Mapping[str, Fact], found: Mapping[str, Mapping[str, Estimate]]) -> Iterator[Row]:
    counts = dict.fromkeys(MODELS, 0)
    for key, fact in known.items():
        for name, (cell, words) in MODELS.items():
            value = found[cell].get(key, Estimate(np.nan, np.nan))
            yield _row(f"{key}_{name}", value, fact.text, "The model", words)
            judged = verdict(value, fact)
            counts[name] += judged == MET
            yield _row(f"{key}_{name}_verdict", Estimate(judged, np.nan), fact.text, "Verdicts", words, "verdict")
    for name, (cell, words) in MODELS.items():
        value = Estimate(float(counts[name]), np.nan)
        yield _row(f"met_{name}", value, f"facts of {len(known)} that are met", "Facts that are met", words)
        by_year = sum(verdict(found[cell][key], known[key]) == MET for key in known if key.startswith("hazard"))
        value = Estimate(float(by_year), np.nan)
        yield _row(f"met_exits_{name}", value, "of these exits by year", "Facts that are met", words)


def _fits(known: Mapping[str, Fact], found: Mapping[str, Mapping[str, Estimate]]) -> Iterator[Row]:
    for name in ("manufacturing", "total"):
        section = f"Equally good fits: {MODELS[name][1].removeprefix('fitted to ')}"
        for key, fact in known.items():
            for fit in range(1, 5):
                value = found[f"{name} {fit}"].get(key)
                if value is not None:
                    yield _row(f"{key}_{name}_fit_{fit}", value, fact.text, section, f"fit {fit}")


def _growing(known: Mapping[str, Fact], found: Mapping[str, Mapping[str, Estimate]]) -> Iterator[Row]:
    for key in ("growth_sd", "growth_shape", "growth_kurtosis", "size_growth_1", "size_growth_5"):
        for name, (cell, words) in GROWING.items():
            yield _row(f"{key}_{name}_growing", found[cell][key], known[key].text, "With `growth` 1", words)


def _otherwise(found: Mapping[str, Mapping[str, Estimate]]) -> Iterator[Row]:
    texts = {**{name: text for name, (text, _) in measures.OTHERWISE.items()}, **exits.OTHERWISE}
    for key, text in texts.items():
        for name, (cell, words) in MODELS.items():
            yield _row(f"{key}_{name}", found[cell][key], text, "Measured otherwise", words)


def _counts(known: Mapping[str, Fact], runs: Mapping[str, xr.Dataset]) -> Iterator[Row]:
    numbers = {
        "facts": (len(known), "facts"),
        "firms": (runs["firms"].sizes["replicate"], "firms of each cell"),
        "replayed": (runs["panel"].sizes["firm"], "firms of each cell that are replayed"),
    }
    for name, (number, text) in numbers.items():
        yield _row(name, Estimate(float(number), np.nan), text, "Counts", "")
