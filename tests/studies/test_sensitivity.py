"""Sensitivity: effects equal those of a study, and screens and indices find what is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import firmfate
from firmfate.findings.sensitivity import (
    BATCHES,
    boundary,
    effects_at,
    elementary_effects,
    estimands_of,
    morris_points,
    saltelli_points,
    sobol_indices,
)
from firmfate.findings.simulated import Free
from firmfate.findings.studies.robustness import SWEPT, WIDE, ranges
from firmfate.models import load_model

UNIT = {name: Free(0.0, 1.0) for name in ("a", "b", "c")}


def test_effects_are_those_of_a_study(tmp_path):
    found = effects_at({"correct_time": [26, 104]}, firms=160, years=4, misalignments=(0, 1), seed=3)
    study = firmfate.Study(
        study={"name": "same", "years": 4, "replicates": 160, "seed": 3},
        grid={"execution": [0.05, 1.0], "misalignment": [0, 1]},
        parameters={"correct_time": 104},
    )
    ds = firmfate.run(study, into=tmp_path / "run", on=firmfate.execute.Threads(1), progress=False)
    years = ds["batch_lifetime"].isel(horizon=-1).sum("batch") / ds["firms"] / 52
    np.testing.assert_allclose(found["lifetime"].isel(point=1).mean("batch"), years, rtol=1e-12)
    slope = (years.sel(execution=1.0) - years.sel(execution=0.05)) / 0.95
    np.testing.assert_allclose(found["estimate"].isel(point=1, estimand=[0, 1]), slope, rtol=1e-12)
    # A jackknife of a mean of batches is their standard error.
    gain = (found["lifetime"].sel(execution=1.0) - found["lifetime"].sel(execution=0.05)).isel(point=1, misalignment=1)
    assert float(found["se"].isel(point=1, estimand=1)) == pytest.approx(
        float(gain.std("batch", ddof=1)) / np.sqrt(BATCHES) / 0.95
    )


def test_aligned_firms_know_execution_by_its_gains_alone():
    none = {"cost_gain": [0.0], "variability_gain": [0.0]}
    found = effects_at(none, firms=64, years=6, misalignments=(0, 1))
    assert found["estimate"].sel(estimand="aligned").item() == 0.0
    assert found["estimate"].sel(estimand="misaligned").item() < 0.0


@pytest.mark.parametrize(
    ("slopes", "turning"), [((2, 1, -1), 0.75), ((2, 1, 1), 1.0), ((-1, 1, 1), 0.0), ((1, 0, -3), 0.5)]
)
def test_turning_point_of_slopes(slopes, turning):
    weak = np.zeros(3)
    lifetime = xr.DataArray(
        [weak, 0.95 * np.array(slopes)], dims=("execution", "misalignment"),
        coords={"execution": [0.05, 1.0], "misalignment": [0, 0.5, 1]},
    )  # fmt: skip
    found = estimands_of(lifetime)
    np.testing.assert_allclose(found.values, [slopes[0], slopes[-1], turning])


def test_screen_of_a_linear_function():
    points, unit = morris_points(UNIT, trajectories=6, seed=1)
    found = elementary_effects(UNIT, unit, 5 * points["a"] - 2 * points["b"], seed=1)
    np.testing.assert_allclose(found["mu"], [5, -2, 0], atol=1e-9)
    np.testing.assert_allclose(found["mu_star"], [5, 2, 0], atol=1e-9)
    np.testing.assert_allclose(found["sigma"], 0, atol=1e-9)


def test_indices_of_a_function_known_by_hand():
    # y = a + 2 b + 4 (a - 1/2)(b - 1/2): variances 1/12, 4/12 and 16/144, in all 19/36.
    points = saltelli_points(UNIT, points=1024, seed=1)
    a, b = points["a"], points["b"]
    found = sobol_indices(UNIT, a + 2 * b + 4 * (a - 0.5) * (b - 0.5), seed=1)
    whole = 1 / 12 + 4 / 12 + 16 / 144
    first = np.array([1 / 12, 4 / 12, 0]) / whole
    total = np.array([1 / 12 + 16 / 144, 4 / 12 + 16 / 144, 0]) / whole
    assert (np.abs(found["first"] - first) < 5 * found["first_se"] + 1e-9).all()
    assert (np.abs(found["total"] - total) < 5 * found["total_se"] + 1e-9).all()
    assert float(found["total_se"].max()) < 0.05


def test_boundary_is_where_the_effect_is_zero():
    value = np.linspace(0, 1, 5)
    slope = np.stack([np.full(5, 3.0), value - 0.4], axis=1)  # aligned, misaligned
    noise = np.linspace(-0.01, 0.01, BATCHES)
    strong = 0.95 * (slope[:, :, None] + noise)
    lifetime = np.stack([np.zeros_like(strong), strong], axis=1)
    ds = xr.Dataset(
        {"lifetime": (("point", "execution", "misalignment", "batch"), lifetime)},
        coords={"execution": [0.05, 1.0], "misalignment": [0, 1], "value": ("point", value)},
    )
    at, se = boundary(ds, "value", "misaligned")
    assert at == pytest.approx(0.4)
    assert se == pytest.approx(noise.std(ddof=1) / np.sqrt(BATCHES))
    assert np.isnan(boundary(ds, "value", "aligned")[0])


def test_every_assumption_has_a_range_that_the_model_allows():
    model = load_model("firm")
    wide = ranges()
    assert set(wide) == {row.name for row in model.parameters if row.assumption}
    assert set(WIDE) <= set(wide)
    for name, span in {**wide, **SWEPT}.items():
        row = model.parameter(name)
        assert span.low in row.allowed, name
        assert span.high in row.allowed, name
        assert span.low < span.high, name
    for end in ("low", "high"):
        corner = {**model.defaults, **{name: getattr(span, end) for name, span in wide.items()}}
        corner["capacity"], corner["utilisation_cap"] = wide["capacity"].low, wide["utilisation_cap"].low
        assert not list(model.check(corner, 1.0))
