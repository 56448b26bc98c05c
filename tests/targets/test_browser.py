"""The same firm in a real browser, Debian's chromium, with and without relaxed SIMD."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

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
await fetch("/found", { method: "POST", body: JSON.stringify(found) });
</script></body>
"""


@contextmanager
def served(page: str) -> Iterator[tuple[str, Queue[bytes]]]:
    """The address of a page, and what the page sends back: a page says itself when it is done."""
    sent: Queue[bytes] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(page.encode())

        def do_POST(self) -> None:
            sent.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(b"")

        def answer(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", sent
        finally:
            server.shutdown()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_firms_of_a_page_are_those_of_the_engine(tmp_path: Path) -> None:
    model = load_model("firm")
    wanted = asked(model)._replace(count=200)
    modules = {name: base64.b64encode(wasm(model, relaxed=name == "relaxed")).decode() for name in ("exact", "relaxed")}
    words = {name: str(getattr(wanted, name)) for name in ("key", "cell", "first")}
    given = {"modules": modules, "row": wanted.row.tolist(), "count": 200, "steps": wanted.steps, **words}
    loader = javascript().replace("export ", "")
    assert CHROMIUM is not None
    with served(PAGE % {"loader": loader, "given": json.dumps(given)}) as (address, sent):
        command = [CHROMIUM, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", address]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            found = json.loads(sent.get(timeout=300))
        finally:
            browser.terminate()
            browser.wait(timeout=60)
    expected = Found.of_engine(model, wanted)
    stocks = [f"{bits:x}" for bits in np.ascontiguousarray(expected.last).view(np.uint64).ravel().tolist()]
    for name, firms in found.items():
        if name == "relaxed" and firms == "no module that this engine runs to the right bits":
            continue  # a processor without a fused multiply-add
        assert firms["eventStep"] == expected.event_step.tolist(), name
        assert firms["cause"] == expected.cause.tolist(), name
        assert firms["last"] == stocks, name
