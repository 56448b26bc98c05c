"""Shards: a plan of work in pieces, each a block of cells x a range of replicates, and a file. Files are the truth.

``plan.py`` cuts what is missing into pieces, ``work.py`` simulates one, ``schema.py`` describes its content,
``file.py`` writes and reads it, ``directory.py`` finds what a run directory holds and refuses other studies,
``status.py`` counts how far a run is.
"""

from firmfate.shards.directory import RunDirectory
from firmfate.shards.file import ShardFile
from firmfate.shards.invalid_firms import InvalidFirms
from firmfate.shards.plan import Plan, Shard, plan
from firmfate.shards.status import Status, status
from firmfate.shards.work import Worker

__all__ = ["InvalidFirms", "Plan", "RunDirectory", "Shard", "ShardFile", "Status", "Worker", "plan", "status"]
