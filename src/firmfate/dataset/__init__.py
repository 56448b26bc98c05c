"""The dataset room: finished shards become one dataset, ``result.nc``: validated, self-describing, opened lazily."""

import importlib

from firmfate.dataset.gathering import gather
from firmfate.dataset.invalid_firms import invalid_firms
from firmfate.dataset.opening import open_run

__all__ = ["gather", "invalid_firms", "open_run"]

importlib.import_module("firmfate.accessor")  # by name: it stands above this room, and imports it when it is used
