"""The report in a real browser, Debian's chromium: it renders, wide and narrow, and asks for nothing outside."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from firmfate.reporting import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--hide-scrollbars",
)  # fmt: skip

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

MEASURE = """
<script>
addEventListener("load", () => {
  const wide = [...document.querySelectorAll("main > section, main p, figcaption, h1, h2")]
    .filter(element => element.getBoundingClientRect().right > innerWidth + 1).length;
  const drawings = [...document.querySelectorAll("svg")].map(svg => svg.getBoundingClientRect());
  const texts = [...document.querySelectorAll("svg text")].map(text => text.getBoundingClientRect());
  document.body.dataset.measured = JSON.stringify({
    width: innerWidth, page: document.documentElement.scrollWidth, wide,
    drawings: drawings.filter(box => box.width > 200 && box.height > 100).length, all: drawings.length,
    letters: texts.length, small: texts.filter(box => box.height > 0 && box.height < 6).length,
    requests: performance.getEntriesByType("resource").length,
    empty: [...document.querySelectorAll("use")].filter(use => use.getBoundingClientRect().width === 0
      && use.getBoundingClientRect().height === 0).length,
  });
});
</script>
"""


def chromium(tmp_path: Path, page: Path, *options: str, width: int) -> str:
    """Run the browser on a page and return what it prints."""
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},1200", *options,
         page.as_uri()], capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(
    "width", [1100, pytest.param(500, marks=pytest.mark.slow)]
)  # headless chromium is never narrower than 500
def test_the_report_renders(run_of: Callable[[str], Path], tmp_path: Path, width: int) -> None:
    import html
    import json

    text = write_report(run_of("paradox")).read_text(encoding="utf-8")
    measured = tmp_path / "measured.html"
    text = re.sub(r"<meta http-equiv[^>]*>", "", text)  # the policy lets no other script run
    measured.write_text(text.replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
    dom = chromium(tmp_path, measured, "--dump-dom", width=width)
    found = json.loads(html.unescape(re.search(r'data-measured="([^"]*)"', dom).group(1)))  # type: ignore[union-attr]
    assert found["page"] <= found["width"], "the page does not scroll sideways; wide tables and drawings do within it"
    assert found["wide"] == 0
    assert found["drawings"] == found["all"] >= 7
    assert found["letters"] > 200
    assert found["small"] == 0, "text of drawings stays readable"
    assert found["requests"] == 0, "nothing is fetched"
    assert found["empty"] == 0, "every marker and tick is found"
    for section in (
        "finding",
        "phase-map",
        "survival",
        "causes",
        "dashboards",
        "trajectories",
        "errors",
        "parameters",
        "methods",
    ):
        assert f'<section id="{section}"' in dom


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "bright"), [(1, True), (0, False)])
def test_it_follows_the_readers_theme(run_of: Callable[[str], Path], tmp_path: Path, scheme: int, bright: bool) -> None:
    picture = tmp_path / "page.png"
    page = write_report(run_of("paradox"))
    chromium(tmp_path, page, f"--screenshot={picture}", f"--blink-settings=preferredColorScheme={scheme}", width=1100)
    shades = matplotlib.image.imread(picture)[..., :3].mean(axis=-1)
    paper = float(np.median(shades))
    assert (paper > 0.9) is bright
    assert (np.abs(shades - paper) > 0.5).mean() > 0.005, "there are letters on it"


@pytest.mark.slow
def test_it_prints(run_of: Callable[[str], Path], tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"
    chromium(tmp_path, write_report(run_of("paradox")), f"--print-to-pdf={paper}", width=1100)
    assert paper.read_bytes().startswith(b"%PDF")
    assert paper.stat().st_size > 50_000
