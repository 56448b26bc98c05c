"""Firms where they are needed: how many fewer than the same number in every cell, for the same largest error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import firmfate
from firmfate import Study
from firmfate.precision import Reached, recorded

EXECUTION = {"from": 0.0, "to": 1.0, "points": 11}
EVERYWHERE, NEAR_THE_CONTOUR = ({"from": low, "to": high, "points": 11} for low, high in ((0.0, 1.0), (0.3, 0.5)))
TARGETS: dict[str, dict[str, Any]] = {
    "the map, rmst within 0.2 years": {"rmst": "0.2 years"},
    "the map, survival of 5 years within 0.01": {"survival": {"5y": 0.01}},
    "the contour, m* within 0.002": {"m_star": 0.002},
    "signs of the effect of execution, near the contour": {"sign": "execution", "at_most": 65_536},
}


def ended(name: str, into: Path, *, alike: bool) -> tuple[int, Reached]:
    """Run a small paradox map; return its firms and how far the target is."""
    misalignment = NEAR_THE_CONTOUR if "near" in name else EVERYWHERE
    study = Study(
        name="saved", replicates=1024, seed=20261123, precision=TARGETS[name],
        grid={"execution": EXECUTION, "misalignment": misalignment},
        record={"firms": alike},  # firms that are recorded are as many in every cell
    )  # fmt: skip
    with firmfate.run(study, into=into, progress=False) as ds:
        (reached,), _ = recorded(ds.attrs["precision"])
        return int(ds["firms"].sum()), reached


@pytest.mark.evidence
@pytest.mark.parametrize("name", TARGETS)
def test_firms_saved_on_the_paradox_map(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    firms, reached = ended(name, tmp_path / "own", alike=False)
    uniform, same = ended(name, tmp_path / "uniform", alike=True)
    record_property("firms saved, a factor", uniform / firms)
    record_property("firms", {"where needed": firms, "as many in every cell": uniform})
    if reached.within:
        record_property("widest", {"where needed": reached.widest, "as many in every cell": same.widest})
    else:
        record_property(
            "undecided", {"where needed": reached.cells - reached.narrow, "otherwise": same.cells - same.narrow}
        )
    assert reached.enough == same.enough
    assert firms < uniform
