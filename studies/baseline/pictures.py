"""Pictures of the study: real and fitted survival, and what execution does on every fit."""

import numpy as np

from common.folder import load
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.plots import style
from firmfate.survival import contrast, kaplan_meier, rmst

estimands = load("baseline", "estimands")


def pictures(runs, table):
    """Return the pictures by name."""
    return {"fits": _fits(runs), "paradox": _paradox(runs)}


@style.styled
def _fits(runs):
    figure, axes = style.canvas(8.6, 3.8, 1, 2, sharey=True)
    before = kaplan_meier(runs["study"])["estimate"].squeeze(drop=True)
    for ax, name in zip(axes[0], estimands.TARGETS, strict=True):
        ds = runs[name]
        ages = np.concatenate([[0], ds["age"].values])
        for fit in ds["fit"].values[::-1]:
            curve = 100 * np.concatenate([[1], ds["fitted"].sel(fit=fit).values])
            best = fit == 0
            ax.plot(
                ages, curve, color=style.BLUE if best else style.SKY, linewidth=1.8 if best else 0.9,
                label="firm, best fit" if best else ("firm, other fits" if fit == 1 else None),
            )  # fmt: skip
        car = 100 * np.concatenate([[1], runs[f"car_{name}"]["fitted"].isel(fit=0).values])
        ax.plot(ages, car, color=style.ORANGE, linewidth=1.2, linestyle="--", label="car, 3 parameters")
        weeks = np.arange(0, int(WEEKS_PER_YEAR * ages[-1]) + 1, 26)
        ax.plot(
            weeks / WEEKS_PER_YEAR,
            100 * before.sel(week=weeks),
            color=style.GREY,
            linewidth=1.2,
            label="firm, defaults",
        )
        real = 100 * np.concatenate([[1], ds["observed"].values])
        ax.plot(ages, real, "o", color=style.INK, markersize=3.6, label="real", zorder=5)
        style.age_axis(ax, float(ages[-1]))
        error = 100 * float(ds["max_error"][0])
        ax.set_title(f"{estimands.WORDS[name].capitalize()}: at most {error:.1f} points off")
        ax.set_ylim(0, 100)
    axes[0, 0].set_ylabel("% of establishments alive")
    axes[0, 1].legend(frameon=False, fontsize=8, loc="upper right")
    firms = int(runs["study"]["firms"].max())
    style.note(axes[0, 0], f"fits made with {firms:,} firms, drawn with {5 * firms:,} others; real: US BLS, BED")
    return figure


@style.styled
def _paradox(runs):
    figure, axes = style.canvas(8.6, 3.4, 1, 2, sharey=True)
    for ax, name in zip(axes[0], estimands.TARGETS, strict=True):
        ds = runs[f"paradox_{name}"]
        found = contrast(
            ds, rmst, between=({"execution": 1.0}, {"execution": 0.05}), tau=WEEKS_PER_YEAR * estimands.YEARS
        )
        for fit in found["fit"].values:
            here = found.sel(fit=fit)
            colour = style.BLUE if fit == 0 else style.SKY
            ax.plot(
                estimands.MISALIGNMENTS,
                here["estimate"] / WEEKS_PER_YEAR,
                color=colour,
                marker="o",
                markersize=3,
                zorder=3 - (fit > 0),
            )
            ax.fill_between(
                estimands.MISALIGNMENTS,
                here["lower"] / WEEKS_PER_YEAR,
                here["upper"] / WEEKS_PER_YEAR,
                color=colour,
                alpha=0.2,
                linewidth=0,
            )
        ax.axhline(0, color=style.INK, linewidth=0.8)
        ax.set(xlabel="misalignment", title=f"Fitted to {estimands.WORDS[name]}")
    axes[0, 0].set_ylabel("years that strong execution adds")
    firms = int(ds["firms"].max())
    style.note(axes[0, 0], f"execution 1 less 0.05, within {estimands.YEARS} years; n = {firms:,} firms a cell")
    style.note(axes[0, 1], "best fit (dark) and three as good; bands: 95 % limits")
    return figure
