"""A study: what is asked, of which model, in which cells, of how many firms; frozen, and validated when it is made."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.errors import ModelError, StudyError, did_you_mean
from firmfate.models import Model, load_model
from firmfate.study import reading, settings
from firmfate.study.keys import allowed_value, parameter_keys
from firmfate.study.layouts import KINDS, Layout, read_layout
from firmfate.study.population import PopulationTable, read_population
from firmfate.study.rendering import toml

TABLES = ("study", *KINDS, "population", "parameters", "record")
MOST_STEPS = 2**31 - 1


@dataclass(frozen=True, init=False)
class Study:
    """A validated study.

    Made with :meth:`read` from a file, with :meth:`parse` from TOML text, or from tables, ``Study(study={...})``.

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
    layout : Layout
        The design: its kind and its axes, in the order of the file.
    population : PopulationTable
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
        With the key's path, its value and what is allowed.

    Examples
    --------
    >>> study = Study(study={"name": "small", "model": "car", "years": 10}, grid={"execution": [0.2, 0.8]})
    >>> study.weeks, study.dt, study.steps
    (520, 13.0, 40)
    """

    name: str
    model: Model = field(repr=False)
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
    layout: Layout = field(repr=False)
    population: PopulationTable = field(repr=False)
    tables: dict[str, Any] = field(repr=False)
    text: str = field(repr=False, compare=False)
    path: Path | None = field(repr=False, compare=False)
    files: dict[str, Path] = field(repr=False, compare=False)
    folder: Path = field(repr=False, compare=False)

    def __init__(self, **tables: Any) -> None:
        written = {name: reading.plain(value) for name, value in tables.items()}
        self._fill(written, toml(written), None, Path.cwd())

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read a study file; files that it names are looked for beside it.

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
            return cls.parse(text, path=path)
        except StudyError as fault:
            raise StudyError(f"{path}: {fault}") from None

    @classmethod
    def parse(cls, text: str, *, path: Path | None = None, beside: Path | None = None) -> Study:
        """Read a study from TOML text; files that it names are looked for in `beside`, or beside `path`."""
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as fault:
            raise StudyError(f"is no TOML: {fault}") from None
        except RecursionError:
            raise StudyError("is no study: its values are nested too deeply") from None
        study = cls.__new__(cls)
        study._fill(tables, text, path, beside or (path.parent if path else Path.cwd()))
        return study

    def _fill(self, tables: dict[str, Any], text: str, path: Path | None, folder: Path) -> None:
        """Validate the tables and set every attribute, once."""
        if "precision" in tables:
            raise StudyError("[[precision.target]] is not supported yet; set study.replicates instead")
        for name in tables:
            if name not in TABLES:
                hint = did_you_mean(name, TABLES) or f"; allowed: {', '.join(TABLES)}"
                raise StudyError(f"[{name}]: a study has no such table{hint}")
        if "study" not in tables:
            raise StudyError("[study] is missing; it needs at least a name")
        values = settings.read(reading.table(tables["study"], "study"), "study", settings.STUDY)
        record = settings.read(reading.table(tables.get("record", {}), "record"), "record", settings.RECORD)
        if values["name"] is None:
            raise StudyError('study.name is missing; name the study, such as name = "paradox"')
        files: dict[str, Path] = {}
        model = _model(values["model"], folder, files)
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
            "parameters": {
                key: allowed_value(value, f"parameters.{key}", model.parameter(key))
                for key, value in parameter_keys(
                    reading.table(tables.get("parameters", {}), "parameters"), model, "parameters"
                )
            },
            "layout": read_layout(tables, model, folder, files),
            "population": read_population(tables, model, folder, files),
            "tables": tables,
            "text": text,
            "path": path,
            "files": files,
            "folder": folder.resolve(),
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)
        _check_steps(self)
        object.__setattr__(self, "horizons", settings.horizons(record["horizons"], weeks, self.dt))
        self._check_clashes()

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
    def targets(self) -> dict[str, tuple[str, ...]]:
        """What every key that the study sets acts on: key -> fields; the key of a part overrides that of the whole."""
        given = dict.fromkeys((*self.parameters, *(axis.key for axis in self.layout.axes), *self.population.keys))
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
        keys = (*(axis.key for axis in self.layout.axes), *self.population.keys)
        varying = {name for key in keys for name in self.targets[key]}
        return {name: value for name, value in self.base.items() if name not in varying}

    def _check_clashes(self) -> None:
        """Refuse a parameter that is set twice, or whose parts are all set on their own."""
        setter: dict[str, str] = {}
        tables = {
            self.layout.kind: tuple(axis.key for axis in self.layout.axes),
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


def _again(text: str, path: Path | None, beside: Path) -> Study:
    """Rebuild a study in another process."""
    return Study.parse(text, path=path, beside=beside)


def _model(name: str, folder: Path, files: dict[str, Path]) -> Model:
    """Load the model that a study names; a user's file is noted in `files`."""
    try:
        model = load_model(name, beside=folder)
    except ModelError as fault:
        raise StudyError(f"study.model = {reading.show(name)}: {fault}") from fault
    file, colon, _ = name.rpartition(":")
    if colon:
        files[file] = (folder / file).resolve()
    return model


def _check_steps(study: Study) -> None:
    """Refuse a horizon that is no whole number of steps, or too many."""
    written = reading.show(study.tables["study"].get("years", study.years))
    exact = study.weeks / study.dt
    if abs(exact - round(exact)) > 1e-9 or study.steps < 1:
        raise StudyError(
            f"study.years = {written}: {study.weeks} weeks are no whole number of steps of {study.dt:g} weeks; "
            "change years or steps_per_week"
        )
    if study.steps > MOST_STEPS:
        raise StudyError(f"study.years = {written} takes {study.steps:,} steps; at most {MOST_STEPS:,}")
