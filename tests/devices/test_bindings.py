"""NVIDIA's own package, cuda-bindings, takes our calls: with a stand-in for the driver's library beneath it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
@pytest.mark.skipif(importlib.util.find_spec("cuda") is None, reason="no cuda-bindings")
def test_firms_by_the_bindings_are_the_processors(tmp_path: Path) -> None:
    source = Path(__file__).with_name("libcuda.c")
    command = ["cc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", str(source), "-o", "libcuda.so.1"]
    subprocess.run([*command, "-Wno-incompatible-pointer-types"], cwd=tmp_path, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.devices.by_library"],
        cwd=source.parents[2], env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    *said, refused = done.stdout.splitlines()
    assert [re.sub(r"[1-9]\d* events", "events", line) for line in said] == [
        "car on Library: events, different: []", "firm on Library: events, different: []",
    ]  # fmt: skip
    assert refused == "device 'cuda': the GPU has too little free memory: end what else uses it, or take fewer threads"
