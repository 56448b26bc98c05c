"""Who is told that the code of a model's file is about to run: the command line, which prints the file's name."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

model_runs: ContextVar[Callable[[Path], object]] = ContextVar("model_runs", default=lambda file: None)
"""Is called with the file, before its code runs."""
