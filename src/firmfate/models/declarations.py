"""What a model declares: parameters, stocks, random numbers, causes, marks and auxiliaries, each once, with unit and
meaning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from firmfate.program.random_numbers import EXPONENTIAL, NORMAL, UNIFORM


@dataclass(frozen=True)
class Interval:
    """The values that a parameter may take: an interval of numbers, closed unless stated otherwise.

    Examples
    --------
    >>> share = Interval(0, 1, open_high=True)
    >>> str(share), 0 in share, 1 in share
    ('[0, 1)', True, False)
    """

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return math.isfinite(value) and above and below

    def __str__(self) -> str:
        left = "(" if self.open_low or math.isinf(self.low) else "["
        right = ")" if self.open_high or math.isinf(self.high) else "]"
        return f"{left}{self.low:g}, {self.high:g}{right}"


SHARE = Interval(0, 1)
BELOW_ONE = Interval(0, 1, open_high=True)
NOT_NEGATIVE = Interval(0, math.inf)
POSITIVE = Interval(0, math.inf, open_low=True)
ANY = Interval(-math.inf, math.inf)
WEEK_OR_LONGER = Interval(1, math.inf)


def numbered(parts: Sequence[str] | int) -> Any:
    """Return the names of parts: as given, or ``1`` to n for a number of them; what is neither comes back as it is."""
    if isinstance(parts, int) and not isinstance(parts, bool) and parts > 0:
        return tuple(str(i) for i in range(1, parts + 1))
    return tuple(parts) if isinstance(parts, list | tuple) else parts


class InParts:
    """What is declared once and may be several numbers, one a part."""

    name: str
    parts: tuple[str, ...] | int

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", numbered(self.parts))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its parts; none where it is a single number."""
        assert isinstance(self.parts, tuple)
        return self.parts

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of its single numbers: ``practice_sales`` of ``practice`` and its part ``sales``; or its own."""
        return tuple(f"{self.name}_{part}" for part in self.names) or (self.name,)


@dataclass(frozen=True)
class Parameter(InParts):
    """One row of a model's parameter table.

    Attributes
    ----------
    name : str
    default : float
    unit : str
    allowed : Interval
    meaning : str
    source : str
        The literature, or the reason of the default.
    assumption : bool
        The default is a judgement rather than a measurement: sweep it, do not believe it.
    parts : tuple of str, or int
        Where the parameter has one value a division, the divisions, or how many values there are; ``name.part`` is then
        a key of its own in studies.
    group : str
        Title under which the laboratory shows it, with others of the group: a division, a mechanism.

    Examples
    --------
    >>> pull = Parameter("pull", 0.1, "1/week", SHARE, "how fast height goes back", parts=("left", "right"))
    >>> pull.keys
    ('pull', 'pull.left', 'pull.right')
    """

    name: str
    default: float
    unit: str = "1"
    allowed: Interval = ANY
    meaning: str = ""
    source: str = ""
    assumption: bool = False
    parts: tuple[str, ...] | int = ()
    group: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """What a study may write: the name, and ``name.part`` for every part."""
        return (self.name, *(f"{self.name}.{part}" for part in self.names))


@dataclass(frozen=True)
class Column(InParts):
    """One number of a trajectory: a stock, a random number or an auxiliary.

    Attributes
    ----------
    name, unit, meaning : str
    parts : tuple of str, or int
        Names of several numbers of the kind, or how many there are: a model's functions see them as a tuple.
    """

    name: str
    unit: str = "1"
    meaning: str = ""
    parts: tuple[str, ...] | int = ()


class Stock(Column):
    """What a firm carries from one step to the next.

    Examples
    --------
    >>> Stock("on_order", "units", "ordered and not delivered", parts=3).fields
    ('on_order_1', 'on_order_2', 'on_order_3')
    """


class Auxiliary(Column):
    """What a model's `observe` works out of a step, for trajectories alone.

    Examples
    --------
    >>> Auxiliary("sales", "units/week", "sold").fields
    ('sales',)
    """


@dataclass(frozen=True)
class RandomNumber(Column):
    """A random number: of a step (a shock), or of a firm (a draw)."""

    kind: ClassVar[str]


class Normal(RandomNumber):
    """A standard normal number.

    Examples
    --------
    >>> Normal("demand", meaning="shock of demand").kind
    'normal'
    """

    kind = NORMAL


class Uniform(RandomNumber):
    """A uniform number on the open interval (0, 1).

    Examples
    --------
    >>> Uniform("exit", meaning="when the owner leaves").kind
    'uniform'
    """

    kind = UNIFORM


class Exponential(RandomNumber):
    """An exponential number with mean 1.

    Examples
    --------
    >>> Exponential("lifetime", meaning="of a machine, in means").kind
    'exponential'
    """

    kind = EXPONENTIAL


@dataclass(frozen=True)
class Cause:
    """One cause of exit of a firm.

    Examples
    --------
    >>> Cause("ruin", "the height is 0 or less").name
    'ruin'
    """

    name: str
    meaning: str = ""


@dataclass(frozen=True)
class Mark:
    """An integer from 0 to `maximum`, recorded of every firm in the step of its alarm.

    Attributes
    ----------
    name : str
    maximum : int
    meaning : str
    dim : str
        Name of the dimension over which datasets count firms by this mark; the mark's own where not given.

    Examples
    --------
    >>> Mark("green_kpis", 5, "green KPIs at the alarm", dim="green").counted
    'green_kpi_count'
    """

    name: str
    maximum: int
    meaning: str = ""
    dim: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "dim", self.dim or self.name)

    @property
    def counted(self) -> str:
        """Name of the variable that counts firms by this mark: ``green_kpis`` -> ``green_kpi_count``."""
        return f"{self.name.removesuffix('s')}_count"
