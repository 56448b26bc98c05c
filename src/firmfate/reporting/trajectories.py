"""The section on single firms: a typical strong and a typical weak misaligned firm, side by side."""

from __future__ import annotations

import numpy as np
import xarray as xr

from firmfate import plots
from firmfate.errors import EstimateError
from firmfate.plots.one_trajectory import how, panels_of, who
from firmfate.reporting.blocks import Figure, Panel, Prose, Section
from firmfate.reporting.context import Context
from firmfate.reporting.drawing import panel

MOST_FIRMS = 2


def section(context: Context) -> Section | None:
    """Return the section; none where the run kept no trajectories."""
    kept = context.trajectories
    if kept is None or "trajectory" not in kept.dims:
        return None
    panels: list[Panel] = []
    for place in _typical(kept)[:MOST_FIRMS]:
        one = kept.isel(trajectory=place)
        role = str(one["role"].item()) if "role" in one.coords else f"firm {place}"
        try:
            kind = panels_of(one)
            axes = plots.trajectory(one, title=f"{role[0].upper()}{role[1:]}: {who(one)}")
        except EstimateError:
            return None
        shown = ", ".join(words.partition(";")[0] for _, words, _ in kind)
        panels.append(
            panel(
                axes[0],
                f"One {role} firm ({who(one)}): {shown}. It {_ended(one)}.",
                name=f"trajectory-{place}",
            )
        )
    if not panels:
        return None
    firm = context.model is not None and context.model.name == "firm"
    prose = (
        f"Each firm has the median lifetime among those{_of(kept)} of its cell whose event has the most frequent "
        "cause; firms vary, so one is an illustration and no estimate. Its replicate number replays it in full."
    )
    caption = (
        "Above, what the five divisions see: their own KPIs relative to the start, on a doubling scale, inverted "
        "where less is better. "
        "Below, what the firm goes through; the two ages have different scales. The orange line is the alarm, the "
        "vermilion line the event; inventory is work in process "
        "and finished goods."
        if firm
        else "The orange line is the alarm, the vermilion line the event."
    )
    return Section(
        "trajectories", "Two firms" if len(panels) == 2 else "One firm", [Prose(prose), Figure(panels, caption)]
    )


def _of(kept: xr.Dataset) -> str:
    """Return in words among how many firms the typical one was chosen."""
    return f" of the first {int(kept.attrs['candidates']):,} firms" if "candidates" in kept.attrs else ""


def _typical(kept: xr.Dataset) -> list[int]:
    """Return the positions of typical firms, misaligned ones first."""
    count = kept.sizes["trajectory"]
    kinds = kept["kind"].values.astype(str) if "kind" in kept.coords else np.full(count, "typical")
    roles = kept["role"].values.astype(str) if "role" in kept.coords else np.full(count, "")
    places = [int(place) for place in np.flatnonzero(kinds == "typical")]
    return sorted(places, key=lambda place: "misaligned" not in roles[place])


def _ended(one: xr.Dataset) -> str:
    words = how(one)
    return words if words.startswith("exited") else f"was {words}"
