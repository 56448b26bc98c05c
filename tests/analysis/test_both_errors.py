"""Both errors over draws of a posterior, where the parameter error is known: firms whose lifetime is linear in it."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from tests.bounded import Bounded, chance_of_deviation, chance_of_spread, of_deviation, of_spread, times

import firmfate
from firmfate.analysis import both_errors, finding
from firmfate.analysis.formatting import Estimate
from firmfate.analysis.posterior_finding import errors_in_words, words
from firmfate.errors import EstimateError
from firmfate.survival import example

MODEL = """
from firmfate import ANY, SHARE, Cause, Model, Normal, Parameter, Stock


def start(p, draw):
    gain = p.gain * (1.0 - 2.0 * p.misalignment) + p.scatter * draw.own
    return dict(age=0.0, span=100.0 + p.execution * gain)


def step(s, p, draw, shock, week):
    age = s.age + p.dt
    return dict(age=age, span=s.span, worn=age >= s.span)


WORN = Model(
    "worn", "Firms that end at an age.", start, step,
    parameters=[
        Parameter("execution", 0.5, "share", SHARE), Parameter("misalignment", 0.5, "share", SHARE),
        Parameter("gain", 20.0, "week", ANY), Parameter("scatter", 8.0, "week", ANY),
    ],
    stocks=[Stock("age", "week"), Stock("span", "week")], draws=[Normal("own")], causes=[Cause("worn", "of age")],
)
"""
DRAWS, FIRMS, BATCHES = 100, 64, 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("worn")
    (found / "worn.py").write_text(MODEL)
    return found


AXES = "misalignment = [0, 1]\n"


def run(folder, name, *, sd, common, mean=20.0, axes=AXES, draws=DRAWS, seed=1):
    gains = stats.norm.ppf((np.arange(draws) + 0.5) / draws)
    gains = mean + sd * gains / gains.std(ddof=1)
    (folder / f"{name}.csv").write_text("gain\n" + "".join(f"{gain:.10g}\n" for gain in gains))
    text = f"""
[study]
name = "{name}"
model = "worn.py:WORN"
years = 4
replicates = {FIRMS}
seed = {seed}
common_random_numbers = {str(common).lower()}
[record]
batches = {BATCHES}
[posterior]
draws = "{name}.csv"
execution = [0, 1]
{axes}"""
    study = firmfate.Study.parse(text, beside=folder)
    return firmfate.run(study, into=folder / name, progress=False)


def effect(years):
    return years.sel(execution=1, misalignment=0, drop=True) - years.sel(execution=0, misalignment=0, drop=True)


@pytest.mark.slow
@pytest.mark.bounded(
    power=0.95, against="a number off by 6 of its errors; errors of draws 1.2 times, or of one, 3 times too large"
)
@pytest.mark.parametrize("common", [True, False])
def test_the_parameter_error_is_the_spread_of_the_effect_over_the_posterior(folder, common, bounded: Bounded):
    """The effect is the gain, so its error is the gain's, a week; draws' own errors are as large, and here taken out.

    With common random numbers the draws err together, and nothing is to be taken out.
    """

    @functools.cache
    def both(sample):
        given = {"sd": 1.0, "common": common, "draws": DRAWS * times(sample), "seed": 1 + sample}
        with run(folder, f"known-{common}-{sample}".lower(), **given) as ds:
            return both_errors(ds, effect) * 52

    def p_values(sample, error=1.0, estimate=20.5):  # lifetimes are integer weeks, half a week more on average
        here = {name: float(both(sample)[name]) for name in ("parameter_error", "parameter_error_se", "estimate", "se")}
        off = (here["parameter_error"] - error) / here["parameter_error_se"], (here["estimate"] - estimate) / here["se"]
        own = float((both(sample)["each_se"] ** 2).mean()) ** 0.5 / (8 / FIRMS**0.5)
        draws = 1 if common else DRAWS * times(sample)  # that have firms of their own
        return [
            *of_deviation(off[0], DRAWS * times(sample) - 1),
            *of_deviation(off[1], BATCHES - 1),
            *of_spread(own, draws * (BATCHES - 1)),
        ]

    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: p_values(sample, error=2.5))
    bounded.sees(chance_of_deviation(6, DRAWS - 1), 3)
    if common:  # more draws have the same firms, and say no more
        bounded.sees(lambda level, _: chance_of_deviation(6, BATCHES - 1)(level, 1), 3)
        bounded.sees(lambda level, _: chance_of_spread(3, BATCHES - 1)(level, 1), 3)
    else:
        bounded.sees(chance_of_deviation(6, BATCHES - 1), 3)
        bounded.sees(chance_of_spread(1.2, DRAWS * (BATCHES - 1)), 3)
    found = both(0)
    assert float(found["draws"]) == 52 * DRAWS
    own = float(found["each_se"].mean())
    error, se = float(found["parameter_error"]), float(found["parameter_error_se"])
    assert abs(error - 1.0) < 0.75
    assert se < 0.25
    raw = float(found["each"].std("draw", ddof=1))
    if common:
        assert (raw**2 - own**2) < 0.5  # what independent errors would leave
        assert float(found["se"]) > 0.8 * own  # the mean errs as one draw does
    else:
        assert own == pytest.approx(8 / FIRMS**0.5, rel=0.2)
        assert raw > 1.2
        assert float(found["se"]) == pytest.approx(((own**2 + 1.0) / DRAWS) ** 0.5, rel=0.3)


@pytest.mark.slow
def test_findings_and_reports_carry_both_errors(folder):
    with run(folder, "sure", sd=3.0, common=True) as ds:
        found = finding(ds)
    assert found.holds is True
    assert "over 100 draws of the posterior" in str(found).lower()
    assert found.numbers["effect misaligned, parameter error"].estimate == pytest.approx(3 / 52, rel=0.05)
    assert found.numbers["effect misaligned"].sign == -1
    text = f"{found.numbers['effect misaligned, parameter error'].estimate:.2g} (parameters)"
    assert text in str(found)
    assert "(Monte Carlo)" in str(found)
    page = (folder / "sure" / "report.html").read_text() if (folder / "sure" / "report.html").is_file() else None
    page = page or firmfate.write_report(folder / "sure", laboratory=False).read_text()
    assert "Parameter errors" in page
    assert page.count(text) >= 2  # in the sentences, and beside the number at the top
    # A posterior that reaches over 0 leaves it open, however many firms there are.
    with run(folder, "open", sd=20.0, mean=5.0, common=True) as ds:
        wide = finding(ds)
    assert wide.holds is None
    assert wide.numbers["effect aligned"].sign == 0
    share = wide.numbers["probability of the paradox"]
    assert share.estimate == pytest.approx(stats.norm.cdf(5 / 20), abs=0.05)  # gains are evenly spaced quantiles
    assert 0.02 < share.se < 0.1


@pytest.mark.slow
def test_other_axes_have_their_effects_with_both_errors(folder):
    with run(folder, "plain", sd=3.0, common=True, axes="scatter = [0, 8]\n") as ds:
        found = finding(ds)
    assert found.numbers["effect of execution (0 to 1), parameter error"].estimate < 0.01  # misalignment 0.5: no gain
    assert "effect of scatter" in str(found)
    assert found.holds is None


def test_counts_without_draws_are_refused():
    with pytest.raises(EstimateError, match=r"a study with the design \[posterior\]"):
        both_errors(example(), effect)


def over_draws(gains=(1.0, 2.0, 3.0), moved=(0, 3, 5)):
    """Return counts of three draws, each with the example's six cells; draws differ by cells that change places."""
    each = []
    for gain, by in zip(gains, moved, strict=True):
        cells = example().stack(cell=["execution", "misalignment"]).reset_index("cell").transpose("cell", ...)
        counts = cells.roll(cell=by).assign_coords(execution=cells["execution"], misalignment=cells["misalignment"])
        each.append(counts.assign_coords(gain=("cell", np.full(cells.sizes["cell"], gain))))
    ds = xr.concat(each, "cell", data_vars="minimal")
    for name in ("gain", "execution", "misalignment"):
        ds[name].attrs["parameter"] = name
    ds["gain"].attrs["drawn_from"] = "draws.csv"
    return ds


@pytest.mark.parametrize("gains", [(1.0, 2.0, 3.0), (1.0, 2.0, 2.0)], ids=["three values", "two draws alike"])
def test_the_order_of_cells_does_not_matter(gains):
    ds = over_draws(gains)
    as_written = finding(ds)
    assert "Over 3 draws" in str(as_written)
    for other in (ds.sortby("misalignment"), ds.isel(cell=[*range(0, 18, 2), *range(1, 18, 2)])):
        assert finding(other).numbers.keys() == as_written.numbers.keys()
        for name, number in finding(other).numbers.items():
            assert number == pytest.approx(as_written.numbers[name], nan_ok=True), name


def test_selected_cells_are_no_draws_where_they_do_not_fit():
    ds = over_draws()
    with pytest.raises(EstimateError, match="not all combinations"):
        both_errors(ds.isel(cell=[0, 7]), effect)
    assert "draws" not in str(finding(ds.isel(cell=slice(0, 6))))  # one draw
    with pytest.raises(EstimateError, match="leave `draw` alone; it leaves draw, misalignment"):
        both_errors(ds, lambda years: years.sel(execution=1.0, drop=True))


def test_a_draw_with_a_cell_without_estimate_is_left_out():
    ds = over_draws()
    invalid = ("cell", (np.arange(18) == 5).astype(int))
    found = both_errors(ds.assign(invalid=invalid), effect)
    assert int(found["draws"]) == 3  # another cell than the effect's
    stated = finding(ds.rename(execution="effort").assign(invalid=invalid))
    assert "Over 2 of 3 draws" in str(stated)


def test_an_error_too_small_to_see_is_bounded():
    """Draws alike but for their firms: no parameter error is distinguished from 0, and 0 is not stated."""
    ds = over_draws(moved=(0, 0, 0))
    exact = both_errors(ds, effect)
    assert float(exact["parameter_error"]) == float(exact["parameter_error_upper"]) == 0.0
    assert "± 0 (parameters)" in words(exact)
    noisy = exact.assign(parameter_error_upper=0.123)
    assert "± less than 0.12 (parameters)" in words(noisy)
    unseen = errors_in_words(Estimate(1.0, 0.1), Estimate(0.0, np.nan, upper=0.123))
    assert unseen == "± 0.10 (Monte Carlo) ± less than 0.12 (parameters)"
