"""The dataset room: finished shards become one dataset, ``result.nc``: validated, self-describing, opened lazily."""

from firmfate.dataset.gathering import BrokenShards, gather
from firmfate.dataset.opening import open_run

__all__ = ["BrokenShards", "gather", "open_run"]
