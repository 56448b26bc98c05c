"""What a model's author can get wrong is refused when the model is made: by number, with file and line."""

import re
from pathlib import Path

import pytest

from firmfate.errors import ModelError
from firmfate.models import load_model
from firmfate.models.refusals import AT_RUN_TIME, REFUSALS

OF_THE_TABLES = {"FF114", "FF115", "FF116", "FF117"}


def loaded(folder: Path, text: str):
    (folder / "model.py").write_text(text)
    return load_model("model.py:SHOP", beside=folder)


@pytest.mark.parametrize("code", REFUSALS)
def test_wrong_examples_are_refused_by_their_number(code, tmp_path):
    refusal = REFUSALS[code]
    with pytest.raises(ModelError) as caught:
        loaded(tmp_path, refusal.example(wrong=True))
    message = str(caught.value)
    assert message.startswith(f"{code} ")
    assert caught.value.code == code
    assert "bug" not in message
    assert len(message) < 600
    line = int(re.search(r"model\.py, line (\d+)", message)[1])
    text = refusal.example(wrong=True).splitlines()
    if code in OF_THE_TABLES or text[line - 1].startswith("SHOP"):
        assert code in {"FF101", *OF_THE_TABLES}
        assert text[line - 1].startswith("SHOP = Model(")
    else:  # one of the lines of the example
        assert text[line - 1].strip() in refusal.wrong or text[line - 1].startswith(("def step", "@functools"))
        assert text[line - 1].strip()


@pytest.mark.parametrize("code", REFUSALS)
def test_right_examples_are_models(code, tmp_path):
    assert loaded(tmp_path, REFUSALS[code].example(wrong=False)).name == "shop"


def test_every_number_in_the_source_is_in_the_catalogue():
    source = Path(__file__).parents[2] / "src" / "firmfate"
    used = {code for file in source.rglob("*.py") for code in re.findall(r"\bFF1\d\d\b", file.read_text())}
    assert used == {*REFUSALS, *AT_RUN_TIME}


@pytest.mark.parametrize("code", [*REFUSALS, *AT_RUN_TIME])
def test_every_number_is_explained(code, command):
    ended = command("explain", code.lower())
    assert ended.code == 0
    assert ended.out.startswith(f"{code}: ")
    if code in REFUSALS:
        assert "Refused:" in ended.out
        assert "Instead:" in ended.out
        assert "\n  " not in ended.out.partition("Refused:")[0]  # the source's indentation


def test_an_unknown_number_is_one_message_with_what_is_allowed(command):
    ended = command("explain", "FF203")
    assert ended.code == 2
    assert ended.err.startswith("firmfate: there is no error number 'FF203'; allowed: FF101, FF102, ")
    assert "Traceback" not in ended.err
