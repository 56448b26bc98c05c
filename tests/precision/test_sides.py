"""On which side of a misalignment m* lies follows from signs; and exact limits where nothing happened."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from tests.bounded import Bounded, chance_of_share, shares

from firmfate.precision import Reached, sentences
from firmfate.precision.rules import exact_limit
from firmfate.precision.sides import sides
from firmfate.study.targets import Target

from .repetitions import APART, Cars

SIGN = Target("sign.execution", "sign", 0.0, 1040, between="execution")


def counts(execution: list[float], misalignment: list[float], **others: list[float]) -> xr.Dataset:
    """A grid; what it counts does not matter."""
    axes = {**others, "execution": execution, "misalignment": misalignment}
    return xr.Dataset({"firms": (tuple(axes), np.ones([len(values) for values in axes.values()]))}, axes)


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        ([1, 1, 0, -1], ("m* lies between 0.4 and 0.8",)),
        ([1, 0, 0, 0], ("m* lies above 0.2",)),
        ([0, 0, -1, -1], ("m* lies below 0.6",)),
        ([0, 0, 0, 0], ()),
        ([-1, 1, 0, 0], ()),  # no value fits
    ],
)
def test_signs_say_where_m_star_lies(signs: list[int], words: tuple[str, ...]) -> None:
    ds = counts([0.1, 0.9], [0.2, 0.4, 0.6, 0.8])
    assert sides(ds, SIGN, np.array(signs, np.int8)) == words
    down = counts([0.1, 0.9], [0.8, 0.6, 0.4, 0.2])
    assert sides(down, SIGN, np.array(signs[::-1], np.int8)) == words


def test_a_single_misalignment_is_a_value_that_m_star_is_compared_with() -> None:
    assert sides(counts([0.1, 0.9], [0.4]), SIGN, np.array([1], np.int8)) == ("m* lies above 0.4",)


def test_every_value_of_other_axes_has_its_own() -> None:
    ds = counts([0.1, 0.9], [0.2, 0.4], speed=[1.0, 2.0])
    found = sides(ds, SIGN, np.array([1, -1, -1, 0], np.int8))
    assert found == ("m* lies between 0.2 and 0.4 at speed 1", "m* lies below 0.2 at speed 2")


def test_other_effects_say_nothing_of_m_star() -> None:
    signs = np.array([1, -1], np.int8)
    assert sides(counts([0.1, 0.9], [0.2, 0.4]), Target("", "sign", 0.0, 1040, between="misalignment"), signs) == ()
    # m* is of executions of 0.05 and 0.9, the sign of 0 and 0.9
    assert sides(counts([0.0, 0.05, 0.9], [0.2, 0.4]), SIGN, signs) == ()


def test_m_star_of_cars_lies_where_it_is_said_to() -> None:
    cars = Cars((0.2, 0.5, 1.0), sign="execution")
    (one,), _ = cars.run(0)
    assert one.answers == ("m* lies between 0.5 and 1",)
    assert 0.5 < cars.turning < 1
    assert sentences([one])[0].endswith("; m* lies between 0.5 and 1")
    assert Reached.of_table(one.table()) == one


@pytest.mark.bounded(power=0.99, against="nothing seen in 3 % in place of 2.5 %")
@pytest.mark.parametrize("n", [1024, 40_000])
def test_an_exact_limit_is_exceeded_by_the_share_that_it_says(n: int, bounded: Bounded) -> None:
    """Nothing is seen among n firms of a share p with probability (1 - p)^n: at the limit itself, 2.5 %."""
    limit = float(exact_limit(n, 0.95))

    def unseen(sample: int, tries: int) -> np.ndarray:
        random = np.random.default_rng(n + APART * sample)
        return (random.binomial(n, [[limit], [limit / 2]], (2, tries)) == 0).mean(axis=1)

    expected = np.array([0.025, (1 - limit / 2) ** n])
    assert not bounded.refuses(shares(unseen, 40_000, expected))
    assert bounded.refuses(shares(unseen, 40_000, [0.05, expected[1]]))  # one side of 90 % limits
    bounded.sees(chance_of_share(40_000, 0.025, 0.03), 2)
