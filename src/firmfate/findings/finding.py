"""The finding of a study in words, with standard errors: what a run prints at its end and its report begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import xarray as xr

from firmfate.findings.words import Estimated


@dataclass(frozen=True)
class Finding:
    """What a study found.

    Attributes
    ----------
    headline : str
        One sentence, without numbers where it can be.
    statements : tuple of str
        Sentences that carry the numbers and their standard errors.
    holds : bool or None
        Whether the paradox shows: execution lengthens aligned lives and shortens misaligned ones, each told from 0 by
        its limits. None where the study cannot tell: its axes are others, or there are too few firms.
    numbers : dict
        Name -> estimate, standard error and limits of what the sentences say.
    caution : str
        What the numbers do not tell.
    """

    headline: str
    statements: tuple[str, ...]
    holds: bool | None = None
    numbers: Mapping[str, Estimated] = field(default_factory=dict)
    caution: str = ""

    def sentence(self) -> str:
        """Return the finding in plain words."""
        return " ".join((self.headline, *self.statements))


def finding(ds: xr.Dataset, *, tau: int | None = None) -> Finding:
    """Put into words what a study found.

    Parameters
    ----------
    ds : xarray.Dataset
        Counts as ``result.nc`` holds them, of any design.
    tau : int, optional
        Weeks up to which lives are compared; the horizon by default.

    Returns
    -------
    Finding
        With execution and misalignment as axes: whether strong execution lengthens aligned lives and shortens
        misaligned ones, by how many years, and the misalignment between. Otherwise the largest effect of a grid and
        its extreme cells, or how long the firms of a single cell live. Of a result that is not complete it says first
        how many firms there are.

    Examples
    --------
    >>> from firmfate.findings import finding
    >>> from firmfate.survival import example
    >>> found = finding(example())
    >>> found.holds, found.numbers["effect misaligned"].sign
    (False, -1)
    """
    from firmfate.findings import generic, paradox
    from firmfate.findings.cells import holdings, is_incomplete, labelled
    from firmfate.findings.poles import poles
    from firmfate.survival.labels import computed

    ds = computed(labelled(ds))
    if not bool((ds["firms"] > 0).any()):
        return Finding("No cell has an estimate: none holds a firm.", ())
    if "invalid" in ds and bool(((ds["invalid"] > 0) | (ds["firms"] == 0)).all()):
        return Finding("No cell has an estimate: every one holds firms whose arithmetic failed.", ())
    found = generic.finding(ds, tau=tau) if poles(ds) is None else paradox.finding(ds, tau=tau)
    if not is_incomplete(ds):
        return found
    return replace(found, statements=(f"This result is incomplete: {holdings(ds)}.", *found.statements))
