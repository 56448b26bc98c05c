"""Pictures of the study: every fact's range with the models beside it, and growth and exits by age in full."""

import numpy as np

from common.folder import load
from firmfate.calibration import read_establishments
from firmfate.plots import style

estimands, measures, exits = (load("facts", name) for name in ("estimands", "measures", "exits"))
COLOURS = {"defaults": style.GREY, "manufacturing": style.BLUE, "total": style.VERMILION}
EDGE = 1.5
"""How far beyond a range, in widths of it, a point is drawn at its place."""

SHORT = {
    "inventory_days": "days of inventory", "bullwhip_share": "bullwhip: share of firms",
    "bullwhip_median": "bullwhip: median", "growth_sd": "sales growth: sd", "growth_shape": "sales growth: shape",
    "growth_kurtosis": "sales growth: kurtosis", "size_growth_1": "growth at age 1", "size_growth_5": "growth at age 5",
    "margin_mean": "margin: mean", "margin_sd": "margin: sd", "margin_ar": "margin: autocorrelation",
    "cash_days": "cash days", "utilisation": "utilisation", "hazard_1": "exits, year 1", "hazard_3": "exits, year 3",
    "hazard_5": "exits, year 5", "hazard_10": "exits, year 10", "hazard_15": "exits, year 15",
    "closed_well": "exits without distress", "decline_years": "years of decline",
    "misjudged": "misjudged, 5 years before", "recovery": "recovery", "lead_cash": "lead time and cash",
    "management": "execution and exit",
}  # fmt: skip


def pictures(runs, table):
    """Return the pictures by name."""
    return {"facts": _facts(table), "growth-and-exits": _growth_and_exits(runs)}


@style.styled
def _facts(table):
    known = estimands.facts()
    figure, ((ax,),) = style.canvas(8.2, 7.6)
    ax.axvspan(0, 1, color=style.GREEN, alpha=0.18, linewidth=0)
    for place, key in enumerate(SHORT):
        fact = known[key]
        for shift, (name, colour) in zip((-0.22, 0, 0.22), COLOURS.items(), strict=True):
            fits = [f"{key}_{name}_fit_{fit}" for fit in range(2, 5)] if name != "defaults" else []
            for row in fits:
                at, _ = _placed(table[row].value, fact)
                ax.plot(at, place + shift, "|", color=colour, markersize=6, alpha=0.5)
            at, half = _placed(table[f"{key}_{name}"].value, fact)
            beyond = abs(at - 0.5) >= 0.5 + EDGE
            marker = ("<" if at < 0 else ">") if beyond else "o"
            ax.errorbar(at, place + shift, xerr=0 if beyond else half, color=colour, fmt=marker, markersize=4.2,
                        label=estimands.MODELS[name][1] if not place else None)  # fmt: skip
    ax.set_yticks(range(len(SHORT)), list(SHORT.values()))
    ax.set_ylim(len(SHORT) - 0.4, -0.6)
    ax.set_xlim(-EDGE - 0.1, 1 + EDGE + 0.1)
    ax.set_xticks([0, 1], ["low", "high"])
    ax.set_xlabel("range of the data (green), each fact on its own scale")
    ax.set_title("Facts of real firms, and the model's firms")
    ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.07), ncols=3)
    style.note(ax, "bars: two standard errors; strokes: equally good fits; triangles: farther off than is drawn",
               points=58)  # fmt: skip
    return figure


def _placed(value, fact):
    """Return where a number lies on the scale of a fact's range, and two standard errors; open ranges have a width of
    their border, or of 0.1 at a border of 0."""
    low, high = fact.low, fact.high
    if not np.isfinite(high):
        high = low + (abs(low) or 0.1)
    if not np.isfinite(low):
        low = high - (abs(high) or 0.1)
    at = (value.estimate - low) / (high - low)
    return float(np.clip(at, -EDGE, 1 + EDGE)), 2 * value.se / (high - low)


@style.styled
def _growth_and_exits(runs):
    figure, ((left, middle, right),) = style.canvas(9.6, 3.5, 1, 3)
    for name, colour in COLOURS.items():
        cell, words = estimands.MODELS[name]
        panel = runs["panel"].sel(cell=cell)
        _density(left, measures.growth({"sales": panel["sales"].values}), colour, words)
        sizes = np.nanmean(panel["billed"].values[:, 3::4], axis=0)
        middle.plot(np.arange(1, 11), sizes[:10] / sizes[0], color=colour, marker="o", markersize=3)
        firms = runs["firms"].sel(cell=cell)
        own = {key: firms[key].values for key in ("cause", "event_week")}
        right.plot(
            np.arange(1, 20), [100 * exits.hazard(own, year).mean() for year in range(1, 20)], color=colour
        )  # fmt: skip
    x = np.linspace(-5, 5, 201)
    left.plot(
        x, np.exp(-np.sqrt(2) * abs(x)) / np.sqrt(2), color=style.INK, linewidth=1, linestyle="--", label="a tent"
    )
    left.set(yscale="log", ylim=(2e-4, 1.5), xlim=(-5, 5), xlabel="growth of annual sales, standard deviations",
             ylabel="density", title="Shape of growth")  # fmt: skip
    left.legend(fontsize=7, loc="lower center")
    counted = read_establishments().sel(sector=estimands.SECTORS).stack(series=("sector", "cohort"))
    size = (counted["employment"] / counted["establishments"]).transpose("age", "series")
    whole = (size / size.sel(age=1)).sel(age=slice(1, 10)).dropna("series")
    _band(middle, np.arange(1, 11), whole.values)
    middle.set(xlabel="age, years", ylabel="mean size of those alive, age 1 = 1", title="Size by age")
    alive = counted["establishments"].transpose("age", "series").values
    with np.errstate(invalid="ignore"):
        ended = 100 * (1 - alive[1:20] / alive[:19])
    _band(right, np.arange(1, 20), ended)
    right.set(xlabel="year of life", ylabel="% of those alive at its start", title="Exits by age", ylim=(0, None))
    style.note(left, f"{runs['panel'].sizes['firm']} replayed firms each")
    style.note(middle, "grey: cohorts of the US, BLS")
    style.note(right, f"n = {runs['firms'].sizes['replicate']:,} firms each")
    return figure


def _density(ax, values, colour, words):
    values = (values - values.mean()) / values.std()
    edges = np.linspace(-5, 5, 41)
    counts, _ = np.histogram(values, edges)
    density = np.where(counts > 0, counts / len(values) / np.diff(edges), np.nan)
    ax.plot((edges[1:] + edges[:-1]) / 2, density, color=colour, label=words.removeprefix("fitted to "))


def _band(ax, x, cohorts):
    """Draw from the lowest to the highest cohort."""
    ax.fill_between(
        x, np.nanmin(cohorts, axis=1), np.nanmax(cohorts, axis=1), color=style.GREY, alpha=0.25, linewidth=0
    )
    ax.plot(x, np.nanmedian(cohorts, axis=1), color=style.INK, linewidth=1, linestyle=":")
