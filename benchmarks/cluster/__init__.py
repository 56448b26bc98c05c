"""Benchmarks of execution: what Dask costs against plain threads, and what the driver holds in memory."""
