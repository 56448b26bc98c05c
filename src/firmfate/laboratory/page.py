"""One HTML file from a model: the page, its script and its style, put together from the files in ``page/``."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from firmfate import __version__, files
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.laboratory.content import content
from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.simulation.given_values import parameter_table
from firmfate.simulation.many_firms import horizon
from firmfate.targets import javascript

SCRIPTS = ("drawing", "statistics", "figures", "firms_of_settings", "one_firm", "sliders", "laboratory")
"""Modules of the page, each after those that it imports."""

POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; script-src {script} 'wasm-unsafe-eval'; "
    "worker-src blob:; style-src 'unsafe-inline'; img-src data:"
)
"""Nothing is fetched, and no script runs but the page's own, named by its digest, and the worker that it makes."""


class Laboratory(NamedTuple):
    """A laboratory as a part of a page: its HTML, and what the page's policy has to allow."""

    html: str
    policy: str


def lab(
    model: str | Model = "firm",
    *,
    into: Path | str | None = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    weeks: int = 1040,
    steps_per_week: float | None = None,
) -> Path:
    """Write the laboratory of a model: one HTML file whose firms are simulated in the reader's browser.

    The file needs no network. It has a slider for every parameter, two settings side by side under common random
    numbers, survival, causes, and differences with their paired standard errors. Its firms are those of `simulate`, to
    the last bit; the page prints the call.

    Parameters
    ----------
    model : str or Model
        ``"firm"``, ``"car"``, ``"my_model.py:NAME"``, or a model.
    into : path, optional
        File to write; ``MODEL-laboratory.html`` in the working directory where not given.
    parameters : mapping
        Any parameter -> the number at which both settings begin; its default where not given.
    weeks : int
        Horizon.
    steps_per_week : float, optional
        An integer, or 1/k for steps of k weeks; the model's own where not given.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    FirmfateError
        Where a parameter is unknown or out of range, or weeks are no integer number of steps.
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
    found = load_model(model)
    path = Path(f"{re.sub(r'[^A-Za-z0-9_-]+', '-', found.name)}-laboratory.html" if into is None else into)
    return files.write(path, html(model, parameters=parameters, weeks=weeks, steps_per_week=steps_per_week))


def html(
    model: str | Model,
    *,
    parameters: Mapping[str, ArrayLike] | None = None,
    weeks: int = 1040,
    steps_per_week: float | None = None,
) -> str:
    """Return the laboratory of a model as HTML; parameters as of `lab`."""
    found = load_model(model)
    steps, dt = horizon(weeks, found.steps_per_week if steps_per_week is None else steps_per_week)
    table = parameter_table(found, None, None, parameters or {}, dt)
    base = dict(zip(found.fields, table[0].tolist(), strict=True))
    name = model if isinstance(model, str) else found.name
    given = content(found, name=name, weeks=weeks, steps=steps, dt=dt, base=base)
    made = part(given | {"stepsPerWeek": steps_per_week})
    rendered: str = _environment().get_template("page.html.j2").render(
        model=found.name, summary=found.summary, laboratory=made.html, policy=made.policy, version=__version__,
        digest=found.program.digest[:16], years=f"{weeks / WEEKS_PER_YEAR:g}",
    )  # fmt: skip
    return rendered


def part(given: Mapping[str, Any]) -> Laboratory:
    """Return a laboratory as a part of a page.

    Parameters
    ----------
    given : mapping
        Of `firmfate.laboratory.content.content`.
    """
    script = "\n" + "\n".join(_inlined(f"{name}.mjs") for name in SCRIPTS)
    worker = _without_modules(javascript()) + _inlined("worker.mjs")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rendered = _environment().get_template("laboratory.html.j2").render(
        content=as_script_data({**given, "worker": worker}), script=script
    )  # fmt: skip
    return Laboratory(rendered, POLICY.format(script=f"'sha256-{digest}'"))


def as_script_data(given: Mapping[str, Any]) -> str:
    """Return JSON that may stand in a script element: nothing in it ends the element or begins a comment."""
    return json.dumps(given, separators=(",", ":")).replace("<", "\\u003c")


def _inlined(name: str) -> str:
    return _without_modules((resources("firmfate.laboratory") / "page" / name).read_text(encoding="utf-8"))


def _without_modules(text: str) -> str:
    """Return a module's text without its imports and exports: all modules of the page share one script."""
    return re.sub(r"^import .*\n", "", re.sub(r"^export ", "", text, flags=re.M), flags=re.M)


@functools.cache
def _environment() -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("firmfate.laboratory", "page"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
