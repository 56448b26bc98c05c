"""How figures look: colours for the colour-blind too (Okabe & Ito 2008), quiet axes, no state of pyplot."""

from __future__ import annotations

import functools
import io
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from firmfate.errors import EstimateError
from firmfate.plots.spacing import evenly_spaced

P = ParamSpec("P")
R = TypeVar("R")

INK, MUTED, RULE, PAPER = "#1a1d21", "#636c76", "#d3d8de", "#fefefe"
"""Text, notes, grid lines and background; the report replaces them by the colours of its reader's theme."""

BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE, GREY = (
    "#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#8c96a0",
)  # fmt: skip
CATEGORIES = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY)
ORDERED = (BLUE, SKY, GREY, ORANGE, VERMILION)
"""Cool to warm, for curves along an axis."""

CAUSES = (VERMILION, BLUE, ORANGE, GREY, PURPLE, GREEN, SKY)
GEOMETRY = re.compile(rb' (?:d|x|y|points|transform)="[^"]*"')
LONG_NUMBER = re.compile(rb"(-?\d+\.\d\d)\d+")
"""Numbers in the geometry of an SVG with more decimals than anyone sees (72 units an inch)."""

MOST_BAND_POINTS = 261
"""Of a curve by weeks over 20 years every fourth: a band needs no more."""

DATED: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "pdf": {"CreationDate": None},
}
"""Metadata that are left out of a picture, by its form: its bytes would be others every time."""

LENGTHS = "cividis"
SIGNS = "RdBu"

LONGEST_TITLE = 80
"""Characters of a panel's title: units are as long as somebody writes them."""

RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": PAPER,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "lines.linewidth": 1.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "hatch.linewidth": 0.5,
}


class ShownAxes(Axes):
    """Axes whose figure a notebook shows where they are the last line of a cell."""

    def _repr_png_(self) -> bytes:
        return picture(self.get_figure(root=True), form="png")  # type: ignore[arg-type]


class Panels(np.ndarray[Any, Any]):
    """Axes of one figure as an array, which a notebook shows likewise."""

    def _repr_png_(self) -> bytes | None:
        return picture(self.flat[0].get_figure(root=True), form="png") if self.size else None


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in this style, whatever the user's matplotlibrc sets."""

    @functools.wraps(draw)
    def within(*args: P.args, **options: P.kwargs) -> R:
        with matplotlib.rc_context(RC):
            return draw(*args, **options)

    return within


def canvas(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """Return a new figure of `width` x `height` inches and its (rows, columns) array of axes.

    `options` go to ``Figure.subplots``. Notebooks show the axes, and the array.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    shown = {"axes_class": ShownAxes}
    return figure, figure.subplots(rows, columns, squeeze=False, subplot_kw=shown, **options).view(Panels)


def axes_on(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the axes that were given, or those of a new figure."""
    if ax is not None:
        return ax
    _, axes = canvas(width, height)
    return axes[0, 0]  # type: ignore[no-any-return]


def given(axes: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return axes as an array of this shape, or refuse another number of them."""
    found = np.asanyarray(axes, dtype=object)
    if found.size != math.prod(shape):
        raise EstimateError(f"axes: {found.size} given; this figure has {' x '.join(map(str, shape))} panels")
    return found.reshape(shape)


def curve_colours(count: int) -> list[str]:
    """Return colours for curves in an order: blue and vermilion for two, cool to warm up to five, then categories."""
    if count <= 2:
        return [BLUE, VERMILION][:count]
    if count <= len(ORDERED):
        return [ORDERED[place] for place in evenly_spaced(len(ORDERED), count)]
    return [CATEGORIES[place % len(CATEGORIES)] for place in range(count)]


def note(ax: Axes, text: str, *, points: float = 34) -> None:
    """Write what stands behind a figure (n, error) in small letters, so many points beneath its axes."""
    ax.annotate(
        text, (0, 0), xycoords="axes fraction", xytext=(0, -points), textcoords="offset points", fontsize=7.5,
        color=MUTED, ha="left", va="top", annotation_clip=False, gid="note",
    )  # fmt: skip


def counted(firms: Any) -> str:
    """Return how many firms there are, from the least to the most where cells hold different numbers.

    Examples
    --------
    >>> counted([320, 320]), counted([0, 20_000])
    ('320', '0 to 20,000')
    """
    least, most = int(np.min(firms)), int(np.max(firms))
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def age_axis(ax: Axes, horizon: float, *, label: str = "age in years") -> None:
    """Lay out an axis of ages from 0 to a horizon in years, with round ticks."""
    step = next((step for step in (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50) if horizon / step <= 6.5), horizon)
    ax.set_xlim(0, horizon)
    ax.set_xticks(np.arange(0, horizon + step / 100, step))
    ax.set_xlabel(label)


def spread(values: Sequence[float], *, gap: float) -> list[float]:
    """Return heights for labels near `values`, in their order and at least `gap` apart."""
    order = np.argsort(values, kind="stable")
    placed = np.asarray(values, dtype=np.float64)[order]
    for _ in range(200):
        short = gap - np.diff(placed)
        if not (short > 1e-9).any():
            break
        push = np.clip(short, 0, None) / 2
        placed[:-1] -= push
        placed[1:] += push
    found = np.empty_like(placed)
    found[order] = placed
    return [float(value) for value in found]


def end_labels(ax: Axes, x: float, heights: Sequence[float], labels: Sequence[str], colours: Sequence[str]) -> None:
    """Write the name of every curve at its end, in place of a legend."""
    low, high = ax.get_ylim()
    for height, label, colour in zip(spread(heights, gap=0.052 * (high - low)), labels, colours, strict=True):
        ax.annotate(
            label, (x, height), xytext=(5, 0), textcoords="offset points", color=colour, fontsize=8, va="center",
            annotation_clip=False,
        )  # fmt: skip


def picture(figure: Figure, *, form: Literal["svg", "png", "pdf"] = "svg", salt: str = "firmfate") -> bytes:
    """Return a figure as bytes: SVG with text as text, PNG or PDF, the same bytes every time.

    Parameters
    ----------
    figure : Figure
    form : {"svg", "png", "pdf"}
    salt : str
        Makes the identifiers inside one SVG differ from those of others on the same page.

    Examples
    --------
    >>> from firmfate.survival import example
    >>> from firmfate.plots import survival_curves
    >>> axes = survival_curves(example().sel(execution=1.0))
    >>> picture(axes.figure, form="png")[1:4]
    b'PNG'
    """
    with matplotlib.rc_context({**RC, "svg.fonttype": "none", "svg.hashsalt": salt}):
        file = io.BytesIO()
        metadata = DATED.get(form)
        with warnings.catch_warnings():  # a letter that a font lacks is measured as another; as text it is shown
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from")
            figure.savefig(file, format=form, dpi=150, metadata=metadata)
    if form != "svg":
        return file.getvalue()
    return GEOMETRY.sub(lambda match: LONG_NUMBER.sub(rb"\1", match.group()), file.getvalue())


def band_points(points: int) -> NDArray[np.int_]:
    """Return the positions of the points that a band is drawn through."""
    return evenly_spaced(points, MOST_BAND_POINTS)
