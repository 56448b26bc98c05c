"""The section on what a posterior leaves open: every number of the finding with both its errors."""

from __future__ import annotations

from firmfate.analysis.formatting import Estimate, decimals, format_estimate
from firmfate.analysis.posterior_finding import PARAMETER_ERROR, PROBABILITY, is_unseen
from firmfate.reporting.blocks import Prose, Section, Table
from firmfate.reporting.context import Context

WORDS = (
    "The study simulates draws of a posterior of the model's parameters. The Monte Carlo error of a mean over draws is "
    "that of the firms simulated and of the number of draws; more of either makes it smaller. The parameter error is "
    "the standard deviation over the posterior, less what the firms of single draws add to it; more firms leave it as "
    "it is, other data may not. Both are conditional on the model, and on what the posterior has fixed."
)


def section(context: Context) -> Section | None:
    """Return the section, for a study over draws of a posterior."""
    numbers = context.finding.numbers
    names = [name.removesuffix(PARAMETER_ERROR) for name in numbers if name.endswith(PARAMETER_ERROR)]
    if not names:
        return None
    rows = [
        (
            name,
            _rounded(numbers[name].estimate, numbers[name].se),
            _rounded(numbers[name].se, numbers[name].se),
            _parameters(numbers[f"{name}{PARAMETER_ERROR}"]),
            _short(above) if (above := numbers.get(PROBABILITY.format(name))) else "–",
        )
        for name in names
    ]
    head = ("quantity", "mean over draws", "Monte Carlo error", "parameter error", "probability that it is above 0")
    caption = f"Over the posterior. Effects and lifetimes in years within {context.years:g} years."
    return Section("parameter-errors", "Parameter errors", [Prose(WORDS), Table(head, rows, caption)])


def _rounded(value: float, error: float) -> str:
    return f"{value:.{decimals(error)}f}"


def _parameters(value: Estimate) -> str:
    return f"less than {value.upper:.2g}" if is_unseen(value) else _short(value)


def _short(value: Estimate) -> str:
    return format_estimate(value, short=True)
