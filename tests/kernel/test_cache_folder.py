"""The folder of compiled engines, whose files are run: it belongs to the user alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firmfate.kernel.compose import cache_directory


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the user has chosen, which others may write to."""
    tmp_path.chmod(0o777)
    monkeypatch.setenv("FIRMFATE_CACHE_DIR", str(tmp_path))
    return tmp_path


def test_no_one_else_may_write_into_it(chosen: Path) -> None:
    folder = cache_directory()
    assert folder.is_relative_to(chosen)
    assert folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o777)
    assert cache_directory() == folder
    assert folder.stat().st_mode & 0o022 == 0


def test_the_folder_of_another_user_is_not_used(chosen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache_directory()
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    assert cache_directory() != folder
    assert not cache_directory().is_relative_to(chosen)
