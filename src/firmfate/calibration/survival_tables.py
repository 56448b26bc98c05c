"""Observed survival by age: what models are calibrated to, and how uncertain it is."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firmfate.errors import EstimateError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

COLUMNS = ("series", "cohort", "age_years", "surviving_pct")
"""Columns of a table; ``n_surviving``, the number of firms, may stand beside them."""

RANGES = {
    "age_years": (1000.0, "a number of years from 0 to 1000"),
    "surviving_pct": (100.0, "a number from 0 to 100, in percent"),
    "n_surviving": (2.0**53, "a number of firms"),
}
"""Column -> the largest number allowed, and what is allowed, as a message states it."""


@dataclass(frozen=True, eq=False)
class SurvivalTable:
    """The share of a cohort that is alive at some ages.

    Attributes
    ----------
    ages : (ages,) array
        Years, ascending, above 0.
    surviving : (ages,) array
        Shares.
    firms : int or None
        Size of the cohort; None where it is unknown.
    rounding : float
        Unit of the last digit of a share.
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> from firmfate.calibration import SurvivalTable
    >>> table = SurvivalTable(ages=np.array([1.0, 5.0]), surviving=np.array([0.8, 0.5]), firms=400)
    >>> table.covariance.diagonal() ** 0.5  # standard errors
    array([0.02 , 0.025])
    """

    ages: Floats
    surviving: Floats
    firms: int | None = None
    rounding: float = 0.0
    name: str = "observed"

    def __post_init__(self) -> None:
        steps = np.diff(np.concatenate([[0.0], self.ages]))
        shares = np.concatenate([[1.0], self.surviving])
        if len(self.ages) != len(self.surviving) or not len(self.ages) or not (steps > 0).all():
            raise EstimateError(f"{self.name}: ages must be above 0 and ascend, one for each share of survivors")
        if not ((shares >= 0) & (shares <= 1)).all():
            raise EstimateError(f"{self.name}: shares of survivors must lie in [0, 1]")
        if (rises := np.flatnonzero(np.diff(shares) > self.rounding)).size:
            at = int(rises[0])
            raise EstimateError(
                f"{self.name}: shares of survivors must not rise with age; at {self.ages[at]:g} years it is "
                f"{shares[at + 1]:.6g}, after {shares[at]:.6g}"
            )

    @property
    def rounding_variance(self) -> float:
        """Variance of a share by its rounding alone, even within the unit of its last digit."""
        return self.rounding**2 / 12.0

    @property
    def covariance(self) -> Floats:
        """Sampling and rounding covariance of the shares, (ages, ages): binomial, as one cohort is followed.

        Survivors of a later age are survivors of an earlier one: Cov(S(s), S(t)) = S(t) (1 - S(s)) / n for s <= t.
        """
        later = np.minimum.outer(self.surviving, self.surviving)
        earlier = np.maximum.outer(self.surviving, self.surviving)
        sampled = later * (1.0 - earlier) / self.firms if self.firms else np.zeros_like(later)
        return sampled + np.eye(len(self.ages)) * self.rounding_variance

    def redrawn(self, random: np.random.Generator) -> Floats:
        """Return the shares of another cohort of the same size from the same law, (ages,)."""
        shares = self.surviving + random.uniform(-0.5, 0.5, len(self.ages)) * self.rounding
        if self.firms:
            ends = -np.diff(np.concatenate([[1.0], np.minimum.accumulate(shares), [0.0]]))
            shares = 1.0 - np.cumsum(random.multinomial(self.firms, ends / ends.sum()))[:-1] / self.firms
        return np.asarray(shares)


def bundled() -> Path:
    """Return the table that comes with firmfate: survival of US establishments (Bureau of Labor Statistics)."""
    return Path(str(files("firmfate") / "data" / "firm_survival.csv"))


def read_survival_table(
    path: str | Path | None = None, *, series: str | None = None, cohort: str | None = None
) -> SurvivalTable:
    """Read one cohort of a CSV file of survival by age.

    Parameters
    ----------
    path : path, optional
        A file with the columns ``age_years`` and ``surviving_pct``, and where there are several cohorts ``series`` and
        ``cohort``; ``n_surviving`` is optional. Lines that begin with # are comments. By default
        the bundled table.
    series, cohort : str, optional
        Which; needed where there are several.

    Raises
    ------
    EstimateError
        Where a column is missing, a field is no number in its range, or there is no such cohort.

    Examples
    --------
    >>> table = read_survival_table(series="BLS_BED_manufacturing", cohort="2013-03")
    >>> table.ages[[0, -1]], table.surviving[[0, -1]]
    (array([ 1., 10.]), array([0.826, 0.436]))
    """
    import pandas as pd

    path = bundled() if path is None else Path(path)
    try:
        frame = pd.read_csv(path, comment="#", dtype=str, keep_default_na=False).fillna("")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as fault:
        raise EstimateError(f"{path} is no table of survival: {fault}") from fault
    if not isinstance(frame.index, pd.RangeIndex):
        raise EstimateError(f"{path} is no table of survival: its rows have more fields than its first line names")
    for column in COLUMNS[2:]:
        if column not in frame:
            raise EstimateError(f"{path} has no column '{column}'; it has {list(frame)}{did_you_mean(column, frame)}")
    for column, wanted in (("series", series), ("cohort", cohort)):
        frame = _chosen(frame, column, wanted, path)
    frame = frame.assign(age_years=_numbers(frame, "age_years", path)).sort_values("age_years")
    start = frame[frame["age_years"] == 0]
    frame = frame[frame["age_years"] > 0]
    firms, exact = np.nan, False
    if "n_surviving" in frame:
        first = _numbers(start[start["n_surviving"] != ""], "n_surviving", path)
        firms = first[0] if len(first) and first[0] > 0 else np.nan
        # With the number of survivors the shares are known to more digits than they are printed with.
        exact = bool(np.isfinite(firms) and (frame["n_surviving"] != "").all())
    shares = _numbers(frame, "n_surviving", path) / firms if exact else _numbers(frame, "surviving_pct", path) / 100.0
    return SurvivalTable(
        ages=frame["age_years"].to_numpy(np.float64),
        surviving=shares,
        firms=int(firms) if np.isfinite(firms) else None,
        rounding=0.0 if exact else 0.001,
        name=" ".join(part for part in (series, cohort) if part) or path.stem,
    )


def _numbers(frame: pd.DataFrame, column: str, path: Path) -> Floats:
    """Return a column as numbers; refuse a field that is none in its range by the line in which it stands."""
    most, allowed = RANGES[column]
    found = np.empty(len(frame))
    for place, (row, text) in enumerate(frame[column].items()):
        try:
            found[place] = float(text)
        except ValueError:
            found[place] = np.nan
        if not 0 <= found[place] <= most:
            where = _line(path, int(str(row)))
            raise EstimateError(f"{path} line {where}: {column} = {text!r}; allowed: {allowed}")
    return found


def _line(path: Path, row: int) -> int:
    """Return the line of a file in which a row of its table stands: blank lines and comments are no rows."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    held = [number for number, line in enumerate(lines, start=1) if line.partition("#")[0].strip()]
    return held[row + 1]


def _chosen(frame: pd.DataFrame, column: str, wanted: str | None, path: Path) -> pd.DataFrame:
    if column not in frame:
        if wanted is not None:
            raise EstimateError(f"{path} has no column '{column}', so no {column} '{wanted}' can be chosen")
        return frame
    known = sorted(set(frame[column]))
    if wanted is None and len(known) > 1:
        several = {"series": "series", "cohort": "cohorts"}[column]
        raise EstimateError(f"{path} holds several {several}; choose one: {', '.join(known)}")
    if wanted is not None and wanted not in known:
        raise EstimateError(
            f"{path} holds no {column} '{wanted}'{did_you_mean(wanted, known) or '; allowed: ' + ', '.join(known)}"
        )
    return frame if wanted is None else frame[frame[column] == wanted]
