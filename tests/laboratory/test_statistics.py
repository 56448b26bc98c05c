"""Estimates of the laboratory and their text, in node: no firm that differs from another is no certainty."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import pytest

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")

SHOW = """
const { comparison, withError } = await import(process.argv[1] + "/statistics.mjs");
const { words } = await import(process.argv[1] + "/figures.mjs");
const shown = JSON.parse(process.argv[2]).map(({ a, b, steps, dt }) => {
  const firms = (eventStep) => ({ eventStep, cause: eventStep.map((step) => (step < steps ? 1 : 0)), alarmStep: [] });
  const rows = comparison(firms(a), firms(b), a.length, { steps, dt, causes: ["crash"], alarm: false });
  const text = rows.map((row) => [withError(row.a), withError(row.b), withError(row.difference, { signed: true })]);
  return { text, words: words(rows, a.length, { steps, dt }, 0) };
});
console.log(JSON.stringify(shown));
"""


@pytest.fixture(scope="module")
def shown() -> Callable[..., Any]:
    """Return the rows and the sentences of settings whose firms last so many steps of a week."""

    def show(a: Sequence[int], b: Sequence[int], steps: int = 1040) -> Any:
        asked = json.dumps([{"a": list(a), "b": list(b), "steps": steps, "dt": 1}])
        web = (files("firmfate.laboratory") / "web").as_uri()  # type: ignore[attr-defined]
        assert NODE is not None
        command = [NODE, "--input-type=module", "-e", SHOW, web, asked]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)[0]

    return show


def test_firms_that_all_end_in_the_first_step_have_limits(shown: Callable[..., Any]) -> None:
    """In years their sum is not exact: a standard error of 1e-17 was shown as 0.000000."""
    found = shown([1] * 2000, [2] * 2000)
    assert found["text"][0] == ["0.019 [0.019 to 0.058]", "0.038 [0.038 to 0.077]", "+0.019 [−0.019 to 0.058]"]
    assert found["text"][1] == ["0.00 [0.00 to 0.19]", "0.00 [0.00 to 0.19]", "0.00 [−0.19 to 0.19]"]
    assert found["text"][2][0] == "100.00 [99.81 to 100.00]"
    assert found["words"] == (
        "Within 20 years firms last 0.019 [95 % limits 0.019 to 0.058] years on average with A and "
        "0.038 [95 % limits 0.038 to 0.077] with B. The difference, 0.019 [95 % limits −0.019 to 0.058] years, "
        "cannot be distinguished from zero."
    )


def test_limits_have_the_digits_that_their_width_needs(shown: Callable[..., Any]) -> None:
    """A horizon of 100 weeks."""
    row = shown([100] * 2000, [100] * 2000, steps=100)["text"][0]
    assert row == ["1.9231 [1.9194 to 1.9231]"] * 2 + ["0.0000 [−0.0037 to 0.0037]"]


def test_a_difference_beyond_its_limits_is_said(shown: Callable[..., Any]) -> None:
    words = shown([1040] * 2000, [1] * 2000)["words"]
    assert words.endswith("B takes 19.981 [95 % limits 19.904 to 19.981] years away.")


def test_firms_that_differ_have_standard_errors(shown: Callable[..., Any]) -> None:
    found = shown([52, 104] * 50, [104, 156] * 50)
    assert found["text"][0] == ["1.500 (0.050)", "2.500 (0.050)", "+1.0 [0.2 to 1.7]"]
    found = shown([52, 104] * 50, [156, 104] * 50)
    assert found["words"] == (
        "Within 20 years firms last 1.500 (standard error 0.050) years on average with A and "
        "2.500 (standard error 0.050) with B. B adds 1.00 (paired standard error 0.10) years."
    )
