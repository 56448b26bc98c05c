"""Exports: the same firms and the same counts as the run, and the same table to R and to pandas."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.bounded import Bounded, chance_of_deviation, of_mean

import firmfate
from firmfate import exporting
from firmfate.exporting.counts import export_counts
from firmfate.exporting.firms import export_firms

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "statistics.md"
POPULATION = """
[record]
firms = true

[population]
unit_cost = { normal = [0.57, 0.02] }
capacity = { uniform = [1.2, 1.5] }
"""


@pytest.fixture(scope="module")
def mixed_run(tmp_path_factory: pytest.TempPathFactory, finished_run: Path) -> Path:
    """The small study with a population whose firms are recorded."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "mixed.toml").write_text((finished_run / "study.toml").read_text() + POPULATION)
    firmfate.run(folder / "mixed.toml", into=folder / "run", progress=False).close()
    return folder / "run"


def test_firms_add_up_to_the_counts_of_the_run(command: Callable, finished_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "firms.csv"
    ended = command("export", finished_run, "--firms", "--into", path)
    assert ended.code == 0
    assert "simulated again" in ended.err
    firms = pd.read_csv(path)
    assert len(firms) == 1800
    with firmfate.open_run(finished_run) as ds:
        for (execution, misalignment), cell in firms.groupby(["execution", "misalignment"]):
            events = ds.events.sel(execution=execution, misalignment=misalignment)
            assert int(events.sum()) == int((cell.event == 1).sum())
            for cause in ds.cause.values:
                weeks = cell.event_week[cell.cause == cause].astype(int)
                np.testing.assert_array_equal(events.sel(cause=cause).values, np.bincount(weeks, minlength=521)[1:])
            alarms = ds.alarms.sel(execution=execution, misalignment=misalignment).sum()
            assert int(alarms) == int(cell.alarm_week.notna().sum())
    assert (firms.green_kpis.notna() == firms.alarm_week.notna()).all()


def test_firms_are_those_that_simulate_gives(finished_run: Path, tmp_path: Path) -> None:
    export_firms(finished_run, tmp_path / "firms.csv")
    firms = pd.read_csv(tmp_path / "firms.csv").query("execution == 0.9 and misalignment == 0.5")
    again = firmfate.simulate("firm", execution=0.9, misalignment=0.5, weeks=520, seed=20261123, replicates=300)
    np.testing.assert_array_equal(firms.event_week, again.event_week[0])
    np.testing.assert_array_equal(firms.alarm_week.fillna(0), again.alarm_week[0])


@pytest.mark.parametrize(("piece", "threads"), [(7, 1), (50, 2), (700, 2), (10**6, 1)])
def test_tables_do_not_depend_on_pieces_or_threads(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, threads: int
) -> None:
    export_firms(finished_run, tmp_path / "whole.csv", replicates=40)
    export_counts(finished_run, tmp_path / "whole-counts.csv")
    monkeypatch.setattr(exporting.firms, "PIECE", piece)
    monkeypatch.setattr(exporting.counts, "SLAB_BYTES", 1)
    export_firms(finished_run, tmp_path / "pieces.csv", replicates=40, threads=threads)
    export_counts(finished_run, tmp_path / "pieces-counts.csv")
    for name in ("", "-counts"):
        assert (tmp_path / f"pieces{name}.csv").read_bytes() == (tmp_path / f"whole{name}.csv").read_bytes()


@pytest.mark.bounded(power=0.99, against="a mean that is off by half a standard deviation", rounds=1)
def test_recorded_firms_are_the_simulated_ones_and_carry_what_they_drew(
    command: Callable, mixed_run: Path, tmp_path: Path, bounded: Bounded
) -> None:
    ended = command("export", mixed_run, "--firms", "--into", tmp_path / "recorded.csv")
    assert "simulated again" not in ended.err
    copy = tmp_path / "copy"
    shutil.copytree(mixed_run, copy)
    (copy / "firms.nc").unlink()
    assert "simulated again" in command("export", copy, "--firms", "--into", tmp_path / "simulated.csv").err
    assert (tmp_path / "recorded.csv").read_bytes() == (tmp_path / "simulated.csv").read_bytes()
    firms = pd.read_csv(tmp_path / "recorded.csv")
    assert not bounded.refuses(of_mean(firms.unit_cost[:300], 0.57))
    assert bounded.refuses(of_mean(firms.unit_cost[:300], 0.58))
    bounded.sees(chance_of_deviation(0.5 * 300**0.5, 299))
    assert firms.unit_cost[:300].std() == pytest.approx(0.02, rel=0.2)
    assert firms.unit_cost[:300].nunique() > 290
    assert firms.capacity.between(1.2, 1.5).all()
    assert firms.unit_cost[:300].tolist() == firms.unit_cost[300:600].tolist()  # common random numbers


def test_counts_hold_every_firm_once(command: Callable, finished_run: Path, tmp_path: Path) -> None:
    assert command("export", finished_run, "--into", tmp_path / "counts.csv").code == 0
    rows = pd.read_csv(tmp_path / "counts.csv")
    assert list(rows.columns) == ["execution", "misalignment", "week", "end", "firms"]
    assert (rows.groupby(["execution", "misalignment"]).firms.sum() == 300).all()
    assert (rows.query("end == 'censored'").week == 520).all()


@pytest.mark.parametrize("table", ["counts", "firms"])
def test_formats_hold_the_same_table_and_a_dictionary_describes_its_columns(
    mixed_run: Path, tmp_path: Path, table: str
) -> None:
    pytest.importorskip("pyarrow")
    write = {"counts": export_counts, "firms": export_firms}[table]
    written = {suffix: write(mixed_run, tmp_path / f"{table}.{suffix}") for suffix in ("csv", "csv.gz", "parquet")}
    plain = pd.read_csv(tmp_path / f"{table}.csv", float_precision="round_trip")
    packed = pd.read_csv(tmp_path / f"{table}.csv.gz", float_precision="round_trip")
    parquet = pd.read_parquet(tmp_path / f"{table}.parquet")
    pd.testing.assert_frame_equal(plain, packed)
    pd.testing.assert_frame_equal(plain, parquet, check_dtype=False, check_exact=True)
    assert {item.rows for item in written.values()} == {len(plain)}
    about = pd.read_csv(written["csv"].dictionary, keep_default_na=False)
    assert about.column.tolist() == plain.columns.tolist()
    assert (about.meaning.str.len() > 0).all()
    assert about.unit.str.len().gt(0).all()


def tutorials_r() -> list[str]:
    """Return the blocks of R in the tutorial on statistics."""
    return re.findall(r"^```r\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_the_tutorials_r_reads_a_result_without_an_export(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program that comes with the package is found, and its curves are ours."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "statistics").symlink_to(finished_run)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    _, block = tutorials_r()
    program = f"""{block.replace("survfit(", "curves <- survfit(")}
    write.csv(data.frame(alive = summary(curves, times = 520, extend = TRUE)$surv), "curves.csv")
    """
    subprocess.run(["Rscript", "-e", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    with firmfate.open_run(finished_run) as ds:
        alive = firmfate.survival.kaplan_meier(ds).isel(week=-1).estimate.values.ravel()
    np.testing.assert_allclose(pd.read_csv(tmp_path / "curves.csv").alive, alive, rtol=1e-9)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_the_tutorials_r_fits_survfit_and_coxph_to_an_export(finished_run: Path, tmp_path: Path) -> None:
    """Its lines as they stand: curves are ours, coefficients (of Efron's ties) near ours, errors those of batches."""
    block, _ = tutorials_r()
    export_firms(finished_run, tmp_path / "firms.csv.gz")
    block = block.replace("survfit(", "curves <- survfit(").replace("coxph(", "fit <- coxph(")
    program = f"""{block}
    last <- summary(curves, times = 520, extend = TRUE)
    write.csv(data.frame(alive = last$surv, se = last$std.err), "curves.csv", row.names = FALSE)
    write.csv(data.frame(term = names(coef(fit)), value = coef(fit), se = sqrt(diag(vcov(fit)))), "fit.csv")
    """
    subprocess.run(["Rscript", "-e", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    curves, fit = pd.read_csv(tmp_path / "curves.csv"), pd.read_csv(tmp_path / "fit.csv").set_index("term")
    with firmfate.open_run(finished_run) as ds:
        alive = firmfate.survival.kaplan_meier(ds).isel(week=-1).load()
        ours = firmfate.survival.proportional_hazards(ds, "execution * misalignment").to_dataframe()
    np.testing.assert_allclose(curves.alive, alive.estimate.values.ravel(), rtol=1e-9)
    np.testing.assert_allclose(curves.se, alive.se.values.ravel(), rtol=1e-9)
    assert list(fit.index) == list(ours.index)
    assert (abs(fit.value - ours.estimate) < 0.1 * ours.se).all()
    assert (fit.se / ours.se).between(0.6, 1.6).all()


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_r_and_pandas_read_the_same(mixed_run: Path, tmp_path: Path) -> None:
    """R's survfit on rows of firms, R's survfit on weighted counts, and our estimate: one curve."""
    export_firms(mixed_run, tmp_path / "firms.csv")
    export_counts(mixed_run, tmp_path / "counts.csv")
    program = """
    library(survival)
    firms <- read.csv("firms.csv"); counts <- read.csv("counts.csv")
    about <- read.csv("firms.dictionary.csv")
    stopifnot(identical(about$column, names(firms)))
    number <- firms[sapply(firms, is.numeric)]
    for (name in names(number)) cat("sum", name, format(sum(number[[name]], na.rm = TRUE), digits = 17), "\\n")
    for (name in names(firms)) cat("missing", name, sum(is.na(firms[[name]])), "\\n")
    one <- subset(firms, execution == 0.9 & misalignment == 1)
    curve <- summary(survfit(Surv(event_week, event) ~ 1, data = one), times = c(52, 260, 520))
    cat("survival", format(c(curve$surv, curve$std.err), digits = 17), "\\n")
    one <- subset(counts, execution == 0.9 & misalignment == 1)
    curve <- summary(survfit(Surv(week, end != "censored") ~ 1, data = one, weights = firms), times = c(52, 260, 520))
    cat("weighted", format(curve$surv, digits = 17), "\\n")
    """
    printed = subprocess.run(
        ["Rscript", "-e", program], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split() for line in printed.splitlines()]
    firms = pd.read_csv(tmp_path / "firms.csv", float_precision="round_trip")
    sums = {name: float(value) for kind, name, value in (line for line in lines if line[0] == "sum")}
    assert sums.keys() == set(firms.select_dtypes("number"))
    for name, value in sums.items():
        assert value == pytest.approx(firms[name].sum(), rel=1e-12), name
    assert {name: int(value) for kind, name, value in (line for line in lines if line[0] == "missing")} == {
        name: int(count) for name, count in firms.isna().sum().items()
    }
    with firmfate.open_run(mixed_run) as ds:
        ours = firmfate.survival.kaplan_meier(ds).sel(execution=0.9, misalignment=1.0, week=[52, 260, 520]).load()
    survival = [float(value) for value in next(line for line in lines if line[0] == "survival")[1:]]
    weighted = [float(value) for value in next(line for line in lines if line[0] == "weighted")[1:]]
    np.testing.assert_allclose(survival[:3], ours.estimate, rtol=1e-12)
    np.testing.assert_allclose(survival[3:], ours.se, rtol=1e-9)
    np.testing.assert_allclose(weighted, ours.estimate, rtol=1e-12)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--into", "table.xlsx"], "names that end in .csv, .csv.gz, .parquet"),
        (["--into", "no/such/folder/table.csv"], "there is no folder"),
        (["--into", "table.csv", "--replicates", "5"], "--replicates goes with --firms"),
        (["--into", "table.csv", "--firms", "--replicates", "0"], "replicates = 0; allowed: 1 to 300"),
        (["--into", "table.csv", "--firms", "--replicates", "301"], "replicates = 301; allowed: 1 to 300"),
        ([], "required: --into"),
    ],
)
def test_exports_refuse_in_one_message(
    command: Callable, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = command("export", finished_run, *words)
    assert (ended.code, ended.err.count("firmfate: ")) == (2, 1)
    assert said in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("firms", [[], ["--firms"]])
@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.parquet"])
def test_an_export_that_cannot_be_written_is_reported_by_its_name(
    command: Callable, finished_run: Path, tmp_path: Path, firms: list[str], name: str
) -> None:
    ended = command("export", finished_run, *firms, "--into", f"/proc/{name}", "--quiet")
    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith(f"firmfate: /proc/{name} cannot be written: ")
    assert ".part" not in ended.err
    (tmp_path / name).mkdir()
    ended = command("export", finished_run, *firms, "--into", tmp_path / name, "--quiet")
    assert (ended.code, ended.err) == (2, f"firmfate: {tmp_path / name} is a folder; name the file to write\n")


def test_an_export_of_a_run_that_is_not_there_does_not_ask_to_gather_it(command: Callable, tmp_path: Path) -> None:
    ended = command("export", tmp_path / "nope", "--into", tmp_path / "x.csv")
    assert (ended.code, ended.err) == (2, f"firmfate: {tmp_path / 'nope'}: there is no such run directory\n")


def test_an_export_that_fails_leaves_nothing(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(exporting.firms._Firms, "rows", broken)
    with pytest.raises(MemoryError):
        export_firms(finished_run, tmp_path / "firms.csv")
    assert list(tmp_path.iterdir()) == []


def test_firms_of_another_version_are_refused(command: Callable, finished_run: Path, tmp_path: Path) -> None:
    """Simulated by another kernel they would not be the run's."""
    copy = tmp_path / "copy"
    shutil.copytree(finished_run, copy)
    record = json.loads((copy / "provenance.json").read_text())
    record["fingerprint table"]["kernel"] = "older"
    (copy / "provenance.json").write_text(json.dumps(record))
    ended = command("export", copy, "--firms", "--into", tmp_path / "firms.csv")
    assert ended.code == 2
    assert "kernel: the run has 'older'" in ended.err
