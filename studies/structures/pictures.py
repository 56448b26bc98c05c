"""Picture of the study: the effect of execution over misalignment, one panel a structure, one line a value."""

from common.folder import load
from firmfate.analysis import Lifetimes
from firmfate.analysis.formatting import format_value
from firmfate.plots import style

estimands = load("structures", "estimands")


def pictures(runs, table):
    """Return the picture by its name."""
    return {"structures": _effects(runs)}


@style.styled
def _effects(runs):
    figure, axes = style.canvas(8.6, 5.6, 2, 3, sharey=True, sharex=True)
    for ax, (key, (parameter, words)) in zip(axes.ravel(), estimands.STRUCTURES.items(), strict=True):
        ds = runs[key]
        gained = Lifetimes(ds).apply(
            lambda mean: mean.sel(execution=estimands.STRONG, drop=True) - mean.sel(execution=estimands.WEAK, drop=True)
        )
        values = ds[parameter].values
        for value, colour in zip(values, style.curve_colours(len(values)), strict=True):
            here = gained.sel({parameter: value})
            x, y, se = (here[part].values for part in ("misalignment", "estimate", "se"))
            ax.plot(x, y, color=colour, linewidth=1.4, label=format_value(value))
            ax.fill_between(x, y - 2 * se, y + 2 * se, color=colour, alpha=0.25, linewidth=0)
        ax.axhline(0, color=style.INK, linewidth=0.8)
        ax.set_title(parameter, fontsize=9)
        ax.legend(loc="lower left", fontsize=7.5, title=words, title_fontsize=7.5)
    for ax in axes[-1]:
        ax.set_xlabel("misalignment")
    for line in axes:
        line[0].set_ylabel("years that strong execution adds", fontsize=8)
    firms = int(runs["equity"]["firms"].max())
    words = f"execution 1 less 0.05, within 20 years; n = {firms:,} firms a cell; bands: two standard errors"
    figure.supxlabel(words, fontsize=7.5, color=style.MUTED, x=0.02, ha="left")
    return figure
