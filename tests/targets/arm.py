"""Models and programs on AArch64: cross-compiled, linked with a few lines of C, run by qemu."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tests.targets import programs as rows
from tests.targets.asked import Asked, Found

from firmfate.models.model import Model
from firmfate.program.program import Program
from firmfate.targets import object_file
from firmfate.targets.function import new_module
from firmfate.targets.lowering import optimised, target_machine

TRIPLE = "aarch64-linux-gnu"
COMPILER, QEMU = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64")

HEAD = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *zeros(size_t size) { return calloc(size + 1, 1); }
static void *from_file(const char *name, size_t size) {
    void *data = zeros(size);
    FILE *file = fopen(name, "rb");
    if (!file || fread(data, 1, size, file) != size) exit(2);
    fclose(file);
    return data;
}
static void to_file(const char *name, const void *data, size_t size) {
    FILE *file = fopen(name, "wb");
    if (!file || fwrite(data, 1, size, file) != size) exit(3);
    fclose(file);
}
"""

RUN_MODEL = """
void firmfate_run(const double *parameters, uint64_t key, uint64_t cell, uint64_t first, int32_t count, int32_t steps,
                  double dt, int32_t *event_step, uint8_t *cause, int32_t *alarm_step, uint8_t *marks, double *last,
                  double *path);

int main(int argc, char **argv) {
    uint64_t key = strtoull(argv[1], 0, 10), cell = strtoull(argv[2], 0, 10), first = strtoull(argv[3], 0, 10);
    int count = atoi(argv[4]), steps = atoi(argv[5]), fields = atoi(argv[7]), stocks = atoi(argv[8]);
    int n_marks = atoi(argv[9]);
    double dt = atof(argv[6]), *row = from_file("row.bin", 8 * fields);
    int32_t *event_step = zeros(4 * count), *alarm_step = zeros(4 * count);
    uint8_t *cause = zeros(count), *marks = zeros(n_marks * count);
    double *last = zeros(8 * count * stocks), *path = zeros(8 * steps * stocks);
    firmfate_run(row, key, cell, first, 1, steps, dt, event_step, cause, alarm_step, marks, 0, path);
    firmfate_run(row, key, cell, first, count, steps, dt, event_step, cause, alarm_step, marks, last, 0);
    to_file("event_step", event_step, 4 * count);
    to_file("cause", cause, count);
    to_file("alarm_step", alarm_step, 4 * count);
    to_file("marks", marks, n_marks * count);
    to_file("last", last, 8 * count * stocks);
    to_file("path", path, 8 * steps * stocks);
}
"""

RUN_PROGRAMS = """
void run(const double *inputs, double *outputs, int32_t count);

int main(int argc, char **argv) {
    int count = atoi(argv[1]), given = atoi(argv[2]), made = atoi(argv[3]);
    double *inputs = from_file("inputs", 8ul * count * given), *outputs = zeros(8ul * count * made);
    run(inputs, outputs, count);
    to_file("outputs", outputs, 8ul * count * made);
}
"""


def _run(folder: Path, code: str, made: bytes, *words: object) -> None:
    (folder / "main.c").write_text(HEAD + code, encoding="utf-8")
    (folder / "made.o").write_bytes(made)
    assert COMPILER is not None
    assert QEMU is not None
    # Without the library of mathematics: nothing of it may be called.
    build = [COMPILER, "-O1", "-static", "-Wall", "-Werror", "main.c", "made.o", "-o", "main"]
    for command in (build, [QEMU, "./main", *map(str, words)]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def run_model(model: Model, asked: Asked, folder: Path) -> Found:
    """Run firms."""
    asked.row.tofile(folder / "row.bin")
    shape = (len(model.fields), len(model.stock_fields), len(model.marks))
    _run(folder, RUN_MODEL, object_file(model, TRIPLE), *asked[1:], *shape)
    return Found.read(folder, model, asked)


def run_programs(programs: Sequence[Program], inputs: Mapping[str, np.ndarray], folder: Path) -> list[dict]:
    """Run programs on rows of inputs."""
    machine = target_machine(TRIPLE, reloc="pic")
    module = new_module("programs", TRIPLE, machine)
    rows.write_rows(module, programs)
    given = rows.table(programs, inputs)
    given.tofile(folder / "inputs")
    made = machine.emit_object(optimised(str(module), machine))
    _run(folder, RUN_PROGRAMS, made, *given.shape, rows.width(programs))
    return rows.outputs(programs, np.fromfile(folder / "outputs").reshape(len(given), -1))
