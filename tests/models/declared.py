"""``python tests/models/declared.py``: write what the built-in models declare, a line a row, to ``declared/NAME.txt``.

A study's meaning hangs on every default, range and star, so a change of one is a change of two files. Meanings and
sources are in the code alone; the documentation shows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from firmfate.models import BUILT_IN, Model, load_model

FOLDER = Path(__file__).parent / "declared"


def declared(model: Model) -> Iterator[str]:
    """Yield a line for every row of a model's tables."""
    for row in model.parameters:
        star = " *" if row.assumption else ""
        yield f"parameter {row.name}{_parts(row.names)} = {row.default!r} {row.unit}, in {row.allowed}{star}"
    for table in ("stocks", "auxiliaries"):
        yield from (f"{table}: {row.name}{_parts(row.names)}, {row.unit}" for row in getattr(model, table))
    for table in ("shocks", "draws"):
        yield from (f"{table}: {row.name}{_parts(row.names)}, {row.kind}" for row in getattr(model, table))
    yield from (f"cause: {cause.name}" for cause in model.causes)
    yield from (f"mark: {mark.name} from 0 to {mark.maximum}, counted over {mark.dim}" for mark in model.marks)
    yield f"alarm: {model.alarm}"
    yield f"{model.steps_per_week!r} steps a week"


def _parts(names: tuple[str, ...]) -> str:
    return f"[{' '.join(names)}]" if names else ""


if __name__ == "__main__":
    for name in BUILT_IN:
        (FOLDER / f"{name}.txt").write_text("\n".join(declared(load_model(name))) + "\n", encoding="utf-8")
