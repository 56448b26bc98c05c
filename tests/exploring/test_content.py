"""What a page is given: counts that unpack to themselves, within limits of size, and text that stays text."""

from __future__ import annotations

import base64
import re
import zlib
from typing import Any

import numpy as np
import pytest
import xarray as xr

from firmfate.exploring import content as contents
from firmfate.exploring import ended_by_batch, part
from firmfate.exploring.content import ENDED, content
from firmfate.exploring.packing import packed
from firmfate.survival import example, rmst


def unpacked(part: dict[str, Any]) -> np.ndarray:
    """Return integers from what `packed` made of them; `web/unpacking.mjs` does the same."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(part["data"])), np.uint8).reshape(part["bytes"], -1)
    zigzag = sum(plane.astype(np.int64) << (8 * place) for place, plane in enumerate(planes))
    steps = np.where(zigzag % 2, -(zigzag + 1) // 2, zigzag // 2).reshape(*part["shape"][1:], part["shape"][0])
    return np.moveaxis(steps.cumsum(axis=-1), -1, 0)


@pytest.fixture(scope="module")
def counts() -> xr.Dataset:
    ds = example()
    return ds.assign({ENDED: ended_by_batch(ds)})


@pytest.mark.parametrize("largest", [1, 255, 65_535, 2**40])
def test_integers_unpack_to_themselves(largest: int) -> None:
    values = np.random.default_rng(1).integers(-largest, largest, (30, 4, 3))
    assert np.array_equal(unpacked(packed(values)), values)


def test_integers_that_a_browser_rounds_are_refused() -> None:
    with pytest.raises(OverflowError, match="not exact"):
        packed(np.array([2**53]))


def test_counts_of_batches_are_those_at_the_horizons(counts: xr.Dataset) -> None:
    ended = counts[ENDED]
    for week in counts["horizon"].values.tolist():
        bins = counts["bin"].values <= week
        assert np.array_equal(ended.sel(horizon=week), counts["batch_events"].isel(bin=bins).sum("bin"))
    given = content(counts)
    assert given is not None
    assert np.array_equal(unpacked(given["counts"]["batchEnded"]).ravel(), ended.values.ravel())


def test_lifetimes_are_those_of_the_estimator(counts: xr.Dataset) -> None:
    given = content(counts)
    assert given is not None
    lived, firms = unpacked(given["counts"]["lived"]), unpacked(given["counts"]["firms"])
    for place, week in enumerate(given["horizons"]):
        assert np.allclose(lived[:, place] / firms, rmst(counts, tau=week)["estimate"].values.ravel(), rtol=1e-14)


def test_batches_are_left_out_where_there_is_no_room(counts: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    given = content(counts)
    assert given is not None
    assert "batchEnded" in given["counts"]
    note = part(given).html
    assert "jackknife" in note
    assert "Brackets and shaded bands hold 95 % limits. A mean lifetime" in note
    monkeypatch.setattr(contents, "MOST_PACKED", 100)
    small = content(counts)
    assert small is not None
    assert not any(name.startswith("batch") for name in small["counts"])
    assert "firmfate.survival.contrast gives them in Python" in part(small).html


def test_every_year_is_a_horizon_where_there_is_room(counts: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    last = counts.isel(horizon=[1])
    given = content(last)
    assert given is not None
    assert (given["horizons"], given["counted"]) == ([52, 104], [104])
    sizes = {name: len(one["data"]) for name, one in given["counts"].items()}
    monkeypatch.setattr(contents, "MOST_PACKED", sum(sizes.values()) - 1)
    less = content(last)
    assert less is not None
    assert less["horizons"] == less["counted"] == [104]
    assert sizes.keys() == less["counts"].keys(), "errors of differences are worth more than years"


def test_lifetimes_are_summed_once(counts: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever horizons there is room for."""
    asked = []
    sums = contents._lifetimes
    monkeypatch.setattr(contents, "_lifetimes", lambda *given: asked.append(given[-1]) or sums(*given))
    for most in (contents.MOST_PACKED, 1):
        monkeypatch.setattr(contents, "MOST_PACKED", most)
        assert content(counts.isel(horizon=[1])) is not None
    assert asked == [[52, 104]] * 2


def test_one_cell_and_too_many_are_not_explored(counts: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert content(counts.isel(execution=[0], misalignment=[0])) is None
    monkeypatch.setattr(contents, "MOST_CELLS", 5)
    assert content(counts) is None


def test_invalid_cells_have_no_estimate(counts: xr.Dataset) -> None:
    ds = counts.copy(deep=True)
    ds["invalid"][1, 0] = 1
    given = content(ds)
    assert given is not None
    assert unpacked(given["counts"]["firms"]).tolist() == [320, 320, 0, 320, 320, 320]


def test_hostile_names_stay_text(counts: xr.Dataset) -> None:
    hostile = "</script><script>alert(1)</script><!--"
    ds = counts.rename(execution=hostile).assign_coords(cause=[hostile, "exit"])
    given = content(ds)
    assert given is not None
    html = part(given).html
    assert len(re.findall("(?i)<script", html)) == 2
    assert "<!--" not in html
