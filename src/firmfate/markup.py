"""What notebooks show of objects: small tables of HTML, without style of their own."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def rows(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a table of names and values; a line break in a value stays one.

    Examples
    --------
    >>> rows([("cells", "a < b")])
    '<table><tr><th style="text-align:left">cells</th><td style="text-align:left">a &lt; b</td></tr></table>'
    """
    left = 'style="text-align:left"'
    body = "".join(
        f"<tr><th {left}>{escape(name)}</th><td {left}>{escape(value).replace(chr(10), '<br>')}</td></tr>"
        for name, value in pairs
    )
    return f"<table>{body}</table>"


def table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    """Return a table with a head.

    Examples
    --------
    >>> table(["unit"], [["1/week"]])
    '<table><tr><th>unit</th></tr><tr><td>1/week</td></tr></table>'
    """
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
    lines += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in body]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def folded(title: str, content: str) -> str:
    """Return HTML that opens when its title is clicked."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def paragraph(text: str, *, strong: bool = False) -> str:
    """Return a paragraph of text."""
    return f"<p><b>{escape(text)}</b></p>" if strong else f"<p>{escape(text)}</p>"
