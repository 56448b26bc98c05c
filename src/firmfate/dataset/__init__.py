"""The dataset room: finished shards become one dataset, ``result.nc``: validated, self-describing, opened lazily."""

from firmfate.dataset.gathering import gather
from firmfate.dataset.invalid_firms import invalid_firms
from firmfate.dataset.opening import open_run
from firmfate.dataset.summing import BrokenShards

__all__ = ["BrokenShards", "gather", "invalid_firms", "open_run"]
