"""Pages of tables: commands, study files, parameters, datasets and errors."""

from __future__ import annotations

import argparse
import json
import re

from firmfate.cli import COMMANDS, EPILOG, parser
from firmfate.counts import COORDINATES, COUNTS, FIRMS, firm_variables, markdown
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


def _study_file() -> str:
    schema = study_schema(load_model("firm"))
    known = ", ".join(f"`[{name}]`" for name in schema["properties"])
    return (
        f"# Study file\n\nA study is a TOML file with these tables: {known}. Unknown keys and impossible values are refused before "
        "anything runs. Editors complete and check it with {download}`the JSON schema <study-schema.json>`, which `firmfate schema` "
        f"prints.\n\n## [study] and [record]\n\n{settings_table()}\n## Designs\n\nOne of them says which cells there are; any parameter "
        f"of the model can be an axis.\n\n{designs_table()}\n## [population]\n\nHow firms of one cell differ: key = distribution."
        f"\n\n{distributions_table()}\n## [parameters]\n\nFixed values in place of the model's defaults: see "
        "[parameters of `firm`](parameters-firm.md) and of [`car`](parameters-car.md).\n"
    )


def _datasets() -> str:
    marks = [variable for name, variable in firm_variables(load_model("firm")).items() if name not in FIRMS]
    return (
        "# Datasets\n\nWhat `firmfate.run` returns, `result.nc` holds and estimators take. `axes…` stands for the axes of a grid, or "
        f"for `cell`. A unit of 1 is a number of firms.\n\n## Counts\n\n{markdown(COUNTS.values())}\n\n## Coordinates\n\n"
        f"{markdown(COORDINATES.values())}\n\n## Firms\n\n`firms.nc` of a study with `[record] firms = true`, and what "
        f"`firmfate.simulate` returns.\n\n{markdown([*FIRMS.values(), *marks])}\n"
    )


def _parameters(name: str) -> str:
    model = load_model(name)
    return f"# Parameters of `{name}`\n\n{model.summary} A star marks an assumption: sweep it, do not believe it.\n\n{parameter_table(model)}"


def _errors() -> str:
    """Return the catalogue by number."""
    head = (
        "# Error catalogue\n\nA model that cannot be run is refused when it is made, with a number, the file and the line. "
        "`firmfate explain FF103` prints a number's page without network.\n"
    )
    pages = [refusal.page.replace("# ", "## ", 1) for refusal in REFUSALS.values()]
    later = [f"## {code}: {text}\n" for code, text in sorted(AT_RUN_TIME.items())]
    return "\n".join([head, *pages, *later])
