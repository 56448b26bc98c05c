"""How ``result.nc`` is laid out: its variables, its attributes, and its coordinates."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from firmfate import provenance
from firmfate.counts import BIN_WEEKS, COORDINATES, Variable
from firmfate.design import Cells, Population
from firmfate.study import Study


def describe(file: Any, study: Study, *, complete: bool, rounds: str = "") -> None:
    """Write the global attributes: what this is, where it comes from, how to repeat it.

    `rounds` is what ``rounds.json`` holds: which targets of [precision] were reached; empty without such.
    """
    version = provenance.versions()["firmfate"]
    file.setncatts(
        {
            "Conventions": "CF-1.11",
            "title": study.name,
            "question": study.question,
            "summary": f"Counts of simulated firms by week and cause of exit; {study.model.summary}",
            "source": f"firmfate {version}, model {study.model_name}",
            "model": study.model.name,
            "steps_per_week": float(study.steps_per_week),
            "weeks": study.weeks,
            "replicates": study.replicates,
            "seed": str(study.seed),
            "common_random_numbers": int(study.common_random_numbers),
            "complete": int(complete),
            "parameters": json.dumps(dict(study.base)),
            **({"precision": rounds} if rounds else {}),
            "study": study.text,
            "provenance": json.dumps(provenance.record()),
            "history": f"{provenance.now()} gathered by firmfate {version}",
        }
    )


def coordinate(file: Any, name: str, kind: Any, dims: tuple[str, ...]) -> Any:
    """Make a variable that labels others, with a checksum: deflated counts have one, and labels are not deflated."""
    return file.createVariable(name, kind, dims, fletcher32=True)


def text_variable(file: Any, name: str, values: list[str]) -> Any:
    """Write text as characters, which every reader of netCDF understands."""
    encoded = [value.encode("utf-8") for value in values]
    width = max(map(len, encoded))
    dim = f"{name}_characters"
    file.createDimension(dim, width)
    variable = coordinate(file, name, "S1", (name, dim))
    variable.setncattr("_Encoding", "utf-8")
    variable[:] = np.array(encoded, dtype=f"S{width}").view("S1").reshape(len(values), width)
    return variable


def label_bytes(cells: Cells) -> int:
    """Return the bytes of what `cell_coordinates` writes."""
    return sum(np.asarray(values).nbytes for _, values, _ in cells.coords.values())


def cell_coordinates(file: Any, cells: Cells) -> None:
    """Write the dimensions of cells, and their coordinates: the values of the axes."""
    for dim, size in zip(cells.dims, cells.shape, strict=True):
        file.createDimension(dim, size)
    for name, (own_dims, values, attributes) in cells.coords.items():
        values = np.asarray(values)
        if values.dtype.kind == "U":
            text_variable(file, name, values.tolist()).setncatts(attributes)
            continue
        variable = coordinate(file, name, values.dtype, own_dims)
        variable.setncatts(attributes)
        if name not in cells.dims:
            variable.setncattr("coordinate_of", " ".join(own_dims))
        variable[:] = values


def write_attributes(variable: Any, entry: Variable) -> None:
    """Write the attributes of a registered variable."""
    variable.setncatts({"units": entry.units, "long_name": entry.long_name})


def label(file: Any, variable: Any) -> None:
    """Name, as CF does, which other variables label the dimensions of a variable without being named as one."""
    names = [
        name
        for name, other in file.variables.items()
        if name not in file.dimensions
        and "coordinate_of" in other.ncattrs()
        and set(other.dimensions) <= set(variable.dimensions)
    ]
    if names:
        variable.setncattr("coordinates", " ".join(sorted(names)))


def coordinate_values(study: Study) -> dict[str, Any]:
    """Return the values along the dimensions of counts; texts as a list."""
    model, bins = study.model, math.ceil(study.weeks / BIN_WEEKS)
    causes = [cause.name for cause in model.causes]
    return {
        "cause": causes,
        "end": ["censored", *causes],
        "week": np.arange(1, study.weeks + 1),
        "bin": np.minimum(np.arange(1, bins + 1) * BIN_WEEKS, study.weeks),
        "batch": np.arange(study.batches),
        "horizon": np.array(study.horizons),
        **{mark.dim: np.arange(mark.maximum + 1) for mark in model.marks},
    }


def count_coordinates(file: Any, study: Study) -> None:
    """Write the dimensions of counts, and their coordinates."""
    coordinates, model = coordinate_values(study), study.model
    entries = COORDINATES | {mark.dim: Variable(mark.dim, (mark.dim,), "i4", "1", mark.meaning) for mark in model.marks}
    for dim, values in coordinates.items():
        file.createDimension(dim, len(values))
        if isinstance(values, list):
            variable = text_variable(file, dim, values)
        else:
            variable = coordinate(file, dim, "i4", (dim,))
            variable[:] = values
        write_attributes(variable, entries[dim])


def stratum_coordinates(file: Any, study: Study, population: Population) -> None:
    """Write the dimension of strata, and the edges of every stratified parameter, infinite at both sides."""
    count = population.strata_count
    file.createDimension("stratum", count)
    number = coordinate(file, "stratum", "i4", ("stratum",))
    number.setncatts({"units": "1", "long_name": "stratum of what firms drew; the last parameter varies fastest"})
    number[:] = np.arange(count)
    bins = np.unravel_index(np.arange(count), [stratum.bins for stratum in population.strata])
    for stratum, place in zip(population.strata, bins, strict=True):
        edges = np.array([-np.inf, *stratum.edges, np.inf])
        for side, offset in (("lower", 0), ("upper", 1)):
            variable = coordinate(file, f"{stratum.key.replace('.', '_')}_{side}", "f8", ("stratum",))
            unit = study.model.parameter(stratum.key).unit
            variable.setncatts({"units": unit, "long_name": f"{side} edge of the stratum's {stratum.key}"})
            variable.setncattr("coordinate_of", "stratum")
            variable[:] = edges[place + offset]
