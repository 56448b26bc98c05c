"""What a finding is: a headline, sentences with numbers, and the numbers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from firmfate.analysis.formatting import Estimate, format_estimate
from firmfate.markup import folded, paragraph, table

CAUTION = (
    "Standard errors are those of the simulation alone: they say how precisely the model's answer is known, not how "
    "well the model describes firms."
)


@dataclass(frozen=True)
class Finding:
    """What a study found.

    Attributes
    ----------
    headline : str
        One sentence, without numbers where it can be.
    statements : tuple of str
        Sentences that carry the numbers and their standard errors.
    holds : bool or None
        Whether the paradox shows: execution lengthens the life of aligned firms and shortens that of misaligned ones,
        and the 95 % limits of both effects exclude 0. None where the study cannot decide: its axes are others, or
        there are too few firms.
    numbers : dict
        Name -> estimate, standard error and limits of what the sentences state.
    caution : str
        What the numbers do not say.

    Examples
    --------
    >>> finding = Finding("Execution shortens life.", ("By 2.0 years (standard error 0.1).",), holds=False)
    >>> print(finding)
    Execution shortens life. By 2.0 years (standard error 0.1).
    """

    headline: str
    statements: tuple[str, ...]
    holds: bool | None = None
    numbers: Mapping[str, Estimate] = field(default_factory=dict)
    caution: str = ""

    def sentence(self) -> str:
        """Return the finding in plain words."""
        return " ".join((self.headline, *self.statements))

    def __str__(self) -> str:
        return self.sentence()

    def _repr_html_(self) -> str:
        """What a notebook shows: the sentences, and the numbers where they are unfolded."""
        shown = paragraph(self.headline, strong=True) + "".join(map(paragraph, self.statements))
        if self.numbers:
            numbers = [(name, format_estimate(value, short=True)) for name, value in self.numbers.items()]
            shown += folded("numbers", table(("quantity", "estimate ± standard error"), numbers))
        return shown + paragraph(self.caution or CAUTION)
