"""Effects of execution at points of a space of parameters equal those of a study; ranges are within what is allowed."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import firmfate
from common.execution_effects import BATCHES, boundary, effects_at, estimands_of, saltelli_points
from common.folder import load
from firmfate.models import load_model
from firmfate.parameter_range import ParameterRange

robustness = load("robustness", "ranges")


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
    wide = robustness.ranges()
    assert set(wide) == {row.name for row in model.parameters if row.assumption}
    assert set(robustness.SOURCED) <= set(wide)
    assert set(robustness.STRUCTURES) <= set(robustness.SOURCED)
    assert wide["cost_gain"].low == wide["variability_gain"].low == 0  # execution may gain nothing
    for name, span in {**wide, **robustness.SWEPT}.items():
        row = model.parameter(name)
        assert span.low in row.allowed, name
        assert span.high in row.allowed, name
        assert span.low < span.high, name
    for end in ("low", "high"):
        corner = {**model.defaults, **{name: getattr(span, end) for name, span in wide.items()}}
        corner["capacity"] = wide["capacity"].low
        assert not list(model.check(corner, 1.0))


def test_points_of_a_variance_decomposition_are_those_of_a_study():
    """Two matrices of points, and their columns exchanged one by one."""
    spans = {name: ParameterRange(1.0, 10.0, log=True) for name in ("a", "b", "c")}
    blocks = np.stack(list(saltelli_points(spans, points=8, seed=2).values()), axis=-1).reshape(8, 5, 3)
    assert ((blocks > 1) & (blocks < 10)).all()
    for column in range(3):
        exchanged = blocks[:, 0].copy()
        exchanged[:, column] = blocks[:, -1, column]
        np.testing.assert_array_equal(blocks[:, 1 + column], exchanged)
