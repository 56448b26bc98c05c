"""The laboratory in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from numpy.typing import ArrayLike

from firmfate.laboratory.page import content_of_model, rendered
from firmfate.models.model import Model


class Shown:
    """A laboratory that a notebook shows, in a frame that can reach neither the notebook nor the network.

    Attributes
    ----------
    page : str
        The HTML of the laboratory.
    height : int
        Of the frame, in pixels.

    Examples
    --------
    See `show`.
    """

    def __init__(self, page: str, height: int) -> None:
        self.page, self.height = page, height

    def _repr_html_(self) -> str:
        return (
            f'<iframe title="firmfate laboratory" sandbox="allow-scripts" srcdoc="{escape(self.page)}" '
            f'style="width:100%;height:{self.height}px;border:0"></iframe>'
        )


def show(
    model: str | Model = "firm",
    *,
    parameters: Mapping[str, ArrayLike] | None = None,
    weeks: int | None = None,
    steps_per_week: float | None = None,
    height: int = 900,
) -> Shown:
    """Show the laboratory of a model in a notebook.

    Parameters
    ----------
    model, parameters, weeks, steps_per_week
        As of `firmfate.lab`.
    height : int
        Of the frame, in pixels.

    Returns
    -------
    Shown
        A notebook shows it where it is the last value of a cell.

    Examples
    --------
    >>> import firmfate
    >>> firmfate.show("car")._repr_html_().startswith("<iframe")
    True
    """
    given = content_of_model(model, parameters=parameters, weeks=weeks, steps_per_week=steps_per_week)
    return Shown(rendered(given), height)
