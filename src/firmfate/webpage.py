"""What pages are made of: templates, modules joined into one inline script, data for it, and their policy."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files as resources
from typing import Any, NamedTuple

NO_SCRIPT = "'none'"


@functools.cache
def templates(*folders: tuple[str, str]) -> Any:
    """Return the templates in folders of packages, (package, folder); values are escaped, and none may be missing."""
    import jinja2

    loader = jinja2.ChoiceLoader([jinja2.PackageLoader(*folder) for folder in folders])
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


class Part(NamedTuple):
    """A part of a page that runs a script.

    Attributes
    ----------
    html : str
        With the script and its data.
    digest : str
        Of the script, as a policy names it.
    wasm : bool
        Whether the script runs WebAssembly, in a worker that it makes.
    """

    html: str
    digest: str
    wasm: bool = False


def policy(*parts: Part) -> str:
    """Return a content security policy: nothing is fetched, and no script runs but those of these parts.

    Examples
    --------
    >>> policy(Part("", "'sha256-abc'"))  # doctest: +ELLIPSIS
    "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'sha256-abc'; style-src 'unsafe-inline'; ..."
    >>> "script-src 'none'" in policy()
    True
    """
    wasm = any(part.wasm for part in parts)
    scripts = [part.digest for part in parts] + ["'wasm-unsafe-eval'"] * wasm
    worker = "worker-src blob:; " if wasm else ""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"script-src {' '.join(scripts or [NO_SCRIPT])}; {worker}style-src 'unsafe-inline'; img-src data:"
    )


def joined(modules: Iterable[tuple[str, str]]) -> str:
    """Return ES modules as one script, each after those that it imports.

    Parameters
    ----------
    modules : iterable of (package, name)
        ``("firmfate.laboratory", "drawing")`` is ``web/drawing.mjs`` in that package.
    """
    return "\n" + "\n".join(inlined(package, name) for package, name in modules)


def inlined(package: str, name: str) -> str:
    """Return one ES module as a part of a script."""
    return without_modules((resources(package) / "web" / f"{name}.mjs").read_text(encoding="utf-8"))


def without_modules(text: str) -> str:
    """Return a module's text without its imports and exports: all modules of a page share one script."""
    return re.sub(r"^import .*\n", "", re.sub(r"^export ", "", text, flags=re.M), flags=re.M)


def draws_in_words(count: int, drawn: Iterable[str], crossed: Iterable[str]) -> str:
    """Return what the cells of a study with draws of a posterior are, without a full stop.

    Parameters
    ----------
    count : int
        Draws.
    drawn, crossed : iterables of str
        Words for the axes that are drawn together, and for those with which every draw is combined.
    """
    others = " and ".join(crossed)
    each = f", each with every combination of {others}" if others else ""
    return (
        f"The cells are {count:,} draws of a posterior, of {' and '.join(drawn)}{each}. What differs from draw to draw "
        "is what the observed survival leaves open"
    )


def digest(script: str) -> str:
    """Return the digest of an inline script, as a policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def as_script_data(given: Mapping[str, Any]) -> str:
    """Return JSON that may stand in a script element: nothing in it ends the element or begins a comment."""
    return json.dumps(given, separators=(",", ":")).replace("<", "\\u003c")
