"""Sentences on cells of many axes: what matters most and which axes interact, or the ranking of listed cells."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate.analysis.formatting import Estimate, distinct_digits, format_estimate, format_short, spaced
from firmfate.analysis.ranking import undistinguished

MOST_NAMED = 4
"""Axes, and pairs of cells, that a sentence names."""
POOR = 0.5
"""Share of the variance below which averages over other axes say little of single cells."""

Sentences = tuple[str, ...]


def level_of(axes: int) -> float:
    """Return the level of limits at which no effect and no interaction is mistaken for one (Bonferroni, 5 %)."""
    return 1 - 0.05 / max(axes + axes * (axes - 1) / 2, 1)


def on_effects(found: xr.Dataset, horizon: str) -> tuple[str, Sentences, dict[str, Estimate]]:
    """Return the headline, the statements and the numbers of `surface_effects` or `axis_effects`."""
    lifetime, axes = f"the mean lifetime within {horizon}", found.sizes["axis"]
    shares = found["share"].fillna(0.0).values
    order = np.lexsort((-np.abs(found["estimate"].fillna(0.0).values), -shares))
    numbers: dict[str, Estimate] = {}
    parts: list[tuple[str, str, str]] = []
    unclear: list[str] = []
    for place in order.tolist():
        axis = found.isel(axis=place)
        name = spaced(str(axis["axis"].item()))
        share = _of(axis, "share").scaled(100)
        numbers[f"effect of {name}, years"] = _of(axis, "")
        if axes > 1:
            numbers[f"variance by {name}, %"] = share
        if does := _change(axis):
            parts.append((name, f"{format_estimate(share, unit='%')} of the variance", does))
        else:
            unclear.append(name)
    of = f"Of {axes} axes, " if axes > 1 else ""
    average = ", on average over the others" if axes > 1 else ""
    if not parts:
        largest = spaced(str(found["axis"].values[order[0]]))
        first = numbers[f"effect of {largest}, years"]
        numbers["largest effect"] = first
        change = f"{_years(first)} from its lowest value to its highest"
        if not np.isfinite(first.lower):  # nothing was tested
            has = "has the largest estimated effect" if axes > 1 else "has an estimated effect"
            text = f"{of}{largest} {has} on {lifetime}: {change}."
        elif axes > 1:
            none = f"none has an effect on {lifetime} that can be distinguished from zero"
            text = f"{of}{none}; the largest is of {largest}, {change}."
        else:
            text = f"{largest} has no effect on {lifetime} that can be distinguished from zero: {change}."
        return f"{text[0].upper()}{text[1:]}", (), numbers
    name, of_variance, does = parts[0]
    numbers["largest effect"] = numbers[f"effect of {name}, years"]
    text = f"{of}{name} {'matters most' if axes > 1 else 'matters'} to {lifetime}: {does}{average}."
    statements = [f"Alone it makes up {of_variance} between cells."] if axes > 1 and shares.any() else []
    if parts[1:]:
        more = f"; and {len(parts) - 1 - MOST_NAMED} more axes" if len(parts) - 1 > MOST_NAMED else ""
        listed = "; ".join(
            f"{name}{f', {share}' if shares.any() else ''}: {does}" for name, share, does in parts[1 : 1 + MOST_NAMED]
        )
        statements.append(f"Next: {listed}{more}.")
    if unclear:
        several = "effects" if len(unclear) > 1 else "effect"
        listed = ", ".join(unclear[:MOST_NAMED]) + (", ..." if len(unclear) > MOST_NAMED else "")
        statements.append(f"The {several} of {listed} cannot be distinguished from zero.")
    statements += _interaction(found, numbers)
    if "explained" in found:
        explained = _of(found, "explained").scaled(100)
        poor = ": averages over other axes say little of single cells" if found["explained"] < POOR else ""
        predicts = (
            f"A polynomial of degree two predicts {format_estimate(explained, unit='%')} of the variance of cells"
        )
        statements.append(f"{predicts} that are left out of it{poor}.")
    return f"{text[0].upper()}{text[1:]}", tuple(statements), numbers


def _change(axis: xr.Dataset) -> str:
    """Return what an axis does to lifetimes; nothing where it cannot be distinguished from no effect."""
    low, high = axis["low"].item(), axis["high"].item()
    digits = distinct_digits(low, high)
    shown = [format_short(value, digits) for value in (low, high)]
    if "inner" in axis:
        above = [_of(axis, "above_low"), _of(axis, "above_high")]
        if above[0].sign == above[1].sign != 0:
            sign = above[0].sign
            long = "long" if sign > 0 else "short"
            years = [_years(one.scaled(sign)) for one in above]
            return (
                f"the mean lifetime is {long}est at {format_short(axis['inner'].item(), digits)}, "
                f"{years[0]} {long}er than at {shown[0]} and {years[1]} {long}er than at {shown[1]}"
            )
    rise = _of(axis, "")
    if rise.sign:
        does = "lengthens" if rise.sign > 0 else "shortens"
        return f"raising it from {shown[0]} to {shown[1]} {does} life by {_years(rise.scaled(rise.sign))}"
    if "bend" in axis and (bend := _of(axis, "bend")).sign:
        where = ("middle", "ends") if bend.sign > 0 else ("ends", "middle")
        apart = _years(bend.scaled(bend.sign))
        return f"the mean lifetime is {apart} longer at the {where[0]} of its range than at the {where[1]}"
    return ""


def _interaction(found: xr.Dataset, numbers: dict[str, Estimate]) -> Sentences:
    """Return which two axes interact most, or that none can be distinguished; nothing without products."""
    shares = np.triu(np.nan_to_num(found["joint_share"].values, nan=-1.0), 1)
    if not (shares > 0).any():
        return ()
    one, two = np.unravel_index(shares.argmax(), shares.shape)
    pair = found.isel(axis=int(one), other=int(two))
    value, share = _of(pair, "interaction"), _of(pair, "joint_share").scaled(100)
    first, second = spaced(str(pair["axis"].item())), spaced(str(pair["other"].item()))
    numbers[f"interaction of {first} and {second}, years"] = value
    if not value.sign:
        return ("No interaction of two axes can be distinguished from zero.",) if np.isfinite(value.lower) else ()
    side = "higher" if value.sign > 0 else "lower"
    return (
        f"The largest interaction is that of {first} and {second}, {format_estimate(share, unit='%')} of the variance: "
        f"the effect of raising {first} is {_years(value.scaled(value.sign))} {side} at the highest {second} than at "
        "the lowest.",
    )


def on_ranking(found: xr.Dataset, horizon: str) -> Sentences:
    """Return the cells' mean lifetimes from the longest on, and which pairs cannot be distinguished."""
    names = found["cell"].values.tolist()
    values = [Estimate(float(x), float(se)) for x, se in zip(found["estimate"], found["se"], strict=True)]
    listed = "; ".join(f"{_quoted(name)} {_years(value)}" for name, value in zip(names, values, strict=True))
    alike, pairs = undistinguished(found), len(names) * (len(names) - 1) // 2
    ranked = f"Mean lifetimes within {horizon}, the longest first: {listed}."
    if not alike:
        return (ranked, "All pairs of cells can be distinguished." if pairs > 1 else "The two can be distinguished.")
    shown = ", ".join(f"{_quoted(one)} and {_quoted(two)}" for one, two in alike[:MOST_NAMED])
    more = f" and {len(alike) - MOST_NAMED} more pairs" if len(alike) > MOST_NAMED else ""
    of = f"Of {pairs} pairs of cells, {len(alike)}" if pairs > 1 else "The two"
    return (ranked, f"{of} cannot be distinguished{f': {shown}{more}' if pairs > 1 else ''}.")


def name_of_cell(ds: xr.Dataset, place: int) -> str | None:
    """Return the name that a study gives a cell, in quotation marks; None where cells have none."""
    if "cell" not in ds.coords or np.issubdtype(ds["cell"].dtype, np.number):
        return None
    return _quoted(str(ds["cell"].values[place]))


def _quoted(name: str) -> str:
    return f"'{name}'"


def _of(row: xr.Dataset, name: str) -> Estimate:
    names = (name, f"{name}_se", f"{name}_lower", f"{name}_upper") if name else ("estimate", "se", "lower", "upper")
    return Estimate(*(float(row[one]) for one in names))


def _years(value: Estimate) -> str:
    return format_estimate(value, unit="years")
