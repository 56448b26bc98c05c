"""Studies whose plans are held to what then happens: a map of `firm`, cars, a user's model, and one with targets."""

from __future__ import annotations

from pathlib import Path

from firmfate import Study

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def axis(points: int) -> dict[str, float]:
    """Return a range from 0 to 1."""
    return {"from": 0.0, "to": 1.0, "points": points}


def studies(scale: int = 1) -> dict[str, Study]:
    """Return them by name, with `scale` times as many firms."""
    trap = (EXAMPLES / "capability-trap" / "study.toml").read_text(encoding="utf-8")
    return {
        "paradox map, 15 x 15": Study(
            name="paradox", seed=3, replicates=200 * scale, grid={"execution": axis(15), "misalignment": axis(15)}
        ),
        "cars, 11 x 11": Study(
            name="cars", model="car", replicates=5_000 * scale, grid={"execution": axis(11), "misalignment": axis(11)}
        ),
        "a user's model, capability trap": Study.parse(
            trap.replace("2_000", f"{10_000 * scale}"), beside=EXAMPLES / "capability-trap"
        ),
        "cars with [precision]": Study(
            name="precise", model="car", years=10, replicates=1024,
            grid={"execution": [0.1, 0.9], "misalignment": [0.0, 0.5, 1.0]},
            precision={"rmst": "0.05 years", "survival": {"5y": 0.01}, "difference": {"execution": "0.03 years"}},
        ),
    }  # fmt: skip
