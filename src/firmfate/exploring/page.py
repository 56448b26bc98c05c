"""The section as a part of a page: its HTML, with its script and the counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firmfate import webpage
from firmfate.counts import WEEKS_PER_YEAR

TEMPLATES = ("firmfate.exploring", "web")

SCRIPTS = (
    ("firmfate.laboratory", "drawing"),
    *(
        ("firmfate.exploring", name)
        for name in (
            "formatting", "unpacking", "estimates", "turning", "colours", "map", "cell_list", "comparison", "explore",
        )
    ),
)  # fmt: skip
"""Modules of the section, each after those that it imports."""


def part(given: Mapping[str, Any]) -> webpage.Part:
    """Return the section as a part of a page.

    Parameters
    ----------
    given : mapping
        Of `firmfate.exploring.content.content`.
    """
    script = webpage.joined(SCRIPTS)
    html = webpage.templates(TEMPLATES).get_template("explore.html.j2").render(
        content=webpage.as_script_data(given), script=script, grid=given["grid"], note=_note(given)
    )  # fmt: skip
    return webpage.Part(html, webpage.digest(script))


def _note(given: Mapping[str, Any]) -> str:
    """Return what the section says of its errors."""
    horizons = ", ".join(f"{week / WEEKS_PER_YEAR:g}" for week in given["horizons"])
    alone = "After ± stands the standard error of the simulation; shaded bands are 95 % limits."
    if not given["batches"]:
        return f"{alone} There are too few batches of firms for standard errors of differences."
    if "batchLived" not in given["counts"]:
        return (
            f"{alone} The cells are too many for a page to hold their batches of firms, from which the standard errors "
            "of differences come; firmfate.survival.contrast gives them in Python."
        )
    events = (
        "" if "batchEnded" in given["counts"]
        else " Of shares they are not in this page, whose cells are too many; firmfate.survival.contrast gives them."
    )  # fmt: skip
    common = "Cells share their random numbers: what they have in common cancels in B − A. " if given["common"] else ""
    return (
        f"{alone} {common}Errors of B − A, and of where the effect changes its sign, come from leaving the same one of "
        f"{given['batches']} batches of firms out of all cells at once (jackknife).{events} Horizons are those to "
        f"which the run sums lifetimes, {horizons} years; [record] horizons in the study asks for others."
    )
