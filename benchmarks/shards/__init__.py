"""Benchmarks of shards: what formats take in bytes and milliseconds, and what twenty thousand files cost."""
