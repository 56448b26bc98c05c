"""The parts of a study, each read from its own table; all that is wrong with them is reported at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmfate.design import DESIGNS, Design, Population, read_design
from firmfate.design.single import Single
from firmfate.errors import ModelError, StudyError, did_you_mean, shortened
from firmfate.models import Model, load_model
from firmfate.study import settings
from firmfate.study.precision import BATCHES, PILOT, Precision
from firmfate.tables import reading
from firmfate.tables.faults import Faults
from firmfate.tables.source import Source, allowed_value


def table_names() -> tuple[str, ...]:
    """Return the names of all tables that a study may have."""
    return ("study", *DESIGNS, "population", "parameters", "precision", "record")


@dataclass(frozen=True)
class Parts:
    """The tables of a study, each valid by itself.

    Attributes
    ----------
    settings, record : dict
        The keys of [study] and [record], defaults filled in.
    source : Source
        The model, and the files that were read.
    weeks : int
        The horizon.
    steps_per_week : float
    parameters : dict
        Key -> value.
    design : Design
    population : Population
        Not placed in the model's fields yet.
    precision : Precision or None
    """

    settings: dict[str, Any]
    record: dict[str, Any]
    source: Source
    weeks: int
    steps_per_week: float
    parameters: dict[str, float]
    design: Design
    population: Population
    precision: Precision | None


def read_parts(tables: dict[str, Any], folder: Path) -> Parts:
    """Read the tables of a study.

    Parameters
    ----------
    tables : dict
        As written.
    folder : Path
        Where the files that they name are looked for.

    Raises
    ------
    StudyError
        With all faults.
    """
    faults = Faults()
    _note_unknown_tables(tables, faults)
    own = settings.read(tables.get("study", {}), "study", settings.STUDY, faults)
    record = settings.read(tables.get("record", {}), "record", settings.RECORD, faults)
    if "study" not in tables:
        faults.note("[study] is missing; it needs at least a name")
    elif isinstance(tables["study"], dict) and "name" not in tables["study"]:
        faults.note('study.name is missing; name the study, such as name = "paradox"')
    source = Source(_model(own["model"], folder, faults), folder.resolve(), faults=faults)
    if file := _model_file(own["model"]):
        source.files[file] = (folder / file).resolve()
    parameters: dict[str, float] = {}
    with faults.noted():
        written = reading.table(tables.get("parameters", {}), "parameters")
        for key, value in source.parameters(written, "parameters"):
            with faults.noted():
                parameters[key] = allowed_value(value, f"parameters.{key}", source.model.parameter(key))
    design: Design = Single()
    with faults.noted():
        design = read_design(tables, source)
    population = Population()
    with faults.noted():
        if "population" in tables:
            population = Population.read(tables["population"], source)
    precision: Precision | None = None
    with faults.noted():
        if "precision" in tables:
            weeks = reading.horizon(own["years"], "study.years")
            if "replicates" not in tables.get("study", {}):
                own["replicates"] = PILOT
            if "batches" not in tables.get("record", {}):
                record["batches"] = BATCHES
            precision = Precision.read(tables["precision"], source.model, weeks, own["replicates"])
    faults.refuse()
    steps_per_week = own["steps_per_week"] or settings.steps_per_week(
        source.model.steps_per_week, "steps_per_week of the model"
    )
    weeks = reading.horizon(own["years"], "study.years")
    return Parts(own, record, source, weeks, steps_per_week, parameters, design, population, precision)


def _note_unknown_tables(tables: dict[str, Any], faults: Faults) -> None:
    known = table_names()
    for name in tables:
        if name not in known:
            hint = did_you_mean(name, known) or f"; allowed: {', '.join(known)}"
            faults.note(f"[{reading.named(name)}]: a study has no such table{hint}")


def _model_file(name: str) -> str:
    """Return the file of a model that a study names; an empty string of one that is built in."""
    return name.rpartition(":")[0]


def _model(name: str, folder: Path, faults: Faults) -> Model:
    """Load the model that a study names. Without it nothing more can be read: all faults so far are raised then."""
    try:
        return load_model(name, beside=folder)
    except (ModelError, ValueError) as fault:
        what = str(fault) if isinstance(fault, ModelError) else "is no name of a file"
        faults.note(f"study.model = {reading.show(name)}: {shortened(what, 400)}")
    faults.refuse()
    raise AssertionError("unreachable")


def as_tables(given: dict[str, Any]) -> dict[str, Any]:
    """Return what `Study` was given by keyword as tables: keys of [study] may be given directly.

    Raises
    ------
    StudyError
        Where a keyword is neither a table nor such a key, or a key is given twice.
    """
    keys = [setting.name for setting in settings.STUDY]
    known = (*table_names(), *keys)
    if unknown := [name for name in given if name not in known]:
        raise StudyError(*(f"Study has no table or key '{name}'{did_you_mean(name, known)}" for name in unknown))
    tables = {name: value for name, value in given.items() if name not in keys}
    direct = {name: value for name, value in given.items() if name in keys}
    within = tables.get("study", {})
    if not direct or not isinstance(within, dict):
        return tables
    if twice := sorted(direct.keys() & within.keys()):
        raise StudyError(f"study.{twice[0]} is given twice, by keyword and in the table study; keep one")
    return {"study": {**within, **direct}, **{name: value for name, value in tables.items() if name != "study"}}
