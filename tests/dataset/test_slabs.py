"""Gathering in slabs: every cell once, within the memory that is allowed, and the same file for any size of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import firmfate
from firmfate.dataset import slabs


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4), st.integers(1, 10**9))
def test_every_cell_is_in_one_slab_that_fits(shape: list[int], bytes_per_cell: int) -> None:
    number = np.arange(np.prod(shape)).reshape(shape)
    order = []
    for index, positions in slabs.slabs(tuple(shape), bytes_per_cell):
        np.testing.assert_array_equal(number[index], positions)
        assert positions.size == 1 or positions.size * bytes_per_cell <= slabs.SLAB_BYTES
        order += positions.ravel().tolist()
    assert order == number.ravel().tolist()


@given(st.lists(st.integers(1, 50), min_size=1, max_size=4), st.integers(1, 10**5))
def test_a_chunk_is_as_large_as_may_be_and_holds_neighbours(shape: list[int], bytes_per_cell: int) -> None:
    together = slabs.chunk(tuple(shape), bytes_per_cell)
    held = int(np.prod(together))
    assert held == 1 or held * bytes_per_cell <= slabs.CHUNK_BYTES
    assert all(1 <= along <= size for along, size in zip(together, shape, strict=True))
    whole = [along == size for along, size in zip(together, shape, strict=True)]
    cut = max((axis for axis, is_whole in enumerate(whole) if not is_whole), default=0)
    assert all(along == 1 for along in together[:cut]), "only neighbours along the last axes are together"
    assert (held + held // together[cut]) * bytes_per_cell > slabs.CHUNK_BYTES or all(whole)


@pytest.mark.parametrize(
    "design",
    [
        {
            "grid": {"execution": [0.1, 0.5, 0.9], "misalignment": [0, 1]},
            "population": {"unit_cost": {"normal": [0.57, 0.02]}, "strata": {"unit_cost": 2}},
        },
        {"sobol": {"points": 7, "execution": [0, 1], "misalignment": [0, 1]}},
    ],
    ids=["grid of a population", "sobol"],
)
def test_slabs_do_not_change_what_is_gathered(
    design: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = firmfate.Study(
        study={"name": "slabs", "years": 3, "replicates": 30},
        record={"firms": True},
        **design,
    )
    firmfate.run(study, into=tmp_path, progress=False).close()
    whole = [xr.load_dataset(tmp_path / name).drop_attrs() for name in ("result.nc", "firms.nc")]
    for held in (1, 200_000, 300_000):
        monkeypatch.setattr(slabs, "SLAB_BYTES", held)
        firmfate.gather(tmp_path).close()
        again = [xr.load_dataset(tmp_path / name).drop_attrs() for name in ("result.nc", "firms.nc")]
        assert all(one.identical(other) for one, other in zip(whole, again, strict=True))
