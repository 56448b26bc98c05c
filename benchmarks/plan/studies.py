"""Studies whose plans are held to what then happens: maps of `firm` and cars, users' models, and one with targets.

What packing takes was fitted on `studies`; `studies_apart` came later.
"""

from __future__ import annotations

from pathlib import Path

from firmfate import Study

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def axis(points: int) -> dict[str, float]:
    """Return a range from 0 to 1."""
    return {"from": 0.0, "to": 1.0, "points": points}


def example(name: str, firms: int) -> Study:
    """Return the study of an example with so many firms a cell."""
    text = (EXAMPLES / name / "study.toml").read_text(encoding="utf-8")
    return Study.parse(text.replace("2_000", f"{firms}"), beside=EXAMPLES / name)


def studies(scale: int = 1) -> dict[str, Study]:
    """Return them by name, with `scale` times as many firms."""
    return {
        "paradox map, 15 x 15": Study(
            name="paradox", seed=3, replicates=200 * scale, grid={"execution": axis(15), "misalignment": axis(15)}
        ),
        "cars, 11 x 11": Study(
            name="cars", model="car", replicates=5_000 * scale, grid={"execution": axis(11), "misalignment": axis(11)}
        ),
        "a user's model, capability trap": example("capability-trap", 10_000 * scale),
        "cars with [precision]": Study(
            name="precise", model="car", years=10, replicates=1024,
            grid={"execution": [0.1, 0.9], "misalignment": [0.0, 0.5, 1.0]},
            precision={"rmst": "0.05 years", "survival": {"5y": 0.01}, "difference": {"execution": "0.03 years"}},
        ),
    }  # fmt: skip


def studies_apart(scale: int = 1) -> dict[str, Study]:
    """Return studies on which nothing of the prediction was fitted."""
    asked = {"m_star": 0.01, "rmst": "0.05 years", "refine": 0.05}
    grid = {"execution": [0.1, 0.9], "misalignment": [0.0, 0.5, 1.0]}
    return {
        "cars with [precision], refined": Study(name="refined", model="car", years=10, grid=grid, precision=asked),
        "a user's model, beer game": example("beer-game", 60_000 * scale),
        "a user's model, market growth": example("market-growth", 5_000 * scale),
    }
