"""Figures as inline SVG in the colours of the reader's theme: no fonts, images, scripts or addresses from outside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from firmfate.plots import style
from firmfate.reporting.blocks import Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THEMED = {
    style.INK: "var(--ink)",
    style.MUTED: "var(--muted)",
    style.RULE: "var(--rule)",
    style.PAPER: "var(--paper)",
    style.BLUE: "var(--blue)",
    style.SKY: "var(--sky)",
    style.GREEN: "var(--green)",
    style.ORANGE: "var(--orange)",
    style.VERMILION: "var(--vermilion)",
    style.PURPLE: "var(--purple)",
    style.GREY: "var(--grey)",
}
PREAMBLE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
SHEET = re.compile(r"<style type=\"text/css\">.*?</style>", re.DOTALL)
NAMESPACES = re.compile(r" xmlns(:\w+)?=\"[^\"]*\"")
SIZE = re.compile(r"(<svg[^>]*?) width=\"([\d.]+)pt\" height=\"[\d.]+pt\"")
REFERENCE = re.compile(r"(xlink:href=\"#|url\(#)([^\")]+)")
IDENTIFIER = re.compile(r" id=\"([^\"]*)\"")
COLOUR = re.compile(r"#[0-9a-f]{6}")
PIXELS_PER_POINT = 96 / 72


def panel(ax: Axes, alt: str, *, name: str) -> Panel:
    """Return the figure that axes belong to as a panel.

    Parameters
    ----------
    ax : Axes
        Any of the figure.
    alt : str
        What it shows, in words.
    name : str
        Different for every panel of a page, so that their inner identifiers differ.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None, "axes belong to a figure"
    svg = style.picture(figure, salt=name).decode("utf-8")
    found = SIZE.search(svg)
    assert found is not None, "an SVG of matplotlib has a size"
    width = round(float(found.group(2)) * PIXELS_PER_POINT)
    svg = SIZE.sub(r"\1", NAMESPACES.sub("", SHEET.sub("", METADATA.sub("", PREAMBLE.sub("", svg)))))
    svg = COLOUR.sub(lambda match: THEMED.get(match.group(), match.group()), svg)
    svg = _identified(svg, name)
    return Panel(svg.replace("<svg", '<svg aria-hidden="true"', 1), alt, width)


def _identified(svg: str, name: str) -> str:
    """Keep the identifiers that an SVG itself refers to, and make them its own on the page."""
    used = {match.group(2) for match in REFERENCE.finditer(svg)}
    svg = IDENTIFIER.sub(lambda match: f' id="{name}-{match.group(1)}"' if match.group(1) in used else "", svg)
    return REFERENCE.sub(rf"\1{name}-\2", svg)
