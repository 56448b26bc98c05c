"""The section on single lives: a typical strong and a typical weak misaligned firm, side by side."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate import plots
from firmfate.errors import EstimateError
from firmfate.plots.one_life import how, panels_of, who
from firmfate.reporting.blocks import Figure, Panel, Prose, Section
from firmfate.reporting.context import Context
from firmfate.reporting.drawing import panel

MOST_LIVES = 2


def section(context: Context) -> Section | None:
    """Return the section; none where the run kept no lives."""
    lives = context.lives
    if lives is None or "life" not in lives.dims:
        return None
    panels: list[Panel] = []
    for place in _typical(lives)[:MOST_LIVES]:
        one = lives.isel(life=place)
        role = str(one["role"].item()) if "role" in one.coords else f"life {place}"
        try:
            kind = panels_of(one)
            axes = plots.life(one, title=f"{role[0].upper()}{role[1:]}: {who(one)}")
        except EstimateError:
            return None
        shown = ", ".join(words.partition(";")[0] for _, words, _ in kind)
        panels.append(
            panel(
                axes[0],
                f"One life of a {role} firm ({who(one)}): {shown}. It {_ended(one)}.",
                name=f"life-{place}",
            )
        )
    if not panels:
        return None
    firm = context.model is not None and context.model.name == "firm"
    prose = (
        f"Each is the firm of median length of life among those{_of(lives)} of its cell that met the most frequent "
        "end; lives vary, so one is an illustration and no estimate. Its replicate number replays it in full."
    )
    caption = (
        "Above, what the five divisions see: their own KPIs relative to the start, on a doubling scale, turned so that "
        "up is better. "
        "Below, what the firm goes through; the two ages have different scales. The orange line is the alarm, the "
        "vermilion line the end; inventory is work in process "
        "and finished goods."
        if firm
        else "The orange line is the alarm, the vermilion line the end."
    )
    return Section("lives", "Two lives" if len(panels) == 2 else "One life", [Prose(prose), Figure(panels, caption)])


def _of(lives: xr.Dataset) -> str:
    """Say of how many firms a life is the typical one."""
    return f" of the first {int(lives.attrs['candidates']):,} firms" if "candidates" in lives.attrs else ""


def _typical(lives: xr.Dataset) -> list[int]:
    """Return the positions of typical lives, misaligned firms first."""
    kinds = lives["kind"].values.astype(str) if "kind" in lives.coords else np.full(lives.sizes["life"], "typical")
    roles = lives["role"].values.astype(str) if "role" in lives.coords else np.full(lives.sizes["life"], "")
    places = [int(place) for place in np.flatnonzero(kinds == "typical")]
    return sorted(places, key=lambda place: "misaligned" not in roles[place])


def _ended(one: xr.Dataset) -> str:
    words = how(one)
    return words if words.startswith("ended") else f"was {words}"
