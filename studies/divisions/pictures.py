"""Pictures of the study: Shapley values by execution, and the whole beside its parts."""

import numpy as np

from firmfate.plots import style

PLAYERS = ("sales", "production", "quality", "finance", "logistics")


def pictures(runs, table):
    """Return the pictures by name."""
    executions = [float(value) for value in runs["study"]["execution"].values]
    return {"shapley": _shapley(table, executions, int(runs["study"]["firms"].max()))}


@style.styled
def _shapley(table, executions, firms):
    figure, ((left, right),) = style.canvas(8.6, 3.6, 1, 2)
    for player, colour in zip(PLAYERS, style.CATEGORIES, strict=False):
        values = [table[f"shapley_{player}_{100 * e:.0f}"].value for e in executions]
        estimate, se = np.array([value.estimate for value in values]), np.array([value.se for value in values])
        left.plot(executions, estimate, color=colour, marker="o", markersize=3.5)
        left.fill_between(executions, estimate - 2 * se, estimate + 2 * se, color=colour, alpha=0.2, linewidth=0)
    heights = [table[f"shapley_{player}_100"].value.estimate for player in PLAYERS]
    style.end_labels(left, 1.0, heights, PLAYERS, style.CATEGORIES[:5])
    left.axhline(0, color=style.MUTED, linewidth=0.8)
    left.set(xlabel="execution", ylabel="years", title="Share of the lost lifetime (Shapley)", xlim=(0, 1.0))
    lines = {
        "parts": ("sum of parts", style.GREY),
        "expected": ("independent harms", style.ORANGE),
        "whole": ("whole", style.INK),
    }
    for quantity, (_, colour) in lines.items():
        right.plot(
            executions,
            [table[f"{quantity}_{100 * e:.0f}"].value.estimate for e in executions],
            color=colour,
            marker="o",
            markersize=3.5,
        )
    heights = [table[f"{quantity}_100"].value.estimate for quantity in lines]
    style.end_labels(
        right, 1.0, heights, [text for text, _ in lines.values()], [colour for _, colour in lines.values()]
    )
    right.set(xlabel="execution", ylabel="years", title="Lost with all five misaligned", xlim=(0, 1.0))
    style.note(left, f"n = {firms:,} firms a cell; bands: two standard errors (32 batches)")
    error = max(table[f"{quantity}_100"].value.se for quantity in lines)
    style.note(right, f"mean lifetime within 20 years; standard error at most {error:.1g} years")
    return figure
