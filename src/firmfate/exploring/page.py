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
            "formatting", "unpacking", "estimates", "turning", "marginal", "colours", "map", "cell_list", "comparison",
            "explore",
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

    Examples
    --------
    >>> from firmfate.exploring import part
    >>> from firmfate.exploring.content import content
    >>> from firmfate.survival import example
    >>> section = part(content(example()))
    >>> section.html.partition(">")[0], section.digest[:8]
    ('<div class="explore pictures"', "'sha256-")
    """
    script = webpage.joined(SCRIPTS)
    html = webpage.templates(TEMPLATES).get_template("explore.html.j2").render(
        content=webpage.as_script_data(given), script=script, grid=given["grid"], note=_note(given),
        words=_words(given), meanings=[(axis["name"], axis["meaning"]) for axis in given["axes"] if axis["meaning"]],
    )  # fmt: skip
    return webpage.Part(html, webpage.digest(script))


def _words(given: Mapping[str, Any]) -> str:
    """Return what a cell is, and what the line on its map is."""
    smallest, largest = given["smallest"], given["largest"]
    firms = f"{largest:,}" if smallest == largest else f"{smallest:,} to {largest:,}"
    line = (
        " On the black line a little more execution neither lengthens nor shortens the mean lifetime; its light band "
        "has 95 % limits." if given["poles"] else ""
    )  # fmt: skip
    kind = "Each square is a cell" if given["grid"] else "Each row is a cell"
    return f"{kind}: {firms} simulated firms with the same values of what the study varies.{_draws(given)}{line}"


def _draws(given: Mapping[str, Any]) -> str:
    """Return what the cells of a study with draws of a posterior are."""
    draws = given["draws"]
    if draws is None:
        return ""
    words = webpage.draws_in_words(draws["count"], draws["drawn"], draws["crossed"])
    return f" {words}, and no choice: the finding averages over draws, with this error beside that of the simulation."


def _note(given: Mapping[str, Any]) -> str:
    """Return what the section says of its errors."""
    horizons = ", ".join(f"{week / WEEKS_PER_YEAR:g}" for week in given["counted"])
    alone = (
        "After ± stands the standard error of the simulation. A ? stands where it is not known, as where neither cell "
        "has an event. Brackets and shaded bands hold 95 % limits. A mean lifetime within a horizon counts the horizon "
        "for a firm that is alive there."
    )
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
    strata = (
        "Different strata have no firm in common: their differences have the error of two samples. "
        if given["strata"] > 1 else ""
    )  # fmt: skip
    common = "Cells share their random numbers: what they have in common cancels in B − A. " if given["common"] else ""
    return (
        f"{alone} {common}{strata}Errors of B − A, and of where the effect changes its sign, come from leaving the "
        f"same one of {given['batches']} batches of firms out of all cells at once (jackknife).{events} They are "
        f"known at the horizons to which the run sums lifetimes by batch, {horizons} years, which the slider marks; "
        "[record] horizons in the study asks for others."
    )
