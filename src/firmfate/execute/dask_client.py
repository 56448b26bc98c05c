"""A Dask client that is there already: a notebook's, or that of a cluster which something else has started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmfate.execute.base import Executor, Work

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True)
class DaskClient(Executor):
    """Run shards on the workers of a Dask client, which stays open.

    Parameters
    ----------
    client : distributed.Client
        Its workers must see the run directory.

    Examples
    --------
    On a cluster that is there, as the guide to Dask does:

    >>> import firmfate
    >>> from firmfate.execute import DaskClient
    >>> from distributed import Client  # doctest: +SKIP
    >>> with Client("tcp://10.0.0.1:8786") as client:  # doctest: +SKIP
    ...     ds = firmfate.run("study.toml", on=DaskClient(client))
    """

    client: Client

    is_here = False

    def run(self, work: Work) -> None:
        """Run shards until all are finished."""
        from firmfate.execute.dask_work import run_on_dask

        run_on_dask(self.client, work)
