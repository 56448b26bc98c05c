"""A study: what is asked, of which model, in which cells, of how many firms; frozen, and validated when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.design import Cells, Design, Population
from firmfate.design.grid import Grid
from firmfate.errors import StudyError, did_you_mean
from firmfate.markup import paragraph, rows
from firmfate.models import Model
from firmfate.study import settings
from firmfate.study.laying_out import lay_out
from firmfate.study.parts import as_tables, read_parts
from firmfate.study.precision import Precision
from firmfate.study.together import check_together
from firmfate.tables import reading
from firmfate.tables.parsing import parsed
from firmfate.tables.rendering import toml

TAKEN_AS_WRITTEN = ("name", "question", "replicates", "seed", "common_random_numbers")


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
        An integer, or 1/k for steps of k weeks.
    replicates : int
        Firms in every cell; of a study with [precision], in its pilot, or so far (`grown`).
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
    precision : Precision or None
        How exactly the study is to be known.
    allocation : tuple of int
        Firms of each cell, where a study with [precision] gives cells different numbers (`grown`); otherwise empty.
    refinement : tuple of float
        Misalignments that rounds of [precision] have added to the grid (`refined`).
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
    precision: Precision | None
    allocation: tuple[int, ...]
    refinement: tuple[float, ...]
    tables: dict[str, Any]
    text: str = field(compare=False)
    path: Path | None = field(compare=False)
    files: dict[str, Path] = field(compare=False)
    folder: Path = field(compare=False)

    def __init__(self, **given: Any) -> None:
        written = as_tables({name: reading.plain(value) for name, value in given.items()})
        self._fill(written, toml(written), None, Path.cwd())

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read a study file; files that it names are looked for beside it.

        Parameters
        ----------
        path : path

        Raises
        ------
        StudyError
            Where the file is missing, is a directory, is not UTF-8 or no TOML, or is not a study that can be run.
        """
        path = Path(path)
        try:
            if path.is_char_device():  # one without an end, such as /dev/zero, would fill the memory
                raise StudyError(f"{path} is a device; name a study file")
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
            raise StudyError(*fault.faults, where=str(path)) from None

    @classmethod
    def parse(cls, text: str, *, path: Path | None = None, beside: Path | None = None) -> Study:
        """Read a study from TOML text; files that it names are looked for in `beside`, or beside `path`."""
        tables = parsed(text)
        study = cls.__new__(cls)
        study._fill(tables, text, path, beside or (path.parent if path else Path.cwd()))
        return study

    def __repr__(self) -> str:
        cells = f"{self.design.count:,} cell{'s' * (self.design.count != 1)} x {self.replicates:,} firms"
        drawn = f", drawing {', '.join(self.population.keys)}" if len(self.population) else ""
        words = f"{self.design.words}, " if self.design.axes else ""
        return f"<Study '{self.name}': model {self.model_name}, {words}{cells}, {self.years:g} years{drawn}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        fixed = ", ".join(f"{key} = {value:g}" for key, value in self.parameters.items())
        lines = [
            ("model", self.model_name),
            ("design", self.design.words),
            ("cells", f"{self.design.count:,} x {self.replicates:,} firms"),
            ("horizon", f"{self.years:g} years, steps of {'a week' if self.dt == 1 else f'{self.dt:g} weeks'}"),
            *([("fixed", fixed)] if fixed else []),
            *([("drawn", "\n".join(self.drawn_words))] if self.drawn_words else []),
            ("seed", f"{self.seed}"),
        ]
        asked = paragraph(self.question) if self.question else ""
        return paragraph(f"Study {self.name}", strong=True) + asked + rows(lines)

    def _fill(self, tables: dict[str, Any], text: str, path: Path | None, folder: Path) -> None:
        """Validate the tables and set every attribute, once."""
        parts = read_parts(tables, folder)
        own = {
            **{name: parts.settings[name] for name in TAKEN_AS_WRITTEN},
            "model": parts.source.model,
            "model_name": parts.settings["model"],
            "years": parts.weeks / WEEKS_PER_YEAR,
            "weeks": parts.weeks,
            "steps_per_week": parts.steps_per_week,
            "batches": parts.record["batches"],
            "record_firms": parts.record["firms"],
            "parameters": parts.parameters,
            "design": parts.design,
            "population": parts.population,
            "precision": parts.precision,
            "allocation": (),
            "refinement": (),
            "tables": tables,
            "text": text,
            "path": path,
            "files": parts.source.files,
            "folder": parts.source.folder,
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "horizons", settings.horizons(parts.record["horizons"], self.weeks, self.dt))
        check_together(self)
        object.__setattr__(self, "population", parts.population.placed(self.model.fields, self.targets))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to other processes as text, and be read again there: a user's model may not travel otherwise."""
        return _again, (self.text, self.path, self.folder, self.refinement, self.firms_by_cell)

    def grown(self, firms: int | NDArray[np.int64]) -> Study:
        """Return the same study of so many firms in every cell, or in each: what a round of [precision] asks for.

        `replicates` is then the number of the cell that has most.
        """
        each = np.broadcast_to(firms, self.design.count)
        alike = bool((each == each[0]).all())
        other = type(self).__new__(type(self))
        own = {"replicates": int(each.max()), "allocation": () if alike else tuple(each.tolist())}
        other.__dict__.update(self.__dict__ | own)
        return other

    def refined(self, misalignments: Iterable[float]) -> Study:
        """Return the same study with these misalignments in its grid beside those as written, and no others.

        Cells that are new hold the firms of the pilot of [precision].
        """
        design = self.design
        here = next((axis.values for axis in design.axes if axis.key == "misalignment"), ())
        written = set(here) - set(self.refinement)
        added = tuple(sorted(set(misalignments) - written))
        if added == self.refinement or not isinstance(design, Grid) or self.precision is None:
            return self
        other = type(self).__new__(type(self))
        finer = design.with_values("misalignment", tuple(sorted((*written, *added))))
        own = {"design": finer, "refinement": added, "allocation": ()}
        other.__dict__.update({name: value for name, value in self.__dict__.items() if name != "cells"} | own)
        return other.grown(design.carried(self.firms_by_cell, finer, self.precision.pilot))

    @property
    def firms_by_cell(self) -> NDArray[np.int64]:
        """Firms of each cell, (cells,)."""
        return np.array(self.allocation, np.int64) if self.allocation else np.full(self.design.count, self.replicates)

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
        <Cells: 6 (2 execution x 3 misalignment_sales) of 93 parameters>
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
    def drawn_words(self) -> tuple[str, ...]:
        """What firms draw, a line a parameter: its distribution, median and 5-95 % range, unit and default."""
        lines = []
        for distribution in self.population.distributions:
            row = self.model.parameter(distribution.key)
            lines.append(f"{distribution.key}: {distribution.words} ({row.unit}; default {row.default:g})")
        return tuple(lines)


def _again(
    text: str, path: Path | None, beside: Path, refinement: tuple[float, ...], firms: NDArray[np.int64]
) -> Study:
    """Rebuild a study in another process."""
    return Study.parse(text, path=path, beside=beside).refined(refinement).grown(firms)
