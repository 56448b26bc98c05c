"""Screens and Sobol indices find what is known by hand, on counts whose mean lifetimes are a given function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import xarray as xr

import firmfate
from firmfate.errors import EstimateError
from firmfate.parameter_range import ParameterRange
from firmfate.sensitivity import elementary_effects, morris_design, sobol_indices
from firmfate.survival import rmst

sobol = pytest.importorskip("SALib.sample.sobol")
Points = Mapping[str, np.ndarray]
UNIT = {name: ParameterRange(0.0, 1.0) for name in ("a", "b", "c")}


def cells(points: Points, f: Callable[[Points], np.ndarray]) -> xr.Dataset:
    """Return cells along ``cell`` with a function of the points as their ``value``."""
    coords = {name: ("cell", np.asarray(values)) for name, values in points.items()}
    return xr.Dataset({"value": ("cell", f(points))}, coords=coords)


def value(ds: xr.Dataset) -> xr.DataArray:
    return ds["value"]


def saltelli(points: int, *, second_order: bool) -> dict[str, np.ndarray]:
    """Return the points of a design [saltelli] over the unit cube."""
    problem = {"num_vars": 3, "names": list(UNIT), "bounds": [[0.0, 1.0]] * 3}
    unit = sobol.sample(problem, points, calc_second_order=second_order, seed=1)
    return dict(zip(UNIT, unit.T, strict=True))


def test_screen_of_a_linear_function():
    design = morris_design(UNIT, trajectories=6, seed=1)
    found = elementary_effects(cells(design.points, lambda p: 5 * p["a"] - 2 * p["b"]), value, design)
    np.testing.assert_allclose(found["mu"], [5, -2, 0], atol=1e-9)
    np.testing.assert_allclose(found["mu_star"], [5, 2, 0], atol=1e-9)
    np.testing.assert_allclose(found["sigma"], 0, atol=1e-9)


def test_a_screen_finds_its_points_among_cells_in_any_order_and_rounded_as_studies_round():
    design = morris_design({**UNIT, "a": (1, 100, True)}, trajectories=30, seed=1)
    points = {name: np.array([cell[name] for cell in design.cells]) for name in design.points}
    assert len(points["a"]) < len(design.points["a"])  # 120 points of 64: trajectories meet
    shuffled = np.random.default_rng(3).permutation(len(points["a"]))
    ds = cells({name: np.round(values[shuffled], 11) for name, values in points.items()}, lambda p: np.log(p["a"]))
    found = elementary_effects(ds, value, design)
    np.testing.assert_allclose(found["mu"], [np.log(100), 0, 0], atol=1e-8)
    with pytest.raises(EstimateError, match="no cell holds point"):
        elementary_effects(ds.isel(cell=slice(1, None)), value, design)
    with pytest.raises(EstimateError, match="the cells have no axis c"):
        elementary_effects(ds.drop_vars("c"), value, design)


def test_an_estimator_with_other_dims_gives_measures_over_them():
    design = morris_design(UNIT, trajectories=6, seed=1)
    ds = cells(design.points, lambda p: 5 * p["a"])
    both = elementary_effects(ds, lambda ds: xr.concat([ds["value"], -2 * ds["value"]], "cause"), design)
    assert both["mu"].dims == ("cause", "parameter")
    np.testing.assert_allclose(both["mu"].sel(parameter="a"), [5, -10])


def test_indices_of_a_function_known_by_hand():
    # y = a + 2 b + 4 (a - 1/2)(b - 1/2): variances 1/12, 4/12 and 16/144, in all 19/36.
    points = saltelli(1024, second_order=True)
    ds = cells(points, lambda p: p["a"] + 2 * p["b"] + 4 * (p["a"] - 0.5) * (p["b"] - 0.5))
    found = sobol_indices(ds, value)
    whole = 1 / 12 + 4 / 12 + 16 / 144
    first = np.array([1 / 12, 4 / 12, 0]) / whole
    total = np.array([1 / 12 + 16 / 144, 4 / 12 + 16 / 144, 0]) / whole
    # Sobol's points are much evener than random ones, of which the errors are.
    np.testing.assert_allclose(found["first"], first, atol=0.005)
    np.testing.assert_allclose(found["total"], total, atol=0.005)
    assert float(found["total_se"].max()) < 0.05
    pair = found["second"].sel(parameter="b", other="a")
    assert float(pair) == pytest.approx(16 / 144 / whole, abs=0.005)
    assert float(pair) == float(found["second"].sel(parameter="a", other="b"))
    # Without the interaction the index of the pair is elsewhere.
    alone = sobol_indices(cells(points, lambda p: p["a"] + 2 * p["b"]), value)
    assert float(alone["second"].sel(parameter="b", other="a")) == pytest.approx(0, abs=0.005)


def test_indices_without_second_order():
    found = sobol_indices(cells(saltelli(64, second_order=False), lambda p: p["b"]), value)
    assert "second" not in found
    assert float(found["total"].sel(parameter="b")) == pytest.approx(1, abs=0.2)


def test_an_estimate_that_never_changes_has_no_shares():
    found = sobol_indices(cells(saltelli(8, second_order=False), lambda p: 0 * p["a"]), value)
    assert found["total"].isnull().all()


def test_cells_of_another_design_are_refused():
    points = saltelli(8, second_order=False)
    ds = cells(points, lambda p: p["a"])
    for wrong in (ds.isel(cell=slice(None, None, -1)), ds.isel(cell=slice(1, None)), ds.isel(cell=slice(0, 6))):
        with pytest.raises(EstimateError, match=r"not those of a design \[saltelli\]"):
            sobol_indices(wrong, value)
    with pytest.raises(EstimateError, match="one dim `cell`"):
        sobol_indices(firmfate.survival.example(), rmst)


def test_cells_without_an_estimate_are_counted():
    ds = cells(saltelli(8, second_order=False), lambda p: p["a"] + p["b"])
    ds["value"][[3, 4]] = np.nan
    with pytest.raises(EstimateError, match="2 of 40 cells have no estimate"):
        sobol_indices(ds, value)
    with pytest.raises(EstimateError, match="must return a Dataset with `estimate`"):
        sobol_indices(ds, lambda ds: ds["value"].mean())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 0}, "seed = 0: an integer from 1"),
        ({"trajectories": 1}, "trajectories = 1: an integer from 2 on"),
        ({"levels": 3}, "levels = 3: an even number"),
    ],
)
def test_arguments_of_a_screen_are_checked(options, message):
    with pytest.raises(EstimateError, match=message):
        morris_design(UNIT, **{"trajectories": 6, "seed": 1, **options})


def test_a_bootstrap_without_a_seed_is_refused():
    ds = cells(saltelli(8, second_order=False), lambda p: p["a"])
    with pytest.raises(EstimateError, match="seed = 0"):
        sobol_indices(ds, value, seed=0)


def test_indices_of_a_study_are_those_of_its_estimates(tmp_path):
    study = firmfate.Study(
        study={"name": "indices", "years": 4, "replicates": 64},
        saltelli={"points": 16, "execution": [0, 1], "misalignment.sales": [0, 1], "misalignment.quality": [0, 1]},
    )
    ds = firmfate.run(study, into=tmp_path / "run", on=firmfate.execute.Threads(1), progress=False)
    found = sobol_indices(ds, rmst, tau=104)
    assert found["parameter"].values.tolist() == ["execution", "misalignment_sales", "misalignment_quality"]
    years = rmst(ds, tau=104)["estimate"].values
    points = {str(name): ds[str(name)].values for name in found["parameter"].values}
    again = sobol_indices(cells(points, lambda p: years), value)
    np.testing.assert_array_equal(found["total"], again["total"])
