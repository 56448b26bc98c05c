"""What a comparison of cells needs to know of an estimator, declared where the estimator is defined.

`estimator` marks a function; `find` reads the marks back, through `functools.partial` and `functools.wraps`. While a
comparison calls a function without marks, `calls` notes which marked ones that function calls: a function of the
user's that takes a quantile is as little smooth as `quantile` itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, cast

import xarray as xr

from firmfate.survival.simulated import as_counts

F = TypeVar("F", bound=Callable[..., Any])
MARK = "firmfate_estimator"


@dataclass(frozen=True)
class Traits:
    """What is true of an estimator, whose ``se``, ``lower`` and ``upper`` are always those of independent firms.

    Attributes
    ----------
    function : callable
        The estimator that was marked.
    smooth : bool
        Its value varies smoothly with the counts, as the jackknife needs; otherwise errors come from batch means.
    for_means : mapping
        Options with which batch means are taken.
    interpolates : bool
        A curve over weeks whose variance within the batches' bins follows that of independent cells.
    without_batch : callable, optional
        ``(ds, **options)`` returns a function of a batch, the exact estimate of all firms but those of the batch; or
        None, where the dataset does not hold what it takes.
    """

    function: Callable[..., Any]
    smooth: bool = True
    for_means: Mapping[str, Any] = field(default_factory=dict)
    interpolates: bool = True
    without_batch: Callable[..., Callable[[int], xr.DataArray] | None] | None = None


class Found(NamedTuple):
    """The traits of a function that was handed over, if any, and the options that it carries."""

    traits: Traits | None
    options: dict[str, Any]
    itself: bool  # the estimator, and no wrapper that may change its value


def takes_counts(f: F) -> F:
    """Let a function of a dataset of counts take what `firmfate.simulate` returns as well."""

    @functools.wraps(f)
    def of_counts(ds: xr.Dataset, *args: Any, **kwargs: Any) -> Any:
        return f(as_counts(ds), *args, **kwargs)

    return cast(F, of_counts)


def estimator(**traits: Any) -> Callable[[F], F]:
    """Mark a function of counts as an estimator with these `Traits`; it takes counts as by `takes_counts`."""

    def mark(f: F) -> F:
        @functools.wraps(f)
        def of_counts(ds: xr.Dataset, *args: Any, **kwargs: Any) -> Any:
            if (noted := _NOTED.get()) is not None:
                noted.append(known)
            return f(as_counts(ds), *args, **kwargs)

        known = Traits(function=of_counts, **traits)
        setattr(of_counts, MARK, known)
        return cast(F, of_counts)

    return mark


def find(f: Callable[..., Any]) -> Found:
    """Return the traits of an estimator, whether given as it is, partially applied or wrapped."""
    options: dict[str, Any] = {}
    itself = True
    while True:
        if isinstance(f, functools.partial):
            options = {**f.keywords, **options}
            f = f.func
        elif (known := getattr(f, MARK, None)) is not None:
            return Found(known, options, itself and known.function is f)
        elif hasattr(f, "__wrapped__"):
            f, itself = f.__wrapped__, False
        else:
            return Found(None, options, False)


_NOTED: ContextVar[list[Traits] | None] = ContextVar("noted", default=None)


@contextmanager
def calls() -> Iterator[list[Traits]]:
    """Note the estimators that are called within."""
    noted: list[Traits] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)
