"""What is timed runs, and all formats return the same counts; run by ``pytest benchmarks/shards``."""

from __future__ import annotations

from benchmarks.shards import formats, many


def test_every_format_returns_the_same_counts() -> None:
    assert len(formats.table(2, 50, 1)) == 2 + 8


def test_many_shards_are_written_checked_and_gathered() -> None:
    assert many.lines(400)[0].startswith("400 shards")
