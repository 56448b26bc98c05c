"""Philox against the known answers of its authors, compiled and in NumPy; the normals and elementary functions against
a library and their own law; one lane, some, and a register full."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from firmfate.kernel import draws, elementary
from firmfate.models import arithmetic
from firmfate.randomness import counters, philox, split_key, uniforms

sys.path.insert(0, str(Path(__file__).parent))
from registers_in_use import LANES, applied, drawn

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
KEY = 0x123456789ABCDEF0
NORMALS = ("normal",) * 4


def words_of(counter, key: tuple[int, int], lanes: int) -> list[np.ndarray]:
    keys = draws.round_keys(key[0] + (key[1] << 32))

    def work(*words):
        like = words[0] & 0
        return draws.philox([words], [like | word for word in keys])[0]

    return [word & np.uint64(0xFFFFFFFF) for word in applied(work, lanes, *counter)]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    assert tuple(philox(key, np.array([counter], np.uint32))[0]) == answer
    for lanes in LANES:
        found = words_of([np.full(3, word, np.uint64) for word in counter], key, lanes)
        assert [set(word.tolist()) for word in found] == [{word} for word in answer]


@pytest.mark.parametrize("together", [1, 3])
@pytest.mark.parametrize("lanes", LANES)
def test_numbers_are_those_of_their_counters(lanes, together):
    """Two blocks of words, of replicates and steps that use both halves: to the bit what NumPy makes of the counter."""
    replicates = np.array([0, 1, 2**32 - 1, 2**32, 2**63 + 12345, 7, 8], np.uint64)
    for step in (0, 1039, 2**31 + 5):
        found = drawn(("uniform",) * 6, 3, KEY, replicates, step, lanes=lanes, together=together)
        blocks = [philox(split_key(KEY), counters(replicates, step=step, stream=3, block=b)) for b in (0, 1)]
        expected = (np.concatenate(blocks, axis=1).T[:6] + 0.5) * 2.0**-32
        assert np.array_equal(found, expected)


def test_kinds_take_words_in_order():
    """Normals in pairs first, then uniforms, whatever their order in the table."""
    replicates = np.arange(20, dtype=np.uint64)
    mixed = drawn(("uniform", "normal", "uniform", "normal", "normal"), 0, KEY, replicates, 5, lanes=1)
    assert np.array_equal(mixed[[1, 3, 4]], drawn(("normal",) * 3, 0, KEY, replicates, 5, lanes=1))
    assert np.array_equal(mixed[[0, 2]], drawn(("uniform",) * 6, 0, KEY, replicates, 5, lanes=1)[4:])


@pytest.mark.parametrize("lanes", LANES)
def test_normals_are_those_of_box_and_muller(lanes):
    replicates = np.arange(200_000, dtype=np.uint64)
    words = philox(split_key(KEY), counters(replicates, step=9, stream=0))
    u, v = (((words[:, i] + 0.5) * 2.0**-32) for i in (0, 1))
    radius = np.sqrt(-2 * np.log(u))
    expected = np.stack([radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)])
    found = drawn(NORMALS, 0, KEY, replicates, 9, lanes=lanes)[:2]
    assert np.abs(found - expected).max() < 7e-13


@pytest.mark.parametrize("lanes", LANES)
def test_normals_at_the_ends_of_the_words(lanes):
    edge = np.array([0, 0, 2**32 - 1, 2**32 - 1, 2**31, 2**30], np.uint64)
    found = np.array(applied(draws.normal_pair, lanes, edge, edge[::-1].copy()))
    assert np.isfinite(found).all()
    assert np.abs(found).max() == pytest.approx(np.sqrt(2 * 33 * np.log(2)))


@pytest.mark.parametrize("lanes", LANES)
def test_moments_and_tails_of_the_normals(lanes):
    """A short version of the check of 2**31 draws among the evidence: five standard errors."""
    z = drawn(NORMALS, 0, 9 + 2**32, np.arange(500_000, dtype=np.uint64), 3, lanes=lanes).ravel()
    for power in range(1, 7):
        mean, square = (float(special.factorial2(p - 1)) if p % 2 == 0 else 0.0 for p in (power, 2 * power))
        assert abs((z**power).mean() - mean) < 5 * np.sqrt((square - mean**2) / z.size), power
    for edge in (-4.0, -2.0, 0.0, 1.0, 3.0):
        p = stats.norm.cdf(edge)
        assert abs((z < edge).mean() - p) < 5 * np.sqrt(p * (1 - p) / z.size)
    assert abs((1.01 * z).std() - 1) > 5 * np.sqrt(0.5 / z.size), "negative control"


@pytest.mark.parametrize("lanes", LANES)
def test_exp(lanes):
    x = np.concatenate([np.linspace(-708, 709, 400_001), np.random.default_rng(0).uniform(-3, 3, 100_000)])
    (found,) = applied(elementary.exp, lanes, x)
    units = 2.0**-52 * np.exp(x) * (2 + np.abs(x))
    assert (np.abs(found - np.exp(x)) / units).max() < 1
    special_values = np.array([-np.inf, -1e300, -1e4, 1e4, 1e300, np.inf, np.nan, 0.0])
    (found,) = applied(elementary.exp, lanes, special_values)
    np.testing.assert_array_equal(found, [arithmetic.exp(x) for x in special_values])
    np.testing.assert_array_equal(found, [0, 0, 0, np.inf, np.inf, np.inf, np.nan, 1])


@pytest.mark.parametrize("lanes", LANES)
def test_logarithms_of_uniforms(lanes):
    words = np.concatenate([np.arange(1000), 2**32 - 1 - np.arange(1000), np.arange(0, 2**32, 9973)])
    u = (words + 0.5) * 2.0**-32
    (found,) = applied(elementary.log, lanes, u)
    assert (np.abs(found - np.log(u)) / np.abs(np.log(u))).max() < 1e-14


def test_population_draws_are_addressed_by_name_and_replicate():
    numbers = np.arange(1000, dtype=np.uint64)
    whole = uniforms(7, numbers, name="execution")
    assert np.array_equal(whole[300:400], uniforms(7, numbers[300:400], name="execution"))
    assert abs(np.corrcoef(whole, uniforms(7, numbers, name="misalignment"))[0, 1]) < 5 / np.sqrt(1000)
    assert ((whole > 0) & (whole < 1)).all()
