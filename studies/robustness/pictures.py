"""Pictures of the study: the screen of all assumptions, and sweeps of some, one at a time."""

from common.execution_effects import ESTIMANDS
from common.folder import load
from firmfate.models import load_model
from firmfate.plots import style

estimands = load("robustness", "estimands")

SHOWN = 20
LIGHT = (0.02, 0.05, 0.16, 0.4, 2, 5, 10, 20, 50, 100, 200, 400)
"""Ticks of logarithmic axes."""


def pictures(runs, table):
    """Return the pictures by name."""
    firms = int(runs["study"]["firms"].max())
    return {"screen": _screen(runs["morris"], firms // 20), "sweeps": _sweeps(runs["swept"], firms // 5)}


@style.styled
def _screen(ds, firms):
    figure, axes = style.canvas(8.6, 4.6, 1, 3, sharey=True)
    largest = (ds["mu_star"] / ds["mu_star"].sum("parameter")).sum("estimand")
    names = [str(name) for name in largest.sortby(largest, ascending=False)["parameter"].values[:SHOWN]][::-1]
    for ax, estimand, colour in zip(axes[0], ESTIMANDS, (style.BLUE, style.VERMILION, style.GREEN), strict=True):
        here = ds.sel(estimand=estimand, parameter=names)
        ax.barh(
            names, here["mu_star"], xerr=here["mu_star_se"], color=colour, height=0.65, error_kw={"elinewidth": 0.8}
        )
        ax.set_title(estimands.NAMES[estimand], fontsize=8.5)
        ax.grid(visible=False, axis="y")
    words = f"mean size of elementary effects over the whole range; the {SHOWN} largest of {ds.sizes['parameter']}"
    _note(figure, f"{words}; n = {firms:,} firms a cell; bars: one standard error (bootstrap of trajectories)")
    return figure


@style.styled
def _sweeps(ds, firms):
    figure, axes = style.canvas(8.6, 12.8, -(-len(estimands.SWEPT) // 4), 4, sharey=True)
    for ax in axes.ravel()[len(estimands.SWEPT) :]:
        ax.set_visible(False)
    units = {row.name: row.unit for row in load_model("firm").parameters}
    for ax, (name, span) in zip(axes.ravel(), estimands.SWEPT.items(), strict=False):
        here = ds.sel(parameter=name)
        value = here["value"].values
        for estimand, colour in (("aligned", style.BLUE), ("misaligned", style.VERMILION)):
            effect, se = (here[part].sel(estimand=estimand).values for part in ("estimate", "se"))
            ax.plot(value, effect, color=colour, marker="o", markersize=2.5, linewidth=1.2)
            ax.fill_between(value, effect - 2 * se, effect + 2 * se, color=colour, alpha=0.25, linewidth=0)
        ax.axhline(0, color=style.INK, linewidth=0.8)
        if span.log:
            ax.set_xscale("log")
            ticks = [tick for tick in LIGHT if span.low <= tick <= span.high][::2]
            if len(ticks) < 3:
                ticks = [span.low, span.value(0.5), span.high]
            ax.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
            ax.minorticks_off()
        ax.set_title(name, fontsize=8.5)
        ax.set_xlabel({"week": "weeks", "1": ""}.get(units[name], units[name]), fontsize=7.5, labelpad=1)
        ax.tick_params(labelsize=7.5)
    for row in axes:
        row[0].set_ylabel("dRMST/dE, years", fontsize=8)
    for words, height, colour in (("aligned", 0.92, style.BLUE), ("misaligned", 0.08, style.VERMILION)):
        axes[0, 0].annotate(words, (0.5, height), xycoords="axes fraction", color=colour, fontsize=8, ha="center")
    words = "one assumption at a time, the others at their defaults; within 20 years"
    _note(figure, f"{words}; n = {firms:,} firms a cell; bands: two standard errors")
    return figure


def _note(figure, words):
    """Write what stands behind a figure beneath all its panels, which a note of one panel would push apart."""
    figure.supxlabel(words, fontsize=7.5, color=style.MUTED, x=0.02, ha="left")
