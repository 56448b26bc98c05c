"""Run studies and rewrite every number and picture of their READMEs: ``python studies/reproduce.py [NAME ...]``.

``studies/README.md`` describes the files. Exit codes: 0 done, 1 numbers differ (with --check or --rederive), 2 bad
input.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import xarray as xr

import firmfate
from common.folder import load
from common.number_table import NOTHING, NumberTable, Row, shown
from firmfate.errors import FirmfateError
from firmfate.execute import Threads
from firmfate.machine import cores
from firmfate.tables.rendering import toml

HERE = Path(__file__).resolve().parent
TIMES = HERE / "times.json"
"""Seconds that each study took when its numbers were last made from nothing, and on how many cores."""

VERDICTS = {1.0: "met", 0.5: "open", 0.0: "missed", -1.0: "cannot say"}
"""How numbers of the unit "verdict" are shown in sentences."""

SAME = 1e-9
"""Relative difference that rounding alone may make between two ways to the same number."""

# Markers inside code are examples.
BLOCK = re.compile(r"(?<!`)(<!-- numbers: begin ?(?P<section>.*?) ?-->\n).*?(<!-- numbers: end -->)", re.DOTALL)
COSTS = re.compile(r"(?<!`)(<!-- costs: begin -->\n).*?(<!-- costs: end -->)", re.DOTALL)
INLINE = re.compile(r"(?<!`)(<!--=(?:(?P<study>[a-z0-9-]+):)?(?P<name>[^\s>]+)-->)(?P<old>[^<]*)(<!--/-->)")


def names() -> list[str]:
    """Return the studies that have estimands, in the order of the table of hypotheses."""
    found = sorted(path.parent.name for path in HERE.glob("*/estimands.py"))
    listed = list(dict.fromkeys(re.findall(r"\]\(([a-z0-9-]+)/", (HERE / "README.md").read_text("utf-8"))))
    return sorted(found, key=lambda name: listed.index(name) if name in listed else len(listed))


def study_files(name: str, *, full: bool = False) -> dict[str, Path]:
    """Return the study files of a folder: its own ``study.toml`` and those in ``small/``, or in ``full/``."""
    folder = HERE / name
    files = sorted((folder / ("full" if full else "small")).glob("*.toml"))
    own = [] if full and any(file.stem == "study" for file in files) else [folder / "study.toml"]
    return {file.stem: file for file in (*own, *files) if file.is_file()}


def directories(name: str, into: Path, *, full: bool = False) -> dict[str, Path]:
    """Return where each study file of a folder is run."""
    return {key: into / name / key for key in study_files(name, full=full)}


def run(
    name: str,
    into: Path,
    *,
    full: bool = False,
    replicates: int | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> dict[str, xr.Dataset]:
    """Run a study's files into ``into/name/``, derive what counts do not hold, and return all datasets."""
    places = directories(name, into, full=full)
    runs = {}
    for key, file in study_files(name, full=full).items():
        study = firmfate.Study.read(file)
        if replicates is not None:
            tables = {**study.tables, "study": {**study.tables["study"], "replicates": replicates}}
            study = firmfate.Study.parse(toml(tables), beside=file.parent)
        runs[key] = firmfate.run(study, into=places[key], on=Threads(threads), progress=progress)
    derive = getattr(load(name, "estimands"), "derive", None)
    if derive is not None:
        for key, ds in derive(places).items():
            place = into / name / f"{key}.nc"
            ds.to_netcdf(place)
            runs[key] = ds
    return runs


def estimands(name: str, runs: Mapping[str, xr.Dataset]) -> NumberTable:
    """Return the numbers of a study."""
    table: NumberTable = load(name, "estimands").estimands(runs)
    return table


def rederive(name: str, into: Path, *, full: bool = False) -> dict[str, float]:
    """Return the study's main numbers, computed from its files by plain pandas (``studies/NAME/rederive.py``)."""
    places = directories(name, into, full=full)
    extra = {file.stem: file for file in (into / name).glob("*.nc")}
    found: dict[str, float] = load(name, "rederive").rederive(
        {**{key: place / "result.nc" for key, place in places.items()}, **extra}
    )
    return found


def draw(name: str, runs: Mapping[str, xr.Dataset], table: NumberTable) -> dict[str, bytes]:
    """Return the pictures of a study as PNG by their names (``studies/NAME/pictures.py``)."""
    if not (HERE / name / "pictures.py").is_file():
        return {}
    from firmfate.plots import picture

    figures = load(name, "pictures").pictures(runs, table)
    return {key: picture(figure, form="png") for key, figure in figures.items()}


def rendered(text: str, table: Callable[[str], NumberTable], own: str = "") -> str:
    """Return a README with its blocks and inline numbers taken from tables; `table` gives that of a study."""

    def block(match: re.Match[str]) -> str:
        found = table(own)
        wanted = [match["section"]] if match["section"] else list(found.sections)
        parts = []
        for section in wanted:
            title = f"**{section}**\n\n" if section and not match["section"] else ""
            parts.append(title + found.markdown(section))
        return f"{match[1]}\n" + "\n".join(parts) + f"\n{match[3]}"

    def inline(match: re.Match[str]) -> str:
        name, part = (*re.split(r"[|@]", match["name"], maxsplit=1), "")[:2]
        try:
            value = table(match["study"] or own)[name].value
        except FileNotFoundError:  # a study that was not run yet
            return match[0]
        words = {
            "": lambda: shown(value),
            "gain": lambda: shown(value.scaled(-1)),
            "percent": lambda: shown(value.scaled(100)),
            "loss-percent": lambda: shown(value.scaled(-100)),
            "bare": lambda: shown(value).split(" ")[0],
            "limits": lambda: shown(value._replace(se=math.nan)),
            "verdict": lambda: VERDICTS[value.estimate],
        }
        if part not in words:
            raise FirmfateError(f"{match[0]}: '{part}' is no way to show a number; allowed: {', '.join(words)}")
        return f"{match[1]}{words[part]()}{match[5]}"

    text = COSTS.sub(lambda match: f"{match[1]}{costs()}{match[2]}", text)
    return INLINE.sub(inline, BLOCK.sub(block, text))


def times() -> dict[str, dict[str, float]]:
    """Return ``seconds`` and ``cores`` by study, as they are kept."""
    kept_times: dict[str, dict[str, float]] = json.loads(TIMES.read_text("utf-8"))
    return kept_times


def costs() -> str:
    """Return what the small version of every study took, and what is planned for its full one, as a Markdown table."""
    kept_times = times()
    lines = [
        "| study | firms, small | seconds (cores) | firms, full | core-hours, full |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in names():
        small, large = (
            [firmfate.plan(firmfate.Study.read(file)) for file in study_files(name, full=full).values()]
            for full in (False, True)
        )
        took = kept_times.get(name)
        seconds = f"{took['seconds']:.0f} ({took['cores']:.0f})" if took else NOTHING
        hours = sum(plan.nominal_seconds for plan in large) / 3600
        firms = [sum(plan.firms for plan in plans) for plans in (small, large)]
        lines.append(f"| [{name}]({name}/README.md) | {firms[0]:,} | {seconds} | {firms[1]:,} | {hours:.2g} |")
    return "\n".join(lines) + "\n"


def kept(name: str) -> NumberTable:
    """Return the numbers of a study that are kept in its folder."""
    return NumberTable.read((HERE / name / "numbers.json").read_text("utf-8"))


def write(
    name: str, table: NumberTable, pictures: Mapping[str, bytes], took: Mapping[str, float] | None = None
) -> None:
    """Keep the numbers, the pictures and the time of a study, and rewrite its README and the one above it."""
    if took:
        TIMES.write_text(json.dumps({**times(), name: dict(took)}, indent=1, sort_keys=True) + "\n", "utf-8")
    (HERE / name / "numbers.json").write_text(table.json(), "utf-8")
    for key, content in pictures.items():
        (HERE / name / f"{key}.png").write_bytes(content)
    for path, own in ((HERE / name / "README.md", name), (HERE / "README.md", "")):
        path.write_text(rendered(path.read_text("utf-8"), kept, own), "utf-8")


def differences(name: str, table: NumberTable) -> Iterator[str]:
    """Return what differs between the kept rows and those of a table: numbers as they are shown, and words."""
    old, table = kept(name), NumberTable.read(table.json())  # as it would be kept
    for missing in sorted(set(old.names) ^ set(table.names)):
        yield f"{name}: '{missing}' is {'no longer computed' if missing in old.names else 'new'}"
    for row in table:
        if row.name in old.names and shown(old[row.name].value) != shown(row.value):
            yield f"{name}: {row.name} is {shown(old[row.name].value)} in the README, {shown(row.value)} now"
        if row.name in old.names and (was := _words(old[row.name])) != (now := _words(row)):
            yield f"{name}: {row.name} is called {was} in the README, {now} now"


def unequal(name: str, table: NumberTable, again: Mapping[str, float]) -> Iterator[str]:
    """Return which rederived numbers differ from those of the table; ``effect.se`` is the error of ``effect``."""
    for key, value in again.items():
        own = key.removesuffix(".se")
        estimated = table[own].value.estimate if own == key else table[own].value.se
        if not math.isclose(estimated, value, rel_tol=SAME, abs_tol=SAME):
            yield f"{name}: {key} is {estimated!r}, rederived {value!r}"


def _words(row: Row) -> tuple[str, ...]:
    return row.section, row.column, row.text, row.unit


def main(arguments: list[str] | None = None) -> int:
    """Run, estimate, rederive, draw, and write or check."""
    parser = argparse.ArgumentParser(description="Run studies and rewrite every number and picture of their READMEs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="studies; all where none is named")
    parser.add_argument("--into", type=Path, default=Path("runs/studies"), help="folder of the runs: %(default)s")
    parser.add_argument("--full", action="store_true", help="the versions for clusters; prints and writes no README")
    parser.add_argument("--check", action="store_true", help="write nothing; print which numbers of READMEs differ")
    parser.add_argument("--rederive", action="store_true", help="compute main numbers again by plain pandas too")
    parser.add_argument("--replicates", type=int, help="firms a cell, to try a study out; prints and writes no README")
    parser.add_argument("--threads", type=int, help="threads; all cores by default")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in names()]
    if unknown:
        parser.error(f"no such study: {', '.join(unknown)}; there are {', '.join(names())}")
    faults = 0
    into = chosen.into / ("full" * chosen.full) / (f"tried-{chosen.replicates}" if chosen.replicates else "")
    for name in chosen.names or names():
        fresh, begun = not (into / name).exists(), time.perf_counter()
        try:
            runs = run(name, into, full=chosen.full, replicates=chosen.replicates, threads=chosen.threads)
            table = estimands(name, runs)
            differing = [*unequal(name, table, rederive(name, into, full=chosen.full))] if chosen.rederive else []
            if chosen.replicates or chosen.full:
                print(*(table.markdown(section) for section in table.sections), sep="\n")
            elif chosen.check:
                differing += differences(name, table)
            else:
                drawn = draw(name, runs, table)
                took = {"seconds": round(time.perf_counter() - begun), "cores": chosen.threads or cores()}
                write(name, table, drawn, took if fresh else None)
        except FirmfateError as fault:
            print(f"{name}: {fault}", file=sys.stderr)
            return fault.exit_code
        faults += len(differing)
        how = "from nothing" if fresh else "with what was simulated before"
        seconds = time.perf_counter() - begun
        print(*differing, f"{name}: {len(table)} numbers, {seconds:.0f} s {how}", sep="\n", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
