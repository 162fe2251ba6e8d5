"""Starts dbt: as a fork of a server that has it imported (`tributary.dbt_server`), else as a program."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, Popen
from typing import IO, Any, Protocol

from tributary.settings import dbt_executable

SERVER = Path(__file__).with_name("dbt_server.py")
# To fork takes milliseconds; the first request waits until dbt is imported.
ANSWER_SECONDS = 60.0

log = logging.getLogger(__name__)


class Running(Protocol):
    """What is used of a process that was started: its id, and its output, with standard error, as lines of text."""

    pid: int
    stdout: IO[str] | None

    def wait(self) -> int:
        """Its exit code, once it has ended; negative for a signal."""


class Forked:
    """A process that the server has forked, which alone can wait for it."""

    def __init__(self, stdout: IO[str], server: socket.socket) -> None:
        self.stdout: IO[str] | None = stdout
        self._server = server
        self._server.settimeout(ANSWER_SECONDS)
        self.pid = self._told("began")
        self._server.send(b".")
        self._server.settimeout(None)

    def wait(self) -> int:
        """Raises RuntimeError where the server ended before."""
        with self._server:
            return self._told("ended")

    def _told(self, what: str) -> int:
        try:
            told, _, number = self._server.recv(32).decode().partition(" ")
        except ConnectionError:
            told = ""
        if told != what:
            raise RuntimeError(f"expected the server that forks dbt to tell what {what}, found {told or 'its end'}")
        return int(number)


class Server:
    """The server, and the socket to ask it: processes that are forked from here have that too."""

    def __init__(self, executable: str, python: Path) -> None:
        self.executable = executable
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._inode = os.fstat(self._requests.fileno()).st_ino
        command = [str(python), "-P", str(SERVER), str(theirs.fileno())]
        with theirs:
            # A session of its own, or what stops Airflow's processes would stop it before they have ended theirs.
            self._process = Popen(command, pass_fds=[theirs.fileno()], stdin=DEVNULL, start_new_session=True)

    def start(self, command: Sequence[str], env: Mapping[str, str], cwd: str) -> Forked:
        """Raises OSError or RuntimeError where there is no server any more."""
        if os.fstat(self._requests.fileno()).st_ino != self._inode:
            raise OSError("another file has the number of the server's socket")
        asked = json.dumps({"command": list(command), "env": dict(env), "cwd": cwd})
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reading, writing = os.pipe()
        output = os.fdopen(reading, encoding="utf-8", errors="backslashreplace")
        try:
            with theirs, os.fdopen(writing, "wb") as end, os.fdopen(os.memfd_create("dbt"), "w+") as request:
                request.write(asked)
                request.seek(0)
                files = [request.fileno(), end.fileno(), theirs.fileno()]
                socket.send_fds(self._requests, [b"."], files)
            return Forked(output, ours)
        except BaseException:
            # Without its asker a fork does not begin.
            ours.close()
            output.close()
            raise


_server: Server | None = None


def start_server() -> None:
    """Start the server, for this process and those that it forks.

    Where there is no Python beside dbt, there is none.
    """
    global _server
    executable = dbt_executable()
    program = Path(shutil.which(executable) or executable).resolve()
    python = program.with_name("python")
    if not python.exists():
        log.info("%s has no Python beside it: each build imports dbt anew", program)
        return
    try:
        _server = Server(executable, python)
    except OSError:
        log.exception("could not start dbt's server")


def start(command: Sequence[str], env: Mapping[str, str] | None, cwd: str) -> Running:
    """Start dbt as the leader of a process group."""
    environment = dict(os.environ if env is None else env)
    if _server and command[0] == _server.executable:
        try:
            return _server.start(command, environment, cwd)
        except (OSError, RuntimeError):
            log.warning("dbt's server does not answer; dbt is started as a program", exc_info=True)
    options: dict[str, Any] = {"stdout": PIPE, "stderr": STDOUT, "stdin": DEVNULL, "process_group": 0}
    return Popen(command, cwd=cwd, env=environment, encoding="utf-8", errors="backslashreplace", **options)
