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
        Size of the cohort; None where it is not told.
    rounding : float
        Unit of the last digit of a share.
    name : str
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
        if not ((shares >= 0).all() and (np.diff(shares) <= self.rounding).all()):
            raise EstimateError(f"{self.name}: shares of survivors must lie in [0, 1] and not rise with age")

    @property
    def covariance(self) -> Floats:
        """Sampling and rounding covariance of the shares, (ages, ages): binomial, as one cohort is followed.

        Survivors of a later age are survivors of an earlier one: Cov(S(s), S(t)) = S(t) (1 - S(s)) / n for s <= t.
        """
        later = np.minimum.outer(self.surviving, self.surviving)
        earlier = np.maximum.outer(self.surviving, self.surviving)
        sampled = later * (1.0 - earlier) / self.firms if self.firms else np.zeros_like(later)
        return sampled + np.eye(len(self.ages)) * self.rounding**2 / 12.0

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
        Where a column is missing, or there is no such cohort.

    Examples
    --------
    >>> table = read_survival_table(series="BLS_BED_manufacturing", cohort="2013-03")
    >>> table.ages[[0, -1]], table.surviving[[0, -1]]
    (array([ 1., 10.]), array([0.826, 0.436]))
    """
    import pandas as pd

    path = bundled() if path is None else Path(path)
    try:
        frame = pd.read_csv(path, comment="#", dtype={"series": str, "cohort": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as fault:
        raise EstimateError(f"{path} is no table of survival: {fault}") from fault
    for column in COLUMNS[2:]:
        if column not in frame:
            raise EstimateError(f"{path} has no column '{column}'; it has {list(frame)}{did_you_mean(column, frame)}")
    for column, wanted in (("series", series), ("cohort", cohort)):
        frame = _chosen(frame, column, wanted, path)
    frame = frame.sort_values("age_years")
    start = frame[frame["age_years"] == 0]
    firms = float(start["n_surviving"].iloc[0]) if "n_surviving" in frame and len(start) else np.nan
    frame = frame[frame["age_years"] > 0]
    percent = frame["surviving_pct"].astype(float)
    # With the number of survivors the shares are known to more digits than they are printed with.
    exact = np.isfinite(firms) and bool(frame["n_surviving"].notna().all())
    shares = frame["n_surviving"].to_numpy(np.float64) / firms if exact else percent.to_numpy(np.float64) / 100.0
    return SurvivalTable(
        ages=frame["age_years"].to_numpy(np.float64),
        surviving=shares,
        firms=int(firms) if np.isfinite(firms) else None,
        rounding=0.0 if exact else 0.001,
        name=" ".join(part for part in (series, cohort) if part) or path.stem,
    )


def _chosen(frame: pd.DataFrame, column: str, wanted: str | None, path: Path) -> pd.DataFrame:
    if column not in frame:
        if wanted is not None:
            raise EstimateError(f"{path} has no column '{column}', so no {column} '{wanted}' can be chosen")
        return frame
    known = sorted(set(frame[column]))
    if wanted is None and len(known) > 1:
        raise EstimateError(f"{path} holds several {column}s; choose one: {', '.join(known)}")
    if wanted is not None and wanted not in known:
        raise EstimateError(
            f"{path} holds no {column} '{wanted}'{did_you_mean(wanted, known) or '; allowed: ' + ', '.join(known)}"
        )
    return frame if wanted is None else frame[frame[column] == wanted]
