"""Commands whose input or output is closed, full or gone: no traceback, and what was asked for is written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.names import GRID, HEAD, model
from tests.faults.promises import gathered

pytestmark = pytest.mark.slow

FULL = "/dev/full"
CLOSED = {"output": ">&-", "errors": "2>&-", "all": ">&- 2>&- <&-"}
IN_FULL = {"output": f">{FULL}", "errors": f"2>{FULL}", "both": f">{FULL} 2>{FULL}"}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A small study."""
    (tmp_path / "study.toml").write_text(HEAD + GRID)
    return tmp_path


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run of it gives."""
    folder = tmp_path_factory.mktemp("read")
    (folder / "study.toml").write_text(HEAD + GRID)
    assert shell(folder, "F run study.toml --into run --no-report --quiet").returncode == 0
    return gathered(folder / "run" / "result.nc")


def shell(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell, in which F is the command."""
    script = f'F() {{ "{sys.executable}" -m firmfate "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("where", CLOSED)
@pytest.mark.parametrize("words", ["--version", "plan study.toml"])
def test_a_closed_stream_is_no_error(study: Path, words: str, where: str) -> None:
    """`--version >&-` ended in a traceback, and exit code 1."""
    ended = shell(study, f"F {words} {CLOSED[where]}")
    assert ended.returncode == 0, ended
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(not Path(FULL).exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("where", [*CLOSED.values(), *IN_FULL.values(), "2>&1 >&- | true"])
def test_a_run_that_nobody_reads_is_complete(study: Path, expected: dict[str, bytes], where: str) -> None:
    """With standard error closed, or on a full disk, a run ended after its firms, with code 1 or 2 and no result."""
    ended = shell(study, f"F run study.toml --into run --no-report {where}")
    assert "Traceback" not in ended.stderr
    assert ended.returncode in (0, 2), ended
    assert ("standard output cannot be written" in ended.stderr) == (where == IN_FULL["output"]), ended
    assert gathered(study / "run" / "result.nc") == expected


@pytest.mark.skipif(not Path(FULL).exists(), reason="this system has no disk that is always full")
def test_a_full_output_is_named(study: Path) -> None:
    for words in ("--version", "--help", "run --help", "plan study.toml", "schema"):
        ended = shell(study, f"F {words} >{FULL}")
        assert ended.returncode == 2
        assert ended.stderr.startswith("firmfate: standard output cannot be written: "), ended
        assert "Traceback" not in ended.stderr


def test_a_child_process_has_what_was_closed(study: Path) -> None:
    """What stands for a closed stream was closed in child processes: a file that they opened was in its place."""
    (study / "child.py").write_text(
        "import subprocess, sys; from firmfate.cli import terminal; terminal.prepare(); "
        "subprocess.run(['bash', '-c', f'readlink /proc/$$/fd/{sys.argv[1]} >said'])"
    )
    for closed, shut in ((1, ">&-"), (2, "2>&-")):
        assert shell(study, f'"{sys.executable}" child.py {closed} {shut}').returncode == 0
        assert (study / "said").read_text().strip() == os.devnull


def test_a_picture_of_letters_that_a_font_lacks_is_drawn_without_a_warning(study: Path) -> None:
    (study / "mine.py").write_text(model("企業"))
    (study / "study.toml").write_text(HEAD.replace("car", "mine.py:WALK"))
    assert shell(study, "F run study.toml --into run --no-report --quiet").returncode == 0
    for name in ("firm.png", "firm.pdf"):
        ended = shell(study, f"F replay run --plot {name}")
        assert ended.returncode == 0, ended
        assert ended.stderr.splitlines() == ["the model is code, which runs now: run/mine.py", f"wrote {name}"]
        assert (study / name).stat().st_size > 1_000


def test_a_folder_that_is_gone_is_no_hindrance(study: Path) -> None:
    (study / "mine.py").write_text(model())
    (study / "study.toml").write_text(HEAD.replace("car", "mine.py:WALK"))
    ended = shell(study, 'mkdir gone; cd gone; rmdir ../gone; F check "$OLDPWD/study.toml"')
    assert ended.returncode == 0, ended
    assert f"runs now: {study / 'mine.py'}" in ended.stderr


def test_the_first_line_is_enough(study: Path) -> None:
    ended = shell(study, "F schema | head -1; exit ${PIPESTATUS[0]}")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "{\n", "")


@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": "/proc/none", "FIRMFATE_CACHE_DIR": "", "XDG_CACHE_HOME": ""}, {"TMPDIR": "/proc/none"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"SLURM_CPUS_PER_TASK": "9" * 5_000},
    ],
    ids=lambda environment: " ".join(environment),
)  # fmt: skip
def test_an_environment_in_which_nothing_is_as_usual(study: Path, environment: dict[str, str]) -> None:
    """A number of thousands of digits in the environment was an internal error."""
    ended = shell(study, "umask 077; F run study.toml --into run --no-report --quiet", **environment)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    assert (study / "run" / "result.nc").is_file()
