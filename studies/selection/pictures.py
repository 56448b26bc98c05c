"""Pictures of the study: execution among survivors, and the effect of execution that survivors show."""

import numpy as np

from common.folder import load
from firmfate.plots import style

AGES = load("selection", "estimands").AGES


def pictures(runs, table):
    """Return the pictures by name."""
    return {"survivors": _survivors(table, int(runs["study"]["firms"].sum()))}


@style.styled
def _survivors(table, firms):
    figure, ((left, right),) = style.canvas(8.6, 3.6, 1, 2)
    groups = {"aligned_execution": ("aligned", style.BLUE), "misaligned_execution": ("misaligned", style.VERMILION)}
    for name, (_, colour) in groups.items():
        _curve(left, table, name, AGES, colour)
    heights = [table[f"{name}_{AGES[-1]}"].value.estimate for name in groups]
    style.end_labels(left, AGES[-1], heights, [text for text, _ in groups.values()], [c for _, c in groups.values()])
    left.set_title("Mean execution of those who are left")
    left.set_ylabel("execution")
    style.age_axis(left, AGES[-1])
    ages = [age for age in AGES if age <= 10]
    lines = {"life_aligned": ("aligned", style.BLUE), "life_misaligned": ("misaligned", style.VERMILION)}
    for name, (_, colour) in lines.items():
        _curve(right, table, name, ages, colour)
    right.axhline(0, color=style.INK, linewidth=0.8)
    heights = [table[f"{name}_{ages[-1]}"].value.estimate for name in lines]
    style.end_labels(right, ages[-1], heights, [text for text, _ in lines.values()], [c for _, c in lines.values()])
    right.set_title("Effect of execution, by regression")
    right.set_ylabel("years, execution 1 less 0")
    style.age_axis(right, ages[-1], label="age that firms in the sample have reached, years")
    style.note(left, f"misalignment below 0.2, above 0.8; n = {firms:,} at birth")
    style.note(right, "misalignment 0, 1; bands: two standard errors")
    return figure


def _curve(ax, table, name, ages, colour):
    values = [table[f"{name}_{age}"].value for age in ages]
    estimate, se = np.array([value.estimate for value in values]), np.array([value.se for value in values])
    ax.plot(ages, estimate, color=colour, marker="o", markersize=3.5)
    ax.fill_between(ages, estimate - 2 * se, estimate + 2 * se, color=colour, alpha=0.25, linewidth=0)
