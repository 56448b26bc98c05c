"""Philox against the known answers of its authors; normals, uniforms and exponentials against their laws."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import stats
from tests.bounded import Bounded, chance_of_deviation, of_deviation, times

from firmfate.program import interpreter, random_numbers
from firmfate.program.graph import Graph
from firmfate.program.operations import WORD
from firmfate.program.program import Program
from firmfate.program.values import Value
from firmfate.randomness import counters, philox, split_key, uniforms

# Random123 (Salmon et al. 2011), kat_vectors, philox4x32 10: counter, key, words.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
COUNT = 400_000
KEY = 0x123456789ABCDEF0


def of_words(function, *words: np.ndarray) -> list[np.ndarray]:
    """Return what a program makes of words."""
    graph = Graph()
    made = function(*(Value(graph, graph.input(f"stock.{i}", WORD)) for i in range(len(words))))
    program = Program.of({str(i): value for i, value in enumerate(made if isinstance(made, tuple | list) else [made])})
    found = interpreter.run(program, {f"stock.{i}": word for i, word in enumerate(words)})
    return list(found.values())


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    assert tuple(philox(key, np.array([counter], np.uint32))[0]) == answer
    words = [np.array([word], np.uint64) for word in (*counter, *key)]
    found = of_words(lambda *w: random_numbers.philox(w[:4], w[4:]), *words)
    assert [int(word[0]) & 0xFFFFFFFF for word in found] == list(answer)


def drawn(kinds, count: int = COUNT, key: int = KEY) -> list[np.ndarray]:
    """Return numbers of some kinds for many replicates."""
    replicates = np.arange(count, dtype=np.uint64)
    zero = np.zeros(1, np.uint64)
    words = (replicates & np.uint64(0xFFFFFFFF), replicates >> np.uint64(32), zero, zero,
             np.array([key & 0xFFFFFFFF], np.uint64), np.array([key >> 32], np.uint64))  # fmt: skip

    def program(low, high, step, cell, key_low, key_high):
        return random_numbers.drawn(
            kinds, stream=3, replicate=(low, high), step=step, cell=cell, key=(key_low, key_high)
        )

    return of_words(program, *words)


def test_uniforms_are_those_of_their_counters():
    """To the bit what NumPy makes of the counter: two blocks of words."""
    found = drawn(("uniform",) * 6, 1000)
    replicates = np.arange(1000, dtype=np.uint64)
    blocks = [philox(split_key(0x123456789ABCDEF0), counters(replicates, stream=3, block=b)) for b in (0, 1)]
    expected = (np.concatenate(blocks, axis=1).T[:6] + 0.5) * 2.0**-32
    np.testing.assert_array_equal(found, expected)


def test_normals_are_those_of_box_and_muller():
    """Within 2e-11 of the formula, the extreme words among them: a tenth of the steps of 32 bits."""
    rng = np.random.default_rng(1)
    edge = np.array([0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1], np.uint64)
    first = np.concatenate([np.repeat(edge, 6), rng.integers(0, 2**32, COUNT, dtype=np.uint64)])
    second = np.concatenate([np.tile(edge, 6), rng.integers(0, 2**32, COUNT, dtype=np.uint64)])
    found = of_words(random_numbers.normal_pair, first, second)
    radius = np.sqrt(-2 * np.log((first + 0.5) * 2.0**-32))
    turns = (second | np.uint64(1)) * 2.0**-33 - 0.25 + 0.5 * (second & np.uint64(1))
    for values, expected in zip(found, (np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)), strict=True):
        assert np.abs(values - radius * expected).max() < 2e-11
    assert np.abs(found).max() == pytest.approx(np.sqrt(2 * 33 * np.log(2)), abs=0.01)


MOMENTS = ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96))
"""Powers of a normal number, their means and variances."""


@pytest.mark.bounded(power=0.99, against="a normal number whose mean is 0.015")
def test_laws(bounded: Bounded):
    """Moments, correlations, and the whole distribution by Kolmogorov & Smirnov."""

    @functools.cache
    def numbers(sample: int) -> list[np.ndarray]:
        return drawn((*("normal",) * 3, "uniform", "exponential"), COUNT * times(sample), key=KEY + sample)

    def of_normal(z: np.ndarray) -> list[float]:
        moments = [(np.mean(z**power) - mean) / np.sqrt(variance / z.size) for power, mean, variance in MOMENTS]
        return [*of_deviation(moments), stats.kstest(z, "norm").pvalue]

    @functools.cache
    def p_values(sample: int) -> list[float]:
        *normals, uniform, exponential = numbers(sample)
        together = np.corrcoef(numbers(sample))[np.triu_indices(5, 1)]
        return [
            *(p_value for z in normals for p_value in of_normal(z)),
            stats.kstest(uniform, "uniform").pvalue,
            stats.kstest(exponential, "expon").pvalue,
            *of_deviation(np.arctanh(together) * np.sqrt(uniform.size - 3)),
        ]

    assert not bounded.refuses(p_values)
    assert bounded.refuses(lambda sample: of_normal(numbers(sample)[0] + 0.015))
    bounded.sees(chance_of_deviation(0.015 * np.sqrt(COUNT)), len(p_values(0)))


def test_exponentials_are_logarithms():
    (found,) = drawn(("exponential",), 5000)
    (uniform,) = drawn(("uniform",), 5000)
    np.testing.assert_allclose(found, -np.log(uniform), rtol=1e-13)


def test_population_uniforms_never_reach_the_ends():
    found = uniforms(7, np.arange(200_000, dtype=np.uint64), name="unit_cost")
    assert 0 < found.min() < 1e-4
    assert 1 - 1e-4 < found.max() < 1
    assert stats.kstest(found, "uniform").pvalue > 1e-4
