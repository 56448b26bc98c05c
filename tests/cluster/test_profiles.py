"""Profiles: the documented one is the default one, and what cannot be one is refused with its key."""

from pathlib import Path

import pytest

from firmfate.errors import SlurmError
from firmfate.slurm import Profile

TOP = Path(__file__).parents[2]


def test_the_documented_profile_states_every_key_with_its_default() -> None:
    assert Profile.read(TOP / "slurm" / "profile.toml") == Profile()


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
        ("cpu = 4", "did you mean 'cpus'"),
        ("cpus = 0", "cpus = 0; allowed: 1 to 4096"),
        ("cpus = 1.5", "cpus = 1.5; allowed: a whole number"),
        ("cpus = true", "cpus = True"),
        ('memory = "lots"', "memory = 'lots'"),
        ('walltime = "4h"', "walltime = '4h'"),
        ('walltime = "00:00:30"', "grace_seconds = 60; allowed: less than the walltime, 30 s"),
        ('partition = "a; rm -rf /"', "partition"),
        ('partition = "a\\n#SBATCH --uid=0"', "partition"),
        ('options = "--qos=long"', "options"),
        ('options = ["--wrap=`id`"]', "options"),
        ("least = 11", "least = 11; allowed: 0 to 10"),
        ('tls_key = "key.pem"', "tls_authority, tls_certificate and tls_key together"),
        ("cpus = ", "is no TOML"),
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
