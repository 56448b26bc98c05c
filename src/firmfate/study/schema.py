"""JSON schema of study files, for editors that complete and check TOML; from the same tables that the reader uses.

What a schema cannot say (joint conditions, clashes, names of files) is left to ``firmfate check``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from firmfate.models import Model
from firmfate.models.declarations import Interval, Parameter
from firmfate.study import settings
from firmfate.study.distributions import FAMILIES
from firmfate.study.layouts import MOST_CELLS, OPTIMISED
from firmfate.study.population import MOST_STRATA
from firmfate.study.reading import WEEKS_IN

Schema = dict[str, Any]
Entry = Callable[[Parameter], Schema]
TIME: Schema = {"type": "string", "pattern": rf"^\s*[-+]?[0-9._eE+-]+\s*({'|'.join(WEEKS_IN)})\s*$"}


def study_schema(model: Model) -> Schema:
    """Return the JSON schema (draft 7, which TOML editors know) of studies of one model.

    Parameters
    ----------
    model : Model
        Its parameters become the keys of axes, populations and fixed values, with their ranges and meanings.
    """
    entries = {"value": _value, "axis": _grid_axis, "range": _range, "player": _player, "distribution": _distribution}
    definitions: Schema = {}
    tables = {kind: _tables(model, kind, entry, definitions) for kind, entry in entries.items()}
    listed = {"type": "array", "minItems": 1, "items": _table(tables["value"], "one cell")}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"A firmfate study of model '{model.name}'",
        "type": "object",
        "required": ["study"],
        "additionalProperties": False,
        "properties": {
            "study": _settings(settings.STUDY, ["name"]),
            "record": _settings(settings.RECORD, []),
            "parameters": _table(tables["value"], "fixed values, overriding the model's defaults"),
            "grid": _table(tables["axis"], "every combination of the axes' values"),
            "cells": {"anyOf": [{"type": "string"}, listed], "description": "a list, [[cells]], or a CSV file"},
            "latin_hypercube": _drawn(tables["range"], {"optimise": {"enum": list(OPTIMISED)}}),
            "sobol": _drawn(tables["range"], {"scramble": {"type": "boolean"}}),
            "saltelli": _drawn(tables["range"], {"second_order": {"type": "boolean"}}),
            "coalitions": _table(tables["player"], "every subset of the axes on, the others off"),
            "population": _population(model, tables["distribution"]),
        },
        "definitions": definitions,
    }


def _table(properties: dict[str, Schema], description: str) -> Schema:
    return {"type": "object", "description": description, "additionalProperties": False, "properties": properties}


def _settings(table: tuple[settings.Setting, ...], required: list[str]) -> Schema:
    """Return the schema of [study] or [record]."""
    years = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, TIME]}
    kinds: dict[str, Schema] = {
        "name": {"type": "string", "pattern": f"^{settings.NAME.pattern}$"},
        "text": {"type": "string"},
        "flag": {"type": "boolean"},
        "years": years,
        "step": {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": settings.MOST_STEPS_PER_WEEK},
                {"type": "string", "pattern": r"^\s*1\s*/\s*[0-9]{1,5}\s*$"},
            ]
        },
        "horizons": {"type": "array", "minItems": 1, "uniqueItems": True, "items": years},
    }
    properties = {}
    for setting in table:
        whole = {"type": "integer", "minimum": setting.low, "maximum": setting.high}
        properties[setting.name] = {**kinds.get(setting.kind, whole), "description": setting.meaning}
        if setting.default is not None:
            properties[setting.name]["default"] = setting.default
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def _tables(model: Model, kind: str, entry: Entry, definitions: Schema) -> dict[str, Schema]:
    """Return what each key refers to; parameters with the same range and kind of unit share one of the definitions."""
    properties: dict[str, Schema] = {}
    for row in model.parameters:
        name = f"{kind} in {row.allowed}" + (" weeks" if row.unit == "week" else "")
        definitions.setdefault(name, entry(row))
        same: Schema = {"$ref": f"#/definitions/{quote(name)}"}
        described = {"description": f"{row.meaning} ({row.unit}); default {row.default:g}"}
        if row.parts:
            nested = _table(dict.fromkeys(row.parts, same), "by part")
            properties[row.name] = {"anyOf": [same, nested], **described}
            properties.update({key: {"allOf": [same], **described} for key in row.keys[1:]})
        else:
            properties[row.name] = {"allOf": [same], **described}
    return properties


def _bounds(allowed: Interval) -> Schema:
    """Return an interval as JSON schema writes it."""
    bounds: Schema = {}
    if math.isfinite(allowed.low):
        bounds["exclusiveMinimum" if allowed.open_low else "minimum"] = allowed.low
    if math.isfinite(allowed.high):
        bounds["exclusiveMaximum" if allowed.open_high else "maximum"] = allowed.high
    return bounds


def _value(row: Parameter) -> Schema:
    number: Schema = {"type": "number", **_bounds(row.allowed)}
    return {"anyOf": [number, TIME]} if row.unit == "week" else number


def _range(row: Parameter) -> Schema:
    ends: Schema = {"from": _value(row), "to": _value(row), "scale": {"enum": ["linear", "log"]}}
    table = {"type": "object", "additionalProperties": False, "required": ["from", "to"], "properties": ends}
    return {"anyOf": [table, {"type": "array", "minItems": 2, "maxItems": 2, "items": _value(row)}]}


def _grid_axis(row: Parameter) -> Schema:
    values: Schema = {"type": "array", "minItems": 1, "uniqueItems": True, "items": _value(row)}
    points: Schema = {"points": {"type": "integer", "minimum": 2, "maximum": 100_000}}
    spaced = _range(row)["anyOf"][0]
    spaced = {**spaced, "required": ["from", "to", "points"], "properties": {**spaced["properties"], **points}}
    listed = {**_table({"values": values}, "the values"), "required": ["values"]}
    return {"anyOf": [values, spaced, listed]}


def _player(row: Parameter) -> Schema:
    table = {**_table({"off": _value(row), "on": _value(row)}, "off and on"), "required": ["off", "on"]}
    return {"anyOf": [table, {"type": "array", "minItems": 2, "maxItems": 2, "items": _value(row)}]}


def _drawn(ranges: dict[str, Schema], options: dict[str, Schema]) -> Schema:
    points: Schema = {"type": "integer", "minimum": 2, "maximum": MOST_CELLS}
    return {**_table({**ranges, "points": points, **options}, "points in ranges of the axes"), "required": ["points"]}


def _distribution(row: Parameter) -> Schema:
    """Return the schema of ``{ family = arguments }``."""
    number: Schema = {"anyOf": [{"type": "number"}, TIME]}
    families: dict[str, Schema] = {}
    for name, family in FAMILIES.items():
        least = len(family.arguments) - family.optional
        by_order = {"type": "array", "minItems": least, "maxItems": len(family.arguments), "items": number}
        by_name = _table(dict.fromkeys(family.arguments, number), family.meaning)
        by_name["required"] = list(family.arguments[:least])
        families[name] = {"anyOf": [by_order, by_name, *([number] if name == "constant" else [])]}
    column = {**_table({"file": {"type": "string"}, "column": {"type": "string"}}, "CSV"), "required": ["file"]}
    observed = {"type": "array", "minItems": 1, "items": _value(row)}
    families["empirical"] = {"anyOf": [{"type": "string"}, observed, column]}
    return {**_table(families, "a distribution"), "minProperties": 1, "maxProperties": 1}


def _population(model: Model, distributions: dict[str, Schema]) -> Schema:
    between = {"type": "array", "minItems": 2, "maxItems": 2, "items": {"enum": list(model.keys)}}
    strength = {"type": "number", "exclusiveMinimum": -1, "exclusiveMaximum": 1}
    pair = {**_table({"between": between, "rank": strength, "normal": strength}, "a pair"), "required": ["between"]}
    bins = {"type": "integer", "minimum": 2, "maximum": MOST_STRATA}
    words: dict[str, Schema] = {
        "correlation": {"type": "array", "items": pair},
        "strata": _table(dict.fromkeys(model.keys, bins), "quantile bins in which survival is counted"),
    }
    return _table({**distributions, **words}, "what differs from firm to firm")
