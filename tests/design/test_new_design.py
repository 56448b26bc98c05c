"""A design is added by a class and a line in the register: everything else asks the class."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from scipy.stats import qmc

import firmfate
from firmfate.design import DESIGNS, Design
from firmfate.design.axes import range_schema, read_axes, read_range
from firmfate.design.base import Points
from firmfate.design.ranges import RangedDesign
from firmfate.study import designs_table, study_schema, template
from firmfate.tables import reading
from firmfate.tables.schema import ParameterSchemas, Schema
from firmfate.tables.source import Source


@dataclass(frozen=True)
class Halton(RangedDesign):
    """The first points of Halton's sequence: what a design that fills ranges takes."""

    kind = "halton"
    called = "a Halton sequence"
    summary = "the first points of Halton's sequence"
    example = "[halton]\npoints = 9\nexecution = [0, 1]\nmisalignment = [0.2, 0.8]\n"

    def unit(self, random: np.random.Generator) -> Points:
        """Return the points, shape (points, axes)."""
        return qmc.Halton(len(self.axes), rng=random).random(self.size)


@dataclass(frozen=True)
class OneAtATime(Design):
    """The middle of all ranges, and every axis at either end of its own: a design from scratch."""

    kind = "one_at_a_time"
    called = "one axis at a time"
    summary = "the middle of all ranges, and every axis at either end"
    example = "[one_at_a_time]\nexecution = [0, 1]\nmisalignment = [0.2, 0.8]\n"
    extends = False

    @classmethod
    def read(cls, written: object, source: Source) -> Self:
        """Read the ranges."""
        return cls(read_axes(reading.table(written, cls.kind), cls.kind, source, read_range))

    @property
    def count(self) -> int:
        """One, and two for every axis."""
        return 1 + 2 * len(self.axes)

    @property
    def names(self) -> tuple[str, ...]:
        """Where each cell lies."""
        ends = [f"{end} {axis.words}" for axis in self.axes for end in ("low", "high")]
        return ("middle", *ends)

    def points(self, seed: int) -> Points:
        """Return the middle and the ends, shape (cells, axes)."""
        low, high = np.array([axis.values for axis in self.axes]).T
        found = np.tile((low + high) / 2, (self.count, 1))
        for column in range(len(self.axes)):
            found[1 + 2 * column, column], found[2 + 2 * column, column] = low[column], high[column]
        return found

    @classmethod
    def schema(cls, parameters: ParameterSchemas) -> Schema:
        """Return the JSON schema of its table."""
        return parameters.table("range", range_schema, cls.summary)


CELLS = {Halton: 9, OneAtATime: 5}


@pytest.fixture(params=[Halton, pytest.param(OneAtATime, marks=pytest.mark.slow)], ids=lambda design: design.kind)
def added(request: pytest.FixtureRequest) -> Iterator[type[Design]]:
    """A design that the register names."""
    DESIGNS[request.param.kind] = request.param
    yield request.param
    del DESIGNS[request.param.kind]


@pytest.fixture
def file(added: type[Design], tmp_path: Path) -> Path:
    """A study of that design."""
    path = tmp_path / "study.toml"
    path.write_text(f'[study]\nname = "new"\nyears = 2\nreplicates = 40\n\n{added.example}')
    return path


def test_it_is_checked_planned_run_and_reported(command: Callable, added: type[Design], file: Path) -> None:
    cells, into = CELLS[added], file.parent / "run"
    checked = json.loads(command("check", file, "--json").out)
    assert (checked["cells"], checked["shape"]) == (cells, {"cell": cells})
    assert f"cells     {cells} ({cells} cell)" in command("plan", file).out
    ended = command("run", file, "--into", into)
    assert ended.code == 0, ended.err
    with firmfate.open_run(into) as ds:
        assert ds.firms.values.tolist() == [40] * cells
        points = np.stack([ds.execution, ds.misalignment], axis=-1)
        np.testing.assert_array_equal(points, firmfate.Study.read(file).design.points(0))
        assert points.min(axis=0) == pytest.approx([0, 0.2], abs=0.2)
        if added is OneAtATime:
            assert ds.sel(cell="high misalignment").misalignment.item() == 0.8
    report = (into / "report.html").read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]*>", " ", report).split())
    assert f"of {added.called} over execution and misalignment" in text
    assert "0.2 to 0.8" in text
    assert command("status", into).code == 0
    assert command("replay", into, "--execution", "1", "--misalignment", "0.5").code == 0


def test_it_has_a_schema_a_row_and_a_line_in_the_template(command: Callable, added: type[Design], file: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(command("schema").out)
    assert schema == study_schema(firmfate.models.load_model("firm"))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    validator.validate(tomllib.loads(file.read_text()))
    assert not validator.is_valid(tomllib.loads(file.read_text().replace("execution", "executoin")))
    assert f"| `[{added.kind}]` | {added.summary} |" in designs_table()
    assert f"[{added.kind}]" in template("first")


def test_its_mistakes_are_refused_by_its_name(command: Callable, added: type[Design], file: Path) -> None:
    good = file.read_text()
    file.write_text(good.replace("[0.2, 0.8]", "[0.2, 1.8]").replace("execution", "executoin"))
    ended = command("check", file)
    assert ended.code == 2
    assert f"{added.kind}.executoin: model 'firm' has no parameter" in ended.err
    assert f"{added.kind}.misalignment.to = 1.8: must lie in [0, 1]" in ended.err
    file.write_text(good + "[grid]\nexecution = [0, 1]\n")
    assert f"[grid] and [{added.kind}]: a study has one design" in command("check", file).err


def test_a_design_that_is_not_registered_is_no_table(file: Path) -> None:
    text = file.read_text().replace("[halton]", "[hilton]").replace("[one_at_a_time]", "[one_at_a_tim]")
    with pytest.raises(firmfate.errors.StudyError, match="a study has no such table; did you mean"):
        firmfate.Study.parse(text)
