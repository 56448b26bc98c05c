"""Models as object files, for programs in C or any language that calls C's functions."""

from __future__ import annotations

from firmfate.errors import ModelError
from firmfate.models import load_model
from firmfate.models.model import Model
from firmfate.targets.function import new_module, write_loop
from firmfate.targets.lowering import optimised, target_machine

ARCHITECTURES = "x86_64", "aarch64", "arm64"
"""Those whose results have been compared; i686 without SSE2, for one, rounds twice."""


def object_file(model: str | Model, triple: str, *, cpu: str = "", features: str = "") -> bytes:
    """Return an object file with a model's firms as one function, ``firmfate_run``.

    Its results have the bits of the engine. It calls nothing, but C's ``fma``, ``floor``, ``ceil`` and ``trunc`` where
    the processor has no instruction for them (x86-64 without ``features="+fma,+sse4.1"``).

    Parameters
    ----------
    model : str or Model
    triple : str
        LLVM's name of the target, of any system on x86-64 or AArch64: ``"aarch64-linux-gnu"``.
    cpu, features : str
        As LLVM names them; the least of the architecture if not given.

    Returns
    -------
    bytes
        For the target's linker; position-independent. The function's declaration in C::

            void firmfate_run(const double *parameters, uint64_t key, uint64_t cell, uint64_t first, int32_t count,
                              int32_t steps, double dt, int32_t *event_step, uint8_t *cause, int32_t *alarm_step,
                              uint8_t *marks, double *last, double *path);

        `firmfate.targets.function.ARGUMENTS` says what the arguments hold; ``last`` and ``path`` may be null.

    Raises
    ------
    ModelError
        Where the target is of another architecture, or llvmlite does not write for it.

    Examples
    --------
    >>> from firmfate.targets import object_file
    >>> object_file("car", "aarch64-linux-gnu")[:4]
    b'\\x7fELF'
    """
    if triple.partition("-")[0] not in ARCHITECTURES:
        raise ModelError(f"target '{triple}' is of no architecture whose bits are known: {', '.join(ARCHITECTURES)}")
    found = load_model(model)
    machine = target_machine(triple, cpu, features, reloc="pic")
    module = new_module(found.name, machine.triple, machine)
    write_loop(found, module)
    made: bytes = machine.emit_object(optimised(str(module), machine))
    return made
