"""Other random numbers for the same model: what takes the place of `firmfate.program.random_numbers.drawn`.

A variant is set before any model is traced, and holds for the process. Firms that depend on each other are a group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scipy.stats import qmc

from firmfate.program import random_numbers, tracing
from firmfate.program.values import Word
from firmfate.randomness import BIRTH

BATCHES, POINTS = 128, 64
"""Sobol's sequence is scrambled anew in each batch (replicate modulo 128), which holds so many points."""

LOW = 0xFFFF_FFFF
own = random_numbers.drawn
join = Word.join


def antithetic(kinds: Any, *, stream: int, replicate: Any, **rest: Any) -> list[Any]:
    """Replicates 2k and 2k + 1 have the same numbers, normals negated, uniforms taken from 1."""
    odd = join("wand", replicate[0], 1)
    found = own(kinds, stream=stream, replicate=(join("wshr", replicate[0], 1), replicate[1]), **rest)
    one_or_zero = Word.number(join("wshl", join("wmul", odd, 0x3FF), 52))
    turned = join("wshl", odd, 63)
    return [
        Word.number(join("wxor", Word.bits(value), turned)) if kind == random_numbers.NORMAL
        else value + (1.0 - 2.0 * value) * one_or_zero
        for kind, value in zip(kinds, found, strict=True)
    ]  # fmt: skip


def antithetic_shocks(kinds: Any, *, stream: int, **rest: Any) -> list[Any]:
    """The same of the shocks of steps alone."""
    return (own if stream == BIRTH else antithetic)(kinds, stream=stream, **rest)


def same_births(kinds: Any, *, stream: int, replicate: Any, **rest: Any) -> list[Any]:
    """Replicates 2k and 2k + 1 share their once-a-firm draws and nothing else: how much of the variance these are."""
    if stream == BIRTH:
        replicate = (join("wshr", replicate[0], 1), replicate[1])
    return own(kinds, stream=stream, replicate=replicate, **rest)


def sobol(kinds: Any, *, stream: int, replicate: Any, step: Any, cell: Any, key: Any) -> list[Any]:
    """Once-a-firm draws from Sobol's sequence, in each batch scrambled by Owen's nested permutations, hashed.

    The hash is that of Laine & Karras (2011), as improved by Burley (2020, JCGT 9(4)).
    """
    if stream != BIRTH:
        return own(kinds, stream=stream, replicate=replicate, step=step, cell=cell, key=key)
    batch, point = join("wand", replicate[0], BATCHES - 1), join("wshr", join("wand", replicate[0], LOW), 7)
    count = random_numbers.word_count(kinds)
    seeds: list[Any] = []
    for block in range(count // 4):
        last = join("wor", cell, 7 + 256 * block)  # a stream that nothing else uses
        seeds += random_numbers.philox((batch, replicate[1], step, last), key)
    words = []
    for directions, seed in zip(_directions(count), seeds, strict=True):
        word = join("wmul", join("wand", point, 1), directions[0])
        for place, direction in enumerate(directions[1:], 1):
            word = join("wxor", word, join("wmul", join("wand", join("wshr", point, place), 1), direction))
        words.append(_scrambled(word, join("wand", seed, LOW)))
    return random_numbers.numbers(words, kinds)


def _directions(dims: int) -> list[list[int]]:
    """Return direction numbers, their bits in reverse, of as many points as a batch holds."""
    points = (qmc.Sobol(dims, scramble=False, bits=32).random(POINTS) * 2**32).astype("u8")
    bits = POINTS.bit_length() - 1
    return [[int(f"{int(points[2 ** (j + 1) - 1, dim]):032b}"[::-1], 2) for j in range(bits)] for dim in range(dims)]


def _scrambled(word: Any, seed: Any) -> Any:
    word = join("wand", join("wadd", word, seed), LOW)
    for factor in (0x6C50B47C, 0xB82F1E52, 0xC7AFE638, 0x8D22F6E6):
        word = join("wxor", word, join("wand", join("wmul", word, factor), LOW))
    for shift, mask in ((1, 0x55555555), (2, 0x33333333), (4, 0x0F0F0F0F), (8, 0x00FF00FF), (16, 0x0000FFFF)):
        high = join("wshl", join("wand", word, mask), shift)
        word = join("wor", join("wand", join("wshr", word, shift), mask), high)
    return join("wand", word, LOW)


VARIANTS: dict[str, tuple[Callable[..., list[Any]], int]] = {
    "independent firms": (own, 2),
    "antithetic pairs": (antithetic, 2),
    "antithetic pairs, shocks alone": (antithetic_shocks, 2),
    "scrambled Sobol, once-a-firm draws": (sobol, POINTS),
    "once-a-firm draws known exactly": (same_births, 2),
}
"""Name -> what draws, and firms in a group."""


def use(name: str) -> int:
    """Take a variant's random numbers in this process, and return how many firms are a group."""
    tracing.drawn, group = VARIANTS[name]  # type: ignore[assignment]
    return group
