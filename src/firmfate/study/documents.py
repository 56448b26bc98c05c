"""Documents for people: tables of parameters and keys in Markdown, and a study file to start from."""

from __future__ import annotations

from collections.abc import Iterable

from firmfate.design import DESIGNS
from firmfate.design.families import FAMILIES
from firmfate.models import Model
from firmfate.study import settings


def parameter_table(model: Model) -> str:
    """Return a model's parameters as a Markdown table; a star marks a default that is an assumption: sweep it.

    Examples
    --------
    >>> from firmfate.models import load_model
    >>> print(parameter_table(load_model("car")).splitlines()[2][:73])
    | `execution` | 0.5 | share | [0, 1] | how strong the engine is | axis of
    """
    rows = [
        (
            f"`{row.name}`" + (" \\*" if row.assumption else ""),
            f"{row.default:g}",
            row.unit,
            str(row.allowed),
            row.meaning + (f"; also by part: `{row.keys[1]}`, ..." if row.parts else ""),
            row.source,
        )
        for row in model.parameters
    ]
    return _markdown(("parameter", "default", "unit", "allowed", "meaning", "source or reason"), rows)


def settings_table() -> str:
    """Return the keys of [study] and [record] as a Markdown table.

    Examples
    --------
    >>> print(settings_table().splitlines()[2].partition(":")[0])
    | `study.name` |  | what the study is called
    """
    rows = [
        (
            f"`{table}.{setting.name}`",
            "" if setting.default is None else f"`{_shown(setting.default)}`",
            setting.meaning,
        )
        for table, entries in (("study", settings.STUDY), ("record", settings.RECORD))
        for setting in entries
    ]
    return _markdown(("key", "default", "meaning"), rows)


def distributions_table() -> str:
    """Return the distributions of [population] as a Markdown table.

    Examples
    --------
    >>> print(distributions_table().splitlines()[2])
    | `{ normal = [mean, sd] }` | mean and standard deviation |
    """
    rows = [(f"`{{ {name} = {family.form} }}`", family.meaning) for name, family in FAMILIES.items()]
    observed = '`{ empirical = [..] }`, `{ empirical = { file = "firms.csv", column = "margin" } }`'
    rows.append((observed, "observed values, each as likely"))
    return _markdown(("distribution", "meaning"), rows)


def designs_table() -> str:
    """Return the designs as a Markdown table.

    Examples
    --------
    >>> print(designs_table().splitlines()[2].partition(";")[0])
    | `[grid]` | every combination of the axes' values
    """
    header = ("design", "cells", "when it grows", "cells follow from")
    return _markdown(header, (design.row() for design in DESIGNS.values()))


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def _markdown(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; bars inside cells are escaped."""
    lines = [header, tuple("---" for _ in header), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


FIRM = """\
# A study of firms: what is asked, of which firms, and how many are simulated.
# Check it with `firmfate check`, see what it costs with `firmfate plan`, run it with `firmfate run`.

[study]
name = "{name}"
model = "firm"                        # five divisions, each steered by a KPI of its own
question = "Does stronger execution shorten the life of misaligned firms?"
years = 20                            # horizon; a year has 52 weeks
steps_per_week = 1
replicates = 1_000                    # firms in every cell; more can be added later, nothing runs twice
seed = 20261123
common_random_numbers = true          # the same shocks in every cell: differences between cells are sharper

# The design: every combination of these values. Any parameter can be an axis, one division alone too.
[grid]
execution    = {{ from = 0.0, to = 1.0, points = 6 }}
misalignment = {{ from = 0.0, to = 1.0, points = 6 }}
# "misalignment.sales" = [0, 0.5, 1]  # one division on its own; it overrides misalignment
# correct_time = ["13 weeks", "1 year"]

# Other designs, in place of [grid]: {others}.

# What differs from firm to firm, by a distribution.
# [population]
# unit_cost = {{ normal = [0.57, 0.02] }}

# Fixed values that override the model's defaults.
# [parameters]
# correct_time = 26

# [record]
# firms = true                        # write every firm's event to firms.nc
# horizons = [5, 10]                  # years at which mean lifetimes are compared
"""

CAR = """\
# A study of cars: the metaphor in one dimension, exactly solvable.

[study]
name = "{name}"
model = "car"
question = "When does a strong engine shorten the drive of a car with faulty steering?"
years = 20
steps_per_week = "1/13"               # steps of a quarter of a year; survival is exact at every step
replicates = 10_000
seed = 20261123

[grid]
execution    = {{ from = 0.0, to = 1.0, points = 6 }}
misalignment = {{ from = 0.0, to = 1.0, points = 6 }}

# [parameters]
# notice = 0.1                        # a year: how soon the driver notices and repairs the steering
"""

TEMPLATES = {"firm": FIRM, "car": CAR}


def template(name: str = "paradox", model: str = "firm") -> str:
    """Return the text of a commented study file to start from, of model ``"firm"`` or ``"car"``.

    Examples
    --------
    >>> from firmfate import Study
    >>> len(Study.parse(template("mine", "car")).cells)
    36
    """
    others = ", ".join(design.heading() for kind, design in DESIGNS.items() if kind != "grid")
    return TEMPLATES[model].format(name=name, others=others)
