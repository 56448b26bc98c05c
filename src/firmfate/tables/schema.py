"""Parts of a JSON schema (draft 7, which TOML editors know): tables, values, ranges, and the keys of a model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from firmfate.models import Model
from firmfate.models.declarations import Interval, Parameter
from firmfate.tables.reading import WEEKS_IN

Schema = dict[str, Any]
Entry = Callable[[Parameter], Schema]
TIME: Schema = {"type": "string", "pattern": rf"^\s*[-+]?[0-9._eE+-]+\s*({'|'.join(WEEKS_IN)})\s*$"}


class ParameterSchemas:
    """What the keys of one model's parameters may hold.

    Parameters with the same range and kind of unit share a definition, which keeps the schema of 82 parameters short.

    Attributes
    ----------
    model : Model
    definitions : dict
        What the properties refer to.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.definitions: dict[str, Schema] = {}

    def properties(self, kind: str, entry: Entry) -> dict[str, Schema]:
        """Return the schema of every key of the model.

        Parameters
        ----------
        kind : str
            Name of what a key holds: ``"value"``, ``"range"``. One kind has one `entry`.
        entry : callable
            Parameter -> schema.
        """
        properties: dict[str, Schema] = {}
        for row in self.model.parameters:
            name = f"{kind} in {row.allowed}" + (" weeks" if row.unit == "week" else "")
            self.definitions.setdefault(name, entry(row))
            same: Schema = {"$ref": f"#/definitions/{quote(name)}"}
            described = {"description": f"{row.meaning} ({row.unit}); default {row.default:g}"}
            if row.parts:
                nested = table(dict.fromkeys(row.names, same), "by part")
                properties[row.name] = {"anyOf": [same, nested], **described}
                parts = [name for key in row.keys[1:] for name in (key, key.replace(".", "_"))]
                properties.update({key: {"allOf": [same], **described} for key in parts})
            else:
                properties[row.name] = {"allOf": [same], **described}
        return properties

    def table(self, kind: str, entry: Entry, description: str, more: Mapping[str, Schema] | None = None) -> Schema:
        """Return the schema of a table of parameters, and of `more` keys that it has."""
        return table({**self.properties(kind, entry), **(more or {})}, description)


def table(properties: Mapping[str, Schema], description: str, *, required: Iterable[str] = ()) -> Schema:
    """Return the schema of a table that has no other keys."""
    found: Schema = {
        "type": "object",
        "description": description,
        "additionalProperties": False,
        "properties": dict(properties),
    }
    return {**found, "required": list(required)} if required else found


def value(row: Parameter) -> Schema:
    """Return the schema of one value of a parameter."""
    number: Schema = {"type": "number", **_bounds(row.allowed)}
    return {"anyOf": [number, TIME]} if row.unit == "week" else number


def pair(row: Parameter) -> Schema:
    """Return the schema of a list of two values."""
    return {"type": "array", "minItems": 2, "maxItems": 2, "items": value(row)}


def _bounds(allowed: Interval) -> Schema:
    """Return an interval as JSON schema writes it."""
    bounds: Schema = {}
    if math.isfinite(allowed.low):
        bounds["exclusiveMinimum" if allowed.open_low else "minimum"] = allowed.low
    if math.isfinite(allowed.high):
        bounds["exclusiveMaximum" if allowed.open_high else "maximum"] = allowed.high
    return bounds
