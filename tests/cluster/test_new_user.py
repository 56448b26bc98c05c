"""The cluster guide as a new user would follow it: its own commands, in a shell, on its own one-node Slurm."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .conftest import DAEMONS

TOP = Path(__file__).parents[2]


def commands() -> str:
    """Return the commands of the guide that are promised to be tried, without the installation of system packages."""
    block = re.search(r"<!-- tried by tests -->\n```sh\n(.*?)```", (TOP / "slurm" / "README.md").read_text(), re.DOTALL)
    assert block is not None
    lines = block[1].splitlines()
    assert sum(line.startswith("sudo ") for line in lines) == 1
    return "\n".join(line for line in lines if not line.startswith("sudo "))


@pytest.mark.slow
def test_the_guide_leads_from_a_profile_to_the_report(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
    if any(shutil.which(name, path=path) is None for name in DAEMONS):
        pytest.skip("no Slurm installed")
    shutil.copytree(TOP / "slurm", tmp_path / "slurm")
    shutil.copytree(TOP / "studies", tmp_path / "studies")
    # A person waits before the next command; the shell waits for the report.
    wait = "for i in $(seq 240); do [ -s runs/small/report.html ] && break; sleep 0.5; done"
    waited = commands().replace("\nsqueue\n", f"\nsqueue\n{wait}\n")
    assert "seq 240" in waited
    short = tempfile.mkdtemp(prefix="ff-", dir="/tmp")  # short: sockets have short names
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", waited], cwd=tmp_path, capture_output=True, text=True, timeout=280,
        check=False, env={**os.environ, "PATH": path, "SLURM_UP_DIR": f"{short}/up"},
    )  # fmt: skip
    shutil.rmtree(short)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ff-small" in done.stdout  # squeue saw the jobs
    assert "0 missing" in done.stdout
    assert (tmp_path / "runs" / "small" / "report.html").stat().st_size > 10_000


def test_every_command_of_the_cluster_guides_exists() -> None:
    """Options that the README, the guide and the documentation name are options of the command line."""
    from firmfate.cli import parser

    pages = [TOP / "slurm" / "README.md", TOP / "README.md", *sorted(TOP.glob("docs/[th]*/*.md"))]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    by_name = parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    named = re.findall(r"firmfate (run|submit|status|gather|plan)\b([^`|)'\n]*)", text)
    assert len(named) > 10
    for command, rest in named:
        for option in re.findall(r"--[a-z-]+", rest.partition(" #")[0]):
            assert option in by_name[command].format_help(), (command, option)  # type: ignore[index]


def test_links_of_the_cluster_guide_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (TOP / "slurm" / "README.md").read_text())
    assert len(links) >= 5
    assert [link for link in links if not (TOP / "slurm" / link).exists()] == []
