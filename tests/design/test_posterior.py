"""The design [posterior]: draws of a file or of the study, crossed with axes; what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from firmfate import Study
from firmfate.errors import StudyError

TWO = [{"drift": -0.3, "harm": 0.4}, {"drift": -0.1, "harm": 0.6}]


def test_every_draw_is_crossed_with_every_combination(tmp_path):
    axes = {"execution": [0, 1], "misalignment": [0, 0.5, 1]}
    study = Study(name="over", model="car", posterior={"draws": TWO, **axes})
    points = study.design.points(0)
    assert points.shape == (12, 4)
    np.testing.assert_array_equal(points[:6, :2], [[-0.3, 0.4]] * 6)
    np.testing.assert_array_equal(points[6:, 2:], points[:6, 2:])
    assert len({tuple(row) for row in points[:, 2:]}) == 6
    (tmp_path / "draws.csv").write_text("drift,harm\n-0.3,0.4\n-0.1,0.6\n")
    text = '[study]\nname = "over"\nmodel = "car"\n[posterior]\ndraws = "draws.csv"\nexecution = [0, 1]\n'
    read = Study.parse(text + "misalignment = [0, 0.5, 1]\n", beside=tmp_path)
    assert read.cells.keys == study.cells.keys
    assert {name for name, (_, _, about) in study.cells.coords.items() if "drawn_from" in about} == {"drift", "harm"}


def test_parts_have_either_name():
    values = [{"misalignment_sales": 0.1}, {"misalignment_sales": 0.2}]
    nested = [{"misalignment": {"sales": 0.1}}, {"misalignment": {"sales": 0.2}}]
    studies = [Study(name="over", posterior={"draws": draws}) for draws in (values, nested)]
    assert studies[0].design.axes == studies[1].design.axes
    assert studies[0].design.axes[0].key == "misalignment.sales"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"execution": [0, 1]}, r"\[posterior\] needs 'draws'"),
        ({"draws": 3}, "must be a CSV file"),
        ({"draws": TWO[:1]}, "has one draw"),
        ({"draws": TWO, "harm": [0, 1]}, "posterior.harm: posterior.draws draws it already"),
        ({"draws": [TWO[0], {"drift": 0}]}, r"posterior.draws\[1\]: every draw has the same keys"),
        ({"draws": [{"drifts": 0}, {"drifts": 1}]}, "has no parameter 'drifts'"),
        ({"draws": [{"harm": 0.1}, {"harm": -1}]}, r"posterior.draws\[1\].harm = -1: must lie in"),
    ],
)
def test_what_is_no_posterior_is_refused(written, message):
    with pytest.raises(StudyError, match=message):
        Study(name="over", model="car", posterior=written)
