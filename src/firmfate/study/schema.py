"""JSON schema of study files, for editors that complete and check TOML; from the same tables that the reader uses.

What a schema cannot express (joint conditions, clashes, names of files) is left to ``firmfate check``.
"""

from __future__ import annotations

from firmfate.design import DESIGNS, Population
from firmfate.models import Model
from firmfate.study import settings
from firmfate.study.precision import Precision
from firmfate.tables import schema
from firmfate.tables.schema import TIME, ParameterSchemas, Schema


def study_schema(model: Model) -> Schema:
    """Return the JSON schema (draft 7, which TOML editors know) of studies of one model.

    Parameters
    ----------
    model : Model
        Its parameters become the keys of axes, populations and fixed values, with their ranges and meanings.

    Examples
    --------
    >>> from firmfate.models import load_model
    >>> study_schema(load_model("car"))["title"]
    "A firmfate study of model 'car'"
    """
    parameters = ParameterSchemas(model)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"A firmfate study of model '{model.name}'",
        "type": "object",
        "required": ["study"],
        "additionalProperties": False,
        "properties": {
            "study": _settings(settings.STUDY, ("name",)),
            "record": _settings(settings.RECORD),
            "parameters": parameters.table("value", schema.value, "fixed values, overriding the model's defaults"),
            **{kind: design.schema(parameters) for kind, design in DESIGNS.items()},
            "population": Population.schema(parameters),
            "precision": Precision.schema(),
        },
        "definitions": parameters.definitions,
    }


def _settings(table: tuple[settings.Setting, ...], required: tuple[str, ...] = ()) -> Schema:
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
        integer = {"type": "integer", "minimum": setting.low, "maximum": setting.high}
        properties[setting.name] = {**kinds.get(setting.kind, integer), "description": setting.meaning}
        if setting.default is not None:
            properties[setting.name]["default"] = setting.default
    return schema.table(properties, "what is asked" if required else "what is recorded", required=required)
