"""The list of references: each with its DOI where it has one, and the parameters whose values rest on it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from firmfate.models import load_model

CITED = re.compile(r"([A-Z][A-Za-z]+)(?: & (?:Van )?[A-Z]\w+| et al\.)?,? \(?((?:19|20)\d\d)")
"""A citation in a table's source: first author and year."""

LIST = Path(__file__).parents[1] / "references.toml"

OTHER = """\
Data that are no publication of one author: the US Census Bureau's *Business Dynamics Statistics* and the Bureau of
Labor Statistics' *Business Employment Dynamics* (survival of establishments), A. Damodaran's tables of margins by
sector, and the Juran Institute's figures on the cost of poor quality. SSRN 4959549 is a working paper,
[doi:10.2139/ssrn.4959549](https://doi.org/10.2139/ssrn.4959549).
"""


def cited() -> dict[str, list[str]]:
    """Return what the tables of parameters cite: first author and year -> parameters."""
    found: dict[str, list[str]] = {}
    for name in ("firm", "car"):
        for row in load_model(name).parameters:
            for author, year in CITED.findall(row.source):
                found.setdefault(f"{author} {year}", []).append(row.name)
    return found


def pages() -> dict[str, str | bytes]:
    """Return the page.

    Raises
    ------
    ValueError
        Where a table cites a work that is not in the list.
    """
    uses = cited()
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    if missing := set(uses) - {reference["key"] for reference in listed["models"]}:
        raise ValueError(f"docs/references.toml lacks {sorted(missing)}, which parameters cite")
    models, methods = ("\n".join(_line(one, uses.get(one["key"], [])) for one in listed[kind]) for kind in listed)
    return {"references.md": f"# References\n\n## Models\n\n{models}\n\n{OTHER}\n## Methods\n\n{methods}\n"}


def _line(reference: dict[str, str], used_by: list[str]) -> str:
    link = f" [doi:{reference['doi']}](https://doi.org/{reference['doi']})" if "doi" in reference else ""
    names = ", ".join(f"`{name}`" for name in used_by)
    return f"- {' '.join(reference['text'].split())}{link}{f' Used for {names}.' if names else ''}"
