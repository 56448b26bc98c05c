"""One HTML file from a model: the page, its script and its style, put together from the files in ``web/``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from firmfate import __version__, files, webpage
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import FirmfateError
from firmfate.laboratory.content import content
from firmfate.laboratory.of_run import content_of_run
from firmfate.models import BUILT_IN, load_model
from firmfate.models.model import Model
from firmfate.simulation.given_values import parameter_table
from firmfate.simulation.many_firms import horizon
from firmfate.targets import javascript

TEMPLATES = ("firmfate.laboratory", "web")

SCRIPTS = ("drawing", "statistics", "figures", "firms_of_settings", "one_firm", "cells_of_run", "sliders", "laboratory")
"""Modules of the page, each after those that it imports."""

WEEKS = 1040
"""Horizon where none is given."""


def lab(
    model: str | Path | Model = "firm",
    *,
    into: Path | str | None = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    weeks: int | None = None,
    steps_per_week: float | None = None,
) -> Path:
    """Write the laboratory of a model, or of a run: one HTML file whose firms are simulated in the reader's browser.

    The file needs no network. It has a slider for every parameter, two settings side by side under common random
    numbers, survival, causes, and differences with their paired standard errors. Its firms are those of `simulate`, to
    the last bit; the page prints the call. In the laboratory of a run one names a cell and a replicate, and has that
    firm of the run.

    Parameters
    ----------
    model : str, Path or Model
        ``"firm"``, ``"car"``, ``"my_model.py:NAME"``, a model, or a run directory.
    into : path, optional
        File to write; where not given ``MODEL-laboratory.html`` in the working directory, ``laboratory.html`` in that
        of the run.
    parameters : mapping
        Any parameter -> the number at which both settings begin; its default where not given. Not of a run, which has
        its own, nor the next two.
    weeks : int, optional
        Horizon; 1040 where not given.
    steps_per_week : float, optional
        An integer, or 1/k for steps of k weeks; the model's own where not given.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    FirmfateError
        Where a parameter is unknown or out of range, or weeks are no integer number of steps; where a run has a
        [population], or is given values.
    RunDirectoryError
        Where the file cannot be written.

    Examples
    --------
    >>> import firmfate, tempfile
    >>> from pathlib import Path
    >>> path = firmfate.lab("car", into=Path(tempfile.mkdtemp()) / "car.html")
    >>> path.stat().st_size < 200_000
    True
    """
    directory = None if isinstance(model, Model) else _run_directory(model)
    if directory is not None:
        if parameters or weeks is not None or steps_per_week is not None:
            raise FirmfateError(f"{directory} is a run, whose study gives parameters, weeks and steps: leave them out")
        page, name = rendered(content_of_run(directory)), directory / "laboratory.html"
    else:
        assert not isinstance(model, Path)
        given = content_of_model(model, parameters=parameters, weeks=weeks, steps_per_week=steps_per_week)
        page, name = rendered(given), Path(re.sub(r"[^A-Za-z0-9_-]+", "-", given["model"]) + "-laboratory.html")
    return files.write(name if into is None else Path(into), page)


def _run_directory(name: str | Path) -> Path | None:
    """Return the run directory that is named; None where it is a model."""
    return Path(name) if isinstance(name, Path) or (name not in BUILT_IN and Path(name).is_dir()) else None


def content_of_model(
    model: str | Model,
    *,
    parameters: Mapping[str, ArrayLike] | None,
    weeks: int | None,
    steps_per_week: float | None,
) -> dict[str, Any]:
    """Return what the page is given of a model, as JSON has it; parameters as of `lab`."""
    found = load_model(model)
    weeks = WEEKS if weeks is None else weeks
    steps, dt = horizon(weeks, found.steps_per_week if steps_per_week is None else steps_per_week)
    table = parameter_table(found, None, None, parameters or {}, dt)
    base = dict(zip(found.fields, table[0].tolist(), strict=True))
    name = model if isinstance(model, str) else found.name
    return content(found, name=name, weeks=weeks, steps=steps, dt=dt, base=base) | {"stepsPerWeek": steps_per_week}


def rendered(given: Mapping[str, Any]) -> str:
    """Return a page of its own for a laboratory, as HTML.

    Parameters
    ----------
    given : mapping
        Of `content_of_model` or `firmfate.laboratory.of_run.content_of_run`.
    """
    made = part(given)
    page: str = webpage.templates(TEMPLATES).get_template("page.html.j2").render(
        model=given["model"], summary=given["summary"], study=given["run"] and given["run"]["study"],
        laboratory=made.html, policy=webpage.policy(made), version=__version__, digest=given["program"][:16],
        years=f"{given['weeks'] / WEEKS_PER_YEAR:g}",
    )  # fmt: skip
    return page


def part(given: Mapping[str, Any]) -> webpage.Part:
    """Return a laboratory as a part of a page.

    Parameters
    ----------
    given : mapping
        Of `firmfate.laboratory.content.content`.
    """
    script = webpage.joined(("firmfate.laboratory", name) for name in SCRIPTS)
    worker = webpage.without_modules(javascript()) + webpage.inlined("firmfate.laboratory", "worker")
    html = webpage.templates(TEMPLATES).get_template("laboratory.html.j2").render(
        content=webpage.as_script_data({**given, "worker": worker}), script=script, run=given["run"]
    )  # fmt: skip
    return webpage.Part(html, webpage.digest(script), wasm=True)
