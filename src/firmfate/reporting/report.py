"""Write ``report.html``: sections that apply, rendered by one template into one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from firmfate import files, webpage
from firmfate.analysis.formatting import Estimate, decimals
from firmfate.analysis.posterior_finding import PARAMETER_ERROR, errors_in_words
from firmfate.errors import FirmfateError
from firmfate.exploring import part as exploring_part
from firmfate.exploring.content import ENDED
from firmfate.exploring.content import content as explored
from firmfate.reporting import (
    dashboards,
    errors,
    methods,
    origin,
    parameter_errors,
    parameters,
    phases,
    survival,
    trajectories,
)
from firmfate.reporting.blocks import Section
from firmfate.reporting.context import Context

SECTIONS: tuple[Callable[[Context], Section | None], ...] = (
    phases.section,
    survival.section,
    survival.causes,
    dashboards.section,
    trajectories.section,
    errors.section,
    parameter_errors.section,
    parameters.section,
    methods.section,
    origin.section,
)
TEMPLATES = (("firmfate.reporting", "templates"), ("firmfate.exploring", "web"), ("firmfate.laboratory", "web"))

MOST_NUMBERS = 10_000
"""Numbers by which the laboratory names cells; with as many, and all else, a report has up to 1.5 MB."""

NO_LABORATORY = (
    "This report has no laboratory: the study or the model of the run cannot be read as it was, or there are too many "
    "cells for a page. firmfate lab, given the directory of the run, writes it as a page or says why not."
)

KEY_NUMBERS = {
    "effect aligned": "what strong execution does to the mean lifetime of aligned firms",
    "effect misaligned": "and to that of misaligned firms",
    "turning point": "misalignment at which the effect changes its sign",
    "mean lifetime": "mean lifetime within the horizon",
    "alive": "alive at the horizon",
    "rmst": "mean lifetime within the horizon",
    "largest effect": "largest effect of an axis",
    "longest": "mean lifetime in the best cell",
    "shortest": "mean lifetime in the worst cell",
}


def write_report(directory: Path | str, *, laboratory: bool = True) -> Path:
    """Write the report of a run: one HTML file that opens without network, for screens, narrow ones too, and for paper.

    Parameters
    ----------
    directory : path
        A run directory with ``result.nc`` and, to show single firms, ``trajectories.nc``. Nothing is simulated.
    laboratory : bool
        Whether the report has the laboratory of the run (`firmfate.lab`), in which the reader's browser simulates.
        Where the study or the model cannot be read as it was, or cells are too many for a page, the report says so.

    Returns
    -------
    Path
        Of ``report.html`` in the directory. Sections that do not apply to the study are left out.

    Raises
    ------
    RunDirectoryError
        Where there is no result, or the report cannot be written.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64)
    >>> firmfate.run(study, into="runs/cars", progress=False).close()
    >>> firmfate.write_report("runs/cars", laboratory=False).name
    'report.html'
    """
    context = Context.open(Path(directory))
    return files.write(Path(directory) / "report.html", render(context, _laboratory(directory) if laboratory else None))


def _laboratory(directory: Path | str) -> webpage.Part | str:
    """Return the laboratory of a run, or why there is none."""
    from firmfate.laboratory.of_run import content_of_run  # imports a compiler, which a plain report has no need of
    from firmfate.laboratory.page import part

    try:
        return part(content_of_run(Path(directory), most=MOST_NUMBERS))
    except FirmfateError:  # its message may name a path, and reports are sent to others
        return NO_LABORATORY


def _explore(context: Context) -> webpage.Part | None:
    """Return the section that a browser fills; none where there is one cell, or too many for a page."""
    given = explored(context.ds if context.ended is None else context.ds.assign({ENDED: context.ended}))
    return None if given is None else exploring_part(given)


def render(context: Context, laboratory: webpage.Part | str | None = None) -> str:
    """Return the report as HTML, with a laboratory or why there is none where that is given."""
    found = (section(context) for section in SECTIONS)
    explore = _explore(context)
    page: str = webpage.templates(*TEMPLATES).get_template("report.html.j2").render(
        title=str(context.ds.attrs.get("title", "firmfate")),
        question=str(context.ds.attrs.get("question", "")),
        finding=context.finding,
        key_numbers=_key_numbers(context),
        firms=context.firms,
        cells=context.cells,
        years=context.years,
        model=context.ds.attrs.get("model", ""),
        gathered=str(context.gathered.get("time", ""))[:10],
        version=context.gathered.get("versions", {}).get("firmfate", ""),
        explore=explore,
        laboratory=laboratory if isinstance(laboratory, webpage.Part) else None,
        no_laboratory=laboratory if isinstance(laboratory, str) else "",
        policy=webpage.policy(*(part for part in (explore, laboratory) if isinstance(part, webpage.Part))),
        sections=[section for section in found if section is not None],
    )  # fmt: skip
    return page


def _key_numbers(context: Context) -> list[tuple[str, str, str, str]]:
    """Return (value, unit, error, meaning) of at most three numbers that carry the finding."""
    shown = []
    for name, meaning in KEY_NUMBERS.items():
        value = context.finding.numbers.get(name)
        if value is None or not np.isfinite(value.estimate):
            continue
        unit = {"turning point": "", "alive": "%"}.get(name, "years")
        signed = name in ("effect aligned", "effect misaligned", "largest effect")
        shown.append(
            (
                _signed(value) if signed else f"{value.estimate:.{decimals(value.se)}f}",
                unit,
                _error(value, context.finding.numbers.get(f"{name}{PARAMETER_ERROR}")),
                meaning,
            )
        )
    return shown[:3]


def _signed(value: Estimate) -> str:
    return f"{value.estimate:+.{decimals(value.se)}f}".replace("-", "−")


def _error(value: Estimate, parameter: Estimate | None) -> str:
    known = np.isfinite(value.se) and value.se > 0
    if known and parameter:
        return errors_in_words(value, parameter)
    return f"± {value.se:.{decimals(value.se)}f}" if known else "error unknown"
