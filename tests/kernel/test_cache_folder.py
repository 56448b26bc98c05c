"""The folder of compiled engines, whose files are run: it belongs to the user alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firmfate.errors import FirmfateError
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


def test_the_folder_of_another_user_is_refused(chosen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache_directory()
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    with pytest.raises(FirmfateError, match=rf"{folder} belongs to another user .*name a folder .* FIRMFATE_CACHE_DIR"):
        cache_directory()


@pytest.mark.skipif(os.getuid() != 0, reason="giving a file to another user takes root")
def test_what_another_user_put_there_is_refused(chosen: Path) -> None:
    folder = cache_directory()
    folder.chmod(0o777)
    (folder / "firmfate_engine_0.py").write_text("")
    os.chown(folder / "firmfate_engine_0.py", 1234, 1234)
    with pytest.raises(FirmfateError, match=r"firmfate_engine_0\.py belongs to another user \(number 1234\)"):
        cache_directory()
    (folder / "firmfate_engine_0.py").unlink()
    assert cache_directory() == folder


def test_where_no_folder_can_be_made_a_new_one_is_used(chosen: Path) -> None:
    (chosen / "engines").write_text("")
    folder = cache_directory()
    assert not folder.is_relative_to(chosen)
    assert folder.stat().st_mode & 0o077 == 0
    folder.rmdir()
