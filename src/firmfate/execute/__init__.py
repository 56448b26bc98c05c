"""Execution: the same shards on this machine's threads, on Dask, or by index; the files they leave are the truth."""

from firmfate.execute.run import complete, run, run_part

__all__ = ["complete", "run", "run_part"]
