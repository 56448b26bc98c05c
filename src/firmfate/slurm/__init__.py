"""Slurm: a profile of a site becomes batch scripts, and those are submitted. The queue informs, it never counts.

``profile.py`` what a site needs, ``arrays.py`` how a plan is dealt to array tasks, ``scripts.py`` profile and plan to
scripts, ``submission.py`` scripts to jobs. Templates are in ``templates/``, with visible copies in the top folder.
"""

from firmfate.slurm.arrays import Deal, deal
from firmfate.slurm.profile import Profile
from firmfate.slurm.submission import Submission, submit

__all__ = ["Deal", "Profile", "Submission", "deal", "submit"]
