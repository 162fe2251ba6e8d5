"""Starting and stopping processes in tests, and a whole local cloud of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A TCP port of the loopback interface that nothing uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(check: Callable[[], bool], what: str, timeout: float = 30.0, interval: float = 0.05) -> None:
    """Return when *check* is true; raises TimeoutError naming *what* after *timeout* seconds."""
    deadline = time.monotonic() + timeout
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(interval)


def accepts_connections(port: int) -> bool:
    """Whether something listens on *port* of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Process:
    """A running process whose output goes to the file *log*."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, name: str, command: Iterable[str], environment: dict[str, str], log_dir: Path) -> Process:
        """Start *command* in the project's directory, in a process group of its own."""
        log = log_dir / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(
                list(command), env=environment, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )
        return cls(name, popen, log)

    def wait_for_port(self, port: int, timeout: float = 120.0) -> None:
        """Return when *port* accepts connections; raises with the log's end when the process ends before."""

        def ready() -> bool:
            if self.popen.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.popen.returncode}:\n{self.log.read_text()[-3000:]}")
            return accepts_connections(port)

        wait_until(ready, f"{self.name} on port {port}", timeout)

    def stop(self, timeout: float = 15.0) -> None:
        """End it with SIGTERM, and with SIGKILL when that is not enough."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it and what it started with SIGKILL, as a crash would."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


PORTS = (
    "metadata", "storage", "bigquery", "bigquery_grpc", "cloud_sql", "production", "sqladmin", "airbyte",
    "dogstatsd", "slack",
)  # fmt: skip
"""Every port of a local cloud; its variable is LOCALCLOUD_<name>_PORT."""


@dataclass
class LocalCloud:
    """A local cloud of its own, on free ports, with its state below *directory*."""

    directory: Path
    project: str = "tributary-test"
    password: str = "it's a secret"
    slack_token: str = "xoxb-local-slack"
    python: str = sys.executable
    is_recorded: bool = False
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def record(self) -> Path:
        """Where the services write down what they are asked and answer, if they do (tests/support/wire)."""
        return self.directory / "wire"

    @property
    def bucket(self) -> str:
        """The bucket that exists from the start."""
        return f"{self.project}-dumps"

    def variables(self) -> dict[str, str]:
        """What the services and their clients read from the environment."""
        metadata = f"127.0.0.1:{self.ports['metadata']}"
        return {
            "GOOGLE_CLOUD_PROJECT": self.project,
            "GCE_METADATA_HOST": metadata,
            "GCE_METADATA_IP": metadata,
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{self.ports['storage']}",
            "BIGQUERY_EMULATOR_HOST": f"http://127.0.0.1:{self.ports['bigquery']}",
            "TRIBUTARY_DUMPS_BUCKET": self.bucket,
            "LOCALCLOUD_STATE_DIR": str(self.directory / "state"),
            "LOCALCLOUD_CLOUD_SQL_PASSWORD": self.password,
            "LOCALCLOUD_PRODUCTION_PASSWORD": self.password,
            "LOCALCLOUD_AIRBYTE_CLIENT_ID": "tests",
            "LOCALCLOUD_AIRBYTE_CLIENT_SECRET": self.password,
            "LOCALCLOUD_SLACK_TOKEN": self.slack_token,
            **{f"LOCALCLOUD_{name.upper()}_PORT": str(port) for name, port in self.ports.items()},
            **({"LOCALCLOUD_RECORD_DIR": str(self.record)} if self.is_recorded else {}),
        }

    def start(self, *names: str) -> None:
        """Start the named services at once and wait until all answer."""
        environment = {**os.environ, **self.variables(), "PYTHONUNBUFFERED": "1"}
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in names:
            module = (
                ["localcloud.mysql", "--name", name] if name in ("cloud_sql", "production") else [f"localcloud.{name}"]
            )
            command = [self.python, "-m", *module]
            self.processes[name] = Process.start(name, command, environment, self.directory)
        for name in names:
            self.processes[name].wait_for_port(self.ports[name])

    @contextmanager
    def running(self, *names: str) -> Iterator[LocalCloud]:
        """Itself, with the named services, which end with it."""
        try:
            self.start(*names)
            yield self
        finally:
            self.stop()

    @contextmanager
    def as_environment(self, **connections: Mapping[str, Any]) -> Iterator[None]:
        """Make this process's environment that of a task, with Airflow connections by their names."""
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("LOCALCLOUD_")]:
                patch.delenv(name)
            for name, value in self.variables().items():
                patch.setenv(name, value)
            for name, connection in connections.items():
                patch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
            # google-auth has read the environment when it was imported.
            patch.setattr("google.auth.compute_engine._metadata._GCE_METADATA_HOST", os.environ["GCE_METADATA_HOST"])
            yield

    def crash(self, name: str) -> None:
        """Kill one service and start it again."""
        self.processes[name].kill()
        self.start(name)

    def stop(self) -> None:
        """End everything."""
        for process in reversed(self.processes.values()):
            process.popen.terminate()
        for process in self.processes.values():
            process.stop()
