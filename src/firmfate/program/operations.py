"""The operations that a program consists of: what each takes, what it gives, and its exact meaning.

There are three kinds of value: ``number`` (IEEE-754 float64), ``word`` (64 bits, unsigned) and ``flag``. Every
operation on numbers is rounded once, to nearest, ties to even; nothing else is ever rounded, and no back end may fuse,
reorder or approximate. So a program has one meaning, to the last bit, on every processor. Only the bits of a NaN are
left open.
"""

from __future__ import annotations

from typing import NamedTuple

NUMBER, WORD, FLAG = "number", "word", "flag"


class Operation(NamedTuple):
    """One operation.

    Attributes
    ----------
    takes : tuple of str
        Kinds of its arguments.
    gives : str
        Kind of its result.
    commutes : bool
        Whether its first two arguments may change places without changing a bit of the result.
    """

    takes: tuple[str, ...]
    gives: str
    commutes: bool = False


_one, _two, _three = (NUMBER,), (NUMBER, NUMBER), (NUMBER, NUMBER, NUMBER)

OPERATIONS: dict[str, Operation] = {
    # numbers
    "add": Operation(_two, NUMBER, commutes=True),
    "sub": Operation(_two, NUMBER),
    "mul": Operation(_two, NUMBER, commutes=True),
    "div": Operation(_two, NUMBER),
    "neg": Operation(_one, NUMBER),
    "abs": Operation(_one, NUMBER),
    "sqrt": Operation(_one, NUMBER),
    "floor": Operation(_one, NUMBER),
    "ceil": Operation(_one, NUMBER),
    "trunc": Operation(_one, NUMBER),
    "fma": Operation(_three, NUMBER, commutes=True),  # a b + c, rounded once
    "fms": Operation(_three, NUMBER, commutes=True),  # a b - c, rounded once
    "fnma": Operation(_three, NUMBER, commutes=True),  # c - a b, rounded once
    "choose": Operation((FLAG, NUMBER, NUMBER), NUMBER),  # the second where the flag is set, else the third
    # m 2**floor(k) for m in [1, 2) (NaN where k is), rounded once where it is not normal; w holds floor(16 k) in its
    # low bits, for processors that add exponents, where others scale by k.
    "scale": Operation((NUMBER, NUMBER, WORD), NUMBER),
    # comparisons: false where an argument is NaN
    "lt": Operation(_two, FLAG),
    "le": Operation(_two, FLAG),
    "eq": Operation(_two, FLAG, commutes=True),
    # flags
    "both": Operation((FLAG, FLAG), FLAG, commutes=True),
    "either": Operation((FLAG, FLAG), FLAG, commutes=True),
    "differ": Operation((FLAG, FLAG), FLAG, commutes=True),
    "not": Operation((FLAG,), FLAG),
    # words
    "wadd": Operation((WORD, WORD), WORD, commutes=True),
    "wmul": Operation((WORD, WORD), WORD, commutes=True),  # of the low halves: 32 x 32 -> 64 bits
    "wand": Operation((WORD, WORD), WORD, commutes=True),
    "wor": Operation((WORD, WORD), WORD, commutes=True),
    "wxor": Operation((WORD, WORD), WORD, commutes=True),
    "wshl": Operation((WORD, WORD), WORD),  # the second is constant, 0 to 63
    "wshr": Operation((WORD, WORD), WORD),  # likewise; zeros come in
    "bits": Operation(_one, WORD),  # the bit pattern of a number
    "number": Operation((WORD,), NUMBER),  # the number of a bit pattern
    "set": Operation((WORD,), FLAG),  # whether any bit is set
}
"""By name. Beside these there are ``constant`` (its value), ``input`` (its name) and ``lookup`` (a table of numbers,
and a word whose low bits are the place in it: the table's length is a power of two)."""

COMMUTING = frozenset(name for name, operation in OPERATIONS.items() if operation.commutes)
