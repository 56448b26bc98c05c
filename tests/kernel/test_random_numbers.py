"""Philox against the known answers of its authors, compiled and in NumPy; the normals against a library and their own
law."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from scipy import special, stats

from firmfate.kernel import arithmetic, counter
from firmfate.models import arithmetic as arithmetic_of_models
from firmfate.randomness import counters, philox, uniforms

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


@njit
def compiled_philox(c, key):
    keys = np.zeros(20)
    counter.store_round_keys(keys, key)
    return counter.philox(c[0], c[1], c[2], c[3], keys)


@njit
def compiled_normals(first, second, out):
    for i in range(len(first)):
        out[i, 0], out[i, 1] = counter.normal_pair(first[i], second[i])


@njit
def compiled_exp(x, out):
    for i in range(len(x)):
        out[i] = arithmetic.exp(x[i])


@pytest.mark.parametrize(("words", "key", "answer"), KNOWN)
def test_known_answers(words, key, answer):
    assert tuple(philox(key, np.array([words], np.uint32))[0]) == answer
    assert compiled_philox(np.array(words, np.uint64), np.uint64(key[0] + (key[1] << 32))) == answer


def test_compiled_normals_are_those_of_box_and_muller():
    words = philox((3, 4), counters(np.arange(200_000, dtype=np.uint64), stream=0))
    out = np.empty((len(words), 2))
    compiled_normals(words[:, 0].astype(np.uint64), words[:, 1].astype(np.uint64), out)
    u, v = ((words[:, i] + 0.5) * 2.0**-32 for i in (0, 1))
    radius = np.sqrt(-2 * np.log(u))
    expected = np.stack([radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)], axis=1)
    assert np.abs(out - expected).max() < 1e-13 * 7


def test_normals_at_the_ends_of_the_words():
    edge = np.array([0, 0, 2**32 - 1, 2**32 - 1, 2**31, 2**30], np.uint64)
    out = np.empty((len(edge), 2))
    compiled_normals(edge, edge[::-1].copy(), out)
    assert np.isfinite(out).all()
    assert np.abs(out).max() == pytest.approx(np.sqrt(2 * 33 * np.log(2)))


def test_moments_and_tails_of_the_normals():
    """A short version of the check of 2**31 draws among the evidence: five standard errors."""
    words = philox((9, 1), counters(np.arange(1_000_000, dtype=np.uint64), stream=0)).astype(np.uint64)
    out = np.empty((len(words), 2))
    compiled_normals(words[:, 0], words[:, 1], out)
    z = out.ravel()
    for power in range(1, 7):
        mean, square = (float(special.factorial2(p - 1)) if p % 2 == 0 else 0.0 for p in (power, 2 * power))
        assert abs((z**power).mean() - mean) < 5 * np.sqrt((square - mean**2) / z.size), power
    for edge in (-4.0, -2.0, 0.0, 1.0, 3.0):
        p = stats.norm.cdf(edge)
        assert abs((z < edge).mean() - p) < 5 * np.sqrt(p * (1 - p) / z.size)
    assert abs((1.01 * z).std() - 1) > 5 * np.sqrt(0.5 / z.size), "negative control"


def test_exp():
    x = np.concatenate([np.linspace(-708, 709, 400_001), np.random.default_rng(0).uniform(-3, 3, 100_000)])
    out = np.empty_like(x)
    compiled_exp(x, out)
    expected = np.exp(x)
    assert (np.abs(out - expected) / expected).max() < 4.5e-16
    special_values = np.array([-np.inf, -1e4, 1e4, np.inf, np.nan, 0.0])
    out = np.empty(6)
    compiled_exp(special_values, out)
    np.testing.assert_allclose(out, [arithmetic_of_models.exp(x) for x in special_values], rtol=1e-15)
    assert out[0] < 1e-307
    assert out[3] > 1e307


def test_population_draws_are_addressed_by_name_and_replicate():
    numbers = np.arange(1000, dtype=np.uint64)
    whole = uniforms(7, numbers, name="execution")
    assert np.array_equal(whole[300:400], uniforms(7, numbers[300:400], name="execution"))
    assert abs(np.corrcoef(whole, uniforms(7, numbers, name="misalignment"))[0, 1]) < 5 / np.sqrt(1000)
    assert ((whole > 0) & (whole < 1)).all()
