"""The study room: a TOML file, or tables, become a frozen, validated `Study`; its JSON schema and a template."""

from firmfate.study.axes import Axis
from firmfate.study.documents import distributions_table, parameter_table, settings_table, template
from firmfate.study.layouts import Layout
from firmfate.study.schema import study_schema
from firmfate.study.study import Study

__all__ = [
    "Axis",
    "Layout",
    "Study",
    "distributions_table",
    "parameter_table",
    "settings_table",
    "study_schema",
    "template",
]
