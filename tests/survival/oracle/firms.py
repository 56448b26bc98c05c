"""The firms of the oracle's cases, drawn once with a fixed seed; `python firms.py` writes firms.csv, which R reads."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
COLUMNS = ("case", "group", "stratum", "week", "end")
"""`end` is 0 for a censoring, and 1, 2, 3 for the causes."""


def rows() -> list[tuple[str, int, int, int, int]]:
    """Every firm of every case, one row each."""
    random = np.random.Generator(np.random.Philox(1))
    found: list[tuple[str, int, int, int, int]] = []

    def add(case: str, group: int, stratum: int, weeks: object, ends: object) -> None:
        found.extend(
            (case, group, stratum, int(week), int(end))
            for week, end in zip(np.atleast_1d(weeks), np.atleast_1d(ends), strict=True)
        )

    # Early censoring, with ties of causes, events and censorings, in the middle and at the horizon of 40 weeks.
    for group in range(3):
        for stratum in range(2):
            size = 60 + 17 * group + 5 * stratum
            life = np.ceil(random.weibull(1.2, size) * (34 - 8 * group + 5 * stratum)).astype(int)
            leave = random.integers(5, 60, size)
            week = np.minimum(np.minimum(life, leave), 40)
            end = np.where(life <= np.minimum(leave, 40), random.integers(1, 4, size), 0)
            add("censored", group, stratum, week, end)
    add("censored", 0, 0, [40, 40, 40, 12, 12, 12], [1, 2, 0, 3, 1, 0])
    # Horizon censoring only, as in a study.
    for group in range(2):
        for stratum in range(2):
            size = 90 + 11 * group
            life = np.ceil(random.exponential(45 - 20 * group + 8 * stratum, size)).astype(int)
            end = np.where(life <= 30, 1 + (random.random(size) < 0.4) + (random.random(size) < 0.2), 0)
            add("horizon", group, stratum, np.minimum(life, 30), end)
    add("no_events", 0, 0, [12] * 9, [0] * 9)
    add("first_week", 0, 0, [1] * 7, [1, 1, 2, 2, 2, 3, 1])
    add("single_ended", 0, 0, [5], [2])
    add("single_alive", 0, 0, [8], [0])
    # The last event is in week 10 of 20; S is exactly 0.9, 0.75, 0.5 and 0.25 in weeks 2, 4, 6 and 10.
    add(
        "exact",
        0,
        0,
        [2] * 2 + [4] * 3 + [6] * 5 + [10] * 5 + [20] * 5,
        [1] * 2 + [2] * 3 + [1] * 5 + [3] * 5 + [0] * 5,
    )
    # All that are still at risk end in the last week with an event, after some were censored.
    add("all_gone", 0, 0, [2, 3, 3, 5, 6, 7, 7], [1, 0, 2, 0, 3, 1, 1])
    return found


if __name__ == "__main__":
    with (FOLDER / "firms.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows())
