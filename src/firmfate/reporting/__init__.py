"""The report: one HTML file, from ``result.nc`` and ``trajectories.nc``, that needs no network. It never simulates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["write_report"]

if TYPE_CHECKING:
    from firmfate.reporting.report import write_report as write_report


def __getattr__(name: str) -> Any:
    if name == "write_report":
        from firmfate.reporting.report import write_report

        return write_report
    raise AttributeError(f"module 'firmfate.reporting' has no attribute '{name}'")
