"""Exporting as the command does: grouped, or one row a firm."""

from __future__ import annotations

from pathlib import Path

from firmfate.errors import FirmfateError
from firmfate.exporting.counts import export_counts
from firmfate.exporting.firms import export_firms
from firmfate.exporting.tables import Exported


def export(
    directory: Path | str,
    *,
    into: Path | str,
    firms: bool = False,
    replicates: int | None = None,
    threads: int | None = None,
) -> Exported:
    """Write a run as a tidy table, with a dictionary of its columns beside it.

    Parameters
    ----------
    directory : path
        A run directory.
    into : path
        The file: ``.csv``, ``.csv.gz`` or ``.parquet``; ``NAME.dictionary.csv`` appears beside it.
    firms : bool
        One row a firm; otherwise one row for every cell, week and end, with the number of firms.
    replicates : int, optional
        Of `firms`: the first so many of every cell.
    threads : int, optional
        Of `firms` that are simulated again: threads, all cores where not given. The table does not depend on it.

    Returns
    -------
    Exported
        The paths of both files, and the number of rows.

    Raises
    ------
    FirmfateError
        Where the directory is no run, or has no result; where there is no such format, or no pyarrow. The table appears
        complete, or not at all.

    Examples
    --------
    >>> import firmfate
    >>> study = firmfate.Study(name="cars", model="car", years=5, replicates=64, grid={"misalignment": [0, 1]})
    >>> firmfate.run(study, into="runs/cars", progress=False).close()
    >>> firmfate.export("runs/cars", into="firms.csv", firms=True).rows
    128
    """
    if firms:
        return export_firms(directory, into, replicates=replicates, threads=threads)
    if replicates is not None or threads is not None:
        raise FirmfateError("replicates and threads go with firms=True; counts are of all firms")
    return export_counts(directory, into)
