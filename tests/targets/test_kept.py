"""Modules on disk: the same bytes without translating, by what they are made of, and never a damaged one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firmfate.kernel.compose import cache_directory
from firmfate.models import load_model
from firmfate.targets import kept, wasm
from firmfate.targets.kept import kept_wasm


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of compiled engines."""
    monkeypatch.setenv("FIRMFATE_CACHE_DIR", str(tmp_path))
    return cache_directory()


def refused(*_: Any, **__: Any) -> bytes:
    raise AssertionError("a module is translated again")


def test_a_model_is_translated_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    car = load_model("car")
    made = kept_wasm(car)
    assert made == wasm(car)
    (file,) = folder.glob("*.wasm")
    monkeypatch.setattr(kept, "wasm", refused)
    assert kept_wasm(car) == made
    with pytest.raises(AssertionError, match="again"):
        kept_wasm(car, relaxed=True)
    with pytest.raises(AssertionError, match="again"):
        kept_wasm(replace(car, name="cart"))
    monkeypatch.setattr(kept, "_translator", lambda: b"another compiler")
    with pytest.raises(AssertionError, match="again"):
        kept_wasm(car)
    assert list(folder.glob("*.wasm")) == [file]


def test_a_damaged_file_is_written_anew(folder: Path) -> None:
    car = load_model("car")
    made = kept_wasm(car)
    (file,) = folder.glob("*.wasm")
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(damaged)
        assert kept_wasm(car) == made
        assert file.read_bytes() == whole


def test_where_nothing_can_be_kept_the_module_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "cache_directory", lambda: folder / "gone")
    assert kept_wasm(load_model("car"))[:4] == b"\0asm"
