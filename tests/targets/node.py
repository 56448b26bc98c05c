"""Models and programs in node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from tests.targets import programs as rows
from tests.targets.asked import Asked, Found

from firmfate.models.model import Model
from firmfate.program.program import Program
from firmfate.targets import javascript, wasm
from firmfate.targets.web import WithoutFused, module

NODE = shutil.which("node")

RUN_MODEL = """
import fs from "node:fs";
import { load } from "./firms.mjs";
const modules = process.argv.slice(2).map((name) => fs.readFileSync(name));
const asked = JSON.parse(fs.readFileSync("asked.json"));
const firms = await load(...modules);
const bytes = fs.readFileSync("row.bin");
const row = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const parameters = Object.fromEntries(firms.names.map((name, i) => [name, row[i]]));
const options = { count: asked.count, cell: BigInt(asked.cell), dt: asked.dt, stocks: "last" };
const of = (replicate, options) => firms.run(parameters, BigInt(asked.key), replicate, asked.steps, options);
const found = of(BigInt(asked.first), options);
const path = of(BigInt(asked.first), { ...options, count: 1, stocks: "path" });
const save = (name, array) => fs.writeFileSync(name, Buffer.from(array.buffer, array.byteOffset, array.byteLength));
save("event_step", found.eventStep); save("cause", found.cause); save("alarm_step", found.alarmStep);
save("marks", Buffer.concat(Object.values(found.marks))); save("last", found.stocks); save("path", path.stocks);
"""

LOAD = """
import fs from "node:fs";
import { load } from "./firms.mjs";
const modules = process.argv.slice(2).map((name) => fs.readFileSync(name));
let found = -1;
for (const [i, module] of modules.entries()) {
  await load(module).then(() => { found = found < 0 ? i : found; }, () => {});
}
const all = await load(...modules).then((firms) => firms.about.model, (error) => error.message);
fs.writeFileSync("loaded", `${found}: ${all}`);
"""

RUN_PROGRAMS = """
import fs from "node:fs";
const { instance } = await WebAssembly.instantiate(fs.readFileSync("programs.wasm"));
const { memory, run, __heap_base } = instance.exports;
const [count, width] = process.argv.slice(2).map(Number);
const given = fs.readFileSync("inputs");
const at = Math.ceil(__heap_base.value / 8) * 8, out = at + given.length, size = 8 * count * width;
memory.grow(Math.ceil((out + size) / 65536));
new Uint8Array(memory.buffer).set(given, at);
run(at, out, count);
fs.writeFileSync("outputs", Buffer.from(memory.buffer, out, size));
"""


def _node(folder: Path, script: str, *words: object, flags: Sequence[str] = ()) -> None:
    (folder / "script.mjs").write_text(script, encoding="utf-8")
    assert NODE is not None
    command = [NODE, *flags, "script.mjs", *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@cache
def relaxed_flags() -> tuple[str, ...]:
    """Return what node needs to know relaxed SIMD: a flag before version 21, nothing later."""
    flag = "--experimental-wasm-relaxed-simd"
    assert NODE is not None
    known = subprocess.run([NODE, "--v8-options"], capture_output=True, text=True, check=True).stdout
    return (flag,) if flag in known else ()


def run_model(model: Model, asked: Asked, folder: Path, *, relaxed: bool = False) -> Found:
    """Run firms by the module's own JavaScript."""
    (folder / "firms.mjs").write_text(javascript(), encoding="utf-8")
    (folder / "model.wasm").write_bytes(wasm(model, relaxed=relaxed))
    (folder / "asked.json").write_text(
        json.dumps({name: str(value) if name in ("key", "cell", "first") else value
                    for name, value in asked._asdict().items() if name != "row"})
    )  # fmt: skip
    asked.row.tofile(folder / "row.bin")
    _node(folder, RUN_MODEL, "model.wasm", flags=relaxed_flags() if relaxed else ())
    return Found.read(folder, model, asked)


def loaded(folder: Path, *modules: bytes, flags: Sequence[str] = ()) -> str:
    """Return the number of the module that JavaScript takes, or its refusal."""
    names = [f"{i}.wasm" for i in range(len(modules))]
    for name, binary in zip(names, modules, strict=True):
        (folder / name).write_bytes(binary)
    (folder / "firms.mjs").write_text(javascript(), encoding="utf-8")
    _node(folder, LOAD, *names, flags=flags)
    return (folder / "loaded").read_text()


def run_programs(programs: Sequence[Program], inputs: Mapping[str, np.ndarray], folder: Path) -> list[dict]:
    """Run programs on rows of inputs."""
    made = module("programs", lambda m: rows.write_rows(m, programs, WithoutFused), "run", b"")
    (folder / "programs.wasm").write_bytes(made)
    given = rows.table(programs, inputs)
    given.tofile(folder / "inputs")
    _node(folder, RUN_PROGRAMS, len(given), rows.width(programs))
    return rows.outputs(programs, np.fromfile(folder / "outputs").reshape(len(given), -1))
