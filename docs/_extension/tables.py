"""Pages of tables: commands, study files, parameters, datasets and errors."""

from __future__ import annotations

import argparse
import json
import re

from firmfate.cli import COMMANDS, EPILOG, parser
from firmfate.counts import COORDINATES, COUNTS, firm_variables, markdown
from firmfate.models import load_model
from firmfate.models.refusals import AT_RUN_TIME, REFUSALS
from firmfate.study import designs_table, distributions_table, parameter_table, settings_table, study_schema


def pages() -> dict[str, str | bytes]:
    """Return the pages."""
    return {
        "commands.md": _commands(),
        "study-file.md": _study_file(),
        "study-schema.json": json.dumps(study_schema(load_model("firm")), indent=1) + "\n",
        "datasets.md": _datasets(),
        "errors.md": _errors(),
        **{f"parameters-{name}.md": _parameters(name) for name in ("firm", "car")},
    }


def _commands() -> str:
    """Return every command with its options, from the parser."""
    top = parser()
    (choices,) = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    parts = ["# Commands\n", "In the order in which a study flows through them.\n", f"```text\n{EPILOG.strip()}\n```\n"]
    for name in COMMANDS:
        command = choices.choices[name]
        usage = re.sub(r"\s+", " ", command.format_usage().removeprefix("usage: ")).strip()
        parts.append(f"## {name}\n\n{_words(command.description)}\n\n```text\n{usage}\n```\n")
        rows = []
        for action in command._actions:
            if isinstance(action, argparse._HelpAction) or action.help is argparse.SUPPRESS:
                continue
            shown = ", ".join(f"`{option}`" for option in action.option_strings) or f"`{action.metavar or action.dest}`"
            if action.option_strings and action.nargs != 0:
                metavar = action.metavar or action.dest.upper()
                shown += f" `{' '.join(metavar) if isinstance(metavar, tuple) else metavar}`"
            help_text = (action.help or "") % {**vars(action), "prog": command.prog} if action.help else ""
            rows.append(f"| {shown} | {_cell(help_text)} |")
        parts.append("| option | meaning |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")


def _words(text: str | None) -> str:
    """Return a docstring as Markdown: literal blocks and double backticks as code."""
    text = (text or "").strip().replace("``", "`")
    return re.sub(r"::\n\n((?:    .*\n?|\n)+)", lambda match: f":\n\n```text\n{match[1].rstrip()}\n```\n", text)


STUDY_FILE = """\
# Study file

A study is a TOML file with these tables: {known}. Unknown keys and impossible values are refused before anything runs.
Editors complete and check it with {{download}}`the JSON schema <study-schema.json>`, which `firmfate schema` prints.

## [study] and [record]

{settings}
## Designs

One of them says which cells there are; any parameter of the model can be an axis. A part of a parameter is written
`"misalignment.sales" = 0.5`, `misalignment = {{ sales = 0.5 }}`, or as datasets call it, `misalignment_sales = 0.5`.

{designs}
## [population]

How firms of one cell differ: key = distribution.

{distributions}
## [parameters]

Fixed values in place of the model's defaults: see [parameters of `firm`](parameters-firm.md) and of
[`car`](parameters-car.md).
"""


def _study_file() -> str:
    return STUDY_FILE.format(
        known=", ".join(f"`[{name}]`" for name in study_schema(load_model("firm"))["properties"]),
        settings=settings_table(),
        designs=designs_table(),
        distributions=distributions_table(),
    )


DATASETS = """\
# Datasets

What `firmfate.run` returns, `result.nc` holds and estimators take. `axes…` stands for the axes of a grid, or for
`cell`. A unit of 1 is a number of firms.

## Counts

{counts}

## Coordinates

{coordinates}

## Firms

`firms.nc` of a study with `[record] firms = true`, and what `firmfate.simulate` returns.

{firms}
"""


def _datasets() -> str:
    firms = firm_variables(load_model("firm")).values()
    return DATASETS.format(
        counts=markdown(COUNTS.values()), coordinates=markdown(COORDINATES.values()), firms=markdown(firms)
    )


def _parameters(name: str) -> str:
    model = load_model(name)
    head = f"# Parameters of `{name}`\n\n{model.summary} A star marks an assumption: sweep it, do not believe it."
    return f"{head}\n\n{parameter_table(model)}"


ERRORS = """\
# Error catalogue

A model that cannot be run is refused when it is made, with a number, the file and the line. `firmfate explain FF103`
prints a number's page without network.
"""


def _errors() -> str:
    """Return the catalogue by number."""
    pages = [refusal.page.replace("# ", "## ", 1) for refusal in REFUSALS.values()]
    later = [f"## {code}: {text}\n" for code, text in AT_RUN_TIME.items()]
    return "\n".join([ERRORS, *pages, *later])
