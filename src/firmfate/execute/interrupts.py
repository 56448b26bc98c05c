"""Interrupts that are not lost.

What a signal's handler raises while Python runs the callback of a weak reference, or a finaliser, Python prints and
forgets: a run that was to stop would go on to its end. It is raised again here, a moment later.
"""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

MOMENT = 0.02
"""Seconds after which it is raised again: callbacks and finalisers are short."""


@contextlib.contextmanager
def delivered() -> Iterator[None]:
    """Raise again what a signal raised and Python forgot: KeyboardInterrupt, and errors with a ``signal_number``.

    At the end of the block at the latest: its last work may take less than a moment, and it may be raised where a
    library ignores all errors.
    """
    before, pending = sys.unraisablehook, list[tuple[BaseException, threading.Timer, Callable[[], Any]]]()
    raised: list[BaseException] = []

    def raise_again(forgotten: Any) -> None:
        fault = forgotten.exc_value
        number = signal.SIGINT if isinstance(fault, KeyboardInterrupt) else getattr(fault, "signal_number", None)
        if number is None or threading.current_thread() is not threading.main_thread():
            before(forgotten)
            return

        def handler(*_: int | FrameType | None) -> NoReturn:
            restore()
            pending.clear()
            raised.append(fault)
            raise fault

        def restore() -> None:
            signal.signal(number, held)

        held = signal.signal(number, handler)
        timer = threading.Timer(MOMENT, _thread.interrupt_main, (number,))
        timer.daemon = True
        pending.append((fault, timer, restore))
        timer.start()

    sys.unraisablehook = raise_again
    try:
        yield
        if pending:
            fault, timer, restore = pending.pop()
            timer.cancel()
            restore()
            raise fault
        if raised:
            raise raised[-1]
    finally:
        sys.unraisablehook = before
