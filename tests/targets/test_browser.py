"""The same firm in a real browser, Debian's chromium, with and without relaxed SIMD."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.targets.asked import Found
from tests.targets.cases import asked

from firmfate.models import load_model
from firmfate.targets import javascript, wasm

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")

PAGE = """<!doctype html><body><script type="module">
%(loader)s
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const given = %(given)s;
const found = {};
for (const [name, module] of Object.entries(given.modules)) {
  try {
    const firms = await load(bytes(module));
    const parameters = Object.fromEntries(firms.names.map((name, i) => [name, given.row[i]]));
    const options = { count: given.count, cell: BigInt(given.cell), stocks: "last" };
    const run = firms.run(parameters, BigInt(given.key), BigInt(given.first), given.steps, options);
    found[name] = {
      eventStep: [...run.eventStep], cause: [...run.cause],
      last: [...new BigUint64Array(run.stocks.buffer)].map((bits) => bits.toString(16)),
    };
  } catch (error) {
    found[name] = error.message;
  }
}
document.body.dataset.found = JSON.stringify(found);
</script></body>
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_firms_of_a_page_are_those_of_the_engine(tmp_path: Path) -> None:
    model = load_model("firm")
    wanted = asked(model)._replace(count=200)
    modules = {name: base64.b64encode(wasm(model, relaxed=name == "relaxed")).decode() for name in ("exact", "relaxed")}
    words = {name: str(getattr(wanted, name)) for name in ("key", "cell", "first")}
    given = {"modules": modules, "row": wanted.row.tolist(), "count": 200, "steps": wanted.steps, **words}
    loader = javascript().replace("export ", "")
    (tmp_path / "page.html").write_text(PAGE % {"loader": loader, "given": json.dumps(given)}, encoding="utf-8")
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=60000", "--dump-dom",
         (tmp_path / "page.html").as_uri()], capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    held = re.search(r'data-found="([^"]*)"', done.stdout)
    assert held is not None, done.stdout[-2000:]
    found = json.loads(html.unescape(held[1]))
    expected = Found.of_engine(model, wanted)
    stocks = [f"{bits:x}" for bits in np.ascontiguousarray(expected.last).view(np.uint64).ravel().tolist()]
    for name, firms in found.items():
        if name == "relaxed" and firms == "no module that this engine runs to the right bits":
            continue  # a processor without a fused multiply-add
        assert firms["eventStep"] == expected.event_step.tolist(), name
        assert firms["cause"] == expected.cause.tolist(), name
        assert firms["last"] == stocks, name
