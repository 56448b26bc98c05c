"""Random numbers of many lanes at once: Philox4x32-10, and normals by Box & Muller (1958), which caps |z| at 6.76.

A 32-bit word travels in the low half of a 64-bit lane; what is left in the high half is never looked at.
"""

# mypy: disallow-untyped-calls=False, disallow-untyped-defs=False

from __future__ import annotations

from typing import Any, NamedTuple

from numba import types
from numba.extending import intrinsic

from firmfate.kernel.elementary import LOW_HALF, log, turn, uniform
from firmfate.kernel.lanes import Rows, align_stack
from firmfate.kernel.registers import WORD, Register
from firmfate.models.model import NORMAL
from firmfate.randomness import MULTIPLIERS, ROUNDS, WEYL

Words = tuple[Register, Register, Register, Register]


def round_keys(key: int) -> list[int]:
    """Return the 20 words that the rounds of a 64-bit key use, in the order of their use."""
    k0, k1 = key & LOW_HALF, (key >> 32) & LOW_HALF
    words = []
    for _ in range(ROUNDS):
        words += [k0, k1]
        k0, k1 = (k0 + WEYL[0]) & LOW_HALF, (k1 + WEYL[1]) & LOW_HALF
    return words


def word_count(kinds: tuple[str, ...]) -> int:
    """Return how many words become random numbers of these kinds, whole blocks of four: normals take pairs."""
    normals = kinds.count(NORMAL)
    return 4 * -(-(2 * -(-normals // 2) + len(kinds) - normals) // 4)


def philox(counters: list[Words], keys: list[Register]) -> list[Words]:
    """Return the words of some counters. One counter's rounds wait for each other, so all go round together."""
    for k0, k1 in zip(keys[::2], keys[1::2], strict=True):
        following = []
        for c0, c1, c2, c3 in counters:
            left, right = (c0 & LOW_HALF) * MULTIPLIERS[0], (c2 & LOW_HALF) * MULTIPLIERS[1]
            following.append(((right >> 32) ^ c1 ^ k0, right, (left >> 32) ^ c3 ^ k1, left))
        counters = following
    return counters


def normal_pair(first: Register, second: Register) -> tuple[Register, Register]:
    """Return two independent standard normals from two words."""
    radius = (log(uniform(first)) * -2.0).call("llvm.sqrt")
    cosine, sine = turn(second)
    return radius * cosine, radius * sine


def numbers(words: list[Register], kinds: tuple[str, ...]) -> list[Register]:
    """Return random numbers of these kinds from words: normals in pairs first, then uniforms."""
    waiting = iter(words)
    found: dict[int, Register] = {}
    normals = [i for i, kind in enumerate(kinds) if kind == NORMAL]
    for first in range(0, len(normals), 2):
        found.update(zip(normals[first : first + 2], normal_pair(next(waiting), next(waiting)), strict=False))
    for position in (i for i, kind in enumerate(kinds) if kind != NORMAL):
        found[position] = uniform(next(waiting))
    return [found[i] for i in range(len(kinds))]


class Heads(NamedTuple):
    """What the first two rounds of a firm's counters owe to its replicate and stream alone, worked out once a firm."""

    first: Register
    fourth: Register
    blocks: tuple[tuple[Register, Register], ...]


def heads(low: Register, high: Register, lasts: list[Register], keys: list[Register]) -> Heads:
    """Return what is the same in all steps of a firm, for one block of four words each of `lasts`."""
    left = (low & LOW_HALF) * MULTIPLIERS[0]
    blocks = []
    for last in lasts:
        right = (((left >> 32) ^ last ^ keys[1]) & LOW_HALF) * MULTIPLIERS[1]
        blocks.append(((right >> 32) ^ keys[2], right))
    return Heads(high ^ keys[0], left ^ keys[3], tuple(blocks))


def words_of_step(steps: list[Register], firms: list[Heads], keys: list[Register]) -> list[list[Register]]:
    """Return all words of a step of some vectors of firms."""
    counters = []
    for step, head in zip(steps, firms, strict=True):
        right = (step & LOW_HALF) * MULTIPLIERS[1]
        left = (((right >> 32) ^ head.first) & LOW_HALF) * MULTIPLIERS[0]
        counters += [(right ^ first, second, (left >> 32) ^ head.fourth, left) for first, second in head.blocks]
    blocks = philox(counters, keys[4:])
    each = len(blocks) // len(steps)
    return [[word for block in blocks[i : i + each] for word in block] for i in range(0, len(blocks), each)]


def head_rows(kinds: tuple[str, ...]) -> int:
    """Return how many rows a firm's heads take."""
    return 2 + word_count(kinds) // 2


def drawer(kinds: tuple[str, ...], stream: int, *, stride: int, lanes: int, together: int = 1) -> tuple[Any, Any]:
    """Return what draws random numbers in compiled code.

    ``begin(memory, replicate, place, keys)`` reads the low and the high word of the replicate from two rows, and stores
    the heads from row `place` on, for one lane. ``draw(memory, step, head, place, keys)`` reads the step and the heads
    of ``lanes * together`` lanes and stores their numbers from row `place` on, one a row. `keys` holds `round_keys`.
    """

    def spread_keys(context, builder, kind, table, width):
        rows = Rows(context, builder, kind, table)
        numbers = [Register.load(builder, rows.at(WORD(i)), 1, WORD).value for i in range(2 * ROUNDS)]
        return [Register.spread(builder, number, width) for number in numbers]

    @intrinsic
    def begin(typing_context, memory, replicate, place, keys):
        def generate(context, builder, signature, arguments):
            memory, replicate, place, keys = arguments
            rows = Rows(context, builder, signature.args[0], memory, stride=stride)
            low, high = (Register.load(builder, rows.at(replicate, row), 1, WORD) for row in range(2))
            lasts = [Register(builder, WORD(stream + 256 * block)) for block in range(word_count(kinds) // 4)]
            made = heads(low, high, lasts, spread_keys(context, builder, signature.args[3], keys, 1))
            for row, word in enumerate((made.first, made.fourth, *(word for block in made.blocks for word in block))):
                word.store(rows.at(place, row))
            return context.get_dummy_value()

        return types.void(memory, types.intp, types.intp, keys), generate

    @intrinsic
    def draw(typing_context, memory, step, head, place, keys):
        def generate(context, builder, signature, arguments):
            align_stack(builder)
            memory, step, head, place, keys = arguments
            rows = Rows(context, builder, signature.args[0], memory, stride=stride)
            vectors = [v * lanes for v in range(together)]

            def read(first: Any, row: int, lane: int) -> Register:
                return Register.load(builder, rows.at(first, row, lane), lanes, WORD)

            firms = []
            for lane in vectors:
                first, fourth, *others = (read(head, row, lane) for row in range(head_rows(kinds)))
                firms.append(Heads(first, fourth, tuple(zip(others[::2], others[1::2], strict=True))))
            steps = [read(step, 0, lane) for lane in vectors]
            words = words_of_step(steps, firms, spread_keys(context, builder, signature.args[4], keys, lanes))
            for lane, drawn in zip(vectors, words, strict=True):
                for row, number in enumerate(numbers(drawn, kinds)):
                    number.store(rows.at(place, row, lane))
            return context.get_dummy_value()

        return types.void(memory, types.intp, types.intp, types.intp, keys), generate

    return begin, draw
