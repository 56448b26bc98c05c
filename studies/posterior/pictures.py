"""What the posterior predicts for cohorts, seen and unseen, and what strong execution adds on its draws."""

import numpy as np

from common import posterior_sectors
from common.folder import load
from firmfate.plots import style

estimands = load("posterior", "estimands")


def pictures(runs, table):
    """Return the pictures by name: the total, and all sectors beside each other."""
    return {
        **{key: _sector(runs, key, sector) for key, sector in estimands.SECTORS.items()},
        "sectors": _sectors(runs, table),
    }


@style.styled
def _sector(runs, key, sector):
    figure, axes = style.canvas(8.6, 3.8, 1, 2)
    _predictions(axes[0, 0], runs[f"fit_{key}"], runs[f"later_{key}"].sel(cohort=2010), sector)
    _effects(axes[0, 1], runs["prior"], runs[f"draws_{key}"])
    return figure


def _predictions(ax, fit, later, sector):
    ages, band = fit["age"].values, 100 * fit["predicted"]
    ax.fill_between(
        ages, band.sel(limit=0.025), band.sel(limit=0.975), color=style.SKY, alpha=0.5, linewidth=0,
        label="predicted, 95 %",
    )  # fmt: skip
    ax.plot(ages, 100 * fit["alive"], "o", color=style.INK, markersize=3.2, label="1994-2000, fitted to")
    ax.plot(later["age"], 100 * later["observed"], "s", color=style.ORANGE, markersize=3.2, label="2010, unseen")
    for limit, label in (("lower", "2010 predicted, 95 %"), ("upper", None)):
        ax.plot(later["age"], 100 * later[limit], color=style.ORANGE, linewidth=0.9, linestyle="--", label=label)
    style.age_axis(ax, float(ages[-1]))
    ax.set(title=sector, ylim=(0, 100), ylabel="% of establishments alive")
    ax.legend(frameon=False, fontsize=8, loc="upper right")
    style.note(ax, "bands: misfit, emulator, sampling; for 2010 also the scatter of cohorts")


def _effects(ax, prior, draws):
    for ds, colour, label in ((prior, style.GREY, "no data"), (draws, style.BLUE, "survival")):
        low, middle, high = np.quantile(ds["effect"], [0.025, 0.5, 0.975], axis=0)
        ax.fill_between(ds["misalignment"], low, high, color=colour, alpha=0.25, linewidth=0)
        ax.plot(ds["misalignment"], middle, color=colour, marker="o", markersize=3, label=label)
    ax.axhline(0, color=style.INK, linewidth=0.8)
    ax.set(xlabel="misalignment", ylabel="years that strong execution adds", title="Over the draws of parameters")
    ax.legend(frameon=False, fontsize=8, loc="lower left")
    style.note(ax, f"execution 1 less 0.05, within {estimands.OLDEST} years; bands: 95 % of draws")


@style.styled
def _sectors(runs, table):
    names = [name for name in posterior_sectors.sectors() if name in runs["sector_fits"]["sector"]]
    draws, places = runs["sector_draws"].sel(sector=names), np.arange(len(names))[::-1]
    figure, axes = style.canvas(8.6, 5.4, 1, 3, sharey=True, gridspec_kw={"width_ratios": [1, 1.3, 0.8]})
    fits, years, turning = axes[0]
    for cohort, colour in zip(posterior_sectors.FITTED, (style.BLUE, style.ORANGE), strict=True):
        rows = [table[f"difference_{cohort}_sector_{posterior_sectors.key_of(name)}"].value for name in names]
        fits.errorbar(
            [row.estimate for row in rows], places, xerr=[row.se for row in rows], fmt="o", color=colour, markersize=4,
            linewidth=0.9, label=f"cohort of {cohort}",
        )  # fmt: skip
    fits.set(xlim=(0, None), ylim=(-0.7, len(names) + 1.4), xlabel="points of survival", title="Largest difference")
    fits.set_yticks(places, [_short(name) for name in names])
    fits.legend(frameon=False, fontsize=8, loc="upper right")
    style.note(fits, "bars: Monte Carlo error")
    for misalignment, colour, label in ((0.0, style.BLUE, "aligned"), (1.0, style.VERMILION, "misaligned")):
        _spread(years, draws["effect"].sel(misalignment=misalignment), places, colour, label)
    years.axvline(0, color=style.INK, linewidth=0.8)
    years.set(xlabel="years that execution adds", title="Effects")
    years.legend(frameon=False, fontsize=8, loc="upper right")
    style.note(years, "median and 95 % of draws")
    _spread(turning, draws["turning"], places, style.INK, None)
    turning.set(xlim=(0, 1), xlabel="misalignment", title="m*")
    style.note(turning, "median and 95 %")
    return figure


def _spread(ax, values, places, colour, label):
    low, middle, high = np.nanquantile(values.transpose("draw", "sector").values, [0.025, 0.5, 0.975], axis=0)
    ax.hlines(places, low, high, color=colour, linewidth=1.4, alpha=0.6)
    ax.plot(middle, places, "o", color=colour, markersize=4, label=label)


def _short(name):
    """Return a sector's name up to its first comma or bracket, in at most four words."""
    words = name.partition(",")[0].partition(" (")[0].split()
    return " ".join(words[:4]) if len(words) <= 4 else " ".join(words[:3]).removesuffix(" and")
