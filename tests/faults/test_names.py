"""Names cannot escape a directory, a script, a page, a table or a terminal.

Where text comes in is the table `names.WAYS_IN`; what is taken there goes out of one run, on whose files, pages,
tables, scripts and messages the tests below look.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import netCDF4
import pytest
from tests.faults.names import ALL, DRIVING, GRID, HEAD, TEXTS, WAYS_IN, model, quoted

import firmfate
from firmfate.cli import main
from firmfate.machine import cores

pytestmark = pytest.mark.slow

LONGEST = 4_000
ANOTHER_WAY = (
    "File name too long",
    "argument --",
    "arguments are required",
    "unrecognized arguments",
    "is no TOML",
    "UTF-8",
    "utf-8",
    "null character",
)
"""Refusals of a file or word as a whole, which name no key."""


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed on both streams."""

    code: int
    text: str


def said(*words: object) -> Said:
    """Run a command; what it prints must not drive a terminal."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(map(str, words)))
    text = out.getvalue() + err.getvalue()
    driving = [letter for letter in text if letter not in "\n\t" and drives(letter)]
    assert not driving, (words, driving)
    return Said(code, text)


def drives(letter: str) -> bool:
    """Return whether a terminal obeys a character: it controls, ends a line or reverses the direction of writing."""
    turns = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(letter) in turns


def everything(folder: Path) -> set[Path]:
    """Return all that is in a folder."""
    return set(folder.rglob("*"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, of a study that is not hostile."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "study.toml").write_text(HEAD + GRID)
    assert said("run", folder / "study.toml", "--into", folder / "run", "--quiet", "--no-report").code == 0
    return folder / "run"


@pytest.mark.parametrize("what", WAYS_IN)
def test_names_are_refused_in_one_message_or_taken(
    what: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, taken = WAYS_IN[what], set()
    before = everything(run)
    for place, name in enumerate(way.names):
        folder = tmp_path / "deep" / "in" / str(place)
        folder.mkdir(parents=True)
        monkeypatch.chdir(folder)
        given = way.files(ALL[name])
        for file, content in given.items():
            (folder / file).write_text(content, encoding="utf-8", errors="surrogatepass", newline="")
        held = everything(tmp_path)
        ended = said(*(str(run) if word == "RUN" else word for word in way.words(ALL[name])))
        assert {path for path in everything(tmp_path) - held if "__pycache__" not in path.parts} == set(), name
        if ended.code == 0:
            taken.add(name)
            continue
        assert ended.code == 2, (name, ended)
        assert ended.text.count("firmfate: ") == 1, (name, ended)
        assert way.says in ended.text or any(words in ended.text for words in ANOTHER_WAY), (name, ended)
        assert len(ended.text) < LONGEST, (name, ended)
    assert taken == way.takes
    assert everything(run) == before


@pytest.mark.parametrize("variable", ["SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"])
def test_variables_of_the_environment_are_numbers_or_nothing(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = cores()
    for name, text in {**ALL, "many digits": "9" * 5_000, "other digits": "\u0661"}.items():
        if "\0" not in text and "\ud800" not in text:
            monkeypatch.setenv(variable, text)
            assert cores() == own, name
    monkeypatch.setenv(variable, "1")
    assert cores() == 1


PLACE = "a b;touch canary&'(x) #é=1,2 <script>window.canary=1<"
"""A folder's name: all that may stand in a script of Slurm."""


@dataclass(frozen=True)
class Everything:
    """A run of a study and a model with every text that is taken, in a folder with a hostile name."""

    top: Path
    folder: Path
    run: Path
    question: str
    names: list[str]
    texts: str


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    """Run it; the working directory is another, which stays empty."""
    top = tmp_path_factory.mktemp("top")
    folder, elsewhere = top / PLACE, top / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    names, question = list(TEXTS.values()), " ".join(TEXTS.values())
    text = model(question, names={"model": TEXTS["a script"]})
    (folder / "w;touch canary.py").write_text(text)
    cells = "".join(f"[[cells]]\nname = {quoted(name)}\nskill = {1 + place / 8}\n" for place, name in enumerate(names))
    (folder / "study.toml").write_text(
        '[study]\nname = "s"\nmodel = "w;touch canary.py:WALK"\nyears = 1\nreplicates = 40\n'
        f"question = {quoted(question)}\n{cells}[record]\nfirms = true\nbatches = 8\n"
    )
    with contextlib.chdir(elsewhere):
        assert said("run", folder / "study.toml", "--into", folder / "run").code == 0
        yield Everything(top, folder, folder / "run", question, names, question)
    assert everything(elsewhere) == set()
    assert {path.name for path in top.iterdir()} == {PLACE, "elsewhere"}
    assert not [path for path in everything(top) if path.name.startswith(("canary", "evil"))]


def test_messages_name_them_and_drive_no_terminal(taken: Everything) -> None:
    run, study = taken.run, taken.folder / "study.toml"
    for words in (
        ("check", study), ("plan", study), ("status", run), ("status", run, "--cells"), ("gather", run),
        ("parameters", f"{taken.folder}/w;touch canary.py:WALK"), ("compare", run, run), ("replay", run),
        ("replay", run, "--cell", TEXTS["a script"]), ("replay", run, "--axis", f"cell={TEXTS['an option']}"),
        ("check", study, "--json"), ("replay", run, "--json"),
    ):  # fmt: skip
        ended = said(*words)
        assert ended.code == 0, (words, ended)


def test_tables_hold_them_to_the_letter(taken: Everything, tmp_path: Path) -> None:
    """A formula too: R and pandas read such tables, and a name with a quote before it is another name."""
    for more in ((), ("--firms",)):
        assert said("export", taken.run, "--into", tmp_path / "x.csv", *more).code == 0
        with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert list(dict.fromkeys(row["cell"] for row in rows)) == taken.names
        with (tmp_path / "x.dictionary.csv").open(newline="", encoding="utf-8") as file:
            assert all(None not in row and None not in row.values() for row in csv.DictReader(file))
    assert said("replay", taken.run, "--cell", TEXTS["CSV"], "--csv", tmp_path / "y.csv").code == 0
    with (tmp_path / "y.csv").open(newline="", encoding="utf-8") as file:
        assert all(None not in row and None not in row.values() for row in csv.DictReader(file))


def test_netcdf_holds_them_to_the_letter(taken: Everything) -> None:
    with firmfate.open_run(taken.run) as ds:
        assert ds["cell"].values.tolist() == taken.names
        assert ds.attrs["question"] == taken.question
        assert ds.attrs["model"] == TEXTS["a script"]
        assert ds["skill"].attrs["long_name"].startswith(taken.texts[:40])


class Elements(HTMLParser):
    """The elements of a page, those that may do something, and their attributes that do."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.acting: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a script, what loads something, and what listens."""
        found = dict(attrs)
        if tag in ("script", "iframe", "object", "embed", "base", "form", "link"):
            self.acting.append(tag)
        self.acting += [name for name in found if name.startswith("on")]
        for name in ("href", "src", "action"):
            value = found.get(name) or ""
            if value and not value.startswith(("#", "data:image/")):
                self.acting.append(f"{name}={value[:40]}")


CANARY = """() => [typeof window.canary, document.querySelectorAll(
    'iframe, object, embed, base, form, link, img:not([src^="data:"]), a[href]:not([href^="#"])').length,
    [...document.querySelectorAll('*')].filter(
        (one) => one.getAttributeNames().some((name) => name.startsWith('on'))).length]"""


@pytest.mark.parametrize("page", ["report", "laboratory", "laboratory of the run", "comparison"])
def test_pages_run_no_script_of_theirs(
    page: str, taken: Everything, tmp_path: Path, page_of: Callable[..., Any]
) -> None:
    path, scripts = {
        "report": (taken.run / "report.html", 4), "laboratory": (tmp_path / "model.html", 2),
        "laboratory of the run": (tmp_path / "run.html", 2), "comparison": (tmp_path / "compared.html", 0),
    }[page]  # fmt: skip
    if page == "comparison":
        assert said("compare", taken.run, taken.run, "--into", path).code == 0
    elif page == "laboratory":
        assert said("lab", f"{taken.folder}/w;touch canary.py:WALK", "--into", path).code == 0
    elif page == "laboratory of the run":
        assert said("lab", taken.run, "--into", path).code == 0
    elements = Elements(path.read_text(encoding="utf-8"))
    assert elements.acting == ["script"] * scripts
    opened = page_of(path)
    if page == "report":
        opened.wait_for_selector("#explore[data-state=complete]")
    elif "laboratory" in page:
        opened.wait_for_selector(".laboratory[data-state=complete]")
    assert opened.evaluate(CANARY) == ["undefined", 0, 0]
    shown = opened.evaluate("() => document.body.textContent")
    assert TEXTS["a script"] in shown
    assert page == "comparison" or (TEXTS["an image"] in shown and TEXTS["a template"] in shown)


def test_notebooks_show_them_as_text(taken: Everything) -> None:
    study = firmfate.Study.read(taken.folder / "study.toml")
    with firmfate.open_run(taken.run) as ds:
        for shown in (study, study.model, ds):
            html = shown._repr_html_()
            assert Elements(html).acting == [], type(shown)
            assert "<script>" not in html
    (frame,) = re.findall(r'<iframe [^>]*sandbox="allow-scripts"[^>]*>', firmfate.show(study.model)._repr_html_())
    assert Elements(frame).acting == ["iframe"]


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for Slurm: `sbatch` runs the script that it is given; and for the work, which notes its words."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, does in {
        "sbatch": 'bash -n "${@: -1}" && bash "${@: -1}" >&2 && echo 7',
        "work": f'printf "%s\\n" "$@" >> {tmp_path}/words',
        "srun": "exit 0", "scontrol": "exit 1", "squeue": "exit 0",
    }.items():  # fmt: skip
        (folder / name).write_text(f"#!/bin/bash\n{does}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    for name, value in {"SLURM_ARRAY_TASK_ID": "0", "SLURM_CPUS_PER_TASK": "1", "SLURM_JOB_ID": "7"}.items():
        monkeypatch.setenv(name, value)
    return folder / "work"


def test_scripts_of_slurm_run_no_command_of_theirs(taken: Everything, stand_ins: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(
        f'partition = "../../evil"\naccount = "--help"\noptions = ["--comment=(touch|canary)&touch"]\n'
        f'scratch = "{tmp_path}/scratch"\ncommand = "{stand_ins}"\n'
    )
    into = taken.folder / "slurm run"
    ended = said("submit", taken.folder / "study.toml", "--profile", profile, "--into", into)
    assert ended.code == 0, ended
    words = (tmp_path / "words").read_text().splitlines()
    assert words[:4] == ["run", str(into / "study.toml"), "--into", str(into)]
    assert words.count("gather") == 1
    directives = [line for path in (into / "slurm").glob("*.sh") for line in path.read_text().splitlines()]
    assert "#SBATCH --comment=(touch|canary)&touch" in directives
    assert {path.name for path in (into / "slurm").iterdir()} == {"array-0.sh", "gather.sh", "jobs.txt", "profile.toml"}
    shutil.rmtree(into)


UNFIT = ['quo"te', "per%cent", "dol$(touch canary)lar", "tick`", "back\\slash", "li\nne", "\x1b[2J"]


@pytest.mark.parametrize("name", UNFIT)
def test_a_directory_that_cannot_stand_in_a_script_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "study.toml").write_text(HEAD + GRID)
    (tmp_path / "profile.toml").write_text("")
    into = tmp_path / name
    ended = said("submit", tmp_path / "study.toml", "--profile", tmp_path / "profile.toml", "--into", into, "--pretend")
    assert ended.code == 2
    assert "in its name" in ended.text
    assert not into.exists()


@pytest.mark.parametrize("name", ["a\\b", "a\udcff"])
def test_a_directory_that_netcdf_cannot_open_is_refused_before_anything_is_simulated(tmp_path: Path, name: str) -> None:
    """Its firms were simulated, and then the library said "Permission denied", or there was an internal error."""
    (tmp_path / "study.toml").write_text(HEAD + GRID)
    ended = said("run", tmp_path / "study.toml", "--into", tmp_path / name)
    assert ended.code == 2
    assert "the netCDF library cannot open files by this name" in ended.text
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["\x1b[2Jx", "\x9b2Jx", "a\u202eb", "a\nb", "*[a]?", "--help", "~"])
def test_folders_with_odd_names_hold_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "study.toml").write_text(HEAD + GRID)
    run = folder / "run"
    for words in (
        ("run", folder / "study.toml", "--into", run, "--no-report"), ("status", run), ("gather", run),
        ("export", run, "--into", folder / "x.csv"), ("replay", run, "--netcdf", folder / "x.nc"),
    ):  # fmt: skip
        assert said(*words).code == 0, words
    assert {path.name for path in tmp_path.iterdir()} == {name}


def test_what_others_wrote_into_a_result_stays_text(run: Path, tmp_path: Path, page_of: Callable[..., Any]) -> None:
    """Attributes of netCDF files hold anything, and are shown."""
    forged = shutil.copytree(run, tmp_path / "forged")
    text = "".join(letter for name, letter in ALL.items() if name not in ("a null", "half a character"))
    with netCDF4.Dataset(forged / "result.nc", "a") as file:
        for name in ("title", "question", "model", "source", "history"):
            file.setncattr(name, text)
        for variable in file.variables.values():
            for name in {"long_name", "units"} & set(variable.ncattrs()):
                variable.setncattr(name, text)
    for words in (("report", forged), ("compare", forged, run, "--into", tmp_path / "c.html"), ("status", forged)):
        assert said(*words).code == 0, words
    for path, scripts in ((forged / "report.html", 4), (tmp_path / "c.html", 0)):
        assert Elements(path.read_text(encoding="utf-8")).acting == ["script"] * scripts
        assert page_of(path).evaluate(CANARY) == ["undefined", 0, 0]


def test_the_program_in_r_runs_no_name_as_code(run: Path, tmp_path: Path) -> None:
    """Axes are terms of a formula, and a term is run: R's data frames make plain names of theirs."""
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    shutil.copy(run / "result.nc", tmp_path / "result.nc")
    with netCDF4.Dataset(tmp_path / "result.nc", "a") as file:
        file.renameDimension("execution", 'system("touch canary")')
        file.renameVariable("execution", 'system("touch canary")')
    script = files("firmfate.survival") / "read_result.R"
    done = subprocess.run(["Rscript", str(script), "result.nc", "fits.csv"], cwd=tmp_path, capture_output=True)
    assert done.returncode != 0
    assert b"differing number of rows" in done.stderr, "it came as far as the formula"
    assert not (tmp_path / "canary").exists()


def test_text_that_drives_a_terminal_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmfate.cli.terminal.escaped", lambda text: text)
    for name, text in DRIVING.items():
        monkeypatch.setattr("firmfate.models.refusals.explain", lambda _, text=text: text)
        with pytest.raises(AssertionError):
            said("explain", name)


FORGED = {
    "a text": ("title", [1.0, 2.0]), "a number": ("steps_per_week", "x"), "no steps": ("steps_per_week", 0.0),
    "no number": ("steps_per_week", float("nan")), "firms": ("replicates", "x"),
    "a flag": ("common_random_numbers", "x"), "a seed": ("seed", [1, 2, 3]),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_attributes_of_another_type_are_refused(run: Path, tmp_path: Path, what: str) -> None:
    """Each was an internal error of `report`, `export` or `compare`."""
    name, value = FORGED[what]
    forged = shutil.copytree(run, tmp_path / "forged")
    with netCDF4.Dataset(forged / "result.nc", "a") as file:
        file.setncattr(name, value)
    for words in (("report", forged), ("export", forged, "--into", tmp_path / "x.csv"), ("compare", forged, run)):
        ended = said(*words)
        assert ended.code == 2
        assert f"{forged}/result.nc: its attribute '{name}' is " in ended.text


@pytest.mark.parametrize("record", ["[" * 100_000, '{"versions": 3, "machine": 7, "commit": [1]}', "[1]"])
def test_records_of_another_shape_are_left_out(run: Path, tmp_path: Path, record: str) -> None:
    forged = shutil.copytree(run, tmp_path / "forged")
    with netCDF4.Dataset(forged / "result.nc", "a") as file:
        file.setncattr("provenance", record)
        file.setncattr("precision", record)
    assert said("report", forged).code == 0
