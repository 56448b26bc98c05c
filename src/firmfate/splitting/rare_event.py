"""What splitting has found of an event: its probability with error, limits and cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from firmfate.splitting.compiled import Floats

LEVEL = 0.95


@dataclass(frozen=True, eq=False, repr=False)
class RareEvent:
    """A probability by splitting, with its error and its cost.

    Attributes
    ----------
    event : str
        What of which probability.
    probability, standard_error : float
        The mean of the runs' estimates, and its standard error, from how they vary.
    lower, upper : float
        95 % limits: of Student's t for the logarithm, so that both are above 0.
    levels : (levels,) array
        Importances, ascending.
    shares : (levels + 1,) array
        Share of firms that came from each level to the next, the last to the event; means of the runs.
    estimates : (runs,) array
        What each run gives.
    firms : int
        Firms at each level of a run.
    firm_steps, pilot_firm_steps : int
        Steps of all firms of the runs, and of the pilot.
    plain_firm_steps : float
        Steps that as many independent firms would take as give the same error.

    Examples
    --------
    >>> import firmfate
    >>> found = firmfate.rare_event_probability(
    ...     "car", importance="-distance", parameters={"buffer_mean": 2.0, "buffer_sd": 0}, weeks=520, firms=200, runs=8
    ... )
    >>> found.lower < found.probability < found.upper, found.estimates.shape
    (True, (8,))
    """

    event: str
    probability: float
    standard_error: float
    lower: float
    upper: float
    levels: Floats
    shares: Floats
    estimates: Floats
    firms: int
    firm_steps: int
    pilot_firm_steps: int
    plain_firm_steps: float

    @property
    def relative_error(self) -> float:
        """Standard error over probability."""
        return self.standard_error / self.probability

    def __repr__(self) -> str:
        power = math.floor(math.log10(self.probability))
        unit = 10.0**power
        error = max(self.standard_error / unit, 1e-6)
        digits = max(0, -math.floor(math.log10(error)))
        digits += error * 10.0**digits < 2  # to the first digit of the error, two where that is a 1

        def shown(x: float) -> str:
            return f"{x / unit:.{digits}f}e{power:+03d}"

        seen = round(self.lower / unit, digits) > 0
        limits = " to ".join(shown(x) if seen else f"{x:.2g}" for x in (self.lower, self.upper))
        return (
            f"P({self.event}) = {shown(self.probability)}, standard error {shown(self.standard_error)}, "
            f"95 % limits {limits}\n"
            f"{len(self.estimates)} runs of {self.firms:,} firms {self._where}: "
            f"{self.firm_steps + self.pilot_firm_steps:.2g} firm-steps; firms that are not split would take "
            f"{self.plain_firm_steps:.2g} for the same error"
        )

    @property
    def _where(self) -> str:
        """Where as many firms begin."""
        count = len(self.levels)
        levels = f"each of {count} levels" if count > 1 else "one level"
        return f"at the start and {levels}" if count else "at the start, without levels"


def limits(mean: float, error: float, runs: int) -> tuple[float, float]:
    """Return 95 % limits of a probability from a mean of runs and its standard error."""
    from scipy.stats import t

    factor = math.exp(float(t.ppf((1 + LEVEL) / 2, runs - 1)) * error / mean)
    return mean / factor, min(1.0, mean * factor)
