"""What a schedule computes and nothing can disturb, computed once and not in every schedule.

Functions of arguments that stay the same: firms simulated, shards packed and unpacked, studies parsed, plans cut. Their
arguments are compared in full, the bytes of a file among them: one that differs by a bit is unpacked by itself. What
reads or writes a disk is never kept. `test_simulator.py` sees that schedules go the same way without it.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from firmfate.dataset import summing
from firmfate.errors import BrokenShardError
from firmfate.execute import running
from firmfate.shards import Worker, directory
from firmfate.shards import file as shard_file
from firmfate.shards.schema import Schema
from firmfate.study import Study

MOST = 20_000
"""Results that are held of one function; then all of them go."""


def _kept(call: Callable[..., Any], key: Callable[..., Hashable]) -> Callable[..., Any]:
    """Return a function that computes once for every key; what it raises is not kept."""
    held: dict[Hashable, Any] = {}

    def once(*arguments: Any, **named: Any) -> Any:
        wanted = key(*arguments, **named)
        try:
            return held[wanted]
        except KeyError:
            if len(held) >= MOST:
                held.clear()
            found = held[wanted] = call(*arguments, **named)
            return found

    return once


def _of_counts(worker: Worker, shard: Any, stopped: Any = None, *, kept: Any = None) -> Hashable:
    assert kept is None
    return worker.study.text, shard


def _of_content(content: Any, schema: Schema) -> Hashable:
    arrays = tuple((name, values.tobytes()) for name, values in content.arrays.items())
    return schema.fingerprint, content.first, content.replicates, content.cell_keys, arrays


def _of_plan(study: Study, *, covered: Any = None, shard_scale: float = 1.0, cells: Any = None) -> Hashable:
    assert study.precision is None
    assert cells is None or len(cells) == len(study.cells)
    held = tuple((key, tuple(ranges)) for key, ranges in (covered or {}).items())
    return study.text, held, shard_scale


def _unpacked() -> Callable[..., Any]:
    """Return what unpacks the bytes of a shard once for every name and content."""
    own = shard_file._content

    def of_bytes(shard: Any, schema: Schema, data: bytes, keys_alone: bool) -> Any:
        return own(shard, schema, io.BytesIO(data), keys_alone)

    def key(shard: Any, schema: Schema, data: bytes, keys_alone: bool) -> Hashable:
        return shard.path.name, schema.fingerprint, schema.records, data, keys_alone

    once = _kept(of_bytes, key)
    return lambda shard, schema, file, keys_alone: once(shard, schema, file.read(), keys_alone)


def _summed() -> Callable[..., Any]:
    """Return what adds up shards once for all that hold the same; they are read before, each time and each once."""
    own, known, contents = summing.sums, dict[Hashable, Any](), dict[int, Any]()

    def sums(
        positions: Any, cells: Any, counters: Any, by_cell: Any, load: Any, broken: Any, names: Any = None
    ) -> Mapping[str, Any]:
        shards = {shard.path: shard for position in positions for shard in by_cell.get(int(position), ())}
        read: dict[Path, Any] = {}
        for path, shard in shards.items():
            try:
                read[path] = load(shard)
            except BrokenShardError as fault:
                read[path] = fault

        def at_hand(shard: Any) -> Any:
            if isinstance(read[shard.path], BrokenShardError):
                raise read[shard.path]
            return read[shard.path]

        arguments = positions, cells, counters, by_cell, at_hand, broken, names
        if any(isinstance(content, BrokenShardError) for content in read.values()):
            return own(*arguments)
        contents.update({id(content): content for content in read.values()})  # so that no other gets its number
        placed = tuple(
            (cell, *(id(read[shard.path]) for shard in by_cell.get(cell, ()))) for cell in positions.tolist()
        )
        key = cells.keys, tuple(counters.sizes.items()), placed, names and tuple(names)
        if key not in known:
            known[key] = own(*arguments)
        return known[key]

    return sums


def _parsed() -> Callable[..., Any]:
    own = Study.parse

    def parse(text: str, *, path: Path | None = None, beside: Path | None = None) -> Study:
        study = own(text)
        assert not study.files
        return study

    return _kept(parse, lambda text, **_: text)


@contextmanager
def computed_once() -> Iterator[None]:
    """Keep what these functions return until the block ends."""
    status = importlib.import_module("firmfate.shards.status")  # its function has the same name
    fingerprint = _kept(directory.fingerprint_of, lambda study: study.text)
    planned = _kept(directory.plan, _of_plan)
    with (
        mock.patch.object(Worker, "counts", _kept(Worker.counts, _of_counts)),
        mock.patch.object(shard_file, "encode", _kept(shard_file.encode, _of_content)),
        mock.patch.object(shard_file, "_content", _unpacked()),
        mock.patch.object(Study, "parse", staticmethod(_parsed())),
        mock.patch.object(directory, "plan", planned),
        mock.patch.object(status, "plan", planned),
        mock.patch.object(directory, "fingerprint_of", fingerprint),
        mock.patch.object(status, "fingerprint_of", fingerprint),
        mock.patch.object(running, "fingerprint_of", fingerprint),
        mock.patch.object(summing, "fingerprint_of", fingerprint),
        mock.patch.object(summing, "sums", _summed()),
    ):
        yield
