"""Slurm: a profile of a site becomes batch scripts, and those are submitted. The queue informs, it never counts.

``profile.py`` what a site needs, ``arrays.py`` how a plan is split into array tasks, ``scripts.py`` profile and plan to
scripts, ``submission.py`` scripts to jobs. Scripts are filled in from ``templates/``.
"""

from firmfate.slurm.arrays import ArrayPlan, split
from firmfate.slurm.profile import Profile
from firmfate.slurm.submission import Submission, submit

__all__ = ["ArrayPlan", "Profile", "Submission", "split", "submit"]
