"""A study: what is asked, of which model, in which cells, of how many firms; frozen, and validated when it is made."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from firmfate.design import DESIGNS, Cells, Design, Population, read_design
from firmfate.design.register import names_of_results
from firmfate.design.single import Single
from firmfate.errors import ModelError, StudyError, did_you_mean, shortened
from firmfate.models import Model, load_model
from firmfate.study import settings
from firmfate.study.laying_out import lay_out
from firmfate.tables import reading
from firmfate.tables.faults import Faults
from firmfate.tables.rendering import toml
from firmfate.tables.source import Source, allowed_value
from firmfate.variables import WEEKS_PER_YEAR

MOST_STEPS = 2**31 - 1

OnCode = Callable[[Path], None]


def table_names() -> tuple[str, ...]:
    """Return the names of all tables that a study may have."""
    return ("study", *DESIGNS, "population", "parameters", "record")


@dataclass(frozen=True, init=False, repr=False)
class Study:
    """A validated study.

    Made with :meth:`read` from a file, with :meth:`parse` from TOML text, or of its tables as keywords, the keys of
    [study] among them: ``Study(name="small", years=10, grid={...})``.

    Attributes
    ----------
    name, question : str
    model : Model
        The model itself; `model_name` is how the study names it.
    years : float
    weeks : int
        The horizon, 52 weeks a year.
    steps_per_week : float
        A whole number, or 1/k for steps of k weeks.
    replicates : int
        Firms in every cell.
    seed : int
    common_random_numbers : bool
    batches : int
    horizons : tuple of int
        Weeks at which restricted lifetimes are summed; the horizon itself is the last.
    record_firms : bool
    parameters : dict
        What [parameters] fixes: key (``correct_time``, ``misalignment.sales``) -> value.
    design : Design
        Which cells there are.
    population : Population
        How firms of one cell differ.
    tables : dict
        All tables as written.
    text : str
        The study as TOML.
    path : Path or None
        The file it was read from.
    files : dict
        Other files that the study names (a model, CSV tables): as written -> path.
    folder : Path
        Where those files are looked for.

    Raises
    ------
    StudyError
        With all that is wrong: the key's path, its value and what is allowed.

    Examples
    --------
    >>> study = Study(name="small", model="car", years=10, grid={"execution": [0.2, 0.8]})
    >>> study
    <Study 'small': model car, a grid over execution (2 values from 0.2 to 0.8), 2 cells x 1,000 firms, 10 years>
    >>> study.weeks, study.dt, study.steps
    (520, 13.0, 40)
    """

    name: str
    model: Model
    model_name: str
    question: str
    years: float
    weeks: int
    steps_per_week: float
    replicates: int
    seed: int
    common_random_numbers: bool
    batches: int
    horizons: tuple[int, ...]
    record_firms: bool
    parameters: dict[str, float]
    design: Design
    population: Population
    tables: dict[str, Any]
    text: str = field(compare=False)
    path: Path | None = field(compare=False)
    files: dict[str, Path] = field(compare=False)
    folder: Path = field(compare=False)

    def __init__(self, **given: Any) -> None:
        written = _as_tables({name: reading.plain(value) for name, value in given.items()})
        self._fill(written, toml(written), None, Path.cwd())

    @classmethod
    def read(cls, path: str | Path, *, on_code: OnCode | None = None) -> Study:
        """Read a study file; files that it names are looked for beside it.

        Parameters
        ----------
        path : path
        on_code : callable, optional
            Is given the path of a model file before its code runs.

        Raises
        ------
        StudyError
            Where the file is missing, is a directory, is not UTF-8 or no TOML, or is not a study that can be run.
        """
        path = Path(path)
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            near = did_you_mean(path.name, (item.name for item in path.parent.glob("*.toml")))
            raise StudyError(f"{path}: there is no such file{near}") from None
        except IsADirectoryError:
            raise StudyError(
                f"{path} is a directory; name the study file in it, such as {path / 'study.toml'}"
            ) from None
        except UnicodeDecodeError as fault:
            raise StudyError(f"{path} is not UTF-8 text (byte {fault.start + 1}); save it as UTF-8") from None
        except OSError as fault:
            raise StudyError(f"{path} cannot be read: {fault.strerror}") from None
        except ValueError:
            raise StudyError(f"{reading.show(str(path))} is no name of a file") from None
        try:
            return cls.parse(text, path=path, on_code=on_code)
        except StudyError as fault:
            raise StudyError(*fault.faults, where=str(path)) from None

    @classmethod
    def parse(
        cls, text: str, *, path: Path | None = None, beside: Path | None = None, on_code: OnCode | None = None
    ) -> Study:
        """Read a study from TOML text; files that it names are looked for in `beside`, or beside `path`."""
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as fault:
            raise StudyError(f"is no TOML: {fault}") from None
        except ValueError:  # Python reads no integers of more than 4,300 digits
            raise StudyError("is no study: it holds a number of thousands of digits") from None
        except RecursionError:
            raise StudyError("is no study: its values are nested too deeply") from None
        study = cls.__new__(cls)
        study._fill(tables, text, path, beside or (path.parent if path else Path.cwd()), on_code)
        return study

    def __repr__(self) -> str:
        cells = f"{self.design.count:,} cell{'s' * (self.design.count != 1)} x {self.replicates:,} firms"
        drawn = f", drawing {', '.join(self.population.keys)}" if len(self.population) else ""
        words = f"{self.design.words}, " if self.design.axes else ""
        return f"<Study '{self.name}': model {self.model_name}, {words}{cells}, {self.years:g} years{drawn}>"

    def _fill(
        self,
        tables: dict[str, Any],
        text: str,
        path: Path | None,
        folder: Path,
        on_code: OnCode | None = None,
    ) -> None:
        """Validate the tables and set every attribute, once; all faults are raised together."""
        faults = Faults()
        for name in tables:
            if name == "precision":
                faults.note("[[precision.target]] is not supported yet; set study.replicates instead")
            elif name not in table_names():
                hint = did_you_mean(name, table_names()) or f"; allowed: {', '.join(table_names())}"
                faults.note(f"[{reading.named(name)}]: a study has no such table{hint}")
        if "study" not in tables:
            faults.note("[study] is missing; it needs at least a name")
        values = settings.read(tables.get("study", {}), "study", settings.STUDY, faults)
        record = settings.read(tables.get("record", {}), "record", settings.RECORD, faults)
        if "study" in tables and isinstance(tables["study"], dict) and "name" not in tables["study"]:
            faults.note('study.name is missing; name the study, such as name = "paradox"')
        source = Source(_model(values["model"], folder, faults, on_code), folder.resolve(), faults=faults)
        model, parameters = source.model, {}
        if file := _model_file(values["model"]):
            source.files[file] = (folder / file).resolve()
        with faults.noted():
            written = reading.table(tables.get("parameters", {}), "parameters")
            for key, value in source.parameters(written, "parameters"):
                with faults.noted():
                    parameters[key] = allowed_value(value, f"parameters.{key}", model.parameter(key))
        design: Design = Single()
        with faults.noted():
            design = read_design(tables, source)
        population = Population()
        with faults.noted():
            if "population" in tables:
                population = Population.read(tables["population"], source)
        faults.refuse()

        weeks = reading.horizon(values["years"], "study.years")
        steps_per_week = values["steps_per_week"] or settings.steps_per_week(
            model.steps_per_week, "steps_per_week of the model"
        )
        own = {
            "name": values["name"],
            "model": model,
            "model_name": values["model"],
            "question": values["question"],
            "years": weeks / WEEKS_PER_YEAR,
            "weeks": weeks,
            "steps_per_week": steps_per_week,
            "replicates": values["replicates"],
            "seed": values["seed"],
            "common_random_numbers": values["common_random_numbers"],
            "batches": record["batches"],
            "record_firms": record["firms"],
            "parameters": parameters,
            "design": design,
            "population": population,
            "tables": tables,
            "text": text,
            "path": path,
            "files": source.files,
            "folder": source.folder,
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)
        with faults.noted():
            self._check_steps()
            object.__setattr__(self, "horizons", settings.horizons(record["horizons"], weeks, self.dt))
        with faults.noted():
            self._check_clashes()
        faults.refuse()
        object.__setattr__(self, "population", population.placed(model.fields, self.targets))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to other processes as text, and be read again there: a user's model may not travel otherwise."""
        return _again, (self.text, self.path, self.folder)

    @property
    def dt(self) -> float:
        """The step in weeks."""
        return float(round(1 / self.steps_per_week)) if self.steps_per_week < 1 else 1 / self.steps_per_week

    @property
    def steps(self) -> int:
        """Steps up to the horizon."""
        return round(self.weeks * self.steps_per_week)

    @cached_property
    def cells(self) -> Cells:
        """The cells, laid out: the same study gives the same cells everywhere.

        Values are rounded to 12 significant digits, so that two cells are the same when their keys are, and random
        numbers follow values.

        Raises
        ------
        StudyError
            Where the model cannot start from a cell (:mod:`firmfate.design.joint`), two cells are the same, or a
            package that the design needs is missing.

        Examples
        --------
        >>> study = Study(name="small", grid={"execution": [0.2, 0.8], "misalignment.sales": [0, 0.5, 1]})
        >>> study.cells
        <Cells: 6 (2 execution x 3 misalignment_sales) of 90 parameters>
        """
        try:
            return lay_out(self)
        except StudyError as fault:
            raise StudyError(*fault.faults, where=str(self.path or "")) from None

    @cached_property
    def targets(self) -> dict[str, tuple[str, ...]]:
        """What every key that the study sets acts on: key -> fields; the key of a part overrides that of all."""
        given = dict.fromkeys((*self.parameters, *(axis.key for axis in self.design.axes), *self.population.keys))
        owner: dict[str, str] = {}
        for key in sorted(given, key=lambda key: "." in key):
            owner.update(dict.fromkeys(self.model.keys[key], key))
        return {key: tuple(name for name in self.model.keys[key] if owner[name] == key) for key in given}

    @cached_property
    def base(self) -> dict[str, float]:
        """Value of every field of the model after [parameters], before the axes; rounded to 12 significant digits."""
        values = {name: reading.rounded(default) for name, default in self.model.defaults.items()}
        for key in sorted(self.parameters, key=lambda key: "." in key):
            values.update(dict.fromkeys(self.model.keys[key], self.parameters[key]))
        return values

    @cached_property
    def fixed(self) -> dict[str, float]:
        """Value of every field that is the same in all cells and for all firms: neither on an axis nor drawn."""
        keys = (*(axis.key for axis in self.design.axes), *self.population.keys)
        varying = {name for key in keys for name in self.targets[key]}
        return {name: value for name, value in self.base.items() if name not in varying}

    @property
    def drawn(self) -> tuple[str, ...]:
        """What firms draw, a line a parameter: its distribution, median and 5-95 % range, unit and default."""
        lines = []
        for distribution in self.population.distributions:
            row = self.model.parameter(distribution.key)
            lines.append(f"{distribution.key}: {distribution.words} ({row.unit}; default {row.default:g})")
        return tuple(lines)

    def _check_steps(self) -> None:
        """Refuse a horizon that is no whole number of steps, or too many."""
        written = reading.show(self.tables["study"].get("years", self.years))
        exact = self.weeks / self.dt
        if abs(exact - round(exact)) > 1e-9 or self.steps < 1:
            raise StudyError(
                f"study.years = {written}: {self.weeks} weeks are no whole number of steps of {self.dt:g} weeks; "
                "change years or steps_per_week"
            )
        if self.steps > MOST_STEPS:
            raise StudyError(f"study.years = {written} takes {self.steps:,} steps; at most {MOST_STEPS:,}")

    def _check_clashes(self) -> None:
        """Refuse a parameter that is set twice, or whose parts are all set on their own; and names that are taken."""
        setter: dict[str, str] = {}
        tables = {
            self.design.kind: tuple(axis.key for axis in self.design.axes),
            "population": self.population.keys,
            "parameters": tuple(self.parameters),
        }
        for table, keys in tables.items():
            for key in keys:
                if key in setter:
                    raise StudyError(f"{table}.{key}: '{key}' is set by [{setter[key]}] already; keep one of them")
                setter[key] = table
        for key, fields in self.targets.items():
            if not fields:
                parts = ", ".join(self.model.parameter(key).keys[1:])
                raise StudyError(f"{setter[key]}.{key} has no effect: each of {parts} is set on its own")
        edges = {name: stratum.key for stratum in self.population.strata for name in stratum.names}
        for axis in self.design.axes:
            if axis.name in edges:
                raise StudyError(
                    f"{self.design.kind}.{axis.key}: '{axis.name}' names the edges of population.strata."
                    f"{edges[axis.name]} in results; it cannot be an axis too"
                )
        if self.record_firms:
            for key in self.population.keys:
                if key.replace(".", "_") in names_of_results(self.model):
                    raise StudyError(
                        f"population.{key}: '{key}' is a name that firms.nc uses itself; it cannot be drawn where "
                        "record.firms is true"
                    )


def _again(text: str, path: Path | None, beside: Path) -> Study:
    """Rebuild a study in another process."""
    return Study.parse(text, path=path, beside=beside)


def _as_tables(given: dict[str, Any]) -> dict[str, Any]:
    """Return keywords as tables: keys of [study] may be given directly."""
    keys = [setting.name for setting in settings.STUDY]
    tables = {name: value for name, value in given.items() if name not in keys}
    direct = {name: value for name, value in given.items() if name in keys}
    known = (*table_names(), "precision", *keys)
    if unknown := [name for name in tables if name not in known]:
        raise StudyError(*(f"Study has no table or key '{name}'{did_you_mean(name, known)}" for name in unknown))
    if direct and isinstance(within := tables.get("study", {}), dict):
        if twice := sorted(direct.keys() & within.keys()):
            raise StudyError(f"study.{twice[0]} is given twice, by keyword and in the table study; keep one")
        return {"study": {**within, **direct}, **{name: value for name, value in tables.items() if name != "study"}}
    return tables


def _model_file(name: str) -> str:
    """Return the file of a model that a study names; an empty string of one that is built in."""
    return name.rpartition(":")[0]


def _model(name: str, folder: Path, faults: Faults, on_code: OnCode | None) -> Model:
    """Load the model that a study names. Without it nothing more can be read: all faults so far are raised then."""
    file = folder / _model_file(name)
    try:
        if on_code is not None and _model_file(name).endswith(".py") and file.is_file():
            on_code(file)
        return load_model(name, beside=folder)
    except (ModelError, ValueError, OSError) as fault:
        what = str(fault) if isinstance(fault, ModelError) else "is no name of a file"
        faults.note(f"study.model = {reading.show(name)}: {shortened(what, 400)}")
    faults.refuse()
    raise AssertionError("unreachable")
