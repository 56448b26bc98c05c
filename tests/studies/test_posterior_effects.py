"""What the study of the posterior simulates on its draws, and the weight that it gives to the management fact."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import firmfate
from common import posterior_effects
from common.folder import load
from firmfate.calibration import SimulatedSurvival, SurvivalTable, calibrate_posterior
from firmfate.parameter_range import ParameterRange

study = load("posterior", "estimands")
SIZE = {"replicates": 120, "years": 10, "seed": 4, "threads": 1}


@pytest.fixture(scope="module")
def draws():
    free = {"cash_buffer": ParameterRange(2, 20, log=True), posterior_effects.POPULATION: ParameterRange(0.05, 1)}
    found = posterior_effects.prior_draws(free, 4, 3)
    assert ((found["cash_buffer"] >= 2) & (found["cash_buffer"] <= 20)).all()
    found[posterior_effects.POPULATION] = "draw", [0.05, 0.05, 1.0, 1.0]
    return found


@pytest.mark.slow
def test_effects_are_those_of_cells_simulated_alone(draws):
    found = posterior_effects.effects(draws, **SIZE)
    for draw in (0, 3):
        lived = firmfate.simulate(
            "firm", execution=[0.05, 1.0], misalignment=0.5, replicates=120, weeks=520, seed=4, threads=1,
            parameters={"cash_buffer": float(draws["cash_buffer"][draw])},
        )["event_week"].values.astype(float)  # fmt: skip
        gain = (lived[1] - lived[0]) / 52
        here = found.sel(draw=draw, misalignment=0.5)
        assert float(here["effect"]) == pytest.approx(gain.mean(), rel=1e-9)
        assert float(here["effect_se"]) == pytest.approx(gain.std(ddof=1) / 120**0.5, rel=1e-9)
    assert ((found["turning"] > 0) & (found["turning"] < 1)).all()


@pytest.mark.slow
def test_better_management_saves_aligned_populations_and_kills_misaligned_ones(draws):
    found = posterior_effects.management(draws, **SIZE)
    z = (found["log_hazard_ratio"] / found["log_hazard_ratio_se"]).values
    assert (z[:2] < -3).all()
    assert (z[2:] > 3).all()


def test_the_management_fact_weighs_by_its_sign():
    ds = xr.Dataset({"log_hazard_ratio": ("draw", [-1.0, 0.0, 1.0, np.nan])})
    ds["log_hazard_ratio_se"] = "draw", [0.01, 0.01, 0.01, np.nan]
    assert study.weights(ds, fact=True) == pytest.approx([0.5, 0.25, 0.0, 0.25], abs=1e-6)
    assert study.weights(ds, fact=False) == pytest.approx([0.25] * 4)


def test_leaving_an_age_out_weighs_by_the_likelihood_without_it():
    table = SurvivalTable(np.array([1.0, 2, 3]), np.array([0.8, 0.6, 0.5]), firms=10_000)
    # The second draw misses age 2 alone; the third misses all ages.
    shares = np.array([[0.2, 0.2, 0.1, 0.5], [0.2, 0.26, 0.04, 0.5], [0.3, 0.2, 0.1, 0.4]])
    weight = study._left_out(table, shares, np.zeros((4, 4)))
    assert weight.sum("draw").values == pytest.approx(1)
    gain = (weight.sel(draw=1) / weight.sel(draw=0)).values
    assert gain[1] > 1.5 * max(gain[0], gain[2], 1)


@pytest.mark.evidence
def test_a_known_truth_of_ten_parameters_is_found_again(record_property):
    """Survival like that of all establishments; runs agree, and hold the truth where the data narrow the prior."""
    truth = {
        "cash_buffer": 4.0, "buffer_sd": 1.5, "credit_weeks": 1.0, "unit_cost": 0.57, "margin_sd": 0.11,
        "demand_sd": 0.15, "cost_sd": 0.1, "background_exit": 0.01, "cost_gain": 0.055,
        posterior_effects.POPULATION: 0.35,
    }  # fmt: skip
    ages = np.arange(1.0, 21)
    simulated = SimulatedSurvival("firm", ages, study.FREE, population=study.MIXED, threads=2)
    unit = np.array([_unit(span, truth[key]) for key, span in study.FREE.items()])
    alive = simulated.curves([unit], firms=40_000, seed=77)[0]
    table = SurvivalTable(ages, alive, firms=40_000, name="a known truth")
    tree = calibrate_posterior(
        "firm",
        table,
        study.FREE,
        population=study.MIXED,
        points=512,
        firms=2_000,
        particles=500,
        moves=40,
        checked=16,
        threads=2,
    )
    summary, narrowed = tree["summary"].to_dataset(), tree["directions"].to_dataset()
    cube = np.stack(
        [
            np.vectorize(lambda value, span=span: _unit(span, value))(tree["posterior"][key].values.ravel())
            for key, span in study.FREE.items()
        ],
        axis=1,
    )
    along = cube @ narrowed["weight"].values.T
    off = (unit @ narrowed["weight"].values.T - along.mean(axis=0)) / along.std(axis=0)
    error = abs(tree["emulated"]["share"].mean(("chain", "draw")).cumsum("exit_age").values[:-1] - (1 - alive)).max()
    record_property("R-hat", float(summary["r_hat"].max()))
    record_property("scatter of log evidence", float(tree["runs"]["log_evidence"].std(ddof=1)))
    record_property("narrowed", narrowed["narrowed"].values.round(2).tolist())
    record_property("off the truth, in sd, by direction", off.round(2).tolist())
    record_property("mean survival off, points", 100 * float(error))
    assert float(summary["r_hat"].max()) < 1.05
    assert (np.abs(off) < 3.5).all()
    assert float(narrowed["narrowed"][0]) > 3
    assert float(error) < 0.015


def _unit(span, value):
    if span.log:
        return float(np.log(value / span.low) / np.log(span.high / span.low))
    return float((value - span.low) / (span.high - span.low))
