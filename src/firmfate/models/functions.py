"""Functions that models often need: tables with linear interpolation, delays, and random numbers of further
distributions.

They are plain Python, and may be called from a model's functions, and from anywhere else. Of random numbers that are
declared in a model's shocks or draws they make others, without loops of random length.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import exp, log, sqrt

from firmfate.program.values import NotForTracing


def table(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the value of a table at x: linear between its points, that of the first or last point beyond them.

    Parameters
    ----------
    x : float
    xs, ys : sequence of float
        Constants of equal length; `xs` ascend.

    Examples
    --------
    >>> table(1.5, [0, 1, 2], [0, 10, 40])
    25.0
    """
    if not (hasattr(xs, "__len__") and hasattr(ys, "__len__")):
        raise NotForTracing(
            "FF118", "a table is table(x, xs, ys), with two lists; here a number stands in place of a list"
        )
    if len(xs) != len(ys) or len(xs) < 2 or any(left >= right for left, right in pairwise(xs)):
        raise NotForTracing(
            "FF118",
            "a table takes two lists of constants, of the same length, of two or more, the first ascending; here are "
            f"{len(xs)} and {len(ys)}",
        )
    inside = min(max(x, xs[0]), xs[-1])
    value = ys[0] + (inside - xs[0]) * ((ys[1] - ys[0]) / (xs[1] - xs[0]))
    for i in range(1, len(xs) - 1):
        slope = (ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i])
        value = ys[i] + (inside - xs[i]) * slope if inside > xs[i] else value
    return value


def delay_start(inflow: float, delay: float, order: int) -> tuple[float, ...]:
    """Return the stages of a delay through which a constant inflow has been passing.

    A delay of order n is n stocks in a row, each held for delay / n on average (DELAY1, DELAY3 and DELAY N of system
    dynamics; Forrester 1961, Industrial Dynamics, ch. 9); its transit times have an Erlang distribution. The stages are
    one stock with n parts, ``Stock("on_order", parts=3)``; what is in transit is their sum.

    Parameters
    ----------
    inflow : float
        Per unit of time.
    delay : float
        Mean time of transit, in the same unit of time.
    order : int
        Number of stages.

    Examples
    --------
    >>> delay_start(2.0, 12.0, 3)
    (8.0, 8.0, 8.0)
    """
    return (inflow * delay / order,) * order


def delay_outflow(stages: Sequence[float], delay: float) -> float:
    """Return what leaves a delay per unit of time; see `delay_start`.

    Examples
    --------
    >>> delay_outflow((8.0, 8.0, 8.0), 12.0)
    2.0
    """
    return stages[-1] * len(stages) / delay


def delay_step(stages: Sequence[float], inflow: float, delay: float, dt: float) -> tuple[float, ...]:
    """Return the stages of a delay one step later (Euler's method); see `delay_start`.

    Parameters
    ----------
    stages : sequence of float
    inflow : float
        Per unit of time.
    delay, dt : float
        Mean time of transit and length of the step, in that unit of time.

    Examples
    --------
    >>> delay_step((8.0, 8.0, 8.0), 4.0, 12.0, 0.5)
    (9.0, 8.0, 8.0)
    """
    outflows = [stage * len(stages) / delay for stage in stages]
    inflows = [inflow, *outflows[:-1]]
    return tuple([stage + dt * (i - o) for stage, i, o in zip(stages, inflows, outflows, strict=True)])


def lognormal(normal: float, median: float, sd_log: float) -> float:
    """Return a log-normal number of a median and a standard deviation of the logarithm, from a standard normal one.

    Examples
    --------
    >>> lognormal(0.0, median=10.0, sd_log=0.7)
    10.0
    """
    return median * exp(sd_log * normal)


def bernoulli(uniform: float, probability: float) -> bool:
    """Return whether something of a probability happens, from a uniform number.

    Examples
    --------
    >>> bernoulli(0.2, 0.25), bernoulli(0.3, 0.25)
    (True, False)
    """
    return uniform < probability


def poisson(uniform: float, mean: float, most: int) -> float:
    """Return a Poisson number of a mean, by inversion of a uniform number; numbers above `most` count as `most`.

    `most` is a constant; choose it so that the probability beyond is negligible: 10 above a mean of 1, 30 above one of
    10.

    Examples
    --------
    >>> [poisson(uniform, mean=2.0, most=12) for uniform in (0.1, 0.5, 0.9)]
    [0.0, 2.0, 4.0]
    """
    term = exp(-mean)
    total, count = term, 0.0
    for i in range(1, most + 1):
        count = count + (1.0 if uniform > total else 0.0)
        term = term * mean / i
        total = total + term
    return count


def erlang(uniforms: Sequence[float], mean: float) -> float:
    """Return a gamma number of a mean, with as many stages (the shape) as there are uniform numbers.

    Examples
    --------
    >>> round(erlang((0.5, 0.5, 0.5), mean=6.0), 3)  # ln 2 of the mean
    4.159
    """
    product = 1.0
    for uniform in uniforms:
        product = product * uniform
    return -mean * log(product) / len(uniforms)


def gamma(normal: float, mean: float, shape: float) -> float:
    """Return a gamma number of a mean and any shape from about 1 on, from a standard normal one.

    By the cube of a normal number (Wilson & Hilferty 1931): its quantiles err by less than 1 % of the mean from shape 2
    on.

    Examples
    --------
    >>> round(gamma(0.0, mean=6.0, shape=2.0), 3)  # near the median
    5.055
    """
    root = 1.0 - 1.0 / (9.0 * shape) + normal / (3.0 * sqrt(shape))
    return mean * max(0.0, root) ** 3


def triangular(uniform: float, low: float, mode: float, high: float) -> float:
    """Return a number of the triangular distribution, from a uniform one.

    Examples
    --------
    >>> triangular(0.25, low=0.0, mode=1.0, high=2.0), triangular(0.5, low=0.0, mode=1.0, high=2.0)
    (0.7071067811865476, 1.0)
    """
    share = (mode - low) / (high - low)
    if uniform < share:
        return low + sqrt(uniform * (high - low) * (mode - low))
    return high - sqrt((1.0 - uniform) * (high - low) * (high - mode))
