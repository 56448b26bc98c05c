"""The page as a file: hostile names stay text, its policy names its script, sliders begin and end where they may."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import firmfate
from firmfate.errors import FirmfateError
from firmfate.laboratory.ranges import slider_range
from firmfate.models import load_model
from firmfate.webpage import as_script_data

HOSTILE = "</script><script>alert(1)</script><!--<script>"


def test_the_policy_names_the_script_and_nothing_else_runs(laboratory_of: Callable[[str], Path]) -> None:
    text = laboratory_of("car").read_text(encoding="utf-8")
    (script,) = re.findall(r'<script type="module">(.*?)</script>', text, re.S)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', text)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}' 'wasm-unsafe-eval'" in html.unescape(policy)
    assert "default-src 'none'" in html.unescape(policy)
    assert len(re.findall("<script", text)) == 2
    assert not re.search(r"""(src|href)=["']?http""", text)


def test_script_data_is_json_and_holds_no_markup() -> None:
    data = as_script_data({"name": HOSTILE})
    assert "<" not in data
    assert json.loads(data) == {"name": HOSTILE}


@pytest.mark.parametrize("name", ["car", "firm"])
def test_the_model_starts_at_both_ends_of_every_slider(name: str) -> None:
    model = load_model(name)
    dt = 1 / model.steps_per_week
    for row in model.parameters:
        low, high = slider_range(model, row, dt, model.defaults)
        assert low <= row.default <= high
        assert low < high
        for end in (low, high):
            assert end in row.allowed
            assert not list(model.broken_conditions(model.defaults | dict.fromkeys(row.fields, end), dt)), row.name
    if name == "firm":  # a capacity below what rework leaves is cut off
        low, _ = slider_range(model, model.parameter("capacity"), dt, model.defaults)
        assert low > 1


def test_every_parameter_of_firm_is_in_a_group() -> None:
    groups = [row.group for row in load_model("firm").parameters]
    assert all(groups)
    assert len(set(groups)) == 11


def test_values_given_are_those_that_both_settings_begin_with(tmp_path: Path) -> None:
    path = firmfate.lab("car", into=tmp_path / "car.html", parameters={"harm": 0.25}, weeks=520)
    (data,) = re.findall(r'id="laboratory-content">(.*?)</script>', path.read_text(encoding="utf-8"), re.S)
    given = json.loads(data)
    values = {row["name"]: row["values"] for group in given["groups"] for row in group["parameters"]}
    assert values["harm"] == [0.25]
    assert values["drift"] == [load_model("car").defaults["drift"]]
    assert given["steps"] == 40
    with pytest.raises(FirmfateError, match="allowed"):
        firmfate.lab("car", into=tmp_path / "wrong.html", parameters={"execution": 2})


def test_a_page_of_the_largest_model_is_small(laboratory_of: Callable[[str], Path]) -> None:
    assert laboratory_of("firm").stat().st_size < 200_000
