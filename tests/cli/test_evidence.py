"""The runner of evidence keeps what tests measured, and rows of those that were not run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_evidence_is_collected_by_its_runner() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "tests.evidence", "--collect-only", "-q", "-p", "no:cacheprovider"],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert printed.returncode == 0, printed.stdout + printed.stderr
    assert "test_memory_does_not_grow_with_the_number_of_firms" in printed.stdout
    assert "test_bad_studies" not in printed.stdout


def test_rows_are_written_as_a_table(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from tests.evidence import __main__ as runner
here = Path(sys.argv[1])
runner.STORE, runner.TABLE, runner.README = here / "table.json", here / "TABLE.md", here / "README.md"
measured = {"ratio | x": "0.5", "fault: crash at read": "tries 1200, died 1199, refused 1"}
runner.README.write_text(f"before\\n{runner.BEGIN}\\nold\\n{runner.END}\\nafter\\n")
runner.write({"a::b": {"outcome": "passed", "seconds": 3.25, "measured": measured, "run": "today"}})
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, cwd=ROOT)
    last = (tmp_path / "TABLE.md").read_text().splitlines()[-1]
    assert last == "| `a::b` | passed | ratio \\| x: 0.5; faults: see tests/README.md | 3.25 | today |"
    lines = (tmp_path / "README.md").read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert lines[2] == "`a::b`"
    assert lines[6] == "| crash at read | 1,200 | died 1199, refused 1 |"
    assert "old" not in lines
