"""The study room: a TOML file, or tables, become a frozen, validated `Study`; its JSON schema and a template."""

from firmfate.study.layouts import Axis, Layout
from firmfate.study.study import Study

__all__ = ["Axis", "Layout", "Study"]
