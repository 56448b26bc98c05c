"""Every design: its points lie where they should, are the same everywhere, and grow where they can."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.stats import qmc

from firmfate.design import Cells, coalitions
from firmfate.design.ranges import generator
from firmfate.errors import StudyError
from firmfate.study import Study

AXES = {
    "execution": [0, 1],
    "correct_time": {"from": "8 weeks", "to": "512 weeks", "scale": "log"},
    "alarm": [0.4, 0.9],
}


def cells(kind: str, seed: int = 1, axes: dict[str, Any] | None = None, **options: object) -> Cells:
    return Study(study={"name": "points", "seed": seed}, **{kind: {**options, **(axes or AXES)}}).cells


def unit(found: Cells) -> np.ndarray:
    """Points of AXES brought back to the unit cube."""
    execution, time, alarm = (found.coords[name][1] for name in ("execution", "correct_time", "alarm"))
    return np.stack([execution, np.log2(time / 8) / 6, (alarm - 0.4) / 0.5], axis=-1)


DRAWN = [
    ("sobol", {"points": 64}),
    ("latin_hypercube", {"points": 40}),
    ("latin_hypercube", {"points": 40, "optimise": "discrepancy"}),
    ("latin_hypercube", {"points": 40, "optimise": "none"}),
    ("saltelli", {"points": 16}),
]


@pytest.mark.parametrize(("kind", "options"), DRAWN)
def test_drawn_designs_depend_on_the_study_alone(kind: str, options: dict[str, Any]) -> None:
    if kind == "saltelli":
        pytest.importorskip("SALib")
    np.random.seed(1)  # noqa: NPY002 (the global state must not matter)
    first = cells(kind, **options)
    np.random.seed(2)  # noqa: NPY002
    again = cells(kind, **options)
    assert again.keys == first.keys
    assert set(cells(kind, seed=2, **options).keys).isdisjoint(first.keys)
    assert first.dims == ("cell",)
    points = unit(first)
    assert points.min() >= -1e-12
    assert points.max() <= 1 + 1e-12
    assert first.parameters[:, first.fields.index("correct_time")].tolist() == first.coords["correct_time"][1].tolist()
    rounded = [float(f"{value:.12g}") for value in first.coords["correct_time"][1]]
    assert rounded == first.coords["correct_time"][1].tolist()


@pytest.mark.parametrize("optimise", ["maximin", "discrepancy", "none"])
def test_a_latin_hypercube_has_one_point_in_every_slice(optimise: str) -> None:
    points = unit(cells("latin_hypercube", points=40, optimise=optimise))
    slices = np.sort(np.floor(points * 40 + 1e-9).astype(int), axis=0)
    np.testing.assert_array_equal(slices, np.tile(np.arange(40)[:, np.newaxis], 3))


def test_optimised_hypercubes_are_better_than_plain_ones() -> None:
    nearest = {name: [] for name in ("maximin", "none")}
    uneven = {name: [] for name in ("discrepancy", "none")}
    for seed in range(5):
        for name in ("maximin", "discrepancy", "none"):
            points = unit(cells("latin_hypercube", seed, points=40, optimise=name)).clip(0, 1)
            if name in nearest:
                nearest[name].append(pdist(points).min())
            if name in uneven:
                uneven[name].append(qmc.discrepancy(points))
    assert min(nearest["maximin"]) > max(nearest["none"])
    assert max(uneven["discrepancy"]) < min(uneven["none"])


def test_the_best_of_fifty_hypercubes_is_taken() -> None:
    """For a seed whose fiftieth candidate has its nearest points farthest apart, and one whose first has."""
    seen = set()
    for seed in range(500):
        sampler = qmc.LatinHypercube(2, rng=generator(seed))
        tried = [sampler.random(4) for _ in range(50)]
        best = int(np.argmax([pdist(points).min() for points in tried]))
        if best in (0, 49) and best not in seen:
            seen.add(best)
            design = Study(name="a", latin_hypercube={"points": 4, "execution": [0, 1], "misalignment": [0, 1]}).design
            np.testing.assert_allclose(design.points(seed), tried[best], atol=1e-11)
    assert seen == {0, 49}


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 300), st.integers(2, 300), st.booleans())
def test_sobol_extends(one: int, other: int, scramble: bool) -> None:
    """The first points of a longer sequence are the shorter sequence."""
    few, many = sorted((one, other))
    short, long = (cells("sobol", points=points, scramble=scramble) for points in (few, many))
    assert long.keys[:few] == short.keys


def test_sobol_is_a_net() -> None:
    """Of 4,096 scrambled points, each of 64 x 64 squares of the first two axes holds exactly one."""
    points = unit(cells("sobol", points=4096))
    assert len(points) == 4096
    squares = np.floor(points * 64).astype(int)
    assert len(np.unique(squares[:, 0] * 64 + squares[:, 1])) == 4096


def test_saltelli_is_read_by_salib() -> None:
    """SALib recovers the first-order indices of a linear function from our cells, in our order."""
    analyze = pytest.importorskip("SALib.analyze.sobol")
    for second_order in (False, True):
        found = cells("saltelli", points=1024, second_order=second_order)
        assert len(found) == 1024 * (8 if second_order else 5)
        points = unit(found)
        problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
        answer = points @ [3.0, 2.0, 1.0]
        indices = analyze.analyze(problem, answer, calc_second_order=second_order, seed=1, num_resamples=10)
        np.testing.assert_allclose(indices["S1"], np.array([9, 4, 1]) / 14, atol=0.02)


def test_saltelli_extends() -> None:
    pytest.importorskip("SALib")
    assert set(cells("saltelli", points=32).keys) > set(cells("saltelli", points=16).keys)


def test_saltelli_without_salib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "SALib", None)
    with pytest.raises(StudyError, match="pip install SALib"):
        cells("saltelli", points=16)


def test_coalitions_are_all_subsets() -> None:
    divisions = ("sales", "production", "quality", "finance", "logistics")
    axes = {f"misalignment.{name}": {"off": 0.1, "on": 1} for name in divisions}
    found = cells("coalitions", axes=axes)
    assert (len(found), found.dims) == (32, ("cell",))
    values = np.stack([found.coords[f"misalignment_{name}"][1] for name in divisions], axis=-1)
    assert {tuple(row) for row in values.tolist()} == {
        tuple(1.0 if coalition >> bit & 1 else 0.1 for bit in range(5)) for coalition in range(32)
    }
    np.testing.assert_array_equal(values == 1, coalitions.members(5))
    np.testing.assert_array_equal(coalitions.members(5) @ (1 << np.arange(5)), np.arange(32))


def test_seventeen_players_are_too_many() -> None:
    axes = {name: [0.4, 0.5] for name in Study(study={"name": "a"}).model.keys if "." in name or "_share" in name}
    more = [
        "blindness",
        "customer_voice",
        "steering_coupling",
        "communication",
        "shared_metrics",
        "inspection_max",
        "alarm",
    ]
    axes = {**axes, **{name: [0.4, 0.5] for name in more}}
    assert len(axes) > 16
    with pytest.raises(StudyError, match=r"\[coalitions\] has \d+ axes, so 2\^\d+ cells; at most 16"):
        cells("coalitions", axes=axes)


def test_a_grid_and_a_sobol_design_share_cells_by_value() -> None:
    """The unscrambled sequence starts at the low corner; the same values in a grid are the same cell."""
    sobol = cells("sobol", points=2, scramble=False)
    grid = cells("grid", axes={"execution": [0, 0.5], "correct_time": [8, 64], "alarm": [0.4, 0.65]})
    assert set(sobol.keys) < set(grid.keys)


LOG = {"from": 8, "to": 512, "scale": "log"}
GOLDEN: dict[str, tuple[str, Any, str]] = {
    "grid": ("grid", {"execution": [0.9, 0.1], "correct_time": {**LOG, "points": 4}}, "8a3925c8a416dd50"),
    "list": ("cells", [{"execution": 0.2, "alarm": 0.5}, {"execution": 0.9, "alarm": 0.6}], "7623d197340a1854"),
    "maximin": ("latin_hypercube", {"points": 13, "execution": [0, 1], "correct_time": LOG}, "fa4eafc1e097b8eb"),
    "discrepancy": (
        "latin_hypercube",
        {"points": 13, "optimise": "discrepancy", "execution": [0, 1], "correct_time": LOG},
        "0fc64346bc6ed9f4",
    ),
    "plain hypercube": ("latin_hypercube", {"points": 13, "optimise": "none", "execution": [0, 1]}, "9696584bec5ab6f5"),
    "sobol": ("sobol", {"points": 13, "execution": [0, 1], "correct_time": LOG}, "15edeb1e3c38e905"),
    "unscrambled": (
        "sobol",
        {"points": 13, "scramble": False, "execution": [0, 1], "correct_time": LOG},
        "46a693f9a16cbe6c",
    ),
    "saltelli": ("saltelli", {"points": 8, "execution": [0, 1], "correct_time": LOG}, "5eb9463e81d9ac17"),
    "second order": (
        "saltelli",
        {"points": 8, "second_order": True, "execution": [0, 1], "alarm": [0.5, 0.9], "correct_time": LOG},
        "bbe6b2b32aca0c58",
    ),
    "coalitions": ("coalitions", {"execution": [0.1, 1], "alarm": [0.9, 0.5]}, "547ec83b02df37e8"),
}
"""What a study asks for, and a digest of the points that it has had from the first version on."""


@pytest.mark.parametrize("name", GOLDEN)
def test_points_are_those_of_every_version_before(name: str) -> None:
    """A run is extended by whoever has its directory: another stream of numbers would make other cells."""
    kind, table, digest = GOLDEN[name]
    if kind == "saltelli":
        pytest.importorskip("SALib")
    points = Study(name="golden", **{kind: table}).design.points(20261123)
    assert hashlib.sha256(points.tobytes()).hexdigest()[:16] == digest
