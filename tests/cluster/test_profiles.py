"""Profiles: the documented one is the default one, and what cannot be one is refused with its key."""

import dataclasses
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from firmfate.errors import SlurmError
from firmfate.slurm import Profile


def test_the_documented_profile_states_every_key_with_its_default(tmp_path: Path) -> None:
    text = (files("firmfate.slurm") / "templates" / "profile.toml").read_text()
    (tmp_path / "profile.toml").write_text(text)
    assert Profile.read(tmp_path / "profile.toml") == Profile()
    assert set(tomllib.loads(text)) == {entry.name for entry in dataclasses.fields(Profile)} - {"where"}


def test_a_profile_is_written_as_it_is_read(tmp_path: Path) -> None:
    profile = Profile(
        partition="long", cpus=4, task_minutes=0.05, options=("--qos=high", "--constraint=avx512"),
        prologue='module load python\nexport WORDS="a b"\n', command="python3 -m firmfate",
    )  # fmt: skip
    (tmp_path / "profile.toml").write_text(profile.toml())
    assert Profile.read(tmp_path / "profile.toml") == profile
    assert Profile().toml().strip() == ""


@pytest.mark.parametrize(
    ("memory", "mebibytes"), [("512", 512), ("512M", 512), ("2G", 2048), ("1T", 1024**2), ("2048K", 2)]
)
def test_memory_is_counted_as_slurm_does(memory: str, mebibytes: int) -> None:
    assert Profile(memory=memory).mebibytes == mebibytes


@pytest.mark.parametrize(
    ("walltime", "seconds"), [("10:00", 600), ("04:00:00", 14400), ("1-00:00:00", 86400), ("2-01:02:03", 176523)]
)
def test_walltime_is_read_as_slurm_does(walltime: str, seconds: int) -> None:
    assert Profile(walltime=walltime).seconds == seconds


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("cpu = 4", "profile.cpu: there is no such key in [profile]; did you mean 'cpus'"),
        ("cpus = 0", "cpus = 0: must be an integer from 1 to 4096"),
        ("cpus = 1.5", "cpus = 1.5: must be an integer"),
        ("cpus = true", "cpus = true: must be an integer"),
        ("task_minutes = 0", "task_minutes = 0.0: must lie in [0.01, 100000]"),
        ("task_minutes = nan", "task_minutes = nan: must be a finite number"),
        ("account = 7", "account = 7: must be text in quotes"),
        ('memory = "lots"', 'memory = "lots": must be a size such as "8G"'),
        ('walltime = "4h"', 'walltime = "4h": must be [days-]hours:minutes:seconds'),
        ('walltime = "00:00:30"', "grace_seconds = 60: must be less than the walltime, 30 s"),
        ('partition = "a; rm -rf /"', "partition"),
        ('partition = "a\\n#SBATCH --uid=0"', "partition"),
        ('command = "a\\nb"', "command"),
        ('options = "--qos=long"', "options"),
        ('options = ["--wrap=`id`"]', "options"),
        ("least = 11", "least = 11: must be an integer from 0 to 10"),
        ('tls_key = "key.pem"', "tls_authority, tls_certificate and tls_key go together"),
        ("cpus = ", "is no TOML"),
        ("cpus = 1" + "0" * 5000, "holds a number of thousands of digits"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused_by_its_key(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(line)
    with pytest.raises(SlurmError) as refusal:
        Profile.read(path)
    assert says in str(refusal.value)
    assert "site.toml" in str(refusal.value)


def test_a_missing_profile_is_named(tmp_path: Path) -> None:
    with pytest.raises(SlurmError, match=r"nowhere\.toml"):
        Profile.read(tmp_path / "nowhere.toml")


def test_all_faults_of_a_profile_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('cpus = 0\nmemory = "lots"\nrestarts = "often"\n')
    with pytest.raises(SlurmError, match=r"site\.toml: 3 faults\n  cpus = 0.*\n  memory = .*\n  restarts = "):
        Profile.read(tmp_path / "site.toml")
