"""The precision room: how many firms a study with [precision] takes.

::

    pilot -> widths -> enough? -> counts are gathered
                ^         | no: one predicted top-up, at least a quarter and at most 16 times as many firms
                +---------+

A round is complete before it is looked at, and decisions follow from its counts alone: the same study takes the same
firms for any number of workers, after any crash. ``rules.py`` says how many firms a width takes, ``widths.py`` how wide
intervals are, ``rounds.py`` goes from round to round and keeps ``rounds.json``, ``forecast.py`` predicts what comes
next, ``words.py`` says what was reached. ``placing.py`` and ``orders.py`` are decisions: where m* lies, which cell
has the longest mean lifetime; ``refinement.py`` adds cells beside m*. ``pilot.py`` measures a few seconds of any study
(``simulated.py``: its firms, ``packing.py``: their counts in shards, ``around_firms.py``: all else), ``prediction.py``
what follows for its plan.
"""

from firmfate.precision.forecast import forecast
from firmfate.precision.pilot import pilot
from firmfate.precision.reached import Reached
from firmfate.precision.rounds import Rounds, recorded
from firmfate.precision.words import sentences

__all__ = ["Reached", "Rounds", "forecast", "pilot", "recorded", "sentences"]
