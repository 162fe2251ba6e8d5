"""The process manager: Supervisor, with one configuration file made from the lists here.

Its control port is HTTP on loopback with a password, not a UNIX socket, because a socket's path
may have 107 characters only and a checkout may lie deeper.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from stack import postgres
from stack.environment import executable
from stack.state import LOCAL, ROOT, State

LOGS = LOCAL / "logs"
CONFIGURATION = LOCAL / "supervisord.conf"
PIDFILE = LOCAL / "supervisord.pid"


# No task runs in the API server: what it would tell of lineage are marks, and it does not ask the policy for these.
SILENT = ("/usr/bin/env", "AIRFLOW__OPENLINEAGE__DISABLED=True")


class StackError(Exception):
    """The stack cannot be started or stopped; the message says which part and where its log is."""


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    command: tuple[str, ...]
    health: str | None = None  # a URL's path that answers 200 when it is ready
    port: str | None = None
    ready: Callable[[int], bool] | None = None  # asked with the port, where an open port is not enough
    # PostgreSQL reads SIGTERM as "wait until every client has gone".
    stop_signal: str = "TERM"
    # Started in rising order, stopped in falling order.
    priority: int = 100


def localcloud_programs() -> tuple[Program, ...]:
    """The local cloud's services; ready when their port answers."""
    python = executable("localcloud", "python")

    def service(name: str, *arguments: str, port: str, health: str | None = None) -> Program:
        return Program(name, (python, "-m", *arguments), health, port)

    return (
        service("metadata", "localcloud.metadata", port="metadata"),
        service("storage", "localcloud.storage", port="storage"),
        service("bigquery", "localcloud.bigquery", port="bigquery"),
        service("cloud_sql", "localcloud.mysql", "--name", "cloud_sql", port="cloud_sql"),
        service("production", "localcloud.mysql", "--name", "production", port="production"),
        service("sqladmin", "localcloud.sqladmin", port="sqladmin"),
        service("airbyte", "localcloud.airbyte", port="airbyte"),
        service("dogstatsd", "localcloud.dogstatsd", port="dogstatsd"),
        service("slack", "localcloud.slack", port="slack"),
    )


def database_programs() -> tuple[Program, ...]:
    """Airflow's metadata database, which outlives everything that uses it."""
    command = (executable("localcloud", "python"), "-m", "stack.postgres")
    return (Program("airflow_db", command, port="airflow_db", ready=postgres.is_ready, stop_signal="INT", priority=1),)


def airflow_programs() -> tuple[Program, ...]:
    """Airflow's processes without which no task runs."""
    airflow = executable("airflow", "airflow")
    return (
        # The first request to the API that tasks use builds all its versions, four seconds in which nobody is answered.
        Program("api-server", (*SILENT, airflow, "api-server"), "/execution/health", "airflow"),
        Program("scheduler", (airflow, "scheduler")),
        Program("dag-processor", (airflow, "dag-processor")),
    )


def later_programs() -> tuple[Program, ...]:
    """What is not missed before the first tasks have run, and would hold up those that are: a start is all CPU.

    The triggerer, for tasks that wait, and the watch, which looks after the pipeline from outside Airflow: what is down
    for a start is no finding. It stops first, so that it raises no alarm about a stop.
    """
    watch = (executable("airflow", "python"), "-m", "tributary.cli", "watch")
    return (
        Program("triggerer", (executable("airflow", "airflow"), "triggerer")),
        Program("watch", watch, priority=200),
    )


def configuration(state: State) -> str:
    """The text of Supervisor's configuration file."""
    lines = [
        "[supervisord]",
        f"logfile={LOGS / 'supervisord.log'}",
        f"pidfile={PIDFILE}",
        f"childlogdir={LOGS}",
        f"directory={ROOT}",
        f"identifier=tributary-{state.ports['supervisor']}",
        "loglevel=info",
        "[inet_http_server]",
        f"port=127.0.0.1:{state.ports['supervisor']}",
        "username=stack",
        f"password={state.secrets['supervisor']}",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for group in (database_programs(), localcloud_programs(), airflow_programs(), later_programs()):
        for program in group:
            lines += [
                f"[program:{program.name}]",
                f"command={' '.join(program.command)}",
                f"directory={ROOT}",
                f"stdout_logfile={LOGS / program.name}.log",
                "stdout_logfile_maxbytes=20MB",
                "stdout_logfile_backups=1",
                "redirect_stderr=true",
                "autostart=false",
                "autorestart=true",
                "startretries=3",
                f"priority={program.priority}",
                f"stopsignal={program.stop_signal}",
                "stopasgroup=true",
                "killasgroup=true",
                "stopwaitsecs=20",
            ]
    return "\n".join(lines) + "\n"


class Supervisor:
    """Starts, watches and stops the processes of this checkout."""

    def __init__(self, state: State) -> None:
        self.state = state
        url = f"http://stack:{state.secrets.get('supervisor', '')}@127.0.0.1:{state.ports.get('supervisor', 0)}/RPC2"
        self._rpc: Any = ServerProxy(url).supervisor

    def is_up(self) -> bool:
        """Whether this checkout's supervisor answers."""
        try:
            return bool(self._rpc.getState()["statename"] == "RUNNING")
        except (OSError, HTTPException, Fault, Exception):  # noqa: BLE001 - any failure means no
            return False

    def launch(self, variables: dict[str, str]) -> None:
        """Start supervisord itself, without any program."""
        LOGS.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(CONFIGURATION, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(configuration(self.state))
        subprocess.run(
            [executable("localcloud", "supervisord"), "-c", str(CONFIGURATION)],
            env={**os.environ, **variables},
            check=True,
        )
        wait_until(self.is_up, 20, "supervisord", LOGS / "supervisord.log")

    def start(self, programs: Iterable[Program]) -> None:
        """Start programs that do not run yet; returns at once."""
        for program in programs:
            with contextlib.suppress(Fault):  # ALREADY_STARTED
                self._rpc.startProcess(program.name, False)

    def wait(self, programs: Iterable[Program], seconds: float = 90) -> None:
        """Wait until each program answers. Raises StackError with the log of the one that does not."""
        for program in programs:
            wait_until(lambda program=program: self._ready(program), seconds, program.name, _log(program))

    def _ready(self, program: Program) -> bool:
        info = self._rpc.getProcessInfo(program.name)
        if info["statename"] in ("FATAL", "EXITED"):
            raise StackError(f"{program.name} does not start; its log: {_log(program)}\n{_tail(_log(program))}")
        if program.port is None:
            return bool(info["statename"] == "RUNNING")
        port = self.state.ports[program.port]
        if program.health is None:
            return (program.ready or answers)(port)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{program.health}", timeout=5) as response:
                return bool(response.status == 200)
        except (OSError, HTTPException):
            return False

    def stop(self) -> bool:
        """Stop everything; False where nothing ran."""
        if not self.is_up():
            return False
        pid = int(PIDFILE.read_text())
        self._rpc.shutdown()
        wait_until(lambda: not _alive(pid), 120, "supervisord (stopping)", LOGS / "supervisord.log")
        return True


def answers(port: int) -> bool:
    """Whether something accepts connections on that loopback port."""
    import socket

    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], seconds: float, what: str, log: Path) -> None:
    """Poll until the condition holds. Raises StackError after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise StackError(f"{what} is not ready after {seconds:.0f} s; its log: {log}\n{_tail(log)}")
        time.sleep(0.2)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _log(program: Program) -> Path:
    return LOGS / f"{program.name}.log"


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else "(no log)"
