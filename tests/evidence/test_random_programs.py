"""Random programs by the thousand: Python, the interpreter and machine code say the same."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from tests.evidence.random_programs import examine_many
from tests.program import examination

COUNT = int(os.environ.get("FIRMFATE_RANDOM_PROGRAMS", 2**20))
FIRST = int(os.environ.get("FIRMFATE_RANDOM_FIRST", 0))


@pytest.mark.evidence
def test_random_programs_mean_the_same_in_machine_code(record_property: Callable[[str, object], None]) -> None:
    found = examine_many(COUNT, first=FIRST)
    record_property("random programs", found.functions)
    record_property("first seed", FIRST)
    record_property("points compared with Python", found.points)
    assert not found.failures


def test_machine_code_that_differs_by_one_bit_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: results of machine code moved by a unit in the last place."""

    class Off(examination.Compiled):
        def run(self, inputs):
            return {name: values * (1 + 2.0**-52) for name, values in super().run(inputs).items()}

    assert examination.examine(4) > 0
    monkeypatch.setattr(examination, "Compiled", Off)
    with pytest.raises(AssertionError, match="seed 4"):
        examination.examine(4)
