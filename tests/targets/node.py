"""Models and programs in node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from tests.targets import programs as rows
from tests.targets.asked import Asked, Found

from firmfate.models.model import Model
from firmfate.program.program import Program
from firmfate.targets import javascript, wasm
from firmfate.targets.function import new_module
from firmfate.targets.linking import linked
from firmfate.targets.lowering import optimised, target_machine
from firmfate.targets.web import TRIPLE, WithoutFused

NODE = shutil.which("node")

RUN_MODEL = """
import fs from "node:fs";
import { load } from "./firms.mjs";
const asked = JSON.parse(fs.readFileSync("asked.json"));
const firms = await load(fs.readFileSync("model.wasm"));
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


def _node(folder: Path, script: str, *words: object) -> None:
    (folder / "script.mjs").write_text(script, encoding="utf-8")
    assert NODE is not None
    done = subprocess.run([NODE, "script.mjs", *map(str, words)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def run_model(model: Model, asked: Asked, folder: Path) -> Found:
    """Run firms by the module's own JavaScript."""
    (folder / "firms.mjs").write_text(javascript(), encoding="utf-8")
    (folder / "model.wasm").write_bytes(wasm(model))
    (folder / "asked.json").write_text(
        json.dumps({name: str(value) if name in ("key", "cell", "first") else value
                    for name, value in asked._asdict().items() if name != "row"})
    )  # fmt: skip
    asked.row.tofile(folder / "row.bin")
    _node(folder, RUN_MODEL)
    return Found.read(folder, model, asked)


def run_programs(programs: Sequence[Program], inputs: Mapping[str, np.ndarray], folder: Path) -> list[dict]:
    """Run programs on rows of inputs."""
    machine = target_machine(TRIPLE)
    module = new_module("programs", TRIPLE, machine)
    rows.write_rows(module, programs, WithoutFused)
    fused = (files("firmfate.targets") / "fused.ll").read_text(encoding="utf-8")
    made = machine.emit_object(optimised(str(module), machine, fused))
    (folder / "programs.wasm").write_bytes(linked(made, function="run", about={}))
    given = rows.table(programs, inputs)
    given.tofile(folder / "inputs")
    _node(folder, RUN_PROGRAMS, len(given), rows.width(programs))
    return rows.outputs(programs, np.fromfile(folder / "outputs").reshape(len(given), -1))
