"""A Dask scheduler by its address: a cluster of one's own, or the one that a batch script has started."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from firmfate.errors import ExecutorError
from firmfate.execute.base import Executor, Work, need_dask

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace, _MutuallyExclusiveGroup
    from ssl import SSLContext

    from distributed import Client
    from distributed.security import Security

ADDRESS = re.compile(r"(?:(?P<protocol>[a-z]+)://)?\[?(?P<host>[^\[\]\s/]+?)\]?:(?P<port>\d{1,5})")
PROTOCOLS = ("tcp", "tls", "ucx", "ws", "wss")
ANSWERS = 5.0
"""Seconds in which a machine answers whether anything listens at a port, and a scheduler answers."""


@contextlib.contextmanager
def _no_tracebacks() -> Iterator[None]:
    """Keep Dask's client from logging tracebacks when its scheduler is gone: what that means for a run is raised."""

    def plain(record: logging.LogRecord) -> bool:
        return not record.exc_info

    logger = logging.getLogger("distributed.client")
    logger.addFilter(plain)
    try:
        yield
    finally:
        logger.removeFilter(plain)


@dataclass(frozen=True)
class DaskScheduler(Executor):
    """Run shards on the workers of a Dask scheduler; their number may change meanwhile.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.1:8786``, or the path of a scheduler file (``*.json``).
    tls : (path, path, path), optional
        Files of the authority, the certificate and the key; the connection is encrypted then, or refused. Where they
        are not given, a scheduler at ``tls://`` is asked with those of Dask's own settings, ``distributed.comm.tls``.
    timeout : float
        Seconds in which the scheduler must answer.

    Examples
    --------
    >>> from firmfate.execute import DaskScheduler
    >>> DaskScheduler("tcp://10.0.0.1:8786")  # firmfate.run(study, on=DaskScheduler(...)) connects
    DaskScheduler(address='tcp://10.0.0.1:8786', tls=None, timeout=20.0)
    >>> DaskScheduler("10.0.0.1").check()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    firmfate.errors.ExecutorError: '10.0.0.1' is no address of a Dask scheduler; allowed: an address with a port, ...
    """

    address: str
    tls: tuple[Path, Path, Path] | None = None
    timeout: float = 20.0

    is_here = False

    def run(self, work: Work) -> None:
        """Connect and run shards until all are finished."""
        from firmfate.execute.dask_work import run_on_dask

        work.say(f"connecting to the Dask scheduler at {self.address} ...")
        with self.connected() as client:
            run_on_dask(client, work)

    @contextlib.contextmanager
    def connected(self) -> Iterator[Client]:
        """Give a client.

        Raises
        ------
        ExecutorError
            Where a file is missing, the address is none, or no scheduler answers.
        """
        self.check()
        from distributed import Client

        security = None if self.tls is None else self._security()
        # As the default, a client that got no answer would stay in Dask's settings, and xarray would write no file.
        options: dict[str, Any] = {"timeout": self.timeout, "security": security, "set_as_default": False}
        where = {"scheduler_file" if self._is_file() else "address": self.address}
        try:
            client = Client(**where, **options)
        except (OSError, ValueError, TypeError, RuntimeError) as fault:
            raise ExecutorError(
                f"no Dask scheduler answers at {self.address}: {str(fault) or type(fault).__name__}"
            ) from fault
        with _no_tracebacks(), client:
            yield client

    def _security(self) -> Security:
        """Return what Dask takes: the TLS files that are given, otherwise those of its own settings, if there are."""
        from distributed.security import Security

        if self.tls is None:
            return Security()
        authority, certificate, key = map(str, self.tls)
        return Security(tls_ca_file=authority, tls_client_cert=certificate, tls_client_key=key, require_encryption=True)

    def _encrypted(self) -> SSLContext:
        """Return how to speak with a scheduler that wants TLS."""
        security = self._security()
        files = [security.tls_ca_file, security.tls_client_cert, security.tls_client_key]
        try:
            context: SSLContext | None = security.get_connection_args("client")["ssl_context"]
        except OSError as fault:
            named = ", ".join("text in Dask's settings" if "\n" in str(file) else str(file) for file in files)
            raise ExecutorError(f"TLS files that cannot be used: {named}: {fault.strerror or fault}") from fault
        if context is None:
            raise ConnectionError(
                "it wants TLS files: an authority, a certificate and a key, by --tls or Dask's settings "
                "distributed.comm.tls"
            )
        return context

    def _is_file(self) -> bool:
        return self.address.endswith(".json")

    def check(self) -> None:
        """Refuse what Dask would wait for in vain, and to begin without it."""
        need_dask()
        for path in self.tls or ():
            if not Path(path).is_file():
                raise ExecutorError(f"{path}: there is no such file; TLS needs an authority, a certificate and a key")
        address = self.address
        if self._is_file():
            try:
                address = json.loads(Path(self.address).read_text(encoding="utf-8"))["address"]
            except FileNotFoundError:
                raise ExecutorError(
                    f"{self.address}: there is no such scheduler file; a scheduler that is started with "
                    "--scheduler-file writes it"
                ) from None
            except (OSError, ValueError, KeyError, TypeError) as fault:
                raise ExecutorError(f"{self.address} is no scheduler file: {fault}") from None
        match = ADDRESS.fullmatch(str(address))
        if not match or (match["protocol"] or "tcp") not in PROTOCOLS or not 0 < int(match["port"]) < 65536:
            raise ExecutorError(
                f"'{address}' is no address of a Dask scheduler; allowed: an address with a port, such as "
                "tcp://127.0.0.1:8786, or the path of a scheduler file (*.json)"
            )
        if (match["protocol"] or "tcp") in ("tcp", "tls"):
            try:
                self._listen(match["host"], int(match["port"]), encrypted=match["protocol"] == "tls")
            except TimeoutError:
                raise ExecutorError(f"no Dask scheduler answers at {address} within {ANSWERS:g} s") from None
            except OSError as fault:
                why = fault.strerror or str(fault) or type(fault).__name__
                raise ExecutorError(f"no Dask scheduler answers at {address}: {why}") from None

    def _listen(self, host: str, port: int, *, encrypted: bool) -> None:
        """See that something is there and speaks first, as Dask's servers do: with others its client waits for ever."""
        import socket

        context = self._encrypted() if encrypted else None
        with socket.create_connection((host, port), timeout=ANSWERS) as plain:
            if context is None:
                heard = plain.recv(1)
            else:
                with context.wrap_socket(plain) as secure:
                    heard = secure.recv(1)
        if not heard:
            raise ConnectionError("the connection was closed")

    @classmethod
    def add_option(cls, parser: ArgumentParser, choice: _MutuallyExclusiveGroup) -> None:
        """Declare ``--scheduler``, and ``--tls`` that goes with it."""
        choice.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler's address, or its scheduler file")
        parser.add_argument(
            "--tls", nargs=3, type=Path, metavar=("CA", "CERT", "KEY"), help="PEM files for a scheduler that wants TLS"
        )

    @classmethod
    def from_options(cls, options: Namespace) -> Self | None:
        """Return it where a scheduler is named.

        Raises
        ------
        ExecutorError
            Where TLS files are given without one.
        """
        if options.scheduler is None:
            if options.tls:
                raise ExecutorError("--tls goes with --scheduler; a profile names the TLS files of Slurm workers")
            return None
        return cls(options.scheduler, tuple(options.tls) if options.tls else None)
