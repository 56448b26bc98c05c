"""Populations: the asked marginals and rank correlations, and draws that depend on (key, replicate, name) alone."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.bounded import Bounded, chance_of_deviation, chance_of_share, of_deviation, of_share, shares, times

import firmfate
from firmfate.design import Population
from firmfate.design.distributions import SMALLEST
from firmfate.errors import StudyError
from firmfate.study import Study

FIRMS = 1_000_000
EVERYTHING: dict[str, Any] = {
    "unit_cost": {"normal": [0.57, 0.02]},
    "execution": {"beta": [2, 3]},
    "misalignment": {"truncated_normal": [0.5, 0.3, 0, 1]},
    "misalignment.sales": {"triangular": [0.1, 0.2, 0.9]},
    "cash_buffer": {"lognormal": {"median": 10, "sd_log": 0.7}},
    "alarm": {"uniform": [0.5, 0.9]},
    "correct_time": {"empirical": [26, 52, 52, "2 years"]},
    "blindness": {"beta": [3, 2, 0.2, 0.7]},
}
LAWS = {
    "unit_cost": stats.norm(0.57, 0.02),
    "execution": stats.beta(2, 3),
    "misalignment": stats.truncnorm(-5 / 3, 5 / 3, 0.5, 0.3),
    "misalignment.sales": stats.triang(0.125, 0.1, 0.8),
    "cash_buffer": stats.lognorm(0.7, scale=10),
    "alarm": stats.uniform(0.5, 0.4),
    "blindness": stats.beta(3, 2, 0.2, 0.5),
}
CORRELATIONS = (
    ("execution", "cash_buffer", 0.5),
    ("execution", "misalignment", -0.4),
    ("cash_buffer", "misalignment", 0.2),
    ("alarm", "unit_cost", 0.8),
)


def read(table: dict[str, Any]) -> Population:
    return Study(name="population", seed=5, population=table).population


def replicates(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint64)


@pytest.fixture(scope="module")
def correlated() -> Population:
    pairs = [{"between": [first, second], "rank": value} for first, second, value in CORRELATIONS]
    return read({**EVERYTHING, "correlation": pairs, "strata": {"execution": 4, "cash_buffer": 3}})


@pytest.fixture(scope="module")
def drawn(correlated: Population) -> dict[str, np.ndarray]:
    values = correlated.draw_keys(20261123, replicates(FIRMS))
    return dict(zip(correlated.keys, values.T, strict=True))


def below(values: np.ndarray, law: Any) -> list[float]:
    """P-values of the numbers of values below 19 quantiles of their law."""
    probability = np.arange(1, 20) / 20
    return of_share([np.count_nonzero(values <= edge) for edge in law.ppf(probability)], len(values), probability)


Sampled = Callable[[int], dict[str, np.ndarray]]


@pytest.fixture
def sampled(correlated: Population, drawn: dict[str, np.ndarray]) -> Sampled:
    """Return what is drawn by parameter, by the number of the sample."""

    @functools.cache
    def values(sample: int) -> dict[str, np.ndarray]:
        if sample == 0:
            return drawn
        more = correlated.draw_keys(20261123 + sample, replicates(FIRMS * times(sample)))
        return dict(zip(correlated.keys, more.T, strict=True))

    return values


@pytest.mark.bounded(power=0.99, against="a share below a quantile that is off by half a point", rounds=1)
@pytest.mark.parametrize("key", LAWS)
def test_marginals(sampled: Sampled, key: str, bounded: Bounded) -> None:
    assert not bounded.refuses(lambda sample: below(sampled(sample)[key], LAWS[key]))
    bounded.sees(chance_of_share(FIRMS, 0.5, 0.505), 19)


OTHERS = {"execution": stats.beta(2.02, 3), "unit_cost": stats.norm(0.57, 0.0202)}


@pytest.mark.bounded(power=0.99, against="a law whose parameter is off by 1 %")
@pytest.mark.parametrize("key", OTHERS)
def test_marginals_would_notice_another_law(sampled: Sampled, key: str, bounded: Bounded) -> None:
    probability = np.arange(1, 20) / 20
    assert bounded.refuses(lambda sample: below(sampled(sample)[key], OTHERS[key]))
    true = LAWS[key].cdf(OTHERS[key].ppf(probability))
    most = np.abs((true - probability) / np.sqrt(probability * (1 - probability))).argmax()
    bounded.sees(chance_of_share(FIRMS, probability[most], true[most]), 19)


@pytest.mark.bounded(power=0.99, against="a share that is off by half a point")
def test_observed_values_are_drawn_as_often_as_they_were_seen(sampled: Sampled, bounded: Bounded) -> None:
    def p_values(sample: int, share: Sequence[float]) -> list[float]:
        values, counts = np.unique(sampled(sample)["correct_time"], return_counts=True)
        assert values.tolist() == [26, 52, 104]
        return of_share(counts, counts.sum(), share)

    assert not bounded.refuses(lambda sample: p_values(sample, (0.25, 0.5, 0.25)))
    assert bounded.refuses(lambda sample: p_values(sample, (0.25, 0.505, 0.245)))
    bounded.sees(chance_of_share(FIRMS, 0.5, 0.505), 3)


@pytest.mark.bounded(power=0.95, against="a rank correlation that is off by 0.005")
def test_rank_correlations(sampled: Sampled, bounded: Bounded) -> None:
    """Spearman's by its Fisher transform, of variance 1.06 / n (Fieller, Hartley & Pearson 1957)."""
    asked = {frozenset(pair[:2]): pair[2] for pair in CORRELATIONS}
    pairs = list(itertools.combinations(LAWS, 2))
    expected = np.array([asked.get(frozenset(pair), 0.0) for pair in pairs])

    @functools.cache
    def found(sample: int) -> tuple[np.ndarray, float]:
        drawn, firms = sampled(sample), FIRMS * times(sample)
        ranks = {key: np.argsort(np.argsort(drawn[key])) - (firms - 1) / 2 for key in LAWS}
        spearman = [ranks[first] @ ranks[second] * 12 / (firms * (firms**2 - 1)) for first, second in pairs]
        return np.arctanh(spearman), math.sqrt(1.06 / firms)

    def p_values(sample: int, asked: np.ndarray) -> list[float]:
        transformed, error = found(sample)
        return of_deviation((transformed - np.arctanh(asked)) / error)

    assert not bounded.refuses(lambda sample: p_values(sample, expected))
    assert bounded.refuses(lambda sample: p_values(sample, np.where(expected == 0.5, 0.505, expected)))
    bounded.sees(chance_of_deviation((np.arctanh(0.505) - np.arctanh(0.5)) / math.sqrt(1.06 / FIRMS)), len(pairs))


@pytest.mark.bounded(power=0.99, against="a correlation that is off by 0.01")
def test_normal_scores_are_correlated_as_asked(bounded: Bounded) -> None:
    """By the Fisher transform, of variance 1 / (n - 3)."""
    pair = [{"between": ["execution", "alarm"], "normal": -0.6}]
    found = read({"execution": {"beta": [2, 3]}, "alarm": {"uniform": [0.5, 0.9]}, "correlation": pair})
    laws = {"alarm": stats.uniform(0.5, 0.4), "execution": stats.beta(2, 3)}

    @functools.cache
    def correlation(sample: int) -> float:
        values = found.draw_keys(1 + sample, replicates(200_000 * times(sample)))
        scores = [stats.norm.ppf(laws[key].cdf(values[:, place])) for place, key in enumerate(found.keys)]
        return float(np.corrcoef(scores)[0, 1])

    def p_values(sample: int, asked: float) -> list[float]:
        error = 1 / math.sqrt(200_000 * times(sample) - 3)
        return of_deviation((math.atanh(correlation(sample)) - math.atanh(asked)) / error)

    assert not bounded.refuses(lambda sample: p_values(sample, -0.6))
    assert bounded.refuses(lambda sample: p_values(sample, -0.61))
    bounded.sees(chance_of_deviation((math.atanh(0.61) - math.atanh(0.6)) * math.sqrt(200_000)))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**64 - 1), st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=70), st.data())
def test_a_draw_depends_on_its_replicate_alone(key: int, chosen: list[int], data: st.DataObject) -> None:
    """Any order, any subset, any number at once: the same bits."""
    pairs = [{"between": [first, second], "rank": value} for first, second, value in CORRELATIONS]
    found = read({**EVERYTHING, "correlation": pairs})
    together = found.draw(key, np.array(chosen, dtype=np.uint64))
    order = data.draw(st.permutations(range(len(chosen))))
    turned = found.draw(key, np.array([chosen[place] for place in order], dtype=np.uint64))
    np.testing.assert_array_equal(turned, together[list(order)])
    cut = data.draw(st.integers(0, len(chosen) - 1))
    alone = found.draw(key, np.array(chosen[cut : cut + 1], dtype=np.uint64))
    np.testing.assert_array_equal(alone[0], together[cut])


def test_blocks_of_firms_are_the_same_bits(correlated: Population) -> None:
    whole = correlated.draw(7, replicates(50_000))
    for size in (1_000, 4_097, 49_999):
        blocks = [correlated.draw(7, replicates(50_000)[start : start + size]) for start in range(0, 50_000, size)]
        assert np.concatenate(blocks).tobytes() == whole.tobytes()


def test_keys_draw_differently(correlated: Population) -> None:
    one, other = (correlated.draw_keys(key, replicates(1000)) for key in (1, 2))
    assert not (one == other)[:, correlated.keys.index("execution")].any()


def test_adding_a_parameter_leaves_the_draws_of_others() -> None:
    alone = read({"execution": {"beta": [2, 3]}})
    beside = read(
        {"alarm": {"uniform": [0.5, 0.9]}, "execution": {"beta": [2, 3]}, "unit_cost": {"normal": [0.57, 0.02]}}
    )
    np.testing.assert_array_equal(alone.draw_keys(5, replicates(500))[:, 0], beside.draw_keys(5, replicates(500))[:, 1])


def test_one_draw_of_the_whole_goes_to_every_part_that_is_not_set_on_its_own() -> None:
    study = Study(
        study={"name": "parts"},
        grid={"execution.finance": [0.1, 0.9]},
        population={
            "execution": {"beta": [2, 2]},
            "execution.sales": {"uniform": [0, 1]},
            "alarm": {"uniform": [0.5, 0.9]},
        },
    )
    found = study.population
    names = [study.model.fields[field] for field in found.fields]
    assert names == ["execution_sales", "execution_production", "execution_quality", "execution_logistics", "alarm"]
    values = found.draw(3, replicates(1000))
    np.testing.assert_array_equal(values[:, 1], values[:, 2])
    np.testing.assert_array_equal(values[:, 1], values[:, 3])
    assert not (values[:, 0] == values[:, 1]).any()
    assert values.flags.c_contiguous
    cells = study.cells
    assert cells.parameters[:, study.model.fields.index("execution_finance")].tolist() == [0.1, 0.9]
    assert cells.parameters[0, found.fields[0]] == cells.parameters[0, found.fields[1]] == 0.5


@pytest.mark.parametrize(
    "same",
    [
        {"constant": 0.3},
        {"constant": 0.1 + 0.2},
        {"constant": {"value": 0.3}},
        {"uniform": [0.3, 0.3]},
        {"normal": [0.3, 0]},
        {"lognormal": {"median": 0.3, "sd_log": 0}},
        {"empirical": [0.3]},
        {"empirical": [0.3, 0.3]},
    ],
    ids=str,
)
def test_a_population_of_one_value_is_the_plain_cell_bit_for_bit(same: dict[str, Any]) -> None:
    study = {"name": "one", "common_random_numbers": False, "seed": 9}
    plain = Study(study=study, parameters={"execution": 0.3}).cells
    drawing = Study(study=study, population={"execution": same})
    cells, found = drawing.cells, drawing.population
    assert cells.keys == plain.keys
    assert cells.random_keys.tolist() == plain.random_keys.tolist()
    assert cells.parameters.tobytes() == plain.parameters.tobytes()
    firms = np.repeat(cells.parameters, 100, axis=0)
    firms[:, list(found.fields)] = found.draw(int(cells.random_keys[0]), replicates(100))
    assert firms.tobytes() == np.repeat(plain.parameters, 100, axis=0).tobytes()
    assert len(found.fields) == 5


@pytest.mark.slow
@pytest.mark.bounded(power=0.99, against="a share that is off by half a point")
def test_strata_are_quantile_bins_of_what_is_drawn(
    correlated: Population, drawn: dict[str, np.ndarray], bounded: Bounded
) -> None:
    values = correlated.draw(20261123, replicates(FIRMS))
    stratum = correlated.stratum(values)
    assert correlated.strata_count == 12
    assert [item.key for item in correlated.strata] == ["cash_buffer", "execution"]
    by_execution = np.digitize(stats.beta(2, 3).cdf(drawn["execution"]), [0.25, 0.5, 0.75])
    by_cash = np.digitize(stats.lognorm(0.7, scale=10).cdf(drawn["cash_buffer"]), [1 / 3, 2 / 3])
    assert (stratum == by_cash * 4 + by_execution).mean() > 1 - 1e-5

    @functools.cache
    def held(sample: int, firms: int) -> np.ndarray:
        found = correlated.stratum(correlated.draw(20261123 + sample, replicates(firms))) if sample else stratum
        return np.bincount(found % 4, minlength=4) / firms

    assert not bounded.refuses(shares(held, FIRMS, 0.25))
    assert bounded.refuses(shares(held, FIRMS, [0.255, 0.245, 0.25, 0.25]))
    bounded.sees(chance_of_share(FIRMS, 0.25, 0.255), 4)


def test_strata_of_observed_values_part_between_values() -> None:
    found = read({"execution": {"empirical": [0.1, 0.2, 0.3, 0.4]}, "strata": {"execution": 2}})
    values = np.array([[0.1], [0.2], [0.3], [0.4]]) * np.ones(5)
    assert found.stratum(values).tolist() == [0, 0, 1, 1]


def test_without_strata_all_firms_are_one_stratum() -> None:
    found = read({"execution": {"beta": [2, 3]}})
    assert found.strata_count == 1
    assert found.stratum(found.draw(1, replicates(10))).tolist() == [0] * 10


def test_without_a_population_nothing_is_drawn() -> None:
    found = Study(name="none").population
    assert (len(found), found.fields) == (0, ())
    assert found.draw(1, replicates(7)).shape == (7, 0)


def test_draws_never_touch_an_open_end() -> None:
    """A law so wide that quantiles underflow to 0, which `cash_buffer`, in (0, inf), does not allow."""
    found = read({"cash_buffer": {"lognormal": {"median": 1e-300, "sd_log": 20}}})
    assert found.distributions[0].unclipped(np.array([1e-4])).tolist() == [0.0]
    assert found.draw_keys(1, replicates(5000)).min() == np.nextafter(0.0, 1.0)


def test_observed_values_from_a_csv_column(tmp_path: Any) -> None:
    (tmp_path / "firms.csv").write_text("name_code,execution\n1,0.2\n2,0.9\n3,0.4\n")
    for written in ('"firms.csv"', '{ file = "firms.csv" }', '{ file = "firms.csv", column = "execution" }'):
        text = f'[study]\nname = "csv"\n[population]\nexecution = {{ empirical = {written} }}\n'
        study = Study.parse(text, beside=tmp_path)
        assert set(study.population.draw_keys(1, replicates(200)).ravel()) == {0.2, 0.4, 0.9}
        assert study.files == {"firms.csv": tmp_path / "firms.csv"}


def test_a_population_composes_with_every_design() -> None:
    drawing = {"unit_cost": {"normal": [0.57, 0.02]}}
    designs: dict[str, Any] = {
        "grid": {"execution": [0.2, 0.8]},
        "cells": [{"execution": 0.2}],
        "sobol": {"points": 4, "execution": [0, 1]},
        "latin_hypercube": {"points": 4, "execution": [0, 1]},
        "coalitions": {"misalignment.sales": [0, 1]},
    }
    for kind, table in designs.items():
        study = Study(study={"name": "both"}, population=drawing, **{kind: table})
        cells = study.cells
        assert (cells.parameters[:, study.population.fields[0]] == 0.57).all()
        np.testing.assert_array_equal(study.population.draw(1, replicates(9)), read(drawing).draw(1, replicates(9)))


def test_a_key_that_is_correlated_with_none_before_it_is_drawn_as_alone() -> None:
    """Of alarm, blindness and execution the first two are independent: going through normal scores would round."""
    pairs = [{"between": [other, "execution"], "normal": 0.5} for other in ("alarm", "blindness")]
    table = {"alarm": {"uniform": [0.5, 0.9]}, "blindness": {"beta": [2, 2]}, "execution": {"beta": [2, 3]}}
    alone, linked = read(table), read({**table, "correlation": pairs})
    values = [found.draw_keys(3, replicates(500)) for found in (alone, linked)]
    np.testing.assert_array_equal(values[0][:, :2], values[1][:, :2])
    assert not (values[0][:, 2] == values[1][:, 2]).any()


def test_correlated_uniforms_stay_between_0_and_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rare draws together are rarer than doubles can say: they are the rarest uniform number, not 0 or 1."""
    found = read(
        {
            "alarm": {"uniform": [0.5, 0.9]},
            "cash_buffer": {"lognormal": {"median": 10, "sd_log": 0.7}},
            "correlation": [{"between": ["alarm", "cash_buffer"], "normal": 0.7}],
        }
    )
    extreme = np.array([SMALLEST, 1 - SMALLEST, 0.5])
    monkeypatch.setattr("firmfate.design.population.uniforms", lambda *_, **__: extreme)
    drawn = found.draw_keys(1, replicates(3))[:, found.keys.index("cash_buffer")]
    law = stats.lognorm(0.7, scale=10)
    assert drawn.tolist() == pytest.approx([law.ppf(SMALLEST), law.ppf(1 - SMALLEST), 10])
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            {"lognormal": {"median": 10, "sd_log": 0.7}},
            "lognormal (median 10, sd_log 0.7), median 10, 5-95 % 3.16 to 31.6",
        ),
        ({"uniform": [2, 22]}, "uniform (low 2, high 22), median 12, 5-95 % 3 to 21"),
        ({"empirical": [5, 6, 7]}, "empirical (3 values), median 6, 5-95 % 5 to 7"),
        ({"constant": 3}, "constant, 3"),
        ({"normal": [3, 0]}, "constant, 3"),
    ],
    ids=str,
)
def test_what_is_drawn_is_said(command: Callable, tmp_path: Path, table: dict[str, Any], words: str) -> None:
    """A log-normal written with the mean of the logarithm, as in R, drew a fifth of what was meant, unsaid."""
    study = Study(name="said", population={"cash_buffer": table})
    line = f"cash_buffer: {words} (weeks of revenue; default 10)"
    assert study.drawn_words == (line,)
    (tmp_path / "study.toml").write_text(study.text)
    for name in ("check", "plan"):
        assert f"drawn     {line}\n" in command(name, tmp_path / "study.toml").out
    assert f"drawn     {line}" in str(firmfate.plan(study))


def test_a_log_normal_names_its_arguments() -> None:
    with pytest.raises(StudyError) as refusal:
        read({"cash_buffer": {"lognormal": [2.3, 0.7]}})
    message = str(refusal.value)
    assert message.startswith("population.cash_buffer.lognormal = [2.3, 0.7]: can be read in two ways")
    assert "{ median = 2.3, sd_log = 0.7 }" in message
    assert "where 2.3 is the mean of the logarithm, as in R and NumPy, { median = 9.974, sd_log = 0.7 }" in message
    assert read({"cash_buffer": {"lognormal": {"median": 9.974, "sd_log": 0.7}}}).distributions[0].median == 9.974
    with pytest.raises(StudyError, match="can be read in two ways"):  # and its exponential is no number
        read({"cash_buffer": {"lognormal": [1e5, 0.7]}})
