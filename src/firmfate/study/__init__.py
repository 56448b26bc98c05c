"""The study room: a TOML file, or tables, become a frozen, validated `Study`; its JSON schema and a template.

A study is put together of settings, fixed parameters, a design and a population; the latter two read their own tables.
"""

from firmfate.study.documents import (
    designs_table,
    distributions_table,
    parameter_table,
    settings_table,
    template,
)
from firmfate.study.schema import study_schema
from firmfate.study.study import Study

__all__ = [
    "Study",
    "designs_table",
    "distributions_table",
    "parameter_table",
    "settings_table",
    "study_schema",
    "template",
]
