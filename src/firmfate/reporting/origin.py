"""The section on provenance: versions, commit, seed, machine and the study's text, to repeat the run by."""

from __future__ import annotations

from typing import Any

from firmfate.counts import WEEKS_PER_YEAR
from firmfate.reporting.blocks import Prose, Section, Table, Verbatim
from firmfate.reporting.context import Context
from firmfate.study import Study


def section(context: Context) -> Section:
    """Return the section."""
    gathered, begun, attributes = context.gathered, context.begun, context.ds.attrs
    versions = ", ".join(f"{name} {version}" for name, version in gathered.get("versions", {}).items())
    machine = ", ".join(
        str(value) if name != "cores" else f"{value} core{'' if value == '1' else 's'}"
        for name, value in gathered.get("machine", {}).items()
    )
    common = "shared by all cells" if int(attributes.get("common_random_numbers", 0)) else "each cell its own"
    known: list[tuple[str, Any]] = [
        ("study", attributes.get("title")),
        ("model", attributes.get("model")),
        ("firms", f"{context.firms:,} in {context.cells:,} {'cell' if context.cells == 1 else 'cells'}"),
        ("horizon", f"{context.years:g} years of {WEEKS_PER_YEAR} weeks"),
        ("steps a week", f"{float(attributes.get('steps_per_week', 1)):g}"),
        ("seed", attributes.get("seed")),
        ("random numbers", common),
        ("batches", context.batches),
        ("fingerprint", begun.get("fingerprint")),
        ("versions", versions),
        ("commit", gathered.get("commit") or "not run from a source tree under version control"),
        ("machine", machine),
        ("begun", begun.get("time")),
        ("gathered", gathered.get("time")),
    ]
    rows = [[name, str(value)] for name, value in known if value not in (None, "")]
    blocks: list[Any] = [Table(["", ""], rows, "What made this result.", frozenset({0, 1}))]
    if not int(attributes.get("complete", 1)):
        blocks.insert(0, Prose("This result is incomplete: not all firms that the study asks for have been simulated."))
    if text := str(attributes.get("study", "")).strip():
        blocks.append(Verbatim(text, "The study, as it was run"))
        blocks.append(
            Prose(
                "Written to study.toml and run with “firmfate run study.toml --into DIRECTORY”, with the same "
                f"{_needed(context.study)}, this gives the same counts to the last firm."
            )
        )
    return Section("provenance", "Provenance", blocks)


def _needed(study: Study | None) -> str:
    """Return what the counts of a study depend on: where packages draw or decide, on these and the processor too."""
    if study and not (study.design.drawn or study.population.keys or study.precision):
        return "version of firmfate, on any processor"
    *most, last = ("firmfate", "NumPy", "SciPy", *(study.design.needs if study else ()))
    return f"versions of {', '.join(most)} and {last}, on a processor of the same kind"
