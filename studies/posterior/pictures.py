"""What the posterior predicts for cohorts, seen and unseen, and what strong execution adds on its draws."""

import numpy as np

from common.folder import load
from firmfate.plots import style

estimands = load("posterior", "estimands")


def pictures(runs, table):
    """Return the pictures by name, one a sector."""
    return {key: _sector(runs, key, sector) for key, sector in estimands.SECTORS.items()}


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
